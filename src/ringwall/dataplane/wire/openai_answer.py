"""The chat protocol of OpenAI: what its clients read, in the protocol's own shapes (what they say: `openai_request`).

* Ids are ours: `chatcmpl-` and the interaction. The provider's ids, fingerprints and tiers stay with the provider.
* An error says which control refused and the record's id; scores and thresholds are for operators. What is more than
  the protocol stands under `ringwall`, which stock clients ignore.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from ringwall.dataplane.wire.door import EVENT_STREAM, Head, Header, ModelRequest, Renderer, Said
from ringwall.dataplane.wire.openai_request import parse_request
from ringwall.dataplane.wire.openai_upstream import function
from ringwall.dataplane.wire.sse import encode
from ringwall.model.content import Part, PartId
from ringwall.model.conversation import (
    Answer,
    CallDelta,
    Choice,
    Counted,
    Delta,
    Finish,
    Finished,
    Sealed,
    TextDelta,
    TextKind,
    Usage,
)

DONE = encode(b"[DONE]")
_ENCODER = msgspec.json.Encoder()
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class OpenAIChat:
    """Implements `Wire` for chat completions."""

    stream_type = EVENT_STREAM

    def parse(self, body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
        """See `Wire`; the protocol has no reasoning, and so nothing to unseal."""
        return parse_request(body, depth=depth)

    def answer(self, answer: Answer, head: Head) -> bytes:
        """A `chat.completion` object."""
        parts = answer.by_id()
        body: dict[str, object] = {
            **_head(head, "chat.completion"),
            "choices": [_choice(choice, parts) for choice in answer.choices],
        }
        if answer.usage is not None:
            body["usage"] = _usage(answer.usage)
        return _ENCODER.encode(body)

    def renderer(self, head: Head) -> Renderer:
        """`chat.completion.chunk` events."""
        return StreamRenderer(head)

    def error(self, said: Said) -> tuple[int, bytes, Sequence[Header]]:
        """An `error` object."""
        return said.status, render_error(said), ()


def _head(head: Head, kind: str) -> dict[str, object]:
    name, model = f"chatcmpl-{head.interaction}", head.request.model
    return {"id": name, "object": kind, "created": head.created, "model": model}


def _choice(choice: Choice, parts: Mapping[PartId, Part]) -> dict[str, object]:
    content = "".join(parts[part].text for part in choice.content) if choice.content else None
    message: dict[str, object] = {
        "role": "assistant",
        "content": content,
        "refusal": parts[choice.refusal].text if choice.refusal is not None else None,
    }
    if choice.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": function(call.name, parts[call.arguments])}
            for call in choice.calls
        ]
    return {"index": choice.index, "message": message, "logprobs": None, "finish_reason": _finish(choice.finish)}


def _usage(usage: Usage) -> dict[str, object]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _finish(finish: Finish) -> str:
    return Finish.STOP if finish is Finish.STOP_SEQUENCE else finish


class StreamRenderer:
    """Implements `Renderer`: released deltas as `chat.completion.chunk` events."""

    def __init__(self, head: Head) -> None:
        """Fix what all chunks share."""
        self._head = _head(head, "chat.completion.chunk")
        self._include_usage = head.request.include_usage
        self._begun: set[int] = set()

    def begin(self) -> bytes:
        return b""

    def render(self, delta: Delta) -> bytes:
        """The events for one delta; empty when the client did not ask for it, or the protocol has no place for it."""
        if isinstance(delta, Counted):
            return self._chunk([], usage=_usage(delta.usage)) if self._include_usage else b""
        if isinstance(delta, Finished):
            return self._begin(delta.index) + self._choice(delta.index, {}, _finish(delta.finish))
        if isinstance(delta, Sealed) or (isinstance(delta, TextDelta) and delta.kind is TextKind.REASONING):
            return b""
        if isinstance(delta, TextDelta):
            body: dict[str, object] = {delta.kind: delta.text}
        else:
            body = {"tool_calls": [_call(delta)]}
        return self._begin(delta.index) + self._choice(delta.index, body, None)

    def end(self, receipt: str) -> bytes:
        return f": ringwall-receipt {receipt}\n\n".encode() + DONE

    def error(self, said: Said) -> bytes:
        return encode(render_error(said)) + DONE

    def _begin(self, index: int) -> bytes:
        if index in self._begun:
            return b""
        self._begun.add(index)
        return self._choice(index, {"role": "assistant", "content": ""}, None)

    def _choice(self, index: int, delta: Mapping[str, object], finish: str | None) -> bytes:
        return self._chunk([{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}])

    def _chunk(self, choices: Sequence[object], usage: object = None) -> bytes:
        body = {**self._head, "choices": choices}
        if self._include_usage:
            body["usage"] = usage
        return encode(_ENCODER.encode(body))


def _call(delta: CallDelta) -> dict[str, object]:
    call: dict[str, object] = {"index": delta.call, "function": {"arguments": delta.arguments}}
    if delta.id is not None:
        call.update(id=delta.id, type="function", function={"name": delta.name, "arguments": delta.arguments})
    return call


def render_models(models: Sequence[str], *, created: int) -> bytes:
    """The list of models."""
    data = [{"id": model, "object": "model", "created": created, "owned_by": "ringwall"} for model in models]
    return _ENCODER.encode({"object": "list", "data": data})


def render_error(said: Said) -> bytes:
    """An error body."""
    kind = _TYPES.get(said.status, "invalid_request_error" if said.status < 500 else "api_error")
    ours = {"control": said.control, "checkpoint": said.checkpoint, "record": said.record}
    error = {"message": said.message, "type": kind, "param": said.param, "code": said.code}
    return _ENCODER.encode({"error": {**error, "ringwall": {key: value for key, value in ours.items() if value}}})
