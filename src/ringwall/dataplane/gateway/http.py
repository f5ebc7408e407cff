"""Raw ASGI, made small: what a request carries, how its body is read within bounds, how an answer is sent.

* A body is read only after the caller was identified, and never past its limit.
* What controls may see of a head is made here, once; credentials are left out of it.
* A caller who goes away is noticed while the answer is being made, and what was being done for him is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from ringwall.model.errors import CallerError
from ringwall.model.facts import RequestHead

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]


CREDENTIALS = frozenset(
    {
        b"authorization", b"proxy-authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"x-amz-security-token",
        b"cookie", b"ringwall-session",
    }
)  # fmt: skip
"""Headers in which callers prove who they are; no control sees their values."""


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request.

    Attributes:
        method: In upper case.
        path: The raw path, percent-encoded as it came, without the query.
        query: What followed the first `?`, as it came.
        headers: Lower-case names to values; a name that came twice has both, joined as RFC 9110 says.
        raw: The headers as they came.
        repeated: Names that came more than once.
        peer: Address at the other end of the socket.
        encrypted: True when it came over TLS.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    raw: Sequence[Header]
    repeated: frozenset[str]
    peer: str
    encrypted: bool


def read_head(scope: Scope) -> Request:
    """The head of a request, from its ASGI scope."""
    headers: dict[str, str] = {}
    repeated = set()
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers:
            repeated.add(name)
            value = f"{headers[name]}, {value}"
        headers[name] = value
    client = scope.get("client")
    path = scope.get("raw_path") or scope["path"].encode()
    return Request(
        scope["method"],
        path.decode("latin-1").partition("?")[0],
        scope.get("query_string", b"").decode("latin-1"),
        headers,
        scope["headers"],
        frozenset(repeated),
        client[0] if client else "127.0.0.1",
        scope.get("scheme") == "https",
    )


def head_of(request: Request, *, body_bytes: int) -> RequestHead:
    """The head of a request as controls see it: without what a caller proves himself with."""
    path = request.path
    if "%" in path or not path.isascii():
        path = unquote_to_bytes(path.encode("latin-1")).decode("utf-8", "surrogateescape")
    headers = tuple(
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw if name not in CREDENTIALS]
    )
    return RequestHead(request.method, path, request.query, headers, body_bytes)


JSON_BODY = frozenset({"application/json"})


async def read_body(
    request: Request, receive: Receive, *, limit: int, timeout_s: float, kinds: Collection[str] = JSON_BODY
) -> bytes:
    """The whole body, of a kind that is read as JSON.

    Args:
        request: Its head.
        receive: Where it comes from.
        limit: The most bytes that it may have.
        timeout_s: Seconds in which it must have come.
        kinds: The content types that it may have.

    Raises:
        CallerError: Too large, too slow, broken off, compressed, behind an upgrade, or not JSON by its content type.
    """
    _refuse_upgrade(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise CallerError("the content type must be application/json", code="unsupported_media_type", status=415)
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise CallerError("the body must not be compressed", code="unsupported_encoding", status=415)
    return await read_bytes(request, receive, limit=limit, timeout_s=timeout_s)


async def read_bytes(request: Request, receive: Receive, *, limit: int, timeout_s: float) -> bytes:
    """The whole body, whatever it is.

    Args:
        request: Its head.
        receive: Where it comes from.
        limit: The most bytes that it may have.
        timeout_s: Seconds in which it must have come.

    Raises:
        CallerError: Too large, too slow, broken off, or behind an upgrade.
    """
    _refuse_upgrade(request)
    if "content-length" in request.repeated or "transfer-encoding" in request.repeated:
        raise CallerError("the length of the body is given twice", code="bad_framing")
    too_large = CallerError(f'the body has more than "{limit}" bytes', code="too_large", status=413)
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and (len(length) > MAX_LENGTH_DIGITS or int(length) > limit):
        raise too_large
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise CallerError("the body broke off", code="body_broken")
                piece = message.get("body", b"")
                size += len(piece)
                if size > limit:
                    raise too_large
                pieces.append(piece)
                if not message.get("more_body", False):
                    return b"".join(pieces)
    except TimeoutError as error:
        raise CallerError("the body took too long", code="body_late", status=408) from error


MAX_LENGTH_DIGITS = 18
"""Digits of a length that are read as a number; more is too large anyway."""


def _refuse_upgrade(request: Request) -> None:
    if "upgrade" in (token.strip() for token in request.headers.get("connection", "").lower().split(",")):
        problem = "connections are not upgraded here; send the request without Upgrade"
        raise CallerError(problem, code="no_upgrade")


def replayed(body: bytes, receive: Receive) -> Receive:
    """What a door receives when the body was read before it: the same bytes, then whatever else comes."""
    pending = [body]

    async def again() -> MutableMapping[str, Any]:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return again


@contextlib.asynccontextmanager
async def cancelled_when_gone(receive: Receive) -> AsyncIterator[None]:
    """While in here, the running task is cancelled when the caller goes away; what is left then ends quietly."""
    task = asyncio.current_task()
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        if task is not None:
            task.cancel()

    watcher = asyncio.ensure_future(watch())
    try:
        yield
    except asyncio.CancelledError:
        # A cancellation of our own is over once the records are written; anybody else's goes on.
        if not gone or task is None or task.uncancel() > 0:
            raise
    finally:
        watcher.cancel()


async def send_whole(send: Send, status: int, body: bytes, headers: Sequence[Header] = ()) -> None:
    """Send an answer in one piece, as JSON."""
    fixed = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})


async def start_stream(send: Send, kind: bytes, headers: Sequence[Header]) -> None:
    """Begin a stream of this content type."""
    fixed = [(b"content-type", kind), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": [*fixed, *headers]})


async def send_piece(send: Send, piece: bytes, *, last: bool = False) -> None:
    """Send a piece of a stream."""
    await send({"type": "http.response.body", "body": piece, "more_body": not last})
