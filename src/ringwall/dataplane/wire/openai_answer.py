"""What an OpenAI client reads: answers, streamed answers, model lists and errors, in the protocol's own shapes.

* Ids are ours: `chatcmpl-` and the interaction. The provider's ids, fingerprints and tiers stay with the provider.
* An error says which control refused and the record's id; scores and thresholds are for operators. What is more than
  the protocol stands under `ringwall`, which stock clients ignore.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ringwall.dataplane.wire.openai_upstream import function
from ringwall.dataplane.wire.sse import encode
from ringwall.model.content import Part, PartId
from ringwall.model.conversation import Answer, CallDelta, Choice, Counted, Delta, Finished, TextDelta, Usage

DONE = encode(b"[DONE]")
_ENCODER = msgspec.json.Encoder()
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def render_answer(answer: Answer, *, interaction: str, model: str, created: int) -> bytes:
    """A whole answer as a `chat.completion` object."""
    parts = answer.by_id()
    body: dict[str, object] = {
        "id": f"chatcmpl-{interaction}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [_choice(choice, parts) for choice in answer.choices],
    }
    if answer.usage is not None:
        body["usage"] = _usage(answer.usage)
    return _ENCODER.encode(body)


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
    return {"index": choice.index, "message": message, "logprobs": None, "finish_reason": choice.finish}


def _usage(usage: Usage) -> dict[str, object]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


class StreamRenderer:
    """Turns released deltas into `chat.completion.chunk` events."""

    def __init__(self, *, interaction: str, model: str, created: int, include_usage: bool) -> None:
        """Fix what all chunks share."""
        self._head: dict[str, object] = {
            "id": f"chatcmpl-{interaction}",
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._include_usage = include_usage
        self._begun: set[int] = set()

    def render(self, delta: Delta) -> bytes:
        """The events for one delta; empty when the client did not ask for it."""
        if isinstance(delta, Counted):
            return self._chunk([], usage=_usage(delta.usage)) if self._include_usage else b""
        if isinstance(delta, Finished):
            return self._begin(delta.index) + self._choice(delta.index, {}, delta.finish)
        if isinstance(delta, TextDelta):
            body: dict[str, object] = {"refusal" if delta.refusal else "content": delta.text}
        else:
            body = {"tool_calls": [_call(delta)]}
        return self._begin(delta.index) + self._choice(delta.index, body, None)

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


def render_error(
    status: int,
    message: str,
    *,
    code: str,
    param: str | None = None,
    control: str | None = None,
    checkpoint: str | None = None,
    record: str | None = None,
) -> bytes:
    """An error body."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    ours = {"control": control, "checkpoint": checkpoint, "record": record}
    error = {"message": message, "type": kind, "param": param, "code": code}
    return _ENCODER.encode({"error": {**error, "ringwall": {key: value for key, value in ours.items() if value}}})
