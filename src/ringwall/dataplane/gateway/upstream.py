"""How does a judged request reach a provider, and how does its answer come back? One bounded client for all protocols.

* The protocol (`UpstreamWire`) says where, with which headers, in which words; this file brings the bytes.
* The credential is Ringwall's own, read anew for each connection pool; the caller's never travels on.
* What is sent is encoded from the judged invocation (law 9). The only headers are content type, trace,
  and those of the protocol.
* An answer is bounded in size and time. Status, form and content of a failure stay with the operator; the caller reads
  whose fault it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from urllib.parse import urlsplit

import aiohttp

from ringwall.dataplane.gateway.addresses import judge_literal
from ringwall.dataplane.gateway.outbound import KEEPALIVE_S, SHORT_KEEPALIVE_S, open_client
from ringwall.dataplane.gateway.through import Through
from ringwall.dataplane.wire.sse import BrokenStreamError, SseDecoder
from ringwall.dataplane.wire.upstream import EventReader, UpstreamWire
from ringwall.model.conversation import Answer, CallDelta, Delta, TextDelta
from ringwall.model.errors import UpstreamError
from ringwall.model.facts import Destination
from ringwall.model.features import Feature
from ringwall.model.plan import UpstreamPlan
from ringwall.model.upstreams import Invocation

MAX_CONNECTIONS = 1024
_READ_BYTES = 65_536


class HttpUpstream:
    """Implements `Upstream` for a provider behind an HTTP API."""

    def __init__(
        self,
        plan: UpstreamPlan,
        wire: UpstreamWire,
        *,
        secret: Callable[[], str],
        answer_bytes: int,
        through: Through | None = None,
    ) -> None:
        """Prepare the pool; no connection is made yet.

        Args:
            plan: The provider, as configured.
            wire: The protocol that it speaks.
            secret: Reads the provider's credential; an empty one is not sent.
            answer_bytes: The most bytes that an answer may have.
            through: The egress proxy on the way, which then resolves and judges the provider's name.

        Raises:
            RefusedAddressError: Its host is an address that may not be connected to.
        """
        judge_literal(plan.base_url, private=plan.private)
        self._plan = plan
        self._wire = wire
        self._secret = secret
        self._answer_bytes = answer_bytes
        self._through = through
        self._root = plan.base_url.rstrip("/")
        self._client: aiohttp.ClientSession | None = None

    def destination(self, model: str, *, embeds: bool = False) -> Destination:
        wire = self._wire.embedding if embeds and self._wire.embedding is not None else self._wire
        plan, split = self._plan, urlsplit(self._root + wire.path(model, streamed=False))
        default = 443 if split.scheme == "https" else 80
        host = (split.hostname or "").rstrip(".").lower()
        port = split.port or default
        return Destination(plan.name, split.scheme, host, port, split.path, plan.account, plan.region, model)

    def carries(self, model: str) -> frozenset[Feature]:
        return self._wire.carries

    async def close(self) -> None:
        """Close the pool."""
        if self._client is not None:
            await self._client.close()

    async def complete(self, invocation: Invocation) -> Answer:
        wire = self._wire
        if invocation.conversation.embedding is not None:
            if wire.embedding is None:
                raise UpstreamError("the model's provider makes no embeddings", code="upstream_refused")
            wire = wire.embedding
        try:
            async with self._post(wire, invocation, streamed=False) as response:
                data = await self._read(response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unreachable(error) from error
        _check_status(response)
        answer = wire.parse(data)
        wanted = len(invocation.conversation.turns) if invocation.conversation.embedding is not None else 0
        if len(answer.vectors) != wanted:
            raise UpstreamError(
                "the model's answer cannot be read", code="upstream_broken", detail="vectors are missing"
            )
        return answer

    async def stream(self, invocation: Invocation) -> AsyncIterator[Delta]:
        decoder, reader, size, said = SseDecoder(), self._wire.reader(), 0, 0
        try:
            async with self._post(self._wire, invocation, streamed=True) as response:
                _check_status(response)
                if response.content_type != "text/event-stream":
                    raise UpstreamError("the model's provider did not stream", code="upstream_broken")
                async for data in response.content.iter_any():
                    size += len(data)
                    if size > self._answer_bytes * STREAM_OVERHEAD:
                        raise _too_long()
                    for delta in joined(_read(reader, decoder.feed(data))):
                        said += _length(delta)
                        if said > self._answer_bytes:
                            raise _too_long()
                        yield delta
                    if reader.ended:
                        return
        except BrokenStreamError as error:
            raise UpstreamError("the model's answer cannot be read", code="upstream_broken") from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unreachable(error) from error
        reader.close()

    def _post(
        self, wire: UpstreamWire, invocation: Invocation, *, streamed: bool
    ) -> aiohttp.client._RequestContextManager:
        if self._client is None:
            plan = self._plan
            self._client = open_client(
                private=plan.private or self._through is not None,  # then only the proxy's name is resolved here
                limit=MAX_CONNECTIONS,
                connect_s=plan.connect_s,
                read_s=plan.read_s,
                total_s=plan.total_s,
                keepalive_s=SHORT_KEEPALIVE_S if plan.private else KEEPALIVE_S,
            )
        body = wire.encode(invocation, streamed=streamed)
        at = self._root + wire.path(invocation.model, streamed=streamed)
        headers = {"Content-Type": "application/json", **wire.headers(self._secret())}
        if invocation.trace:
            headers["traceparent"] = invocation.trace
        if self._through is None:
            return self._client.post(at, data=body, headers=headers, allow_redirects=False)
        headers, tunnel = self._through.headers(at, headers)
        return self._client.post(
            at,
            data=body,
            headers=headers,
            proxy=self._through.proxy,
            proxy_headers=tunnel,
            allow_redirects=False,
        )

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body, bounded."""
        length = response.content_length
        if length is not None and length <= self._answer_bytes:
            return await response.read()
        data = bytearray()
        async for piece in response.content.iter_chunked(_READ_BYTES):
            data += piece
            if len(data) > self._answer_bytes:
                raise _too_long()
        return bytes(data)


def _read(reader: EventReader, events: Iterable[bytes]) -> Iterator[Delta]:
    """What events say, up to the one that ends the answer."""
    for event in events:
        if reader.ended:
            return
        yield from reader.read(event)


def joined(deltas: Iterable[Delta]) -> Iterator[Delta]:
    """Deltas that came together, with neighbours of one text as one: judged once instead of word by word."""
    held: TextDelta | None = None
    for delta in deltas:
        if held is None or not isinstance(delta, TextDelta) or (delta.index, delta.kind) != (held.index, held.kind):
            if held is not None:
                yield held
            held = delta if isinstance(delta, TextDelta) else None
            if held is None:
                yield delta
        else:
            held = TextDelta(held.index, held.text + delta.text, held.kind)
    if held is not None:
        yield held


STREAM_OVERHEAD = 64
"""How many bytes of framing a streamed answer may spend on each byte that a whole one may have."""


def _too_long() -> UpstreamError:
    return UpstreamError("the model's answer is too long", code="upstream_too_long")


def _length(delta: Delta) -> int:
    """How much of what a caller might read is in it, in characters."""
    match delta:
        case TextDelta():
            return len(delta.text)
        case CallDelta():
            return len(delta.arguments)
    return 0


def _check_status(response: aiohttp.ClientResponse) -> None:
    """A status other than 200, as the caller may read it; the provider's own words stay with the provider."""
    status = response.status
    if status == 200:
        return
    detail, wait = f"status {status}", _retry_after(response.headers.get("Retry-After", ""))
    if status == 429:
        raise UpstreamError(
            "the model's provider is at its limit",
            code="upstream_limit",
            status=503,
            detail=detail,
            undone=True,
            retry_after_s=wait,
        )
    if status in (400, 404, 413, 422):
        raise UpstreamError("the model's provider does not take this request", code="upstream_refused", detail=detail)
    if status in (401, 403):
        raise UpstreamError(
            "the model's provider refuses the gateway", code="upstream_credential", detail=detail, undone=True
        )
    is_busy = status in (503, 529)
    raise UpstreamError(
        "the model's provider failed",
        code="upstream_failed",
        detail=detail,
        undone=is_busy,
        retry_after_s=wait if is_busy else None,
    )


def _retry_after(value: str) -> float | None:
    """The header in its form of seconds; a date tells the time of a clock that is not ours."""
    return float(value) if value.isascii() and value.isdigit() and len(value) <= MAX_RETRY_DIGITS else None


MAX_RETRY_DIGITS = 6


def _unreachable(error: BaseException) -> UpstreamError:
    """No answer, or half of one. Where no connection was made, nothing was done."""
    detail = type(error).__name__
    undone = isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
    if isinstance(error, TimeoutError):
        return UpstreamError(
            "the model's provider is late", code="upstream_late", status=504, detail=detail, undone=undone
        )
    return UpstreamError(
        "the model's provider cannot be reached", code="upstream_unreachable", detail=detail, undone=undone
    )
