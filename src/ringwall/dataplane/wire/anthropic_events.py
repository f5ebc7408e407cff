"""What does a provider with Anthropic's Messages API say, in its own types, and how is its stream read?

* A block or event of a kind that is not here is refused: what a provider's own tools did, nobody here has judged.
* A stream is a sequence of blocks, one open at a time: what does not belong to the open block of its kind is refused.
* `redacted_thinking`, citations, ids and the sequence that stopped it are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ringwall.dataplane.wire.answers import (
    MAX_BLOCKS,
    broke_off,
    broken,
    decode,
    finish_of,
    name_of,
    reported,
    sealed_by,
    usage_of,
)
from ringwall.model.conversation import (
    CallDelta,
    Counted,
    Delta,
    Finish,
    Finished,
    Sealed,
    TextDelta,
    TextKind,
    Usage,
)


class Text(msgspec.Struct, tag="text"):
    """A block of words."""

    text: str = ""


class Thinking(msgspec.Struct, tag="thinking"):
    """A block of reasoning."""

    thinking: str = ""
    signature: str | None = None


class _Redacted(msgspec.Struct, tag="redacted_thinking"):
    pass


class ToolUse(msgspec.Struct, tag="tool_use"):
    """A call that it proposes."""

    name: str
    input: msgspec.Raw = msgspec.Raw(b"{}")


_AnyBlock = Text | Thinking | _Redacted | ToolUse


class _Details(msgspec.Struct):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: _Details | None = None


class _Message(msgspec.Struct):
    type: str
    content: list[_AnyBlock]
    stop_reason: str | None = None
    usage: _Usage | None = None


MESSAGE = msgspec.json.Decoder(_Message)
FINISH = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.TOOL_CALLS,
    "refusal": Finish.CONTENT_FILTER,
}
"""Without `pause_turn`: the provider's own tools would have to go on, and there are none."""


def usage_of_message(usage: _Usage) -> Usage:
    """Counts; what was written to a cache or read from it was input too."""
    cached = usage.cache_read_input_tokens or 0
    counts = (usage.input_tokens or 0, usage.cache_creation_input_tokens or 0, cached)
    thought = usage.output_tokens_details.thinking_tokens if usage.output_tokens_details is not None else 0
    if any(count < 0 for count in counts):
        raise broken("bad count of tokens")
    return usage_of(sum(counts), usage.output_tokens or 0, cached, thought)


class _MessageStart(msgspec.Struct, tag="message_start"):
    message: _Message


class _BlockStart(msgspec.Struct, tag="content_block_start"):
    index: int
    content_block: _AnyBlock


class _TextDelta(msgspec.Struct, tag="text_delta"):
    text: str


class _JsonDelta(msgspec.Struct, tag="input_json_delta"):
    partial_json: str


class _ThinkingDelta(msgspec.Struct, tag="thinking_delta"):
    thinking: str


class _SignatureDelta(msgspec.Struct, tag="signature_delta"):
    signature: str


class _CitationsDelta(msgspec.Struct, tag="citations_delta"):
    pass


class _BlockDelta(msgspec.Struct, tag="content_block_delta"):
    index: int
    delta: _TextDelta | _JsonDelta | _ThinkingDelta | _SignatureDelta | _CitationsDelta


class _BlockStop(msgspec.Struct, tag="content_block_stop"):
    index: int


class _End(msgspec.Struct):
    stop_reason: str | None = None


class _MessageDelta(msgspec.Struct, tag="message_delta"):
    delta: _End
    usage: _Usage | None = None


class _MessageStop(msgspec.Struct, tag="message_stop"):
    pass


class _Ping(msgspec.Struct, tag="ping"):
    pass


class _Error(msgspec.Struct, tag="error"):
    pass


_EVENT = msgspec.json.Decoder(
    _MessageStart | _BlockStart | _BlockDelta | _BlockStop | _MessageDelta | _MessageStop | _Ping | _Error
)


class BlockReader:
    """Implements `EventReader`: one block after the other, then why it stopped."""

    def __init__(self) -> None:
        """Start before the message."""
        self.ended = False
        self._begun = False
        self._finished = False
        self._open: _AnyBlock | None = None
        self._index = -1
        self._calls = 0
        self._signature: list[str] = []
        self._usage = _Usage()

    def read(self, event: bytes) -> Iterator[Delta]:
        found = decode(_EVENT, event)
        if isinstance(found, _Error):
            raise reported()
        if isinstance(found, _Ping):
            return
        if isinstance(found, _MessageStart) is self._begun:
            raise broken("a message begins twice, or never")
        match found:
            case _MessageStart():
                self._begun = True
                if found.message.content:
                    raise broken("content at the start of a stream")
                self._usage = found.message.usage or self._usage
            case _BlockStart():
                yield from self._start(found)
            case _BlockDelta():
                yield from self._delta(found)
            case _BlockStop():
                yield from self._stop(found)
            case _MessageDelta():
                yield from self._finish(found)
            case _MessageStop():
                if not self._finished:
                    raise broken("a message without a reason to stop")
                self.ended = True

    def close(self) -> None:
        raise broke_off("no message_stop")

    def _start(self, start: _BlockStart) -> Iterator[Delta]:
        if self._open is not None or self._finished or not self._index < start.index < MAX_BLOCKS:
            raise broken("a block out of order")
        self._open, self._index, self._signature = start.content_block, start.index, []
        match start.content_block:
            case Text(text=text) if text:
                yield TextDelta(0, text)
            case Thinking(thinking=thinking, signature=signature):
                self._signature = [signature] if signature else []
                if thinking:
                    yield TextDelta(0, thinking, TextKind.REASONING)
            case ToolUse(name=name, input=given):
                whole = bytes(given)
                yield CallDelta(0, self._calls, "" if whole == b"{}" else whole.decode(), None, name_of(name))

    def _delta(self, event: _BlockDelta) -> Iterator[Delta]:
        if self._open is None or event.index != self._index:
            raise broken("a delta without its block")
        match self._open, event.delta:
            case Text(), _TextDelta(text=text):
                yield TextDelta(0, text)
            case Text(), _CitationsDelta():
                return
            case Thinking(), _ThinkingDelta(thinking=thinking):
                yield TextDelta(0, thinking, TextKind.REASONING)
            case Thinking(), _SignatureDelta(signature=signature):
                self._signature.append(signature)
            case ToolUse(), _JsonDelta(partial_json=partial):
                yield CallDelta(0, self._calls, partial)
            case _:
                raise broken("a delta of another kind than its block")

    def _stop(self, event: _BlockStop) -> Iterator[Delta]:
        if self._open is None or event.index != self._index:
            raise broken("the end of no block")
        if isinstance(self._open, ToolUse):
            self._calls += 1
        seal = sealed_by("anthropic", "".join(self._signature))
        if seal:
            yield Sealed(0, seal)
        self._open, self._signature = None, []

    def _finish(self, event: _MessageDelta) -> Iterator[Delta]:
        if event.delta.stop_reason is None:
            return
        if self._open is not None or self._finished:
            raise broken("an end in the middle of a block, or a second one")
        self._finished = True
        yield Finished(0, finish_of(event.delta.stop_reason, FINISH))
        if event.usage is not None or self._usage.input_tokens is not None:
            yield Counted(usage_of_message(_later(self._usage, event.usage or _Usage())))


def _later(start: _Usage, end: _Usage) -> _Usage:
    """Counts are cumulative: what the end says holds, and where it says nothing, the start."""
    given = {name: value for name in _Usage.__struct_fields__ if (value := getattr(end, name)) is not None}
    return msgspec.structs.replace(start, **given)
