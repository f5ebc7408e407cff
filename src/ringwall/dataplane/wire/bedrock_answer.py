"""What do clients of Amazon Bedrock read? Answers and events in the shapes of Converse, which Nova's own shapes share.

* Ids of calls are ours; seals of reasoning are bound to their bearer.
* Events come in the documented order: messageStart, then for each block contentBlockStart (calls only),
  contentBlockDelta and contentBlockStop, then messageStop, then metadata, which alone has the count of tokens.
* What is more than the protocol stands under `ringwall`, which stock clients ignore.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ringwall.dataplane.wire.door import Head
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

_REASONS = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.CONTENT_FILTER: "content_filtered",
}
Event = tuple[str, dict[str, object]]
"""Its kind and its payload."""


def message_of(answer: Answer, head: Head) -> dict[str, object]:
    """The message of an answer, and why it stopped: the first choice, of which the protocol has one."""
    choice = answer.choices[0]
    content = list(_blocks(choice, answer.by_id(), head))
    reason = _reason(choice.finish, refused=choice.refusal is not None)
    return {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": reason}


def _blocks(choice: Choice, parts: Mapping[PartId, Part], head: Head) -> Iterator[dict[str, object]]:
    for thought in choice.reasoning:
        told = {"text": parts[thought.text].text}
        if thought.seal:
            told["signature"] = head.seal(thought.seal)
        yield {"reasoningContent": {"reasoningText": told}}
    for part in (*choice.content, *([choice.refusal] if choice.refusal is not None else ())):
        yield {"text": parts[part].text}
    for call in choice.calls:
        arguments = thaw(parts[call.arguments].value)
        yield {"toolUse": {"toolUseId": call.id, "name": call.name, "input": arguments}}


def _reason(finish: Finish, *, refused: bool) -> str:
    return "content_filtered" if refused else _REASONS[finish]


def usage_of(usage: Usage | None) -> dict[str, int]:
    """Counts as this protocol has them: what was read from a cache is not among the input."""
    known = usage if usage is not None else Usage(0, 0)
    cached = min(known.cached_tokens, known.input_tokens)
    return {
        "inputTokens": known.input_tokens - cached,
        "outputTokens": known.output_tokens,
        "totalTokens": known.input_tokens + known.output_tokens,
        "cacheReadInputTokens": cached,
        "cacheWriteInputTokens": 0,
    }


class Events:
    """Released deltas as events of one message."""

    def __init__(self, head: Head) -> None:
        """Begin with no block."""
        self._head = head
        self._blocks = 0
        self._open = ""
        self._refused = False
        self._usage: Usage | None = None

    def begin(self) -> Iterator[Event]:
        """Before anything came."""
        yield "messageStart", {"role": "assistant"}

    def take(self, delta: Delta) -> Iterator[Event]:
        """What was released."""
        match delta:
            case Counted(usage):
                self._usage = usage
            case Finished(_, finish):
                yield from self._stop()
                yield "messageStop", {"stopReason": _reason(finish, refused=self._refused)}
            case Sealed(_, seal):
                if self._open == "reasoning":
                    yield self._delta({"reasoningContent": {"signature": self._head.seal(seal)}})
                    yield from self._stop()
            case CallDelta(_, _, arguments, handle, name):
                yield from self._begin("call")
                start = {"toolUse": {"toolUseId": handle, "name": name}}
                yield "contentBlockStart", {"start": start, "contentBlockIndex": self._blocks}
                yield self._delta({"toolUse": {"input": arguments}})
                yield from self._stop()
            case _ if delta.kind is TextKind.REASONING:
                yield from self._begin("reasoning")
                yield self._delta({"reasoningContent": {"text": delta.text}})
            case _:
                self._refused = self._refused or delta.kind is TextKind.REFUSAL
                yield from self._begin("text")
                yield self._delta({"text": delta.text})

    def end(self, receipt: str) -> Iterator[Event]:
        """The stream has ended as it should."""
        metrics = {"latencyMs": self._head.elapsed_ms()}
        yield "metadata", {"usage": usage_of(self._usage), "metrics": metrics, "ringwall": {"receipt": receipt}}

    def _begin(self, kind: str) -> Iterator[Event]:
        """A block of this kind is open from here on."""
        if self._open != kind:
            yield from self._stop()
            self._open = kind

    def _delta(self, delta: dict[str, object]) -> Event:
        return "contentBlockDelta", {"delta": delta, "contentBlockIndex": self._blocks}

    def _stop(self) -> Iterator[Event]:
        """The end of the open block, if one is."""
        if self._open:
            self._open = ""
            self._blocks += 1
            yield "contentBlockStop", {"contentBlockIndex": self._blocks - 1}
