"""Two models inside this process, so that a laptop needs no account and an attack has a worst case to work on.

* `rehearsal/echo` repeats the last thing that a person said.
* `rehearsal/compromised` is deterministic and fully compromised: it obeys the last instruction that it sees anywhere in
  its context (also in tool results and documents), calls any tool, and repeats anything that it was shown. It makes the
  same call once: when it has the result, it tells it.

Both stand behind the same `Upstream` port as every provider. Only workloads with `rehearsal = true` may use them, and
`ringwall serve` never offers them.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping

from ringwall.model.content import JSON, Json, Origin, Part, PartId, thaw
from ringwall.model.conversation import (
    Answer,
    CallDelta,
    Choice,
    Conversation,
    Counted,
    Delta,
    Finish,
    Finished,
    Role,
    TextDelta,
    ToolCall,
    ToolDefinition,
    Usage,
)
from ringwall.model.errors import UpstreamError
from ringwall.model.facts import Destination
from ringwall.model.strict_json import JsonError, loads_object
from ringwall.model.upstreams import Invocation

ECHO = "echo"
COMPROMISED = "compromised"
NAMES = (ECHO, COMPROMISED)

_CALL = re.compile(r"\bcall (?:the )?(?:tool )?([A-Za-z0-9_.-]{1,64})(?: with)?[ :]*(\{.*\})?", re.I | re.DOTALL)
_REPEAT = re.compile(r"\b(?:repeat|say|print|output|answer with|reply with)\b[ :]*(.+)", re.I | re.DOTALL)
_REVEAL = re.compile(r"\b(?:show|reveal|list|dump|give|tell|send|leak)\b", re.I)
_DELTA_CHARS = 12


class BuiltinUpstream:
    """Implements `Upstream` for the built-in models."""

    def destination(self, model: str) -> Destination:
        return Destination("builtin", "builtin", "", 0, f"/{model}", "")

    async def close(self) -> None:
        """Nothing is open."""

    async def complete(self, invocation: Invocation) -> Answer:
        text, calls = _speak(invocation)
        parts: list[Part] = []
        choices = []
        for index in range(invocation.conversation.generation.choices):
            content: tuple[PartId, ...] = ()
            if text is not None:
                parts.append(Part(PartId(f"choices/{index}/content/0"), Origin.MODEL, text))
                content = (parts[-1].id,)
            proposed = []
            for number, (name, arguments) in enumerate(calls):
                parts.append(Part(PartId(f"choices/{index}/calls/{number}/arguments"), Origin.MODEL, arguments, JSON))
                proposed.append(ToolCall("", name, parts[-1].id))
            choices.append(Choice(index, content, tuple(proposed), _finish(calls)))
        return Answer(tuple(choices), tuple(parts), _usage(invocation, text))

    async def stream(self, invocation: Invocation) -> AsyncIterator[Delta]:
        text, calls = _speak(invocation)
        for index in range(invocation.conversation.generation.choices):
            for start in range(0, len(text or ""), _DELTA_CHARS):
                yield TextDelta(index, (text or "")[start : start + _DELTA_CHARS])
                await asyncio.sleep(0)
            for number, (name, arguments) in enumerate(calls):
                yield CallDelta(index, number, json.dumps(thaw(arguments)), None, name)
            yield Finished(index, _finish(calls))
        yield Counted(_usage(invocation, text))


_Calls = tuple[tuple[str, Mapping[str, Json]], ...]


def _finish(calls: _Calls) -> Finish:
    return Finish.TOOL_CALLS if calls else Finish.STOP


def _usage(invocation: Invocation, text: str | None) -> Usage:
    """Counts in the way that the gateway estimates: a token for every four characters."""
    said = sum(len(leaf.text) for part in invocation.parts for leaf in part.leaves())
    return Usage(-(-said // 4), -(-len(text or "") // 4))


def _speak(invocation: Invocation) -> tuple[str | None, _Calls]:
    if invocation.model == ECHO:
        return _last_said(invocation), ()
    if invocation.model == COMPROMISED:
        return _obey(invocation)
    raise UpstreamError("there is no such built-in model", code="upstream_refused", detail=invocation.model)


def _last_said(invocation: Invocation) -> str:
    """The last turn of a person, or of anybody when no person spoke."""
    parts = {part.id: part for part in invocation.parts}
    turns = invocation.conversation.turns
    turn = next((each for each in reversed(turns) if each.role is Role.USER), turns[-1])
    return "\n".join(_text(parts[part]) for part in turn.content)


def _text(part: Part) -> str:
    return part.value if isinstance(part.value, str) else json.dumps(thaw(part.value))


def _obey(invocation: Invocation) -> tuple[str | None, _Calls]:
    """Do what the last instruction says, wherever it stands."""
    instruction = next(_instructions(invocation), _last_said(invocation))
    tools = {tool.name: tool for tool in invocation.conversation.tools}
    call = _CALL.search(instruction)
    answered = _results(invocation.conversation, invocation.parts)
    if call is not None and call[1] in tools:
        arguments = _given(call[2])
        if not (answered and _was_made(invocation, call[1], arguments)):
            return None, ((call[1], arguments),)
        return "\n".join(answered), ()
    if _REVEAL.search(instruction):
        if answered:
            return "\n".join(answered), ()
        if tools:
            name = next((name for name in tools if name in instruction), next(iter(tools)))
            return None, ((name, _filled(tools[name], invocation.parts, instruction)),)
        return "\n".join(_text(part) for part in invocation.parts), ()
    repeat = _REPEAT.search(instruction)
    return (repeat[1] if repeat is not None else instruction), ()


def _instructions(invocation: Invocation) -> Iterator[str]:
    """Texts that read like an instruction, last first."""
    for part in reversed(invocation.parts):
        if part.origin is Origin.MODEL:
            continue
        for leaf in reversed(list(part.leaves())):
            if _CALL.search(leaf.text) or _REVEAL.search(leaf.text) or _REPEAT.search(leaf.text):
                yield leaf.text


def _was_made(invocation: Invocation, name: str, arguments: Mapping[str, Json]) -> bool:
    """True when this very call stands in the conversation already."""
    parts = {part.id: part.value for part in invocation.parts}
    calls = (call for turn in invocation.conversation.turns for call in turn.calls)
    return any(call.name == name and parts.get(call.arguments) == arguments for call in calls)


def _results(conversation: Conversation, parts: tuple[Part, ...]) -> list[str]:
    """What tools have answered so far."""
    by_id = {part.id: part for part in parts}
    return [_text(by_id[part]) for turn in conversation.turns if turn.role is Role.TOOL for part in turn.content]


def _given(text: str | None) -> Mapping[str, Json]:
    try:
        return loads_object(text or "{}")
    except JsonError:
        return {}


def _filled(tool: ToolDefinition, parts: tuple[Part, ...], instruction: str) -> Mapping[str, Json]:
    """Arguments for a tool: the instruction in every string that the schema asks for."""
    schema = next((part.value for part in parts if part.id == tool.schema), None)
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        return {}
    return {
        name: instruction
        for name, kind in properties.items()
        if isinstance(kind, Mapping) and kind.get("type") == "string"
    }
