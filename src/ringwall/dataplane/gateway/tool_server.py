"""How does a judged tool call reach its server, and how does what it returns come back? MCP over streamable HTTP.

* The credential is Ringwall's own; the caller's never travels on, nor do his ids, headers or `_meta`.
* Before the first call, and again when `VERIFY_S` have passed or the server has forgotten us, the server's tools are
  listed and held to the plan's pins. A tool that has changed since it was approved is not called (a rug pull), whatever
  the server says about it.
* A result is bounded in size and time. What a server says of its failures stays with the operator.
* An answer may come as JSON or as a stream of events; only the answer to our own message is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from ringwall import __version__
from ringwall.dataplane.gateway.addresses import judge_literal
from ringwall.dataplane.gateway.outbound import SHORT_KEEPALIVE_S, open_client
from ringwall.dataplane.gateway.through import Through
from ringwall.dataplane.wire import mcp_upstream as wire
from ringwall.dataplane.wire.sse import BrokenStreamError, SseDecoder
from ringwall.model.content import Json
from ringwall.model.errors import UpstreamError
from ringwall.model.facts import Destination
from ringwall.model.plan import ToolServerPlan
from ringwall.model.ports import Clock
from ringwall.model.tools import Tool
from ringwall.model.upstreams import ToolAnswer, ToolInvocation

VERIFY_S = 60.0
"""Seconds after which a server's tools are held to their pins anew."""
MAX_PAGES = 16
MAX_CONNECTIONS = 256
MAX_SESSION_CHARS = 1024
_READ_BYTES = 65_536
_FORGOTTEN = 404
"""The status with which a server says that it knows our session no more."""


class McpToolServer:
    """Implements `ToolServer` for any MCP server over streamable HTTP."""

    def __init__(
        self,
        plan: ToolServerPlan,
        *,
        secret: Callable[[], str],
        answer_bytes: int,
        clock: Clock,
        through: Through | None = None,
    ) -> None:
        """Prepare the pool; no connection is made yet.

        Args:
            plan: The server, as configured.
            secret: Reads the server's credential; an empty one is not sent.
            answer_bytes: The most bytes that an answer may have.
            clock: Tells when the tools are to be looked at anew.
            through: The egress proxy on the way, which then resolves and judges the server's name.

        Raises:
            RefusedAddressError: Its host is an address that may not be connected to.
        """
        judge_literal(plan.url, private=plan.private)
        self._plan = plan
        self._secret = secret
        self._answer_bytes = answer_bytes
        self._clock = clock
        self._through = through
        split = urlsplit(plan.url)
        host = (split.hostname or "").rstrip(".").lower()
        port = split.port or (443 if split.scheme == "https" else 80)
        self._destination = Destination(plan.name, split.scheme, host, port, split.path, plan.account)
        self._client: aiohttp.ClientSession | None = None
        self._gate = asyncio.Lock()
        self._link = _Link()
        self._pins: dict[str, str] = {}
        self._verified_s = float("-inf")
        self._next = 0

    def destination(self) -> Destination:
        return self._destination

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def call(self, invocation: ToolInvocation) -> ToolAnswer:
        """See port `ToolServer`.

        1. Know the server's tools, as of a minute ago at most.
        2. The tool is the one that the plan has.
        3. Call; where the server has forgotten us, greet it once more. It has then not taken the call.
        """
        tool = invocation.tool
        await self._verify()  # 1
        self._hold_to_pin(tool)  # 2
        id_ = self._id()
        body = wire.call_tool(id_, invocation)
        try:  # 3
            result = await self._ask(self._link, body, id_, invocation.trace)
        except _ForgottenError:
            self._verified_s = float("-inf")
            await self._verify()
            self._hold_to_pin(tool)
            try:
                result = await self._ask(self._link, body, id_, invocation.trace)
            except _ForgottenError as error:
                raise wire.unreadable("it forgets its sessions at once") from error
        return wire.read_answer(result)

    async def tools(self) -> list[Tool]:
        """Every tool that the server has, as it describes them now.

        Raises:
            UpstreamError: It cannot be reached or understood.
        """
        async with self._gate:
            return await self._greet()

    def _hold_to_pin(self, tool: Tool) -> None:
        pin = self._pins.get(tool.name)
        if pin is None:
            raise UpstreamError("the tool's server does not have this tool", code="tool_missing", detail=tool.name)
        if pin != tool.pin:
            problem = "the tool has changed since it was approved; its owner must look at it"
            raise UpstreamError(problem, code="tool_changed", detail=f"{tool.name}: {pin}, not {tool.pin}")

    async def _verify(self) -> None:
        async with self._gate:
            if self._clock.monotonic() - self._verified_s > VERIFY_S:
                found = await self._greet()
                self._pins = {tool.name: tool.pin for tool in found}
                self._verified_s = self._clock.monotonic()

    async def _greet(self) -> list[Tool]:
        """The handshake, and every page of the server's tools.

        Calls that are on their way go on in the session that they began in: the new one is taken when it stands.
        """
        link = _Link()
        try:
            id_ = self._id()
            link.version = wire.read_version(await self._ask(link, wire.initialize(id_, version=__version__), id_))
            await self._post(link, wire.initialized(), None, "")
            tools: list[Tool] = []
            cursor = ""
            for _ in range(MAX_PAGES):
                id_ = self._id()
                page, cursor = wire.read_tools(
                    await self._ask(link, wire.list_tools(id_, cursor), id_), self._plan.name
                )
                tools += page
                if not cursor:
                    self._link = link
                    return tools
        except _ForgottenError as error:
            raise wire.unreadable("it forgets its sessions at once") from error
        raise wire.unreadable("its list of tools does not end")

    def _id(self) -> int:
        self._next += 1
        return self._next

    async def _ask(self, link: _Link, body: bytes, id_: int, trace: str = "") -> Mapping[str, Json]:
        result = await self._post(link, body, id_, trace)
        if result is None:
            raise wire.unreadable("no answer to what it was asked")
        return result

    async def _post(self, link: _Link, body: bytes, id_: int | None, trace: str) -> Mapping[str, Json] | None:
        """Send a message; the result of the message with this id, or None for a notification.

        Raises:
            _ForgottenError: The server knows our session no more; it has not taken the message.
            UpstreamError: Anything else that went wrong.
        """
        headers, tunnel = self._headers(link, trace), None
        if self._through is not None:
            headers, tunnel = self._through.headers(self._plan.url, headers)
        proxy = self._through.proxy if self._through is not None else None
        try:
            async with self._client_().post(
                self._plan.url,
                data=body,
                headers=headers,
                proxy=proxy,
                proxy_headers=tunnel,
                allow_redirects=False,
            ) as response:
                if response.status == _FORGOTTEN and link.session:
                    raise _ForgottenError
                _check_status(response.status)
                link.session = response.headers.get("Mcp-Session-Id", link.session)[:MAX_SESSION_CHARS]
                if id_ is None:
                    return None
                if response.content_type == "text/event-stream":
                    return await self._streamed(response, id_)
                return wire.read_result(await self._whole(response), id_)
        except BrokenStreamError as error:
            raise wire.unreadable("a broken stream") from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unreachable(error) from error

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        data = bytearray()
        async for piece in response.content.iter_chunked(_READ_BYTES):
            data += piece
            self._bound(len(data))
        return bytes(data)

    async def _streamed(self, response: aiohttp.ClientResponse, id_: int) -> Mapping[str, Json] | None:
        decoder, size = SseDecoder(max_event_bytes=self._answer_bytes), 0
        async for data in response.content.iter_any():
            size += len(data)
            self._bound(size)
            for event in decoder.feed(data):
                result = wire.read_result(event, id_) if event else None
                if result is not None:
                    return result
        return None

    def _bound(self, size: int) -> None:
        if size > self._answer_bytes:
            raise UpstreamError("the tool returned too much", code="tool_too_long", detail=f"over {self._answer_bytes}")

    def _headers(self, link: _Link, trace: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if link.version:
            headers["MCP-Protocol-Version"] = link.version
        if link.session:
            headers["Mcp-Session-Id"] = link.session
        secret = self._secret()
        if secret:
            headers["Authorization"] = f"Bearer {secret}"
        if trace:
            headers["traceparent"] = trace
        return headers

    def _client_(self) -> aiohttp.ClientSession:
        if self._client is None:
            plan = self._plan
            self._client = open_client(
                private=plan.private or self._through is not None,  # then only the proxy's name is resolved here
                limit=MAX_CONNECTIONS,
                connect_s=plan.connect_s,
                read_s=plan.read_s,
                total_s=plan.total_s,
                keepalive_s=SHORT_KEEPALIVE_S,
            )
        return self._client


@dataclass(slots=True)
class _Link:
    """A session with the server.

    Attributes:
        session: Its id, as the server gave it, or empty.
        version: The revision of the protocol that was agreed on.
    """

    session: str = ""
    version: str = ""


class _ForgottenError(Exception):
    """The server knows our session no more."""


def _check_status(status: int) -> None:
    if status in (200, 202):
        return
    detail = f"status {status}"
    if status in (401, 403):
        raise UpstreamError("the tool's server refuses the gateway", code="tool_credential", detail=detail)
    raise UpstreamError("the tool's server failed", code="tool_failed", detail=detail)


def _unreachable(error: BaseException) -> UpstreamError:
    detail = type(error).__name__
    if isinstance(error, TimeoutError):
        return UpstreamError("the tool's server is late", code="tool_late", status=504, detail=detail)
    return UpstreamError("the tool's server cannot be reached", code="tool_unreachable", detail=detail)
