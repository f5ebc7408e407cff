"""What was delivered, in the types of a policy? Values at pointers, rows of objects, everything that may be derived.

* Only what our own door delivered comes here; who calls sees to that.
* Text that reads as JSON is a document. A row is any object, at any depth, that has the members which a rule names.
* A value of another type than the variable's is none; nothing is coerced but a number written as text.
* Texts are compared in lower case with single blanks, identifiers by letters and digits alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from ringwall.detectors import numbers, personal_data
from ringwall.detectors.logic import TEXT_KINDS, Policy
from ringwall.detectors.sources import document, flat
from ringwall.detectors.unfold import CANONICAL
from ringwall.model.content import Json, unescape

MAX_ROWS = 2_000
"""Delivered rows that are looked at."""
MAX_VALUES = 20_000
"""Delivered values from which something may be derived."""

Stated = tuple[str, bool | str, bool | str]
"""A variable and the least and greatest value that was stated; the same two where it was stated exactly."""


class TooComplexError(ValueError):
    """More than may be looked at."""


def structured(value: Json) -> Json:
    """A delivered value; the document, where it is one written as text."""
    if isinstance(value, str):
        found = document(value)
        return value if found is None else found
    return value


def given(policy: Policy, results: Sequence[tuple[str, Json]]) -> tuple[tuple[Stated, ...], bool]:
    """What delivered results say by pointer, and whether two of them differ: then that variable is given nothing."""
    found: dict[str, set[bool | str]] = {}
    for reading in policy.readings:
        if reading.where != "result":
            continue
        for tool, value in results:
            said = convert(policy, reading.variable, at(value, reading.what)) if tool == reading.tool else None
            if said is not None:
                found.setdefault(reading.variable, set()).add(said)
    alone = tuple((variable, min(said), min(said)) for variable, said in sorted(found.items()) if len(said) == 1)
    return alone, len(alone) < len(found)


def keys(policy: Policy, results: Sequence[tuple[str, Json]]) -> dict[str, list[str]]:
    """For a variable that is read from a member: the values of that member, longest first."""
    found: dict[str, list[str]] = {}
    for reading in policy.readings:
        if reading.where == "member":
            rows = [row for tool, value in results if tool == reading.tool for row in _objects(value)]
            values = {flat(str(row[reading.what])) for row in _bounded(rows) if isinstance(row.get(reading.what), str)}
            found[reading.variable] = sorted(
                (each for each in values if len(each) > 1), key=lambda each: (-len(each), each)
            )
    return found


def rows(policy: Policy, results: Sequence[tuple[str, Json]]) -> dict[str, list[list[bool | str]]]:
    """The rows over which each `each` rule is written out, by its name.

    Raises:
        TooComplexError: There are more than may be looked at.
    """
    made: dict[str, list[list[bool | str]]] = {}
    for rule in policy.rules:
        if not rule.tool:
            continue
        found = []
        for row in _bounded([each for tool, value in results if tool == rule.tool for each in _objects(value)]):
            said = [_converted(kind, row.get(member)) for _, kind, member in rule.row]
            if all(each is not None for each in said):
                found.append([each for each in said if each is not None])
        made[rule.name] = found
    return made


def values(policy: Policy, results: Sequence[tuple[str, Json]]) -> dict[str, list[str]]:
    """The delivered values from which something may be derived, by the rule's name.

    Raises:
        TooComplexError: There are more than may be looked at.
    """
    made: dict[str, list[str]] = {}
    for derivable in policy.derivable:
        kind = policy.types[derivable.variable]
        leaves: dict[str, None] = {}
        for tool, value in results:
            if tool in derivable.tools:
                for leaf in _scalars(value):
                    said = _converted(kind, leaf)
                    leaves.update(dict.fromkeys([said] if isinstance(said, str) else []))
                    leaves.update(dict.fromkeys(_identifiers_in(leaf) if kind == "text" else []))
        if len(leaves) > MAX_VALUES:
            raise TooComplexError("more values than may be looked at")
        made[derivable.name] = list(leaves)
    return made


def _identifiers_in(leaf: Json) -> Iterator[str]:
    """The bare identifiers inside a delivered text."""
    if isinstance(leaf, str):
        yield from (bare(leaf[each.start : each.end]) for each in personal_data.find(leaf) if each.kind in TEXT_KINDS)
    elif isinstance(leaf, int) and not isinstance(leaf, bool):
        yield str(leaf)


def convert(policy: Policy, variable: str, value: Json) -> bool | str | None:
    """A value from outside as one of a variable's type; None where it is none."""
    kind = policy.types[variable]
    if kind.startswith("enum:"):
        wanted = flat(value).replace(" ", "_") if isinstance(value, str) else ""
        return next((each for each in policy.enums[kind.removeprefix("enum:")] if each.lower() == wanted), None)
    return _converted(kind, value)


def _converted(kind: str, value: Json) -> bool | str | None:
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or value is None or isinstance(value, (tuple, Mapping)):
        return None
    if kind == "text":
        return flat(value.translate(CANONICAL)) if isinstance(value, str) else str(value)
    if isinstance(value, str):
        found = numbers.find(value.translate(CANONICAL))
        number = found[0].value if len(found) == 1 else None
        number = found[0].bare if number is not None and found[0].bare is not None else number
    else:
        number = Decimal(repr(value))
    if number is None or not number.is_finite() or (kind == "int" and number != number.to_integral_value()):
        return None
    return format(number, "f")


def bare(text: str) -> str:
    """Letters and digits only, in lower case."""
    return "".join(each for each in text.translate(CANONICAL).lower() if each.isalnum())


def at(value: Json, pointer: str) -> Json:
    """What stands at a JSON pointer, or None."""
    for token in pointer.split("/")[1:]:
        if isinstance(value, Mapping):
            value = value.get(unescape(token))
        elif isinstance(value, tuple) and token.isascii() and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return value


def _objects(value: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(value, Mapping):
        yield value
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    for each in inner:
        yield from _objects(each)


def _scalars(value: Json) -> Iterator[Json]:
    if isinstance(value, (Mapping, tuple)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _scalars(each)
    else:
        yield value


def _bounded(rows: Iterable[Mapping[str, Json]]) -> list[Mapping[str, Json]]:
    found = list(rows)
    if len(found) > MAX_ROWS:
        raise TooComplexError("more rows than may be looked at")
    return found
