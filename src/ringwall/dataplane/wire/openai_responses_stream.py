"""Released deltas as events of OpenAI's Responses API: items one after the other, each opened, filled and closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from ringwall.dataplane.wire import openai_responses_shapes as shapes
from ringwall.dataplane.wire.door import Head, Said
from ringwall.model.conversation import CallDelta, Counted, Delta, Finish, Finished, Sealed, TextDelta, TextKind, Usage
from ringwall.model.verdict import DenyKind

_ENCODER = msgspec.json.Encoder()
_CONTENT = {
    TextKind.CONTENT: ("response.output_text", shapes.output_text, "text"),
    TextKind.REFUSAL: ("response.refusal", shapes.refusal, "refusal"),
    TextKind.REASONING: ("response.reasoning_text", shapes.reasoning_text, "text"),
}


@dataclass(slots=True)
class _Item:
    """The item that is open: reasoning, or a message.

    Attributes:
        is_reasoning: Which.
        name: Its id.
        done: Its closed content.
        kind: What its open content is; None when none is open.
        text: What that has so far.
        seal: The seal of reasoning.
    """

    is_reasoning: bool
    name: str
    done: list[dict[str, object]] = field(default_factory=list)
    kind: TextKind | None = None
    text: str = ""
    seal: str | None = None


class StreamRenderer:
    """Implements `Renderer`."""

    def __init__(self, head: Head) -> None:
        """Begin with no item."""
        self._head = head
        self._sequence = 0
        self._output: list[dict[str, object]] = []
        self._item: _Item | None = None
        self._finish = Finish.STOP
        self._usage: Usage | None = None

    def begin(self) -> bytes:
        begun = shapes.response(self._head, [], None, None)
        return self._event("response.created", response=begun) + self._event("response.in_progress", response=begun)

    def render(self, delta: Delta) -> bytes:
        match delta:
            case Counted(usage):
                self._usage = usage
                return b""
            case Finished(_, finish):
                self._finish = finish
                return self._close()
            case Sealed(_, seal):
                if self._item is not None and self._item.is_reasoning:
                    self._item.seal = self._head.seal(seal)
                return b"" if self._item is None else self._close()
            case CallDelta():
                return self._close() + self._call(delta)
        return self._text(delta)

    def end(self, receipt: str) -> bytes:
        whole = shapes.response(self._head, self._output, self._finish, self._usage)
        last = f"response.{whole['status']}"
        return f": ringwall-receipt {receipt}\n\n".encode() + self._event(last, response=whole)

    def error(self, said: Said) -> bytes:
        code = "invalid_prompt" if said.kind is DenyKind.CONTENT else "server_error"
        code = "rate_limit_exceeded" if said.kind is DenyKind.EXHAUSTED else code
        ours = {"code": said.code, "control": said.control, "checkpoint": said.checkpoint, "record": said.record}
        told = {key: value for key, value in ours.items() if value}
        failed = {"status": "failed", "error": {"code": code, "message": said.message, "ringwall": told}}
        return self._event(
            "response.failed", response={**shapes.response(self._head, self._output, None, None), **failed}
        )

    def _text(self, delta: TextDelta) -> bytes:
        is_reasoning = delta.kind is TextKind.REASONING
        out = b""
        if self._item is not None and self._item.is_reasoning is not is_reasoning:
            out += self._close()
        if self._item is None:
            out += self._open(is_reasoning)
        item = self._item
        if item is None:
            return out
        if item.kind is not delta.kind:
            out += self._end_content(item) + self._begin_content(item, delta.kind)
        item.text += delta.text
        return out + self._within(item, f"{_CONTENT[delta.kind][0]}.delta", delta=delta.text, **_logs(delta.kind))

    def _open(self, is_reasoning: bool) -> bytes:
        number = len(self._output)
        if is_reasoning:
            begun = shapes.reasoning(self._head, number, "", None, shapes.IN_PROGRESS)
        else:
            begun = shapes.message(self._head, number, [], shapes.IN_PROGRESS)
        self._item = _Item(is_reasoning, str(begun["id"]))
        return self._event("response.output_item.added", output_index=number, item=begun)

    def _begin_content(self, item: _Item, kind: TextKind) -> bytes:
        item.kind, item.text = kind, ""
        return self._within(item, "response.content_part.added", part=_CONTENT[kind][1](""))

    def _end_content(self, item: _Item) -> bytes:
        if item.kind is None:
            return b""
        name, shape, key = _CONTENT[item.kind]
        part = shape(item.text)
        out = self._within(item, f"{name}.done", **{key: item.text}, **_logs(item.kind))
        out += self._within(item, "response.content_part.done", part=part)
        item.done.append(part)
        item.kind = None
        return out

    def _close(self) -> bytes:
        """The end of the open item, if one is."""
        item, number = self._item, len(self._output)
        if item is None:
            return b""
        out = self._end_content(item)
        if item.is_reasoning:
            text = "".join(str(part["text"]) for part in item.done)
            whole = shapes.reasoning(self._head, number, text, item.seal)
        else:
            whole = shapes.message(self._head, number, item.done)
        self._item = None
        self._output.append(whole)
        return out + self._event("response.output_item.done", output_index=number, item=whole)

    def _call(self, delta: CallDelta) -> bytes:
        number = len(self._output)
        call, name = delta.id or "", delta.name or ""
        begun = shapes.function_call(self._head, number, call, name, "", shapes.IN_PROGRESS)
        whole = shapes.function_call(self._head, number, call, name, delta.arguments)
        self._output.append(whole)
        place = {"item_id": begun["id"], "output_index": number}
        kind = "response.function_call_arguments"
        return (
            self._event("response.output_item.added", output_index=number, item=begun)
            + self._event(f"{kind}.delta", **place, delta=delta.arguments)
            + self._event(f"{kind}.done", **place, name=name, arguments=delta.arguments)
            + self._event("response.output_item.done", output_index=number, item=whole)
        )

    def _within(self, item: _Item, kind: str, **fields: object) -> bytes:
        """An event about the open content of the open item."""
        place = {"item_id": item.name, "output_index": len(self._output), "content_index": len(item.done)}
        return self._event(kind, **place, **fields)

    def _event(self, kind: str, **fields: object) -> bytes:
        body = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return f"event: {kind}\ndata: ".encode() + _ENCODER.encode(body) + b"\n\n"


def _logs(kind: TextKind) -> dict[str, Sequence[object]]:
    """The protocol wants log probabilities of a text, and there are none."""
    return {"logprobs": []} if kind is TextKind.CONTENT else {}
