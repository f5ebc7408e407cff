"""What holds for every protocol of an upstream; each one's tests call these."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

from ringwall.dataplane.wire.sse import BrokenStreamError, SseDecoder
from ringwall.dataplane.wire.upstream import UpstreamWire
from ringwall.model.content import LeafKind
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
from ringwall.model.errors import UpstreamError
from ringwall.model.features import features
from ringwall.model.upstreams import Invocation

TEXT = "Boots are waterproof, ça va?"
CALLS = [("find", {"q": "boots", "deep": {"n": [1, 2]}}), ("send", {})]


def check_encoding(wire: UpstreamWire, check_body: Callable[[dict], None], invocation: Invocation) -> bool:
    """A conversation that is carried makes a request of the provider's own types; whether it is carried."""
    if not features(invocation.conversation, invocation.parts) <= wire.carries:
        return False
    for streamed in (False, True):
        body = json.loads(wire.encode(invocation, streamed=streamed))
        check_body(body)
        check_nothing_is_lost(invocation, body)
    return True


def check_nothing_is_lost(invocation: Invocation, body: object) -> None:
    """Every word of a conversation that is carried is in what is sent, but for earlier reasoning (law 9)."""
    sent = list(strings(body))
    thoughts = {each.text for turn in invocation.conversation.turns for each in turn.reasoning}
    for part in invocation.parts:
        if part.id not in thoughts:
            for leaf in part.leaves():
                if leaf.kind is not LeafKind.NUMBER:
                    assert any(leaf.text in each for each in sent), (part, body)


def strings(value: object) -> Iterator[str]:
    """Every string in a document, and in documents that stand in strings."""
    if isinstance(value, str):
        yield value
        if value.startswith("{"):
            with contextlib.suppress(ValueError):
                yield from strings(json.loads(value))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def deltas(wire: UpstreamWire, pieces: Sequence[bytes]) -> list[Delta]:
    """What a stream that came in these pieces says."""
    decoder, reader, found = SseDecoder(), wire.reader(), []
    for piece in pieces:
        for event in decoder.feed(piece):
            if not reader.ended:
                found += reader.read(event)
    if not reader.ended:
        reader.close()
    return found


def check_bytes(wire: UpstreamWire, data: bytes) -> None:
    """Any bytes are read, or are the provider's fault."""
    for read in (wire.parse, lambda given: list(wire.reader().read(given)), lambda given: deltas(wire, [given])):
        try:
            read(data)
        except UpstreamError as error:
            assert error.code.startswith("upstream_")
        except BrokenStreamError:
            pass


def check_cuts(wire: UpstreamWire, events: Sequence[bytes]) -> None:
    """Cut anywhere, a stream says the same; without its end it is no answer."""
    whole = b"".join(events)
    expected = deltas(wire, [whole])
    for at in range(len(whole)):
        assert deltas(wire, [whole[:at], whole[at:]]) == expected
    assert deltas(wire, [whole[n : n + 1] for n in range(len(whole))]) == expected
    for count in range(len(events) - 1):
        try:
            found = deltas(wire, events[:count])
        except UpstreamError as error:
            assert error.code == "upstream_broken"
        else:
            assert any(isinstance(each, Finished) for each in found)


def check_fake(wire: UpstreamWire, fake: ModuleType, usage: Usage, *, seal: str = "", thinks: bool = True) -> None:
    """What the provider's own types say is read, whole and streamed, and says the same."""
    reasoning = "First, boots." if thinks else ""
    for text, calls, finish in (
        (TEXT, [], Finish.STOP),
        (None, CALLS, Finish.TOOL_CALLS),
        (TEXT, CALLS, Finish.TOOL_CALLS),
    ):
        read = wire.parse(fake.answer(text, calls, reasoning))
        parts, [choice] = read.by_id(), read.choices
        assert [parts[each].text for each in choice.content] == ([TEXT] if text else [])
        assert [(each.id, each.name, dict(parts[each.arguments].value)) for each in choice.calls] == [
            ("", name, wire_value(given)) for name, given in calls
        ]
        assert [(parts[each.text].text, each.seal) for each in choice.reasoning] == (
            [(reasoning, seal)] if thinks else []
        )
        assert (choice.finish, read.usage) == (finish, usage)
        assert "theirs" not in repr(read)
        check_stream(deltas(wire, fake.stream(text, calls, reasoning)), text, calls, finish, usage, reasoning, seal)
    check_cuts(wire, fake.stream(TEXT, CALLS, reasoning))


def wire_value(given: dict) -> dict:
    from ringwall.model.content import freeze

    return dict(freeze(given))  # type: ignore[arg-type]


def check_stream(found, text, calls, finish, usage, reasoning, seal) -> None:
    assert "theirs" not in repr(found)
    said = {
        kind: "".join(each.text for each in found if isinstance(each, TextDelta) and each.kind is kind)
        for kind in TextKind
    }
    assert said == {TextKind.CONTENT: text or "", TextKind.REASONING: reasoning, TextKind.REFUSAL: ""}
    made: dict[int, tuple[str, str]] = {}
    for each in found:
        if isinstance(each, CallDelta):
            name, before = made.get(each.call, (each.name, ""))
            made[each.call] = (name, before + each.arguments)
    assert [(name, json.loads(given or "{}")) for name, given in made.values()] == calls
    assert [each for each in found if isinstance(each, Finished)] == [Finished(0, finish)]
    assert [each.seal for each in found if isinstance(each, Sealed)] == ([seal] if seal and reasoning else [])
    assert [each for each in found if isinstance(each, Counted)][-1] == Counted(usage)
