"""How is content hidden? Edits are checked, merged and applied; nothing here can add or reveal anything (law 4).

* An edit names a span of one string value. A key, a number, a missing leaf or a span outside of it is a mistake of the
  control, and a mistake is a refusal (`BadEditError`).
* A leaf has one name: pointers are RFC 6901's, without leading zeros. Two names of one leaf would never be merged.
* Overlapping edits merge to their covering span; the strictest action wins: block > mask > tokenise.
* A placeholder is inert: upper-case letters and underscores in square brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ringwall.model.content import Json, LeafKind, Part, PartId, Place, escape, unescape
from ringwall.model.conversation import Reasoning
from ringwall.model.verdict import Edit, EditAction

_KIND = re.compile(r"[a-z][a-z0-9_]{0,62}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


class BadEditError(ValueError):
    """An edit that names no editable span."""


def still_sealed(
    reasoning: Sequence[Reasoning], came: Mapping[PartId, Part], judged: Mapping[PartId, Part]
) -> tuple[Reasoning, ...]:
    """Reasoning as it may go on: a seal stands for one text, and goes where that text was edited."""
    return tuple(each if came[each.text] == judged[each.text] else replace(each, seal="") for each in reasoning)


def placeholder(edit: Edit) -> str:
    """What stands where content was hidden. Where no token map is given, tokenise hides as mask does."""
    return "[BLOCKED]" if edit.action is EditAction.BLOCK else f"[{edit.kind.upper()}]"


def merge(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Overlapping edits as one, in order of place; the strictest action and its kind win."""
    merged: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.place.part, e.place.pointer, e.place.start, e.place.end)):
        last = merged[-1] if merged else None
        if last is None or not _overlap(last.place, edit.place):
            merged.append(edit)
            continue
        place = replace(last.place, end=max(last.place.end, edit.place.end))
        strictest = min((last, edit), key=lambda e: (-e.action, e.kind))
        merged[-1] = replace(strictest, place=place)
    return tuple(merged)


def _overlap(first: Place, second: Place) -> bool:
    return (first.part, first.pointer) == (second.part, second.pointer) and second.start < first.end


def apply(parts: Sequence[Part], edits: Sequence[Edit]) -> tuple[Part, ...]:
    """The parts with merged edits applied.

    Raises:
        BadEditError: An edit names a part, leaf or span that is not there or cannot be edited.
    """
    by_part: dict[PartId, dict[str, list[Edit]]] = {}
    for edit in edits:
        if edit.place.kind is not LeafKind.VALUE:
            raise BadEditError(f'a "{edit.place.kind}" cannot be edited')
        if not _KIND.fullmatch(edit.kind):
            raise BadEditError(f'not a kind: "{edit.kind}"')
        by_part.setdefault(edit.place.part, {}).setdefault(edit.place.pointer, []).append(edit)
    unknown = by_part.keys() - {part.id for part in parts}
    if unknown:
        raise BadEditError(f'no such part: "{min(unknown)}"')
    return tuple(_edit_part(part, by_part[part.id]) if part.id in by_part else part for part in parts)


def _edit_part(part: Part, by_pointer: Mapping[str, Sequence[Edit]]) -> Part:
    value = part.value
    for pointer, edits in by_pointer.items():
        value = _at(value, _tokens(pointer), edits)
    return replace(part, value=value)


def _tokens(pointer: str) -> list[str]:
    """The keys and indices that a pointer names, in the one way in which it can be written."""
    before, *written = pointer.split("/")
    tokens = [unescape(token) for token in written]
    if before or [escape(token) for token in tokens] != written:
        raise BadEditError("not a pointer")
    return tokens


def _at(value: Json, tokens: list[str], edits: Sequence[Edit]) -> Json:
    """The value with the string at the pointer edited; everything else is shared."""
    if not tokens:
        if not isinstance(value, str):
            raise BadEditError("not a string value")
        return _rewrite(value, edits)
    head, rest = tokens[0], tokens[1:]
    if isinstance(value, Mapping) and head in value:
        return MappingProxyType({key: _at(item, rest, edits) if key == head else item for key, item in value.items()})
    if isinstance(value, tuple) and _INDEX.fullmatch(head) and int(head) < len(value):
        index = int(head)
        return (*value[:index], _at(value[index], rest, edits), *value[index + 1 :])
    raise BadEditError("no such leaf")


def _rewrite(text: str, edits: Sequence[Edit]) -> str:
    pieces, done = [], 0
    for edit in edits:
        start, end = edit.place.start, edit.place.end
        if not done <= start < end <= len(text):
            raise BadEditError("no such span")
        pieces += [text[done:start], placeholder(edit)]
        done = end
    return "".join((*pieces, text[done:]))
