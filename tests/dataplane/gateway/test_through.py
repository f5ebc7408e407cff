"""The gateway's key for the proxy goes to the proxy, in the way that each kind of request has."""

from __future__ import annotations

import asyncio
import base64

import pytest

from ringwall.dataplane.gateway.through import Through
from ringwall.dataplane.gateway.tool_server import McpToolServer
from ringwall.dataplane.gateway.upstream import HttpUpstream
from ringwall.dataplane.wire.openai_request import parse_request
from ringwall.dataplane.wire.openai_upstream import OpenAI
from ringwall.model.errors import UpstreamError
from ringwall.model.plan import ToolServerPlan, UpstreamPlan
from ringwall.model.upstreams import Invocation
from tests.fakes import FixedClock

THROUGH = Through("http://127.0.0.1:8082", "shop", "rw_key")


def test_the_workload_is_the_user_and_the_key_the_password() -> None:
    scheme, _, value = THROUGH.authorization.partition(" ")
    assert (scheme, base64.b64decode(value)) == ("Basic", b"shop:rw_key")
    assert "rw_key" not in repr(THROUGH)


def test_a_tunnel_is_asked_for_apart_from_what_goes_through_it() -> None:
    ours = {"Proxy-Authorization": THROUGH.authorization}
    assert THROUGH.headers("https://a.example/v1", {"A": "b"}) == ({"A": "b"}, ours)
    assert THROUGH.headers("http://a.example/v1", {"A": "b"}) == ({"A": "b", **ours}, {})


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("kind", ["model", "tools"])
def test_providers_and_tool_servers_are_asked_through_it_and_a_refusal_is_theirs(scheme: str, kind: str) -> None:
    heads: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        through = Through(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "shop", "rw_key")
        url = f"{scheme}://no-such-name.example/x"  # nobody resolves it here
        with pytest.raises(UpstreamError):
            if kind == "model":
                plan = UpstreamPlan("up", "openai", url, "acme", "")
                model = HttpUpstream(plan, OpenAI(), secret=lambda: "sk-own", answer_bytes=1000, through=through)
                chat = parse_request(b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}', depth=64)
                try:
                    await model.complete(Invocation(chat.conversation, chat.parts, "m", "", 7))
                finally:
                    await model.close()
            else:
                tools = ToolServerPlan("shop", url, "shop", "")
                made = McpToolServer(
                    tools, secret=lambda: "sk-own", answer_bytes=1000, clock=FixedClock(), through=through
                )
                try:
                    await made.tools()
                finally:
                    await made.close()
        server.close()
        line = heads[0].split(b"\r\n")[0]
        ours = f"Proxy-Authorization: {through.authorization}".encode()
        assert ours in heads[0] and heads[0].count(b"Proxy-Authorization") == 1
        if scheme == "https":
            assert line == b"CONNECT no-such-name.example:443 HTTP/1.1"
            assert b"sk-own" not in heads[0]  # that is for inside the tunnel
        else:
            assert line.startswith(b"POST http://no-such-name.example/x")

    asyncio.run(main())
