"""How is a configuration read? Into its typed tables, or into an error that names the place and the nearest word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from ringwall.config.document import Document
from ringwall.config.schema import Configuration, Table
from ringwall.model.errors import ConfigError


def read_configuration(document: Document) -> Configuration:
    """A document as typed configuration.

    Raises:
        ConfigError: An unknown key (with the nearest that there is) or a wrong value, with file and line.
    """
    try:
        return msgspec.convert(document.values, Configuration, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(error, document) from error


def _explained(error: msgspec.ValidationError, document: Document) -> ConfigError:
    problem, _, where = str(error).partition(" - at `")
    path = _real_path(document, re.findall(r"[^.\[\]$]+|\[\.\.\.\]", where.removesuffix("`")), problem)
    unknown = re.search(r"unknown field `([^`]*)`", problem)
    dotted = ".".join(path)
    if unknown:
        hint = nearest(unknown[1], _keys_at(path))
        return document.error(f'unknown key "{unknown[1]}" in "{dotted or "the file"}"', *path, unknown[1], hint=hint)
    value = re.search(r"enum value '([^']*)'", problem)
    hint = nearest(value[1], _members_at(path)) if value else ""
    text = _TYPE_NAME.sub(lambda match: _WORDS.get(match[1], match[0]), problem).replace("'", '"')
    return document.error(f'"{dotted}": {text[:1].lower()}{text[1:]}', *path, hint=hint)


_TYPE_NAME = re.compile(r"`([^`]*)`")
_WORDS = {
    "array": "a list",
    "bool": "true or false",
    "date": "a date",
    "float": "a number",
    "int": "a whole number",
    "object": "a table",
    "str": "a string",
    "str | object": "a string or a table",
}
"""What the reader of types calls a value, in the words of TOML."""


def _real_path(document: Document, tokens: list[str], problem: str) -> list[str]:
    """The path at fault. Where msgspec says `[...]` (any key), each is tried until one shows the problem."""
    path: list[str] = []
    value: object = document.values
    for token in tokens:
        name = token
        if token == "[...]" and isinstance(value, Mapping):  # noqa: S105 - a token of a path
            name = _guilty(path, value, problem) or next(iter(value), token)
        if isinstance(value, list):
            return path
        path.append(name)
        value = value.get(name) if isinstance(value, Mapping) else None
    return path


def _guilty(path: list[str], values: Mapping[str, object], problem: str) -> str | None:
    """Which entry of a mapping does not convert."""
    kind = _values_of(_type_at(path))
    for name, value in values.items():
        try:
            msgspec.convert(value, kind, strict=True)
        except msgspec.ValidationError as error:
            if str(error).partition(" - at `")[0] == problem:
                return name
    return None


def _type_at(path: list[str]) -> Any:
    """The type, as it is annotated, of what stands at a path."""
    kind: Any = Configuration
    for token in path:
        table = _table_of(kind)
        kind = get_type_hints(table, include_extras=True).get(token, Any) if table is not None else _values_of(kind)
    return kind


def _values_of(kind: Any) -> Any:
    """The type of the values of a mapping."""
    return get_args(kind)[1] if get_origin(kind) is dict else Any


def _table_of(kind: Any) -> type[Table] | None:
    """The table that a type is, or that is one of its alternatives."""
    found = (each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, Table))
    return next(found, None) if get_origin(kind) is not dict else None


def _keys_at(path: list[str]) -> list[str]:
    """The keys that the table at a path may have."""
    table = _table_of(_type_at(path))
    return list(get_type_hints(table)) if table is not None else []


def _members_at(path: list[str]) -> list[str]:
    """The values that an enumeration at a path may have."""
    kind = _type_at(path)
    for each in (kind, *get_args(kind)):
        if isinstance(each, type) and issubclass(each, Enum):
            return [str(member.value) for member in each]
    return [each for each in get_args(kind) if isinstance(each, str)]


def nearest(name: str, known: list[str] | tuple[str, ...]) -> str:
    """A hint that names the nearest of the known names, or all of them when they are few."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"one of: {', '.join(sorted(known))}" if 0 < len(known) <= 12 else ""
