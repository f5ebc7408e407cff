"""Which words may a policy use about a tool call? Cedar types from the tool's JSON Schema, and its arguments in them.

* Every tool is an action of the namespace `Tool`, named `<server>/<tool>`; `application:<workload>/<tool>` where the
  application runs it. Its context holds `arguments`, typed; `unread`, the names of arguments that were given and cannot
  be said in Cedar; and `stage`, `proposed` (a model asked for it) or `called` (it is being made).
* string, integer, boolean and number become String, Long, Bool and decimal; an array becomes a Set, an object with
  properties a record. `T | null` is T, optional. What is none of these is unread, so that a policy can forbid it.
* A value that its type cannot hold exactly (a number with five decimals, an integer beyond 64 bits) is an error, and
  every error is Deny: a policy about an amount must not be told another amount.
* Arguments were validated against the schema before (`detectors.tool_schema`); nothing is coerced here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ringwall.model.content import Json
from ringwall.model.framework import WorkloadId
from ringwall.model.tools import OWN, Tool

NAMESPACE = "Tool"
SERVER = "ToolServer"
"""Entity type of a call's resource, in our own namespace."""
MAX_DEPTH = 8
"""Levels of objects that are typed; what lies deeper is unread."""
_LONG = 2**63
_DECIMAL = Decimal("922337203685477.5807")
_SCALARS = {"string": "String", "integer": "Long", "boolean": "Bool", "number": "decimal"}


class UnsayableError(ValueError):
    """A value that its Cedar type cannot hold. The question cannot be asked, which is Deny."""


def action_of(tool: Tool, workload: WorkloadId) -> str:
    """The id of a tool's action."""
    return f"{server_of(tool, workload)}/{tool.name}"


def server_of(tool: Tool, workload: WorkloadId) -> str:
    """The id of the resource of a tool's calls."""
    return tool.server if tool.server != OWN else f"application:{workload}"


@dataclass(frozen=True, slots=True)
class Scalar:
    """String, Long, Bool or decimal."""

    name: str

    def text(self) -> str:
        return "__cedar::decimal" if self.name == "decimal" else f"__cedar::{self.name}"

    def encode(self, value: Json) -> object:
        """The value in Cedar's JSON.

        Raises:
            UnsayableError: It does not fit.
        """
        if self.name == "decimal":
            return {"__extn": {"fn": "decimal", "arg": _decimal(value)}}
        if self.name == "Long":
            if isinstance(value, float) and value.is_integer():
                value = int(value)  # JSON Schema calls 1.0 an integer
            if not isinstance(value, int) or isinstance(value, bool) or not -_LONG <= value < _LONG:
                raise UnsayableError("an integer that has more than 64 bits")
        elif not isinstance(value, str if self.name == "String" else bool):
            raise UnsayableError(f"no {self.name}")
        return value


@dataclass(frozen=True, slots=True)
class Many:
    """A set of one type."""

    item: Type

    def text(self) -> str:
        return f"Set<{self.item.text()}>"

    def encode(self, value: Json) -> object:
        if not isinstance(value, tuple):
            raise UnsayableError("no array")
        return [self.item.encode(each) for each in value]


@dataclass(frozen=True, slots=True)
class Fields:
    """A record: name to type and whether it must be there."""

    fields: Mapping[str, tuple[Type, bool]]

    def text(self) -> str:
        inner = (
            f"{json.dumps(name)}{'' if must else '?'}: {kind.text()}" for name, (kind, must) in self.fields.items()
        )
        return f"{{ {', '.join(inner)} }}"

    def encode(self, value: Json) -> object:
        """The fields that are typed and given; null is not given."""
        if not isinstance(value, Mapping):
            raise UnsayableError("no object")
        return {
            name: kind.encode(value[name])
            for name, (kind, _) in self.fields.items()
            if name in value and value[name] is not None
        }


Type = Scalar | Many | Fields


@dataclass(frozen=True, slots=True)
class CallType:
    """What the calls of one tool look like to a policy."""

    arguments: Fields

    @classmethod
    def of(cls, tool: Tool) -> CallType:
        """From the tool's schema."""
        found = _type(tool.schema, MAX_DEPTH)
        return cls(found if isinstance(found, Fields) else Fields({}))

    def text(self) -> str:
        """The type of the context, in Cedar's syntax."""
        return f"{{ arguments: {self.arguments.text()}, unread: Set<__cedar::String>, stage: __cedar::String }}"

    def context(self, arguments: Mapping[str, Json], stage: str) -> dict[str, object]:
        """The context of one call, in Cedar's JSON.

        Raises:
            UnsayableError: An argument that its type cannot hold.
        """
        return {
            "arguments": self.arguments.encode(arguments),
            "unread": sorted(_unread(self.arguments, arguments, "")),
            "stage": stage,
        }


def actions_text(calls: Mapping[str, CallType], ours: str) -> str:
    """The namespace of all tools, in Cedar's syntax.

    Args:
        calls: Action id to its type.
        ours: The namespace of principals and servers.
    """
    if not calls:
        return ""
    lines = [
        f"  action {json.dumps(name)} appliesTo {{ principal: [{ours}::Principal], resource: [{ours}::{SERVER}], "
        f"context: {call.text()} }};"
        for name, call in sorted(calls.items())
    ]
    return "\n".join([f"namespace {NAMESPACE} {{", *lines, "}"])


def _type(schema: Json, depth: int) -> Type | None:
    """The Cedar type of what a JSON Schema describes; None when Cedar has none."""
    if not isinstance(schema, Mapping) or depth <= 0 or "$ref" in schema:
        return None
    kind = schema.get("type")
    if isinstance(kind, tuple):
        rest = [each for each in kind if each != "null"]
        kind = rest[0] if len(rest) == 1 else None
    if kind is None and isinstance(schema.get("enum"), tuple):
        values = schema["enum"]
        kind = "string" if isinstance(values, tuple) and all(isinstance(each, str) for each in values) else None
    if kind is None and isinstance(schema.get("const"), str):
        kind = "string"
    if kind is None:
        return _optional(schema, depth)
    if isinstance(kind, str) and kind in _SCALARS:
        return Scalar(_SCALARS[kind])
    if kind == "array":
        item = _type(schema.get("items"), depth - 1)
        return Many(item) if item is not None else None
    return _fields(schema, depth) if kind == "object" else None


def _optional(schema: Mapping[str, Json], depth: int) -> Type | None:
    """`anyOf` or `oneOf` a type and null, as many generators write an optional argument."""
    choices = schema.get("anyOf") or schema.get("oneOf")
    if not isinstance(choices, tuple):
        return None
    rest = [each for each in choices if not (isinstance(each, Mapping) and each.get("type") == "null")]
    return _type(rest[0], depth) if len(rest) == 1 and len(rest) < len(choices) else None


def _fields(schema: Mapping[str, Json], depth: int) -> Fields | None:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return None
    required = schema.get("required")
    must = frozenset(each for each in required if isinstance(each, str)) if isinstance(required, tuple) else frozenset()
    typed = ((name, inner, _type(inner, depth - 1)) for name, inner in properties.items())
    return Fields(
        {name: (kind, name in must and not _may_be_null(inner)) for name, inner, kind in typed if kind is not None}
    )


def _may_be_null(schema: Json) -> bool:
    if not isinstance(schema, Mapping):
        return True
    kind = schema.get("type")
    choices = schema.get("anyOf") or schema.get("oneOf") or ()
    return (isinstance(kind, tuple) and "null" in kind) or (isinstance(choices, tuple) and bool(choices))


def _unread(fields: Fields, value: Mapping[str, Json], above: str) -> Iterable[str]:
    """Names of what was given and is not typed, as paths."""
    for name, item in value.items():
        path = f"{above}{name}"
        kind = fields.fields.get(name, (None, False))[0]
        if kind is None:
            yield path
        elif isinstance(kind, Fields) and isinstance(item, Mapping):
            yield from _unread(kind, item, f"{path}/")
        elif isinstance(kind, Many):
            yield from _unread_items(kind, item, path)


def _unread_items(kind: Many, items: Json, path: str) -> Iterable[str]:
    for each in items if isinstance(items, tuple) else ():
        if isinstance(kind.item, Fields) and isinstance(each, Mapping):
            yield from _unread(kind.item, each, f"{path}/")
        elif isinstance(kind.item, Many):
            yield from _unread_items(kind.item, each, path)


def _decimal(value: Json) -> str:
    """A number as Cedar's decimal, exactly."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UnsayableError("no number")
    exact = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    if abs(exact) > _DECIMAL or exact != exact.quantize(Decimal("0.0001")):
        raise UnsayableError("a number with more digits than a policy can read")
    return f"{exact.quantize(Decimal('0.0001')):f}"
