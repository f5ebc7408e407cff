"""One client's connection to the proxy: requests read within bounds, answers written, in HTTP/1.1 by h11.

* A head is bounded in bytes and in time, from its first moment (slow loris); a body in bytes and in time.
* What is no HTTP, or could be read in two ways, is an error and the last on its connection.
* An answer of ours is JSON with a code and the record's id. Who must prove who he is learns how (407).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import h11

from ringwall.dataplane.egress.network import READ_BYTES
from ringwall.dataplane.egress.target import Header
from ringwall.model.errors import CallerError
from ringwall.model.facts import Source

LINGER_S = 2.0
"""Seconds for which more is taken and dropped behind a refusal."""
CHALLENGES = ((b"proxy-authenticate", b'Basic realm="ringwall"'), (b"proxy-authenticate", b'Bearer realm="ringwall"'))


class ClosedError(Exception):
    """The other side went away between two requests."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request.

    Attributes:
        method: The method.
        target: What stands behind it, as it came.
        headers: Names in lower case and values.
    """

    method: str
    target: bytes
    headers: Sequence[Header]

    def values(self, name: bytes) -> list[bytes]:
        """Every value of a header."""
        return [value for each, value in self.headers if each == name]


class Connection:
    """One client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, head_bytes: int) -> None:
        """Take a new connection.

        Args:
            reader: What comes.
            writer: Where answers go.
            head_bytes: The most bytes of a request's head.
        """
        self.reader = reader
        self.writer = writer
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=head_bytes)
        peer = writer.get_extra_info("peername")
        self.method = ""
        self._head_bytes = head_bytes
        address = ip_address(str(peer[0]).partition("%")[0]) if peer else ip_address("127.0.0.1")
        self.source = Source(address, address, writer.get_extra_info("ssl_object") is not None)

    async def read_head(self, head_s: float) -> Head:
        """The next request's head.

        Raises:
            ClosedError: There is none.
            CallerError: It is no request, too large or too late.
        """
        try:
            async with asyncio.timeout(head_s):
                event = await self._next()
        except TimeoutError as error:
            if not self.http.trailing_data[0]:
                raise ClosedError from error
            raise CallerError("the head of the request took too long", code="head_late", status=408) from error
        if isinstance(event, h11.Request):
            self.method = event.method.decode("ascii")
            # h11 bounds what is not whole yet; a head that came in one piece is measured here.
            if len(event.target) + sum(len(n) + len(v) + 4 for n, v in event.headers) > self._head_bytes:
                raise CallerError("the head of the request is too large", code="bad_http", status=431)
            return Head(self.method, event.target, [(n, v) for n, v in event.headers])
        raise ClosedError

    async def read_body(self, *, limit: int, timeout_s: float) -> bytes:
        """The whole body of the request.

        Raises:
            CallerError: Too large, too late, broken off, or framed in two ways.
        """
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    event = await self._next()
                    if isinstance(event, h11.EndOfMessage):
                        return b"".join(pieces)
                    if not isinstance(event, h11.Data):
                        raise CallerError("the body broke off", code="body_broken")
                    size += len(event.data)
                    if size > limit:
                        raise CallerError(f'the body has more than "{limit}" bytes', code="too_large", status=413)
                    pieces.append(bytes(event.data))
        except TimeoutError as error:
            raise CallerError("the body took too long", code="body_late", status=408) from error

    async def answer(self, status: int, body: dict[str, object], headers: Sequence[Header] = ()) -> None:
        """An answer of ours."""
        if self.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return  # an answer has begun: all that is left is to end
        encoded = json.dumps({"error": body}).encode() + b"\n"
        fixed = [(b"content-type", b"application/json"), (b"content-length", str(len(encoded)).encode())]
        challenges = CHALLENGES if status == 407 else ()
        if self.http.their_state is not h11.DONE:
            headers = [*headers, (b"connection", b"close")]
        await self.send(h11.Response(status_code=status, headers=[*fixed, *challenges, *headers]))
        if self.method != "HEAD":
            await self.send(h11.Data(data=encoded))
        await self.send(h11.EndOfMessage())

    async def send(self, event: h11.Event) -> None:
        """Write one event.

        Raises:
            OSError: The client has gone.
        """
        data = self.http.send(event)
        if data:
            self.writer.write(data)
            await self.writer.drain()

    def start_next(self) -> bool:
        """Get ready for another request; False when this was the last one."""
        if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
            return False
        self.http.start_next_cycle()
        return True

    async def linger(self) -> None:
        """Take and drop what is still coming, for a while: closing at once would reset the connection before the client
        has read why.
        """
        if self.http.their_state not in (h11.SEND_BODY, h11.ERROR, h11.IDLE) or self.http.our_state is h11.IDLE:
            return
        try:
            if self.writer.can_write_eof():
                self.writer.write_eof()
            async with asyncio.timeout(LINGER_S):
                while await self.reader.read(READ_BYTES):
                    pass
        except (OSError, TimeoutError):
            pass

    async def _next(self) -> object:
        try:
            while True:
                event = self.http.next_event()
                if event is not h11.NEED_DATA:
                    return event
                if self.http.they_are_waiting_for_100_continue:
                    await self.send(h11.InformationalResponse(status_code=100, headers=[]))
                data = await self.reader.read(READ_BYTES)
                if not data and self.http.their_state is h11.IDLE and not self.http.trailing_data[0]:
                    raise ClosedError
                self.http.receive_data(data)
        except h11.RemoteProtocolError as error:
            status = error.error_status_hint if error.error_status_hint in (431, 501) else 400
            problem = "this is not a request that can be read in one way only"
            raise CallerError(problem, code="bad_http", status=status) from error
        except ConnectionError as error:
            raise ClosedError from error
