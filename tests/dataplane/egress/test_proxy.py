"""Who passes the egress door, to where, and what is on record: by what an attacker would try."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

import pytest

from tests.dataplane.egress.doors import AUTHORIZATION, KEY, code, door, far, get, head, status


def basic(user: str, password: str) -> str:
    return "Proxy-Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_plain_request_is_judged_on_record_and_sent_anew() -> None:
    async def main() -> None:
        async with far() as there, door(there.url) as made:
            answer = await made.ask(get(f"{there.url}/a?b=c", "X-Kept: 1", "Proxy-Connection: keep-alive"))
            assert status(answer) == 200
            assert answer.endswith(b"hello")
            assert (
                there.total
                == (
                    f"GET /a?b=c HTTP/1.1\r\nhost: 127.0.0.1:{there.port}\r\nx-kept: 1\r\nconnection: close\r\n\r\n"
                ).encode()
            )
            said = await made.said()
            assert [each["outcome"] for each in said] == ["proceeds", "sends", "streams", "released"]
            assert {each["action"] for each in said} == {"network.connect"}
            assert said[1]["resource"] == {"kind": "destination", "name": there.url}
            assert said[3]["decision"]["bytes_out"] == len(there.total)
            assert f"ringwall-record: {said[1]['id']}".encode() in answer

    asyncio.run(main())


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("X: 1", "missing"),
        (basic("support", "rw_nobody_" + "x" * 40), "unknown_key"),
        (basic("support", ""), "missing"),
        ("Proxy-Authorization: Basic !!!", "missing"),
        ("Proxy-Authorization: Digest x", "missing"),
        (f"Authorization: Bearer {KEY}", "missing"),  # a credential for the destination is none for the proxy
        (f"{AUTHORIZATION}\r\n{AUTHORIZATION}", "missing"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "CONNECT"])
def test_nobody_unverified_passes_and_it_is_on_record(line: str, why: str, method: str) -> None:
    async def main() -> None:
        async with far() as there, door(there.url, f"https://127.0.0.1:{there.port}") as made:
            to = f"127.0.0.1:{there.port}"
            target = to if method == "CONNECT" else f"http://{to}/"
            answer = await made.ask(head(f"{method} {target} HTTP/1.1", f"Host: {to}", line))
            assert (status(answer), code(answer)) == (407, why)
            assert b'proxy-authenticate: Basic realm="ringwall"' in answer
            (said,) = await made.said()
            assert (said["outcome"], said["effect"]) == ("refused", "deny")
            assert there.received == []

    asyncio.run(main())


def test_a_client_who_goes_away_while_it_is_answered_is_on_record() -> None:
    async def main() -> None:
        big = b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 50_000_000
        async with far(big) as there, door(there.url) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(get(there.url + "/"))
            await reader.readexactly(1000)
            writer.transport.abort()
            ended = (await made.said())[-1]["decision"]
            assert ended["ended"] == "caller_gone"
            assert 0 < ended["bytes_in"] < 50_000_000

    asyncio.run(main())


def test_bearer_is_taken_too_and_the_user_name_is_a_workload_or_nothing() -> None:
    async def main() -> None:
        async with far() as there, door(there.url) as made:
            to = f"127.0.0.1:{there.port}"
            for line in (f"Proxy-Authorization: Bearer {KEY}", basic("", KEY), basic("whoever", KEY)):
                answer = await made.ask(head(f"GET http://{to}/ HTTP/1.1", f"Host: {to}", line))
                assert status(answer) == 200
            assert {each["workload"] for each in await made.said()} == {"support"}

    asyncio.run(main())


@pytest.mark.parametrize(
    "to",
    [
        "api.example.com.evil.example:443", "evil-api.example.com:443", "api.example.com:444", "api.example.com:80",
        "192.0.2.7:443", "[2001:db8::7]:443", "169.254.169.254:443", "xn--pi-8ia.example.com:443", "localhost:443",
    ],
)  # fmt: skip
def test_a_tunnel_to_what_is_not_listed_is_refused_and_no_name_is_resolved(to: str) -> None:
    async def main() -> None:
        async with door("https://api.example.com") as made:
            _, writer, answer = await made.tunnel(to)
            writer.close()
            assert status(answer) == 403
            said = await made.said()
            assert said[-1]["decision"]["cause"]["control"] == "infrastructure.egress_allowlist"
            assert made.resolved == []

    asyncio.run(main())


@pytest.mark.parametrize(
    "to",
    [
        "API.example.com:443",
        "api.example.com.:443",
        "u@api.example.com:443",
        "api.ex\xe4mple.com:443",
        "2130706433:443",
    ],
)
def test_a_tunnel_to_what_only_looks_like_it_is_refused(to: str) -> None:
    async def main() -> None:
        async with door("https://api.example.com", "https://127.0.0.1") as made:
            answer = await made.ask(head(f"CONNECT {to} HTTP/1.1", "Host: a", AUTHORIZATION))
            assert status(answer) == 400
            assert code(answer) in ("bad_host", "bad_http", "not_an_authority")
            assert [each["kind"] for each in await made.said()] == ["rejection"]
            assert made.resolved == []

    asyncio.run(main())


@pytest.mark.parametrize("line", ["Content-Length: 4", "Transfer-Encoding: chunked"])
def test_a_tunnel_with_a_body_is_refused(line: str) -> None:
    async def main() -> None:
        async with far(echo=True) as there, door(f"https://127.0.0.1:{there.port}") as made:
            _, writer, answer = await made.tunnel(f"127.0.0.1:{there.port}", line)
            writer.close()
            assert status(answer) == 400
            assert there.received == []

    asyncio.run(main())


def test_an_absolute_target_with_another_host_header_is_refused() -> None:
    async def main() -> None:
        async with far() as there, door(there.url) as made:
            answer = await made.ask(head(f"GET {there.url}/ HTTP/1.1", "Host: evil.example", AUTHORIZATION))
            assert (status(answer), code(answer)) == (400, "host_mismatch")
            assert there.received == []

    asyncio.run(main())


@pytest.mark.parametrize("method", ["TRACE", "PURGE", "get"])
def test_a_method_that_nobody_asked_for_does_not_pass(method: str) -> None:
    async def main() -> None:
        async with far() as there, door(there.url) as made:
            answer = await made.ask(get(f"{there.url}/", method=method))
            assert (status(answer), code(answer)) == (405, "method_refused")

    asyncio.run(main())


def test_a_name_that_answers_differently_the_second_time_gains_nothing() -> None:
    async def main() -> None:
        answers = ["127.0.0.1", "169.254.169.254", "10.0.0.1"]

        async def rebinding(host: str, port: int) -> Sequence[str]:
            return [answers.pop(0)]

        async with far() as there:
            url = f"http://shop.example:{there.port}"
            async with door(url, resolver=rebinding) as made:
                assert status(await made.ask(get(url + "/"))) == 200
                assert made.resolved == ["shop.example"]  # asked once for one request
                for _ in range(2):
                    answer = await made.ask(get(url + "/"))
                    assert (status(answer), code(answer)) == (403, "address_refused")
                said = [each for each in await made.said() if each["kind"] == "closing"]
                assert [each["decision"]["ended"] for each in said] == ["done", "refused_address", "refused_address"]
                assert [each["decision"]["bytes_out"] for each in said][1:] == [0, 0]

    asyncio.run(main())


def test_a_private_address_that_is_listed_but_not_named_is_not_reached() -> None:
    async def main() -> None:
        async with far() as there, door(there.url, private=()) as made:
            answer = await made.ask(get(there.url + "/"))
            assert (status(answer), code(answer)) == (403, "address_refused")
            assert there.received == []

    asyncio.run(main())


def test_when_the_ledger_is_full_nothing_passes() -> None:
    async def main() -> None:
        async with far(echo=True) as there, door(there.url, f"https://127.0.0.1:{there.port}") as made:
            made.road.ledger.broken = True
            assert status(await made.ask(get(there.url + "/"))) == 503
            _, writer, answer = await made.tunnel(f"127.0.0.1:{there.port}")
            writer.close()
            assert status(answer) == 503
            assert there.received == [] and made.resolved == []

    asyncio.run(main())


def test_when_nobody_can_count_nothing_passes() -> None:
    async def main() -> None:
        async with far() as there, door(there.url, volume={}) as made:
            made.road.volumes.broken = True
            answer = await made.ask(get(there.url + "/"))
            assert (status(answer), code(answer)) == (503, "missing_fact")
            assert there.received == []

    asyncio.run(main())


def test_the_record_is_durable_before_a_byte_leaves() -> None:
    async def main() -> None:
        async with far() as there, door(there.url) as made:
            seen: list[int] = []
            made.road.ledger.on_commit = lambda records: seen.append(len(there.total))
            await made.ask(get(there.url + "/"))
            await made.said()
            assert seen[0] == 0 and seen[1] > 0  # the barrier, and the closing

    asyncio.run(main())


CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("url", "lines", "body"),
    [
        ("/?c=4111111111111111", (), b""),
        ("/?c=4111%201111%201111%201111", (), b""),
        ("/?c=%34111%25201111%25201111%25201111", (), b""),
        ("/4111111111111111", (), b""),
        ("/", (f"X-Data: {CARD}",), b""),
        ("/", (f"Cookie: a={CARD}",), b""),
        ("/", (f"User-Agent: {CARD}",), b""),
        ("/", ("Content-Type: application/octet-stream",), b"\x00\x01"),
        ("/", ("Content-Encoding: gzip",), b"\x1f\x8b"),
        ("/", ("Content-Type: application/json",), b'{"4111111111111111": 1}'),
    ],
)
def test_a_card_number_leaves_for_no_listed_host_in_plain_http(url: str, lines: tuple[str, ...], body: bytes) -> None:
    async def main() -> None:
        async with far() as there, door(there.url, content=True) as made:
            framing = (f"Content-Length: {len(body)}",) if body else ()
            answer = await made.ask(get(there.url + url, *lines, *framing, method="POST") + body)
            assert status(answer) in (403, 400)
            assert b"4111" not in there.total and there.received == []
            assert all(each["decision"]["bytes_out"] == 0 for each in await made.said() if each["kind"] == "closing")
            assert all(b"4111" not in each.encode() for each in made.records)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", f"the card is {CARD}, thanks".encode()),
        ("application/json", b'{"note": "card 4111 1111 1111 1111"}'),
        ("application/x-www-form-urlencoded", b"note=card+4111+1111+1111+1111"),
    ],
)
def test_a_card_number_in_a_body_is_hidden_before_it_leaves(kind: str, body: bytes) -> None:
    async def main() -> None:
        async with far() as there, door(there.url, content=True) as made:
            lines = (f"Content-Type: {kind}", f"Content-Length: {len(body)}")
            answer = await made.ask(get(there.url + "/", *lines, method="POST") + body)
            assert status(answer) == 200
            assert b"1111" not in there.total
            assert b"card" in there.total

    asyncio.run(main())


def test_what_is_harmless_passes_the_content_controls_untouched() -> None:
    async def main() -> None:
        async with far() as there, door(there.url, content=True) as made:
            body = b'{"order":17,"items":["boots"]}'
            lines = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Authorization: Bearer own")
            answer = await made.ask(get(there.url + "/orders?page=2", *lines, method="POST") + body)
            assert status(answer) == 200
            assert there.total.endswith(body)
            assert b"authorization: Bearer own" in there.total

    asyncio.run(main())


def test_a_smuggled_request_reaches_nobody() -> None:
    async def main() -> None:
        async with far() as there, door(there.url) as made:
            inner = f"POST {there.url}/evil HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner)
            data = (
                get(there.url + "/", "Transfer-Encoding: chunked", "Content-Type: text/plain", method="POST") + chunked
            )
            assert status(await made.ask(data)) == 200
            assert there.total.count(b"HTTP/1.1\r\nhost:") == 1
            assert f"content-length: {len(inner)}".encode() in there.total
            assert b"transfer-encoding" not in there.total

    asyncio.run(main())


def test_a_destination_that_is_not_there_is_told_and_recorded() -> None:
    async def main() -> None:
        async with far() as there:
            url = there.url
        async with door(url) as made:
            answer = await made.ask(get(url + "/"))
            assert (status(answer), code(answer)) == (502, "destination_unreachable")
            assert (await made.said())[-1]["decision"]["ended"] == "unreachable"

    asyncio.run(main())


def test_an_empty_post_says_so_and_a_head_request_has_no_body_to_relay() -> None:
    async def main() -> None:
        async with far() as there, door(there.url) as made:
            assert status(await made.ask(get(there.url + "/", "Content-Length: 0", method="POST"))) == 200
            assert b"content-length: 0" in there.total
        async with far(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") as there, door(there.url) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            for _ in range(2):
                writer.write(get(there.url + "/", method="HEAD"))
                assert b"content-length: 5" in await reader.readuntil(b"\r\n\r\n")
            writer.close()
            assert [each["decision"]["ended"] for each in await made.said() if each["kind"] == "closing"] == [
                "done"
            ] * 2

    asyncio.run(main())
