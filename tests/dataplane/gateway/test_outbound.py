from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from ringwall.dataplane.gateway.addresses import RefusedAddressError
from ringwall.dataplane.gateway.outbound import JudgingResolver, open_client
from tests.provider import Provider, http


class Answers(AbstractResolver):
    """A resolver that answers as it likes, each time in another way."""

    def __init__(self, *rounds: list[str]) -> None:
        self.rounds, self.asked = list(rounds), 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        found = self.rounds[min(self.asked, len(self.rounds) - 1)]
        self.asked += 1
        return [
            {"hostname": host, "host": each, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for each in found
        ]

    async def close(self):
        pass


def judging(*rounds: list[str], private: bool = False) -> JudgingResolver:
    return JudgingResolver(private=private, inner=Answers(*rounds))


def resolve(resolver: JudgingResolver) -> list[str]:
    return [each["host"] for each in asyncio.run(resolver.resolve("x.example", 443))]


def test_only_allowed_addresses_of_a_name_are_given():
    assert resolve(judging(["127.0.0.1", "93.184.216.34", "169.254.169.254"])) == ["93.184.216.34"]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "0.0.0.0"])
def test_a_name_that_leads_inside_is_refused(address):
    with pytest.raises(RefusedAddressError):
        resolve(judging([address]))


def test_a_declared_private_name_still_never_leads_to_metadata():
    with pytest.raises(RefusedAddressError):
        resolve(judging(["169.254.169.254"], private=True))


@asynccontextmanager
async def client(resolver: JudgingResolver | None = None, private: bool = True):
    made = open_client(private=private, limit=4, connect_s=2, read_s=2, total_s=5)
    if resolver is not None:
        made.connector._resolver = resolver
    async with made:
        yield made


def test_a_name_that_answers_differently_the_second_time_gains_nothing():
    """DNS rebinding: first a public address, then one of this machine."""
    provider = Provider()
    resolver = judging(["93.184.216.34"], ["127.0.0.1"])

    async def scenario():
        assert [each["host"] for each in await resolver.resolve("rebound.example", 80)] == ["93.184.216.34"]
        async with client(resolver, private=False) as made:
            with pytest.raises(aiohttp.ClientConnectorError):
                await made.get(f"http://rebound.example:{provider.port}/")

    asyncio.run(scenario())
    provider.close()
    assert provider.asked == []


def test_the_address_that_was_judged_is_the_one_that_is_connected_to():
    """One look-up for a connection: what the name says later is not asked."""
    provider = Provider()
    provider.behave = http(b"{}")
    resolver = judging(["127.0.0.1"], ["169.254.169.254"], private=True)

    async def scenario():
        async with client(resolver) as made, made.get(f"http://pinned.example:{provider.port}/") as response:
            return response.status

    assert asyncio.run(scenario()) == 200
    assert resolver._inner.asked == 1  # type: ignore[attr-defined]
    provider.close()


def test_no_redirect_proxy_cookie_or_compression(monkeypatch):
    provider = Provider()
    provider.behave = http(b"x", "200 OK", "text/plain", "Set-Cookie: a=b", "Content-Encoding: gzip")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async def scenario():
        async with client() as made:
            for _ in range(2):
                async with made.get(f"http://127.0.0.1:{provider.port}/") as response:
                    assert await response.read() == b"x"

    asyncio.run(scenario())
    provider.close()
    for asked in provider.asked:
        sent = dict(asked.headers)
        assert "cookie" not in sent
        assert sent["accept-encoding"] == "identity"
        assert sent["user-agent"] == "ringwall"


@pytest.mark.parametrize(("idle_s", "connections"), [(0.0, 1), (0.6, 2)])
def test_an_idle_connection_is_given_up_before_its_server_hangs_up(idle_s, connections):
    """A POST sent into a connection that is just being closed is lost, and must not be sent again."""
    opened: list[int] = []

    async def serve(reader, writer):
        opened.append(1)
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
        writer.close()

    async def scenario():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        limits = {"private": True, "limit": 8, "connect_s": 5, "read_s": 5, "total_s": 5}
        async with server, open_client(**limits, keepalive_s=0.3) as made:
            for wait_s in (0.0, idle_s):
                await asyncio.sleep(wait_s)
                async with made.post(f"http://127.0.0.1:{port}/") as response:
                    assert response.status == 200

    asyncio.run(scenario())
    assert len(opened) == connections
