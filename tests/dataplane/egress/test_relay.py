"""Bytes are counted before they leave; a tunnel is cut in its middle, ends with its sides, and outlives no bound."""

from __future__ import annotations

import asyncio
import time

import pytest

from ringwall.model.interaction import PrincipalKind
from ringwall.model.plan import EgressPlan
from tests.dataplane.egress.doors import TOOL, code, door, far, get, head, status

LOOPBACK = ("127.0.0.0/8",)
MIB = 1024 * 1024


def closing(said: list[dict]) -> dict:
    (found,) = [each for each in said if each["kind"] == "closing"]
    return found["decision"]


def test_a_tunnel_carries_bytes_both_ways_and_its_closing_counts_them() -> None:
    async def main() -> None:
        async with far(echo=True) as there, door(f"https://127.0.0.1:{there.port}") as made:
            reader, writer, answer = await made.tunnel(f"127.0.0.1:{there.port}")
            assert status(answer) == 200
            sent = bytes(range(256)) * 1000
            writer.write(sent)
            assert await reader.readexactly(len(sent)) == sent
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            said = await made.said()
            assert [each["kind"] for each in said] == ["decision", "decision", "opening", "closing"]
            assert [each["outcome"] for each in said] == ["proceeds", "sends", "streams", "released"]
            ended = closing(said)
            assert (ended["bytes_out"], ended["bytes_in"], ended["ended"]) == (len(sent), len(sent), "done")
            assert said[2]["decision"]["content_seen"] is False

    asyncio.run(main())


def test_a_flood_is_cut_at_the_ceiling_and_the_record_says_how_much_got_out() -> None:
    async def main() -> None:
        ceiling = MIB
        async with (
            far(sink=True) as there,
            door(f"https://127.0.0.1:{there.port}", volume={"window_bytes": ceiling}) as made,
        ):
            _, writer, answer = await made.tunnel(f"127.0.0.1:{there.port}")
            assert status(answer) == 200
            with pytest.raises(OSError):
                for _ in range(200):
                    writer.write(b"x" * 65_536)
                    await writer.drain()
                    await asyncio.sleep(0)
            writer.close()
            ended = closing(await made.said())
            assert ended["ended"] == "cut"
            assert ended["cause"]["control"] == "infrastructure.egress_volume"
            assert ceiling - 65_536 < ended["bytes_out"] <= ceiling
            assert len(there.total) <= ended["bytes_out"]
            # and the next one is refused before anything leaves
            _, writer, answer = await made.tunnel(f"127.0.0.1:{there.port}")
            writer.close()
            if status(answer) == 200:  # a little was left: less than one read
                assert ended["bytes_out"] < ceiling

    asyncio.run(main())


def test_two_tunnels_at_a_time_share_one_ceiling() -> None:
    async def main() -> None:
        async with (
            far(sink=True) as there,
            door(f"https://127.0.0.1:{there.port}", volume={"window_bytes": MIB}) as made,
        ):
            one = await made.tunnel(f"127.0.0.1:{there.port}")
            two = await made.tunnel(f"127.0.0.1:{there.port}")

            async def flood(writer: asyncio.StreamWriter) -> None:
                try:
                    for _ in range(40):
                        writer.write(b"x" * 65_536)
                        await writer.drain()
                        await asyncio.sleep(0.001)
                except OSError:
                    pass
                writer.close()

            await asyncio.gather(flood(one[1]), flood(two[1]))
            said = [each["decision"] for each in await made.said() if each["kind"] == "closing"]
            assert sum(each["bytes_out"] for each in said) <= MIB
            assert {each["ended"] for each in said} == {"cut"}

    asyncio.run(main())


def test_whoever_is_contained_loses_his_open_tunnel() -> None:
    async def main() -> None:
        async with far(echo=True) as there, door(f"https://127.0.0.1:{there.port}") as made:
            reader, writer, _ = await made.tunnel(f"127.0.0.1:{there.port}")
            writer.write(b"before")
            assert await reader.readexactly(6) == b"before"
            assert TOOL.kind is PrincipalKind.SERVICE
            made.road.containment.contained.add(f"principal:{TOOL.name}")
            began = time.monotonic()
            with pytest.raises((OSError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
            assert time.monotonic() - began < 1.0
            writer.close()
            said = await made.said()
            assert closing(said)["cause"] == {
                "code": "contained", "control": "identity_data.containment", "kind": "forbidden",
            }  # fmt: skip
            assert [each["outcome"] for each in said][-2:] == ["refused", "ended"]

    asyncio.run(main())


def test_an_idle_tunnel_and_one_that_lasts_too_long_are_ended() -> None:
    async def ended(plan: EgressPlan) -> str:
        async with far(echo=True) as there, door(f"https://127.0.0.1:{there.port}", egress=plan) as made:
            reader, writer, _ = await made.tunnel(f"127.0.0.1:{there.port}")
            assert await reader.read() == b""
            writer.close()
            return str(closing(await made.said())["ended"])

    assert asyncio.run(ended(EgressPlan(private=LOOPBACK, idle_s=0.3))) == "idle"
    assert asyncio.run(ended(EgressPlan(private=LOOPBACK, total_s=0.3))) == "late"


def test_a_stop_cuts_quiet_tunnels_and_records_it() -> None:
    async def main() -> None:
        async with far(echo=True) as there, door(f"https://127.0.0.1:{there.port}") as made:
            _, writer, _ = await made.tunnel(f"127.0.0.1:{there.port}")
            await made.proxy.stop(5.0)
            writer.close()
            assert closing(await made.said())["ended"] == "stopping"

    asyncio.run(main())


def test_bytes_behind_the_head_of_connect_are_a_part_of_the_tunnel_and_counted() -> None:
    async def main() -> None:
        async with far(echo=True) as there, door(f"https://127.0.0.1:{there.port}") as made:
            to = f"127.0.0.1:{there.port}"
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            from tests.dataplane.egress.doors import AUTHORIZATION

            writer.write(head(f"CONNECT {to} HTTP/1.1", f"Host: {to}", AUTHORIZATION) + b"early")
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(5) == b"early"
            writer.write_eof()
            await reader.read()
            writer.close()
            assert closing(await made.said())["bytes_out"] == 5

    asyncio.run(main())


@pytest.mark.parametrize(
    ("answer", "got", "why"),
    [
        (b"not http at all\r\n\r\n", 502, "broken"),
        (b"", 502, "broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 502, "broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 200, "destination_gone"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nUpgrade: x\r\nKeep-Alive: 1\r\n\r\n", 204, "done"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, "done"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "done"),
    ],
)
def test_answers_are_read_and_written_anew(answer: bytes, got: int, why: str) -> None:
    async def main() -> None:
        async with far(answer) as there, door(there.url) as made:
            found = await made.ask(get(there.url + "/"))
            assert status(found) == got
            assert b"upgrade" not in found.lower() and b"keep-alive" not in found.lower()
            said = await made.said()
            assert closing(said)["ended"] == why
            if got == 502:
                assert code(found) == "destination_broken"

    asyncio.run(main())


def test_a_plain_request_that_would_pass_the_ceiling_sends_no_byte() -> None:
    async def main() -> None:
        async with far() as there, door(there.url, volume={"window_bytes": 100}) as made:
            body = b"x" * 200
            answer = await made.ask(get(f"{there.url}/", f"Content-Length: {len(body)}", method="POST") + body)
            assert (status(answer), code(answer)) == (429, "volume_over_ceiling")
            assert there.received == []
            assert closing(await made.said())["bytes_out"] == 0

    asyncio.run(main())
