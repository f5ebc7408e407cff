"""Amazon Bedrock's InvokeModel, streamed and not: bodies in a model's own shape, of Anthropic's models and of Nova's.

* Which shape a body has is told by the body: `anthropic_version` stands in every one of Anthropic's and in no other.
  The model that serves it may speak any protocol upstream.
* Anthropic's shape is that of `anthropic_request`, with model and stream in the path; Nova's is Converse's, but for the
  names of a few limits.
* A stream has one kind of event, `chunk`, with an event of the model's own shape in it. The last one has the counts.
* Bodies that name a guardrail are refused: there is none, and none is silently left out.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from ringwall.dataplane.wire.anthropic_answer import AnthropicMessages
from ringwall.dataplane.wire.anthropic_request import read_request
from ringwall.dataplane.wire.bedrock_answer import Event, Events, message_of, usage_of
from ringwall.dataplane.wire.bedrock_converse import AWS_EVENT_STREAM
from ringwall.dataplane.wire.bedrock_errors import render_error, render_error_event
from ringwall.dataplane.wire.bedrock_fields import NO_GUARDRAIL
from ringwall.dataplane.wire.bedrock_request import check_model, parse_converse, refuse_headers
from ringwall.dataplane.wire.door import Head, Header, ModelRequest, Renderer, Said
from ringwall.dataplane.wire.eventstream import encode_event
from ringwall.dataplane.wire.reading import read_object
from ringwall.dataplane.wire.sse import SseDecoder
from ringwall.model.conversation import Answer, Counted, Delta, Usage
from ringwall.model.errors import CallerError

ANTHROPIC_VERSION = "bedrock-2023-05-31"
GUARDRAIL_FIELDS = "amazon-bedrock-"
"""What fields of a body begin with that are Bedrock's own and no model's."""
_NOVA = frozenset({"schemaVersion", "messages", "system", "inferenceConfig", "toolConfig"})
_ENCODER = msgspec.json.Encoder()


class BedrockInvoke:
    """Implements `Wire` for InvokeModel, and for InvokeModelWithResponseStream."""

    stream_type = AWS_EVENT_STREAM

    def __init__(self, model: str, headers: Mapping[str, str], *, streamed: bool) -> None:
        """Take what stands outside the body; see `BedrockConverse`."""
        self._model = model
        self._headers = headers
        self._streamed = streamed
        self._is_anthropic = False

    def parse(self, body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
        """See `Wire`."""
        refuse_headers(self._headers)
        document = read_object(body, depth=depth)
        for field in document:
            if field.startswith(GUARDRAIL_FIELDS):
                raise CallerError(NO_GUARDRAIL, code="unsupported_field", param=field[:64])
        self._is_anthropic = "anthropic_version" in document
        if self._is_anthropic:
            return read_request(_messages(document, check_model(self._model), self._streamed), unseal=unseal)
        return parse_converse(_converse(document), model=self._model, streamed=self._streamed, unseal=unseal)

    def answer(self, answer: Answer, head: Head) -> bytes:
        """What the model answers, in its own shape."""
        if self._is_anthropic:
            return AnthropicMessages().answer(answer, head)
        return _ENCODER.encode({**message_of(answer, head), "usage": _nova_usage(answer.usage)})

    def renderer(self, head: Head) -> Renderer:
        """Chunks."""
        return StreamRenderer(head, _Messages(head) if self._is_anthropic else _Nova(head))

    def error(self, said: Said) -> tuple[int, bytes, Sequence[Header]]:
        """An exception."""
        return render_error(said)


def _messages(document: Mapping[str, object], model: str, streamed: bool) -> dict[str, object]:
    """A body of Anthropic's models as a request to the Messages API."""
    if document["anthropic_version"] != ANTHROPIC_VERSION:
        problem = f'"anthropic_version" must be "{ANTHROPIC_VERSION}"'
        raise CallerError(problem, code="invalid_request", param="anthropic_version")
    for field in document.keys() & {"model", "stream"}:
        raise CallerError(f'"{field}" is said by the path', code="invalid_request", param=field)
    own = {"anthropic_version", "anthropic_beta"}  # the second is inert: what it turns on is refused where it stands
    return {**{name: value for name, value in document.items() if name not in own}, "model": model, "stream": streamed}


def _converse(document: Mapping[str, object]) -> dict[str, object]:
    """A body of Nova's models as a request to Converse."""
    for field in document.keys() - _NOVA:
        problem = f'"{field[:64]}": a field that is not known here, and unknown fields are refused'
        raise CallerError(problem, code="invalid_request", param=field[:64])
    if document.get("schemaVersion", "messages-v1") != "messages-v1":
        raise CallerError('"schemaVersion" must be "messages-v1"', code="invalid_request", param="schemaVersion")
    made = {name: value for name, value in document.items() if name != "schemaVersion"}
    inference = document.get("inferenceConfig")
    if isinstance(inference, Mapping):
        limits = {name: value for name, value in inference.items() if name != "topK"}
        if "max_new_tokens" in limits:
            if "maxTokens" in limits:
                at = "inferenceConfig.max_new_tokens"
                raise CallerError("give one of the two limits", code="invalid_request", param=at)
            limits["maxTokens"] = limits.pop("max_new_tokens")
        made["inferenceConfig"] = limits
        if inference.get("topK") is not None:
            made["additionalModelRequestFields"] = {"inferenceConfig": {"topK": inference["topK"]}}
    return made


def _nova_usage(usage: Usage | None) -> dict[str, int]:
    counts = usage_of(usage)
    cached = {f"{name}Count": counts.pop(name) for name in ("cacheReadInputTokens", "cacheWriteInputTokens")}
    return {**counts, **{name.replace("TokensCount", "TokenCount"): count for name, count in cached.items()}}


class _Nova:
    """Events of Nova's models: each an object whose one member names its kind."""

    def __init__(self, head: Head) -> None:
        self._events = Events(head)

    def begin(self) -> list[dict[str, object]]:
        return _named(self._events.begin())

    def take(self, delta: Delta) -> list[dict[str, object]]:
        return _named(self._events.take(delta))

    def end(self, receipt: str, usage: Usage | None) -> list[dict[str, object]]:
        return [{"metadata": {"usage": _nova_usage(usage), "metrics": {}, "trace": {}}}]


def _named(events: Iterable[Event]) -> list[dict[str, object]]:
    return [{kind: payload} for kind, payload in events]


class _Messages:
    """Events of Anthropic's models: what stands in its server-sent events."""

    def __init__(self, head: Head) -> None:
        self._renderer = AnthropicMessages().renderer(head)
        self._decoder = SseDecoder()

    def begin(self) -> list[dict[str, object]]:
        return self._read(self._renderer.begin())

    def take(self, delta: Delta) -> list[dict[str, object]]:
        return self._read(self._renderer.render(delta))

    def end(self, receipt: str, usage: Usage | None) -> list[dict[str, object]]:
        return self._read(self._renderer.end(receipt))

    def _read(self, events: bytes) -> list[dict[str, object]]:
        return [msgspec.json.decode(data, type=dict[str, object]) for data in self._decoder.feed(events)]


class StreamRenderer:
    """Implements `Renderer`: events of a model's own shape, each in a chunk."""

    def __init__(self, head: Head, events: _Nova | _Messages) -> None:
        """Begin with no block."""
        self._head = head
        self._events = events
        self._usage: Usage | None = None

    def begin(self) -> bytes:
        return b"".join(map(_chunk, self._events.begin()))

    def render(self, delta: Delta) -> bytes:
        if isinstance(delta, Counted):
            self._usage = delta.usage
        return b"".join(map(_chunk, self._events.take(delta)))

    def end(self, receipt: str) -> bytes:
        *others, last = self._events.end(receipt, self._usage)
        counts = usage_of(self._usage)
        metrics = {
            "inputTokenCount": counts["inputTokens"],
            "outputTokenCount": counts["outputTokens"],
            "invocationLatency": self._head.elapsed_ms(),
            "cacheReadInputTokenCount": counts["cacheReadInputTokens"],
        }
        closing = _chunk({**last, "amazon-bedrock-invocationMetrics": metrics}, {"receipt": receipt})
        return b"".join(map(_chunk, others)) + closing

    def error(self, said: Said) -> bytes:
        return render_error_event(said)


def _chunk(event: Mapping[str, object], ours: Mapping[str, str] | None = None) -> bytes:
    """One event of the stream; what is ours stands beside the model's own."""
    payload: dict[str, object] = {"bytes": base64.b64encode(_ENCODER.encode(event)).decode("ascii")}
    if ours is not None:
        payload["ringwall"] = ours
    return encode_event("chunk", _ENCODER.encode(payload))
