"""What goes over a connection that was allowed? A tunnel's bytes, or one plain request and its answer.

* Bytes are counted before they leave, read by read of at most `READ_BYTES`: what the decision allowed is never passed,
  and a tunnel is cut in its middle (`ringwall.engine.connecting`).
* While a tunnel is open the chain is asked again every `LOOK_S` seconds: whoever is contained meanwhile is cut off.
* Of a tunnel nothing is known but host, port and numbers of bytes. No TLS is opened here.
* A plain request is encoded from what was judged (law 9), its answer is read and encoded anew: no header of a hop, no
  upgrade, no interim response passes. Redirects are answers like any other: whoever follows one asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic

import h11

from ringwall.dataplane.egress.connection import Connection
from ringwall.dataplane.egress.content import HOP
from ringwall.dataplane.egress.network import READ_BYTES
from ringwall.dataplane.egress.target import Header
from ringwall.engine.connecting import Crossing, Ended
from ringwall.model.errors import InternalError

LOOK_S = 0.5
"""Seconds between two looks at whether an open connection is still allowed."""
QUIET_S = 1.0
"""Seconds without a byte after which an open tunnel is cut at once when the process is ending."""
MAX_ANSWER_HEAD = 64 * 1024
"""Bytes of the head of a destination's answer."""
Far = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Bounds:
    """How long a connection may last.

    Attributes:
        idle_s: Seconds without a byte.
        total_s: Seconds altogether.
        stopping: Whether this process is ending.
    """

    idle_s: float
    total_s: float
    stopping: Callable[[], bool]


class _Tunnel:
    """One open tunnel."""

    def __init__(self, crossing: Crossing, near: Connection, far: Far, bounds: Bounds) -> None:
        self._crossing = crossing
        self._near = near
        self._far_reader, self._far_writer = far
        self._bounds = bounds
        self._began = self._moved = monotonic()

    async def run(self) -> Ended:
        """Relay until it ends; how it did."""
        out = asyncio.ensure_future(self._out())
        back = asyncio.ensure_future(self._back())
        watch = asyncio.ensure_future(self._watch())
        tasks = (out, back, watch)
        try:
            open_ones: set[asyncio.Future[Ended]] = set(tasks)
            while True:
                done, open_ones = await asyncio.wait(open_ones, return_when=asyncio.FIRST_COMPLETED)
                ended = [each.result() for each in done]
                hard = next((each for each in ended if each is not Ended.DONE), None)
                if hard is not None:
                    return hard
                if open_ones == {watch}:
                    return Ended.DONE
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _out(self) -> Ended:
        """From the client to the destination. What came behind the head of the request is a part of it."""
        data = self._near.http.trailing_data[0]
        while True:
            if data:
                self._moved = monotonic()
                for start in range(0, len(data), READ_BYTES):
                    piece = data[start : start + READ_BYTES]
                    if not self._crossing.send(len(piece)):
                        return Ended.CUT
                    try:
                        self._far_writer.write(piece)
                        await self._far_writer.drain()
                    except OSError:
                        return Ended.DESTINATION_GONE
            try:
                data = await self._near.reader.read(READ_BYTES)
            except OSError:
                return Ended.CALLER_GONE
            if not data:
                if self._far_writer.can_write_eof():
                    self._far_writer.write_eof()
                return Ended.DONE

    async def _back(self) -> Ended:
        """From the destination to the client."""
        while True:
            try:
                data = await self._far_reader.read(READ_BYTES)
            except OSError:
                return Ended.DESTINATION_GONE
            if not data:
                if self._near.writer.can_write_eof():
                    self._near.writer.write_eof()
                return Ended.DONE
            self._moved = monotonic()
            self._crossing.receive(len(data))
            try:
                self._near.writer.write(data)
                await self._near.writer.drain()
            except OSError:
                return Ended.CALLER_GONE

    async def _watch(self) -> Ended:
        while True:
            await asyncio.sleep(LOOK_S)
            now = monotonic()
            if now - self._began > self._bounds.total_s:
                return Ended.LATE
            if now - self._moved > self._bounds.idle_s:
                return Ended.IDLE
            if self._bounds.stopping() and now - self._moved > QUIET_S:
                return Ended.STOPPING
            if not await self._crossing.look_again():
                return Ended.CUT


async def tunnel(crossing: Crossing, near: Connection, far: Far, bounds: Bounds) -> Ended:
    """Relay a tunnel until it ends, however it does.

    Raises:
        InternalError: Bytes could not be counted, or a refusal not be recorded. Nothing more leaves.
    """
    return await _Tunnel(crossing, near, far, bounds).run()


async def exchange_plain(
    crossing: Crossing,
    near: Connection,
    far: Far,
    request: tuple[h11.Request, bytes | None],
    headers: Sequence[Header],
    bounds: Bounds,
) -> Ended:
    """Send one plain request and relay its answer.

    Args:
        crossing: Counts.
        near: The client.
        far: The destination.
        request: Head and body to send.
        headers: What we say besides, in the head of the answer.
        bounds: How long it may last.

    Raises:
        InternalError: Bytes could not be counted. Nothing leaves.
    """
    head, body = request
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_ANSWER_HEAD)
    data = http.send(head) or b""
    data += (http.send(h11.Data(data=body)) or b"") if body else b""
    data += http.send(h11.EndOfMessage()) or b""
    if not crossing.send(len(data)):
        return Ended.CUT
    loop = asyncio.get_running_loop()
    latest = loop.time() + bounds.total_s
    try:
        async with asyncio.timeout(bounds.idle_s) as limit:
            try:
                far[1].write(data)
                await far[1].drain()
            except OSError:
                return Ended.DESTINATION_GONE
            while True:
                limit.reschedule(min(latest, loop.time() + bounds.idle_s))
                event = await _answered(http, far[0], crossing)
                if isinstance(event, Ended):
                    return event
                ended = await _pass_on(near, event, headers)
                if ended is not None:
                    return ended
    except TimeoutError:
        return Ended.LATE


async def _answered(http: h11.Connection, reader: asyncio.StreamReader, crossing: Crossing) -> object:
    """The next event of a destination's answer, or how it ended."""
    has_begun = http.their_state is not h11.SEND_RESPONSE
    try:
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                data = await reader.read(READ_BYTES)
                crossing.receive(len(data))
                http.receive_data(data)
            elif not isinstance(event, h11.InformationalResponse):
                return event
    except h11.RemoteProtocolError:
        return Ended.DESTINATION_GONE if has_begun else Ended.BROKEN
    except OSError:
        return Ended.DESTINATION_GONE


async def _pass_on(near: Connection, event: object, headers: Sequence[Header]) -> Ended | None:
    """Encode one event of the answer anew, for the client; how it ended, or None when it goes on."""
    try:
        if isinstance(event, h11.Response):
            await near.send(h11.Response(status_code=event.status_code, headers=[*_kept(event.headers), *headers]))
        elif isinstance(event, h11.Data):
            await near.send(h11.Data(data=bytes(event.data)))
        elif isinstance(event, h11.EndOfMessage):
            await near.send(h11.EndOfMessage())
            return Ended.DONE
        else:
            return Ended.DESTINATION_GONE
    except OSError:
        return Ended.CALLER_GONE
    except h11.LocalProtocolError as error:
        raise InternalError("the answer cannot be passed on", code="relay", detail=str(error)) from error
    return None


def _kept(headers: Iterable[Header]) -> list[Header]:
    """The headers of an answer that concern more than this hop."""
    found = [(bytes(name), bytes(value)) for name, value in headers]
    named = {each.strip().lower() for name, value in found if name == b"connection" for each in value.split(b",")}
    dropped = HOP | named | {b"ringwall-record", b"ringwall-receipt"}
    return [(name, value) for name, value in found if name not in dropped]
