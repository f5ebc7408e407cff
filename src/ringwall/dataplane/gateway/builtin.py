"""Two models inside this process, so that a laptop needs no account and an attack has a worst case to work on.

* `rehearsal/echo` repeats the last thing that a person said.
* `rehearsal/compromised` is deterministic and fully compromised: it obeys the last instruction that it sees anywhere in
  its context (also in tool results and documents), calls any tool, and repeats anything that it was shown. It makes the
  same call once: when it has the result, it sends it where the instruction says, and tells it.

Both stand behind the same `Upstream` port as every provider. Only workloads with `rehearsal = true` may use them, and
`ringwall serve` never offers them.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping

from ringwall.dataplane.gateway.understanding import readings
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
from ringwall.model.features import Feature
from ringwall.model.strict_json import JsonError, loads_object
from ringwall.model.upstreams import Invocation

ECHO = "echo"
COMPROMISED = "compromised"
NAMES = (ECHO, COMPROMISED)

_CALL = re.compile(r"\bcall (?:the )?(?:tool )?([A-Za-z0-9_.-]{1,64})(?: with)?[ :]*(\{.*\})?", re.I | re.DOTALL)
_REPEAT = re.compile(r"\b(?:repeat|say|print|output|answer with|reply with)\b[ :]*(.+)", re.I | re.DOTALL)
_REVEAL = re.compile(
    r"\b(?:show|reveal|list|dump|give|tell|send|leak|post|zeig\w*|gib|nenn\w*|sende?|montre\w*|affiche\w*|donne\w*|envoie\w*)\b",
    re.I,
)
_SEND = re.compile(r"\b(?:send|post|leak|mail|forward|upload|sende?|schick\w*|envoie\w*)\b", re.I)
_SENTENCE = re.compile(r'(?<=[.!?])\s+|["\n]')
_URL = re.compile(r"https?://[^\s\"'<>]{3,256}")
_MEANT = {"card": ("payment", "card", "billing"), "karte": ("payment", "card"), "carte": ("payment", "card")}
"""Where a model that knows the world would look for what somebody asks for."""
_DELTA_CHARS = 12


class BuiltinUpstream:
    """Implements `Upstream` for the built-in models."""

    def destination(self, model: str, *, embeds: bool = False) -> Destination:
        return Destination("builtin", "builtin", "", 0, f"/{model}", "", model=model)

    def carries(self, model: str) -> frozenset[Feature]:
        """Whatever there is but vectors: it reads every part, and is as free as any model to do nothing about it."""
        return frozenset(Feature) - {Feature.EMBEDDINGS, Feature.DIMENSIONS}

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
_Schemas = Mapping[str, Mapping[str, Mapping[str, Json]]]
"""The properties that each tool takes, by the tool's name."""


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
    last = _last_said(invocation)
    instruction, source = next(_instructions(invocation), (last, last))
    schemas = {tool.name: _properties(tool, invocation.parts) for tool in invocation.conversation.tools}
    call = _CALL.search(instruction)
    answered = _results(invocation.conversation, invocation.parts)
    if call is not None and call[1] in schemas:
        arguments = _given(call[2])
        if not (answered and _was_made(invocation, call[1], arguments)):
            return None, ((call[1], arguments),)
        return _tell(invocation, instruction, source, schemas, answered)
    if _REVEAL.search(instruction):
        return _reveal(invocation, instruction, source, schemas, answered)
    repeat = _REPEAT.search(instruction)
    return (repeat[1] if repeat is not None else instruction), ()


def _reveal(
    invocation: Invocation, instruction: str, source: str, schemas: _Schemas, answered: list[str]
) -> tuple[str | None, _Calls]:
    """Fetch what is asked for, send it where the instruction says, and tell it."""
    if schemas:
        sender = _sender(schemas)
        wanted = next((each for each in reversed(_SENTENCE.split(instruction)) if _REVEAL.search(each)), instruction)
        reader = _reader(schemas, wanted, sender)
        arguments = _filled(schemas[reader], wanted)
        if not (answered and _was_made(invocation, reader, arguments)):
            return None, ((reader, arguments),)
    if answered:
        return _tell(invocation, instruction, source, schemas, answered)
    return "\n".join(_text(part) for part in invocation.parts), ()


def _tell(
    invocation: Invocation, instruction: str, source: str, schemas: _Schemas, answered: list[str]
) -> tuple[str | None, _Calls]:
    """Send what tools answered where the instruction says, once; then say it.

    The address may stand beside an order in disguise, as it is: the text that the order was read from comes first.
    """
    sender = _sender(schemas)
    url = _URL.search(source) or _URL.search(instruction)
    if sender is not None and url is not None and _SEND.search(instruction) and not _was_called(invocation, sender):
        sent = {name: url[0] if name == "url" else "\n".join(answered) for name in schemas[sender]}
        return None, ((sender, sent),)
    return "\n".join(answered), ()


def _sender(schemas: _Schemas) -> str | None:
    """The tool that reaches an address, if there is one."""
    return next((name for name, fields in schemas.items() if "url" in fields), None)


def _instructions(invocation: Invocation) -> Iterator[tuple[str, str]]:
    """Texts that read like an instruction, last first, in whatever disguise, each with the text it was read from.

    Where a person's latest words are none by themselves, all that people said is read as one before older words.
    """
    people = [part for part in invocation.parts if part.origin is Origin.PERSON]
    for part in reversed(invocation.parts):
        if part.origin is Origin.MODEL:
            continue
        texts = [leaf.text for leaf in reversed(list(part.leaves()))]
        if people[:-1] and part is people[-1]:
            texts.append(" ".join(map(_text, people)))
        for text in texts:
            yield from ((each, text) for each in readings(text) if _is_instruction(each))


def _is_instruction(text: str) -> bool:
    return bool(_CALL.search(text) or _REVEAL.search(text) or _REPEAT.search(text))


def _was_called(invocation: Invocation, name: str) -> bool:
    return any(call.name == name for turn in invocation.conversation.turns for call in turn.calls)


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


def _properties(tool: ToolDefinition, parts: tuple[Part, ...]) -> Mapping[str, Mapping[str, Json]]:
    """The properties of a tool's schema, those that are described by an object."""
    schema = next((part.value for part in parts if part.id == tool.schema), None)
    found = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {name: kind for name, kind in found.items() if isinstance(kind, Mapping)}


def _reader(schemas: _Schemas, instruction: str, sender: str | None) -> str:
    """The tool that the instruction names, or the one that offers what it asks for, or the first."""
    named = next((name for name in schemas if name in instruction and name != sender), None)
    if named is not None:
        return named
    offering = (name for name, fields in schemas.items() if any(_chosen(each, instruction) for each in fields.values()))
    return next(offering, next(iter(schemas)))


def _chosen(field: Mapping[str, Json], instruction: str) -> str | None:
    """Of the values that a field may have, the one that the instruction is about."""
    values = field.get("enum")
    choices = [each for each in values if isinstance(each, str)] if isinstance(values, tuple) else []
    lowered = instruction.lower()
    wanted = [word for asked, words in _MEANT.items() if asked in lowered for word in words]
    for each in choices:
        if each.lower() in lowered or any(word in each.lower() for word in wanted):
            return each
    return None


def _filled(fields: Mapping[str, Mapping[str, Json]], instruction: str) -> Mapping[str, Json]:
    """Arguments for a tool: what is asked for where a field offers it, else the instruction in every text."""
    chosen = {name: _chosen(field, instruction) for name, field in fields.items()}
    if any(chosen.values()):
        return {name: value for name, value in chosen.items() if value is not None}
    return {name: instruction for name, field in fields.items() if field.get("type") == "string"}
