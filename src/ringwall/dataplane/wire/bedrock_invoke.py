"""Amazon Bedrock's InvokeModel, streamed and not: bodies in a model's own shape, of Anthropic's models and of Nova's.

* Which shape a body has is told by the body: `anthropic_version` stands in every one of Anthropic's and in no other.
  The model that serves it may speak any protocol upstream.
* Anthropic's shape is that of `anthropic_request`, with model and stream in the path; Nova's is Converse's, but for the
  names of a few limits.
* A stream has one kind of event, `chunk`, with an event of the model's own shape in it. The last one has the counts.
* A guardrail is named in headers. `amazon-bedrock-guardrailConfig` in a body only narrows or hurries, and here it does
  neither: tags narrow nothing, a stream is judged before it is released.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from ringwall.dataplane.wire.anthropic_answer import AnthropicMessages
from ringwall.dataplane.wire.anthropic_request import read_request
from ringwall.dataplane.wire.bedrock_answer import INTERVENED, Event, Events, instead, message_of, usage_of
from ringwall.dataplane.wire.bedrock_converse import AWS_EVENT_STREAM
from ringwall.dataplane.wire.bedrock_errors import render_error, render_error_event
from ringwall.dataplane.wire.bedrock_request import check_model, guardrail_asked, parse_converse, refuse_headers
from ringwall.dataplane.wire.door import GuardrailAsked, Head, Header, ModelRequest, Renderer, Said
from ringwall.dataplane.wire.eventstream import encode_event
from ringwall.dataplane.wire.reading import read_object
from ringwall.dataplane.wire.sse import SseDecoder
from ringwall.model.conversation import Answer, Counted, Delta, Finish, Finished, TextDelta, Usage
from ringwall.model.errors import CallerError

ANTHROPIC_VERSION = "bedrock-2023-05-31"
CONFIG = "amazon-bedrock-guardrailConfig"
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
        guardrail = _guardrail(self._headers)
        _check_config(document.pop(CONFIG, None), guardrail)
        for field in document:
            if field.startswith(GUARDRAIL_FIELDS):
                problem = "a field of Bedrock's own that does not exist in a request"
                raise CallerError(problem, code="unsupported_field", param=field[:64])
        return replace(self._read(document, unseal), guardrail=guardrail)

    def _read(self, document: Mapping[str, object], unseal: Callable[[str], str]) -> ModelRequest:
        self._is_anthropic = "anthropic_version" in document
        if self._is_anthropic:
            return read_request(_messages(document, check_model(self._model), self._streamed), unseal=unseal)
        return parse_converse(_converse(document), model=self._model, streamed=self._streamed, unseal=unseal)

    def answer(self, answer: Answer, head: Head) -> bytes:
        """What the model answers, in its own shape."""
        if not self._is_anthropic:
            told = {**message_of(answer, head), "usage": _nova_usage(answer.usage)}
            return _ENCODER.encode({**told, **_guarded(head, intervened=False)})
        body = AnthropicMessages().answer(answer, head)
        return body if head.guarding is None else _with(body, _guarded(head, intervened=False))

    def intervened(self, message: str, head: Head) -> bytes:
        """See `IntervenedWire`."""
        told = _guarded(head, intervened=True)
        if self._is_anthropic:
            return _with(AnthropicMessages().answer(instead(message), head), told)
        found = {**message_of(instead(message), head), "stopReason": INTERVENED, "usage": _nova_usage(None)}
        return _ENCODER.encode({**found, **told})

    def renderer(self, head: Head) -> Renderer:
        """Chunks."""
        return StreamRenderer(head, _Messages(head) if self._is_anthropic else _Nova(head))

    def error(self, said: Said) -> tuple[int, bytes, Sequence[Header]]:
        """An exception."""
        return render_error(said)


def _guardrail(headers: Mapping[str, str]) -> GuardrailAsked | None:
    """What headers say of guardrails."""
    identifier, version, trace = (headers.get(f"x-amzn-bedrock-{each}", "") for each in _HEADERS)
    if trace.upper() not in ("", "DISABLED", "ENABLED", "ENABLED_FULL"):
        problem = "a trace is ENABLED, ENABLED_FULL or DISABLED"
        raise CallerError(problem, code="invalid_request", param="x-amzn-bedrock-trace")
    if not (identifier or version or trace):
        return None
    is_told, is_full = trace.upper() not in ("", "DISABLED"), trace.upper() == "ENABLED_FULL"
    return guardrail_asked(identifier, version, trace=is_told, full=is_full)


_HEADERS = ("guardrailidentifier", "guardrailversion", "trace")


def _check_config(config: object, guardrail: GuardrailAsked | None) -> None:
    """Refuse what a body says of a guardrail that nobody named, or that cannot be said."""
    if config is None:
        return
    if guardrail is None or not guardrail.identifier:
        problem = f'"{CONFIG}" is for a guardrail, and the request names none in its headers'
        raise CallerError(problem, code="invalid_request", param=CONFIG)
    known = {"tagSuffix", "streamProcessingMode"}
    if (
        not isinstance(config, Mapping)
        or not known >= config.keys()
        or not all(isinstance(e, str) for e in config.values())
    ):
        raise CallerError(f'"{CONFIG}" says what is not known here', code="invalid_request", param=CONFIG)


def _guarded(head: Head, *, intervened: bool) -> dict[str, object]:
    """What a body tells of guardrails, where there were any."""
    guarding = head.guarding
    if guarding is None:
        return {}
    action = "INTERVENED" if intervened or guarding.edited() else "NONE"
    found = guarding.trace(intervened, head.elapsed_ms())
    told: dict[str, object] = {"amazon-bedrock-guardrailAction": action}
    return told if found is None else {**told, "amazon-bedrock-trace": {"guardrail": found}}


def _with(body: bytes, more: Mapping[str, object]) -> bytes:
    return _ENCODER.encode({**msgspec.json.decode(body, type=dict[str, object]), **more})


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

    def intervene(self, message: str) -> list[dict[str, object]]:
        return _named(self._events.intervene(message))

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

    def intervene(self, message: str) -> list[dict[str, object]]:
        return [*self.take(TextDelta(0, message)), *self.take(Finished(0, Finish.STOP))]

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
        self._intervened = False

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
        guarded = _guarded(self._head, intervened=self._intervened)
        closing = _chunk({**last, **guarded, "amazon-bedrock-invocationMetrics": metrics}, {"receipt": receipt})
        return b"".join(map(_chunk, others)) + closing

    def intervene(self, message: str, receipt: str) -> bytes:
        self._intervened = True
        return b"".join(map(_chunk, self._events.intervene(message))) + self.end(receipt)

    def error(self, said: Said) -> bytes:
        return render_error_event(said)


def _chunk(event: Mapping[str, object], ours: Mapping[str, str] | None = None) -> bytes:
    """One event of the stream; what is ours stands beside the model's own."""
    payload: dict[str, object] = {"bytes": base64.b64encode(_ENCODER.encode(event)).decode("ascii")}
    if ours is not None:
        payload["ringwall"] = ours
    return encode_event("chunk", _ENCODER.encode(payload))
