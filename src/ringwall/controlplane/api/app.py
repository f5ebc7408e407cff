"""How does a request reach administration? One ASGI application: the API, the issuer's pages, and the health routes.

* Before anything else: the `Host` must be an address or one of our names (a page of another site whose name was made to
  point here, DNS rebinding, is refused), and it stands once.
* The API takes bearer credentials only and no cookies, answers no other origin (no CORS headers at all), and refuses a
  request that a browser marks as another site's. Every answer is `no-store`; every error is a problem (RFC 9457).
* Who calls is settled before whether the path exists: an outsider learns nothing about ids.
* A body is read strictly (`model.strict_json`), bounded in bytes and time, and must be of its operation's shape.
* What stands behind is imported when it is first asked for: a gateway that nobody administers starts faster.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ringwall.controlplane.api import shapes
from ringwall.controlplane.api.callers import Callers, RefusedError
from ringwall.controlplane.api.office import Call, Office, Operation
from ringwall.controlplane.api.operations import OPERATIONS, PREFIX
from ringwall.model import strict_json
from ringwall.model.errors import CallerError, RingwallError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 8
MAX_QUERY_FIELDS = 8
READ_S = 10.0
"""Seconds in which a body must have come."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


class Front:
    """The application of the administration listener."""

    def __init__(self, *, api: Asgi, rest: Callable[[], Asgi], names: Iterable[str] = ()) -> None:
        """Take what stands behind it.

        Args:
            api: `/api/v1`.
            rest: Makes everything else, when it is first asked for.
            names: Names of this listener besides `localhost`; address literals are always taken.
        """
        self._api = api
        self._make_rest = rest
        self._rest: Asgi | None = None
        self._names = {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise CallerError(f'"{scope["type"]}" is not spoken here', code="unsupported_protocol")
        if not self._is_ours(scope["headers"]):
            words = "this listener is not called that; use its address, or localhost"
            await _problem(send, CallerError(words, code="wrong_host", status=421))
            return
        path = scope["path"]
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            await self._api(scope, receive, send)
            return
        if self._rest is None:
            self._rest = self._make_rest()
        await self._rest(scope, receive, send)

    def _is_ours(self, headers: Sequence[Header]) -> bool:
        hosts = [value for name, value in headers if name == b"host"]
        match = _HOST.fullmatch(hosts[0].decode("latin-1")) if len(hosts) == 1 else None
        if match is None:
            return False
        name = match[1].strip("[]").lower()
        return name in self._names or _is_address(name)


class Api:
    """`/api/v1`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office = office
        self._callers = callers
        self._description: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; whatever is wrong with it becomes a problem."""
        try:
            status, body = await self._serve(scope, receive)
        except RingwallError as error:
            await _problem(send, error)
            return
        await _send(send, status, b"application/json", body)

    async def _serve(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        """Answer.

        1. No other site's request.
        2. Who calls; only then whether there is such an operation.
        3. Its query and body.
        4. Do it.
        """
        headers: list[Header] = scope["headers"]
        method, path = scope["method"], scope["path"].removeprefix(PREFIX)
        if _header(headers, b"sec-fetch-site") not in (b"", b"same-origin", b"none"):  # 1
            raise CallerError("this request was sent by another site", code="cross_site", status=403)
        peer = scope["client"][0] if scope.get("client") else ""
        by = await self._callers.identify(headers, peer, changes=method not in ("GET", "HEAD"))  # 2
        if path == "/openapi.json" and method == "GET":
            return 200, self._describe()
        operation, params = _find(method, path)
        query = _query(operation, scope["query_string"])  # 3
        body = await _read(operation, headers, receive)
        answer = await operation.handle(self._office, Call(by, params, query, body))  # 4
        return operation.status, msgspec.json.encode(answer)

    def _describe(self) -> bytes:
        if self._description is None:
            from ringwall.controlplane.api.openapi import document

            self._description = msgspec.json.encode(document())
        return self._description


def _find(method: str, path: str) -> tuple[Operation, Mapping[str, str]]:
    found = [(each, params) for each in OPERATIONS if (params := each.match(path)) is not None]
    for each, params in found:
        if each.method == method:
            return each, params
    if found:
        allowed = ", ".join(sorted(each.method for each, _ in found))
        raise CallerError(f"there is only {allowed} here", code="wrong_method", status=405)
    raise CallerError(
        f"there is nothing here; {PREFIX}/openapi.json says what there is", code="unknown_path", status=404
    )


def _query(operation: Operation, query: bytes) -> Mapping[str, str]:
    """The parameters of a query: exactly those of the operation, each once."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query), errors="strict",
            max_num_fields=MAX_QUERY_FIELDS,
        )  # fmt: skip
    except ValueError as error:
        raise CallerError("the query cannot be read", code="bad_query") from error
    found = dict(pairs)
    wanted = {param.name: param for param in operation.query}
    if len(found) != len(pairs) or found.keys() - wanted.keys():
        raise CallerError("the query holds an unknown parameter, or one twice", code="bad_query")
    for name, param in wanted.items():
        if param.pattern.fullmatch(found.get(name, "")) is None:
            raise CallerError(f'the query needs "{name}": {param.meaning}', code="bad_query", param=name)
    return found


async def _read(operation: Operation, headers: Sequence[Header], receive: Receive) -> msgspec.Struct | None:
    if operation.reads is None:
        return None
    kind = _header(headers, b"content-type").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        raise CallerError("send application/json", code="wrong_type", status=415)
    try:
        async with asyncio.timeout(READ_S):
            body = await _collect(headers, receive)
    except TimeoutError as error:
        raise CallerError("the body did not come in time", code="too_slow", status=408) from error
    try:
        value = strict_json.loads(body, depth=MAX_DEPTH)
        return msgspec.convert(value, operation.reads, strict=True)
    except strict_json.JsonError as error:
        raise CallerError(f"the body cannot be read: {error}", code=error.code) from error
    except msgspec.ValidationError as error:
        # The names in its message are ours, but for an unknown field, which the caller wrote: bounded, and JSON.
        words = str(error).replace("`", '"')[:300]
        raise CallerError(f"the body is not of its shape: {words[:1].lower()}{words[1:]}", code="bad_body") from error


async def _collect(headers: Sequence[Header], receive: Receive) -> bytes:
    length = _header(headers, b"content-length")
    too_large = CallerError(f"a body has at most {MAX_BODY_BYTES} bytes", code="too_large", status=413)
    if length.isdigit() and (len(length) > 18 or int(length) > MAX_BODY_BYTES):
        raise too_large
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerError("the caller went away", code="gone")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise too_large
        if not message.get("more_body", False):
            return bytes(body)


def _header(headers: Sequence[Header], name: bytes) -> bytes:
    """A header that may stand once; twice is as good as wrong."""
    found = [value for key, value in headers if key == name]
    return found[0] if len(found) == 1 else b"" if not found else b"?"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def _problem(send: Send, error: RingwallError) -> None:
    status = error.status
    body = shapes.Problem(
        type=f"urn:ringwall:problem:{error.code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.public,
        code=error.code,
        param=error.param,
    )
    extra: list[Header] = []
    if isinstance(error, RefusedError) and status == 401:
        extra.append((b"www-authenticate", error.challenge.encode("ascii")))
    if status == 503:
        extra.append((b"retry-after", b"1"))
    await _send(send, status, b"application/problem+json", msgspec.json.encode(body), extra)


async def _send(send: Send, status: int, kind: bytes, body: bytes, extra: Sequence[Header] = ()) -> None:
    length = (b"content-length", str(len(body)).encode("ascii"))
    headers = [(b"content-type", kind), length, *_HEADERS, *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
