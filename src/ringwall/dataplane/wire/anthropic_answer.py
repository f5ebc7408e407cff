"""Anthropic's Messages API: what its clients read, in the protocol's own shapes (what they say: `anthropic_request`).

* Ids are ours: `msg_` and the interaction; the provider's stay with the provider. Seals of reasoning are bound to their
  bearer.
* Counts of tokens come last in a stream: the message that opens it has none, the one that closes it has all.
* What is more than the protocol stands under `ringwall`, which stock clients ignore.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from ringwall.dataplane.wire.anthropic_request import parse_prompt, parse_request
from ringwall.dataplane.wire.door import EVENT_STREAM, Head, Header, ModelRequest, Renderer, Said
from ringwall.model.content import Part, PartId, thaw
from ringwall.model.conversation import (
    Answer,
    CallDelta,
    Choice,
    Counted,
    Delta,
    Finish,
    Finished,
    Sealed,
    TextKind,
    Usage,
)

_ENCODER = msgspec.json.Encoder()
_REASONS = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.CONTENT_FILTER: "refusal",
}
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class AnthropicMessages:
    """Implements `Wire` for the Messages API."""

    stream_type = EVENT_STREAM

    def parse(self, body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
        """See `Wire`."""
        return parse_request(body, depth=depth, unseal=unseal)

    def parse_prompt(self, body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
        """A request whose tokens are to be counted, and which is not answered.

        Raises:
            CallerError: As for `parse`.
        """
        return parse_prompt(body, depth=depth, unseal=unseal)

    def counted(self, tokens: int) -> bytes:
        """How many tokens a prompt has."""
        return _ENCODER.encode({"input_tokens": tokens})

    def answer(self, answer: Answer, head: Head) -> bytes:
        """A `message` object: the first choice, of which the protocol has one."""
        choice = answer.choices[0]
        return _ENCODER.encode(
            {
                **_message(head),
                "content": list(_blocks(choice, answer.by_id(), head)),
                **_stopped(choice.finish, head, refused=choice.refusal is not None),
                "usage": _usage(answer.usage),
            }
        )

    def renderer(self, head: Head) -> Renderer:
        """Events of a message."""
        return StreamRenderer(head)

    def error(self, said: Said) -> tuple[int, bytes, Sequence[Header]]:
        """An `error` object."""
        return said.status, _ENCODER.encode(_error(said)), ()


def render_models(models: Sequence[str], *, created: int) -> bytes:
    """The list of models, as this protocol's clients read it."""
    at = datetime.fromtimestamp(created, UTC).isoformat()
    data = [{"type": "model", "id": each, "display_name": each, "created_at": at} for each in models]
    first, last = (models[0], models[-1]) if models else (None, None)
    return _ENCODER.encode({"data": data, "has_more": False, "first_id": first, "last_id": last})


def _message(head: Head) -> dict[str, object]:
    return {"id": f"msg_{head.interaction}", "type": "message", "role": "assistant", "model": head.request.model}


def _blocks(choice: Choice, parts: Mapping[PartId, Part], head: Head) -> Iterator[dict[str, object]]:
    for thought in choice.reasoning:
        seal = head.seal(thought.seal) if thought.seal else ""
        yield {"type": "thinking", "thinking": parts[thought.text].text, "signature": seal}
    for part in (*choice.content, *([choice.refusal] if choice.refusal is not None else ())):
        yield {"type": "text", "text": parts[part].text}
    for call in choice.calls:
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": thaw(parts[call.arguments].value)}


def _stopped(finish: Finish, head: Head, *, refused: bool = False) -> dict[str, object]:
    """Why it stopped; at which text is known where only one was given."""
    stops = head.request.conversation.generation.stop
    at = None
    if finish is Finish.STOP_SEQUENCE and len(stops) == 1:
        at = next(part.text for part in head.request.parts if part.id == stops[0])
    return {"stop_reason": "refusal" if refused else _REASONS[finish], "stop_sequence": at}


def _usage(usage: Usage | None) -> dict[str, object]:
    """Counts as this protocol has them: what was read from a cache is not among the input."""
    known = usage if usage is not None else Usage(0, 0)
    cached = min(known.cached_tokens, known.input_tokens)
    return {
        "input_tokens": known.input_tokens - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": known.output_tokens,
    }


def _error(said: Said) -> dict[str, object]:
    kind = _TYPES.get(said.status, "invalid_request_error" if said.status < 500 else "api_error")
    ours = {"code": said.code, "param": said.param, "control": said.control, "checkpoint": said.checkpoint}
    told = {key: value for key, value in {**ours, "record": said.record}.items() if value}
    return {"type": "error", "error": {"type": kind, "message": said.message, "ringwall": told}}


class StreamRenderer:
    """Implements `Renderer`: released deltas as events of one message."""

    def __init__(self, head: Head) -> None:
        """Begin with no block."""
        self._head = head
        self._blocks = 0
        self._open = ""
        self._finished: Finished | None = None
        self._refused = False
        self._usage: Usage | None = None

    def begin(self) -> bytes:
        stopped = {"stop_reason": None, "stop_sequence": None}
        message = {**_message(self._head), "content": [], **stopped, "usage": _usage(None)}
        return _event("message_start", message=message)

    def render(self, delta: Delta) -> bytes:
        match delta:
            case Counted(usage):
                self._usage = usage
                return b""
            case Finished():
                self._finished = delta
                return self._stop()
            case Sealed(_, seal):
                if self._open != "thinking":
                    return b""
                signed = {"type": "signature_delta", "signature": self._head.seal(seal)}
                return self._delta(signed) + self._stop()
            case CallDelta(_, _, arguments, name_of_call, name):
                block: dict[str, object] = {"type": "tool_use", "id": name_of_call, "name": name, "input": {}}
                piece = {"type": "input_json_delta", "partial_json": arguments}
                return self._start("tool_use", block) + self._delta(piece) + self._stop()
        if delta.kind is TextKind.REASONING:
            begun = self._begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})
            return begun + self._delta({"type": "thinking_delta", "thinking": delta.text})
        self._refused = self._refused or delta.kind is TextKind.REFUSAL
        begun = self._begin("text", {"type": "text", "text": ""})
        return begun + self._delta({"type": "text_delta", "text": delta.text})

    def end(self, receipt: str) -> bytes:
        finish = self._finished.finish if self._finished is not None else Finish.STOP
        stopped = _stopped(finish, self._head, refused=self._refused)
        last = _event("message_delta", delta=stopped, usage=_usage(self._usage))
        return f": ringwall-receipt {receipt}\n\n".encode() + last + _event("message_stop")

    def error(self, said: Said) -> bytes:
        body = _error(said)
        return b"event: error\ndata: " + _ENCODER.encode(body) + b"\n\n"

    def _begin(self, kind: str, block: Mapping[str, object]) -> bytes:
        """A block of this kind, where none is open."""
        return b"" if self._open == kind else self._start(kind, block)

    def _start(self, kind: str, block: Mapping[str, object]) -> bytes:
        ended = self._stop()
        self._open = kind
        return ended + _event("content_block_start", index=self._blocks, content_block=block)

    def _delta(self, delta: Mapping[str, object]) -> bytes:
        return _event("content_block_delta", index=self._blocks, delta=delta)

    def _stop(self) -> bytes:
        """The end of the open block, if one is."""
        if not self._open:
            return b""
        self._open = ""
        self._blocks += 1
        return _event("content_block_stop", index=self._blocks - 1)


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: ".encode() + _ENCODER.encode({"type": kind, **fields}) + b"\n\n"
