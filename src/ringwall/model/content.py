"""What is judged? Parts: pieces of content that know where they came from.

* A part holds a JSON value: a plain string for text, a document for tool arguments and results.
* Every string in a part is a *leaf*, named by a JSON pointer (RFC 6901). Object keys and numbers are leaves too: a
  card number hides in `{"4111111111111111": 1}` as well as in `"4111 1111 1111 1111"`. Only string values can be
  edited; what is found in a key or a number can only be refused.
* Values are deeply immutable: arrays are tuples, objects are `MappingProxyType`. `freeze` and `thaw` translate.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NewType, TypeAlias

Json: TypeAlias = "str | int | float | bool | tuple[Json, ...] | Mapping[str, Json] | None"
"""A deeply immutable JSON value."""

PartId = NewType("PartId", str)
"""Where a part stands in its interaction, as a path: `turns/2/content/0`, `choices/0/calls/1/arguments`."""

TEXT = "text/plain"
JSON = "application/json"
MAX_DEPTH = 64
"""Levels of nesting that a JSON value may have before it is refused."""


class Origin(StrEnum):
    """Who put this content here. Trust follows origin, never the role that a message claims."""

    OPERATOR = "operator"
    PERSON = "person"
    MODEL = "model"
    TOOL = "tool"
    RETRIEVED = "retrieved"
    PEER = "peer"
    MEMORY = "memory"


class LeafKind(StrEnum):
    """What sort of place in a JSON value a leaf is. Only VALUE can be edited."""

    VALUE = "value"
    KEY = "key"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One readable place in a part.

    Attributes:
        pointer: JSON pointer to the value; for a key, to the member that it names.
        text: The decoded string, or a number's shortest decimal form.
        kind: Value, key or number.
    """

    pointer: str
    text: str
    kind: LeafKind = LeafKind.VALUE


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of content with its origin.

    Attributes:
        id: Where it stands in the interaction.
        origin: Who put it there.
        value: The content, deeply immutable.
        media: Its media type; a control covers only those that it understands.
    """

    id: PartId
    origin: Origin
    value: Json
    media: str = TEXT

    @property
    def text(self) -> str:
        """The content of a text part.

        Raises:
            TypeError: The part is not text.
        """
        if not isinstance(self.value, str):
            raise TypeError(f'part "{self.id}" is not text')
        return self.value

    @property
    def as_text(self) -> str:
        """The content as text: a JSON document as compact JSON."""
        if isinstance(self.value, str) and self.media != JSON:
            return self.value
        return json.dumps(thaw(self.value), ensure_ascii=False, separators=(",", ":"))

    def leaves(self) -> Iterator[Leaf]:
        """Every readable place, in document order. A text part is one leaf with the empty pointer."""
        if isinstance(self.value, str):
            yield Leaf("", self.value)
        else:
            yield from _leaves(self.value, "")


def by_id(parts: Iterable[Part]) -> Mapping[PartId, Part]:
    """Parts by their ids."""
    return {part.id: part for part in parts}


def _leaves(value: Json, pointer: str) -> Iterator[Leaf]:
    if isinstance(value, str):
        yield Leaf(pointer, value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            path = f"{pointer}/{escape(key)}"
            yield Leaf(path, key, LeafKind.KEY)
            yield from _leaves(item, path)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{pointer}/{index}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield Leaf(pointer, repr(value), LeafKind.NUMBER)


def escape(key: str) -> str:
    """A key as one reference token of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


def unescape(token: str) -> str:
    """A reference token of a JSON pointer as the key that it names."""
    return token.replace("~1", "/").replace("~0", "~")


def freeze(value: object, *, limit: int = MAX_DEPTH) -> Json:
    """A decoded JSON value as an immutable one.

    Args:
        value: Dicts, lists, strings, numbers, booleans, None.
        limit: The most levels of nesting.

    Raises:
        ValueError: Nested deeper than the limit, or not a JSON value.
    """
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if limit <= 0:
        raise ValueError("nested too deep")
    if isinstance(value, Mapping):
        return MappingProxyType({str(key): freeze(item, limit=limit - 1) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item, limit=limit - 1) for item in value)
    raise ValueError(f'not a JSON value: "{type(value).__name__}"')


def thaw(value: Json) -> object:
    """An immutable JSON value as plain dicts and lists, ready to be encoded."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found: a span of one leaf of one part.

    Attributes:
        part: The part.
        pointer: JSON pointer to the leaf; empty for a text part.
        start: First code point of the span in the decoded string.
        end: One past the last code point.
        kind: What sort of leaf it is; only a VALUE can be edited.
    """

    part: PartId
    pointer: str
    start: int
    end: int
    kind: LeafKind = LeafKind.VALUE
