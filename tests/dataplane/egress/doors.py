"""An egress proxy in this process, over ports in memory and the real controls of its checkpoint; and destinations."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ringwall.controls.identity_data.authentication import Authentication
from ringwall.controls.identity_data.containment import ContainmentCheck
from ringwall.controls.identity_data.sensitive_data import SensitiveData
from ringwall.controls.infrastructure.egress_allowlist import EgressAllowlist
from ringwall.controls.infrastructure.egress_volume import EgressVolume
from ringwall.dataplane.egress.network import Network, Resolve
from ringwall.dataplane.egress.proxy import EgressProxy
from ringwall.engine.chain import Chain, Seat
from ringwall.engine.running import Running, RunningWorkload
from ringwall.model.facts import Identity
from ringwall.model.interaction import ANONYMOUS, Principal, PrincipalKind
from ringwall.model.plan import EgressPlan, Limits, Mode, Plan
from ringwall.model.record import Record
from tests.controls.judging import build
from tests.fakes import FixedClock, Road, workload_plan

KEY = "rw_test_" + "k" * 40
TOOL = Principal("ringwall:keys", "tool-server", PrincipalKind.SERVICE, verified=True)
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class OneKey:
    """Knows one key, of the workload `support`."""

    async def identify(self, credential: str | None) -> tuple[Principal, Identity]:
        if credential == KEY:
            return TOOL, Identity(True, credential="api_key", key="k1", workloads=frozenset({"support"}))
        return ANONYMOUS, Identity(False, problem="missing" if not credential else "unknown_key")


@dataclass
class Door:
    """A proxy that serves on loopback."""

    road: Road
    proxy: EgressProxy
    port: int
    resolved: list[str] = field(default_factory=list)

    @property
    def records(self) -> list[Record]:
        return self.road.ledger.records

    async def said(self) -> list[dict[str, Any]]:
        """The records as they are written, once nothing is open any more."""
        for _ in range(400):
            if not self.proxy.serving:
                break
            await asyncio.sleep(0.01)
        return [json.loads(each.encode()) for each in self.records]

    async def ask(self, data: bytes, *, eof: bool = False, wait_s: float = 10.0) -> bytes:
        """Bytes to the proxy; everything that comes back until it closes or an answer is whole."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        if eof:
            writer.write_eof()
        try:
            async with asyncio.timeout(wait_s):
                return await whole_answer(reader)
        finally:
            writer.close()

    async def tunnel(self, to: str, *more: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        """A tunnel, and the head of the proxy's answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(head(f"CONNECT {to} HTTP/1.1", f"Host: {to}", AUTHORIZATION, *more))
        answer = await reader.readuntil(b"\r\n\r\n")
        return reader, writer, answer


async def whole_answer(reader: asyncio.StreamReader) -> bytes:
    """One answer: with a length, in chunks, without a body, or all that comes."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = await reader.read(65_536)
        if not piece:
            return data
        data += piece
    said, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in said.split(b"\r\n")[1:])
    length = int(fields[b"content-length"]) if b"content-length" in fields else None
    if status(said) == 204:
        length = 0
    is_chunked = b"chunked" in fields.get(b"transfer-encoding", b"")
    while not body.endswith(b"0\r\n\r\n") if is_chunked else length is None or len(body) < length:
        piece = await reader.read(65_536)
        if not piece:
            break
        body += piece
    return said + b"\r\n\r\n" + body


AUTHORIZATION = "Proxy-Authorization: Basic " + base64.b64encode(f"support:{KEY}".encode()).decode()


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def get(url: str, *more: str, method: str = "GET") -> bytes:
    host = url.split("/")[2]
    return head(f"{method} {url} HTTP/1.1", f"Host: {host}", AUTHORIZATION, *more)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def code(answer: bytes) -> str:
    """The code of a refusal."""
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"])


async def never(host: str, port: int) -> Sequence[str]:
    raise OSError("no such name")


@asynccontextmanager
async def door(
    *destinations: str,
    resolver: Resolve = never,
    private: tuple[str, ...] = ("127.0.0.0/8",),
    volume: dict[str, Any] | None = None,
    limits: Limits | None = None,
    egress: EgressPlan | None = None,
    head_s: float = 5.0,
    content: bool = False,
) -> AsyncIterator[Door]:
    """The proxy, for one workload with these destinations."""
    seats = [
        Seat(build(Authentication), Mode.ENFORCE),
        Seat(build(ContainmentCheck), Mode.ENFORCE),
        Seat(build(EgressAllowlist, destinations=destinations), Mode.ENFORCE),
    ]
    if volume is not None:
        seats.append(Seat(build(EgressVolume, **volume), Mode.ENFORCE))
    if content:
        seats.append(Seat(build(SensitiveData), Mode.ENFORCE))
    road = Road(Chain(seats))
    workload = RunningWorkload(workload_plan(), "sha256:0", road.chain, {}, 65_536)
    plan = Plan(
        digest="sha256:0",
        version=1,
        expires=datetime.now(UTC) + timedelta(days=1),
        organisation="tests",
        workloads={workload.plan.workload.id: workload.plan},
        upstreams={},
        limits=limits if limits is not None else Limits(),
        egress=egress if egress is not None else EgressPlan(private=private),
    )
    running = Running(plan, {workload.plan.workload.id: workload})
    resolved: list[str] = []

    async def noted(host: str, port: int) -> Sequence[str]:
        resolved.append(host)
        return await resolver(host, port)

    network = Network(plan.egress.private, connect_s=plan.egress.connect_s, resolver=noted)
    proxy = EgressProxy(
        exchange=road.exchange,
        running=lambda: running,
        directory=OneKey(),
        clock=FixedClock(),
        encode_receipt=lambda receipt: "receipt",
        head_s=head_s,
        network=lambda _: network,
    )
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=65_536)
    made = Door(road, proxy, server.sockets[0].getsockname()[1], resolved)
    try:
        yield made
    finally:
        server.close()
        await proxy.stop(0.2)


@dataclass
class Far:
    """A destination on loopback: what it received, and on which port."""

    port: int = 0
    received: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def total(self) -> bytes:
        return b"".join(self.received)


@asynccontextmanager
async def far(answer: bytes | None = None, *, echo: bool = False, sink: bool = False) -> AsyncIterator[Far]:
    """A destination that answers a request with these bytes; or returns what comes; or swallows it."""
    made = Far()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                made.received.append(data)
                if echo:
                    writer.write(data)
                    await writer.drain()
                elif not sink and b"\r\n\r\n" in made.total:
                    writer.write(answer if answer is not None else OK)
                    await writer.drain()
                    break
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"
