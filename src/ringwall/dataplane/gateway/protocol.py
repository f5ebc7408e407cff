"""What may a connection do? uvicorn's HTTP over httptools, with bounds, and refusals in the shape that clients read.

* A request's head, its trailers and the framing of its chunks are bounded in bytes, a head in time too (slow loris).
* What is no HTTP is refused and the connection ends: where one request stops can no longer be told. Answers to requests
  before it still go out whole, and nothing of ours is ever written into the middle of one.
* An answer may come before its request's body is all here. The rest is taken and dropped, for a while: closing at once
  would reset the connection before the client has read why.
* Requests are not upgraded: no WebSocket, no HTTP/2 by upgrade. What asks for it is the last on its connection.

Refusals made here come before there is a request, so they have no record.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ringwall.dataplane.wire.door import Said
from ringwall.dataplane.wire.openai_answer import render_error

MAX_FRAMING = 8
"""Bytes of chunk framing for each byte that it frames, besides the bytes of a head; single-byte chunks have 5."""


LINGER_S = 2.0
"""Seconds for which more is taken and dropped behind a refusal."""


class HeadTooLargeError(Exception):
    """The head of a request, or its trailers, have too many bytes."""


class UnknownVersionError(Exception):
    """Neither HTTP/1.0 nor HTTP/1.1."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    Attributes:
        header_bytes: The most bytes that the head of a request may have.
        header_s: Seconds in which it must have come, from the opening of the connection or its first byte.
    """

    header_bytes: ClassVar[int]
    header_s: ClassVar[float]

    _in_head = True
    _in_body = False
    _begun = 0
    """How many requests have begun on this connection."""
    _is_deaf = False
    """Whether what comes is dropped: nobody can tell any more where a request begins."""
    _received = 0
    """Bytes that came since the head or the body began, as far as whole reads tell."""
    _head_bytes = 0
    """Bytes of target, headers and trailers of the request that is coming."""
    _body_bytes = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        began = self._begun
        is_between = not (self._in_body or (self._in_head and began))
        self._received += len(data)
        super().data_received(data)
        if self._has_ended():
            return
        if self._in_head:
            if is_between and self._begun == began + 1:
                self._received = len(data)  # all of it is this one head
            if self._received > self.header_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            elif self._timer is None:
                self._watch()
        elif self._in_body:
            if self._received - self._body_bytes > self.header_bytes + MAX_FRAMING * self._body_bytes:
                self._refuse(HTTPStatus.BAD_REQUEST)
        elif self._is_idle() and self.timeout_keep_alive_task is None:
            # The rest of a body whose answer is long out: uvicorn took the timer away when it came.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_message_begin(self) -> None:
        self._in_head, self._received, self._head_bytes = True, 0, 0
        self._begun += 1
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise UnknownVersionError
        super().on_headers_complete()  # raises for a target that is none; the head has then not ended for us
        self._in_head, self._in_body, self._received, self._body_bytes = False, True, 0, 0
        self._unwatch()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        self._unwatch()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_body and not self.transport.is_closing():
            self._watch()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when the parser gives up; its words are for its log."""
        too_large = self._head_bytes > self.header_bytes
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if too_large else HTTPStatus.BAD_REQUEST)

    def _unsupported_upgrade_warning(self) -> None:
        """What uvicorn calls when an upgrade is asked for: the parser reads nothing more on this connection."""
        self._end_after_answer()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.header_bytes:
            raise HeadTooLargeError

    def _has_ended(self) -> bool:
        return self._is_deaf or self.transport.is_closing()

    def _is_idle(self) -> bool:
        """True when every request so far has its answer."""
        cycle: RequestResponseCycle | None = self.cycle
        return (cycle is None or cycle.response_complete) and not self.pipeline

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer what is no request, where no answer before it is still to come; then end."""
        if self._in_body:  # of a request that has its answer, is having it, or waits for the rest of this body
            is_waiting = not (self.pipeline or self.cycle.response_started)
        else:
            is_waiting = self._is_idle()
        if not is_waiting:
            self._end_after_answer()
            return
        code, message = _REFUSALS[status]
        body = render_error(Said(status, message.format(self.header_bytes), code))
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
        ]
        self._is_deaf = True
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        if self.transport.can_write_eof():
            # Closing while more is coming would reset the connection, and the answer with it.
            self.transport.write_eof()
            self._watch(LINGER_S)
        else:
            self.transport.close()

    def _end_after_answer(self) -> None:
        """Take nothing more; the connection ends with the answers that are still to come."""
        self._is_deaf = True
        self._unwatch()
        if self._is_idle():
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def _watch(self, seconds: float | None = None) -> None:
        self._unwatch()
        self._timer = self.loop.call_later(self.header_s if seconds is None else seconds, self._cut)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self) -> None:
        """It took too long: a head that has begun gets an answer, anything else just ends."""
        self._timer = None
        if self.transport.is_closing():
            return
        if self._in_head and self._begun and not self._is_deaf:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()


_REFUSALS = {
    HTTPStatus.BAD_REQUEST: ("bad_http", "this is not a request that can be read in one way only"),
    HTTPStatus.REQUEST_TIMEOUT: ("head_late", "the head of the request took too long"),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "head_too_large",
        'the head of the request has more than "{}" bytes',
    ),
}


def bounded_protocol(*, header_bytes: int, header_s: float) -> type[BoundedProtocol]:
    """The HTTP protocol with bounds on a request's head.

    Args:
        header_bytes: The most bytes that it may have.
        header_s: Seconds in which it must have come.
    """
    bounds = {"header_bytes": header_bytes, "header_s": header_s}
    return type("Bounded", (BoundedProtocol,), bounds)
