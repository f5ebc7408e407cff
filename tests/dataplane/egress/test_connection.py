"""A client that is slow, large or ambiguous is told so, and it is on record."""

from __future__ import annotations

import asyncio
import time

import pytest

from ringwall.model.plan import Limits
from tests.dataplane.egress.doors import AUTHORIZATION, code, door, far, get, head, status


def refused(data: bytes, *, eof: bool = False, **more: object) -> tuple[int, str, list[dict]]:
    async def main() -> tuple[int, str, list[dict]]:
        async with far() as there, door(there.url, **more) as made:
            answer = await made.ask(data.replace(b"PORT", str(there.port).encode()), eof=eof)
            said = await made.said()
            assert there.received == []
            return status(answer), code(answer), said

    return asyncio.run(main())


SMUGGLED = b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5, 6",),
        ("Content-Length: +5",),
        ("Content-Length: -1",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: xchunked",),
        ("Content-Length : 5",),
        ("no colon",),
        ("Bad\x00Name: 1",),
        ("X: a\x00b",),
    ],
)
def test_a_request_that_could_be_read_in_two_ways_is_refused(lines: tuple[str, ...]) -> None:
    data = get("http://127.0.0.1:PORT/", *lines, method="POST") + b"hello" + SMUGGLED
    got, why, said = refused(data)
    assert got in (400, 501)
    assert why in ("bad_http", "bad_framing")
    assert [each["kind"] for each in said] == ["rejection"]


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_what_is_no_http_1_is_refused(data: bytes) -> None:
    got, _, said = refused(data + b"\r\n\r\n", eof=True)
    assert got in (400, 405, 505)
    assert said[-1]["kind"] == "rejection"


def test_a_head_that_is_too_large_is_refused() -> None:
    got, why, _ = refused(get("http://127.0.0.1:PORT/", "X: " + "a" * 9000), limits=Limits(header_bytes=4096))
    assert (got, why) == (431, "bad_http")


def test_a_body_that_is_too_large_is_refused() -> None:
    data = get("http://127.0.0.1:PORT/", "Content-Length: 5000", method="POST") + b"a" * 5000
    assert refused(data, limits=Limits(body_bytes=1024))[:2] == (413, "too_large")


def test_a_slow_head_is_cut_with_a_word_and_a_silent_connection_without() -> None:
    async def main() -> None:
        async with far() as there, door(there.url, head_s=0.2) as made:
            began = time.monotonic()
            answer = await made.ask(b"GET http://127.0.0.1/ HTTP/1.1\r\nX: drip", wait_s=5)
            assert (status(answer), code(answer)) == (408, "head_late")
            assert time.monotonic() - began < 4
            assert await made.ask(b"", wait_s=5) == b""
            assert [each["decision"]["code"] for each in await made.said()] == ["head_late"]

    asyncio.run(main())


def test_a_slow_body_is_cut() -> None:
    data = get("http://127.0.0.1:PORT/", "Content-Length: 10", method="POST") + b"abc"
    assert refused(data, limits=Limits(read_s=0.2))[:2] == (408, "body_late")


def test_more_connections_than_are_served_are_turned_away() -> None:
    async def main() -> None:
        async with far() as there, door(there.url, limits=Limits(concurrent=1)) as made:
            _, writer = await asyncio.open_connection("127.0.0.1", made.port)
            await asyncio.sleep(0.05)
            assert code(await made.ask(get(there.url + "/"))) == "busy"
            writer.close()

    asyncio.run(main())


def test_a_refusal_of_a_head_request_has_no_body_and_the_connection_goes_on() -> None:
    async def main() -> None:
        async with far() as there, door(there.url) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(head("HEAD http://other.example/ HTTP/1.1", "Host: other.example", AUTHORIZATION))
            first = await reader.readuntil(b"\r\n\r\n")
            assert status(first) == 403
            writer.write(get(there.url + "/"))
            assert status(await reader.readuntil(b"\r\n\r\n")) == 200
            writer.close()

    asyncio.run(main())
