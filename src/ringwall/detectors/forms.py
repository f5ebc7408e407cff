"""Has a JSON value the form that a schema asks for? Schemas from anybody, and checking them stays cheap.

* JSON Schema as `jsonschema-rs` reads it: nothing is coerced, nothing is fetched, patterns run in linear time.
* A schema is refused that refers elsewhere or to itself in its own place, that has more of something than `Bounds`
  allows, or that names its parts in a way that more than one reader could resolve differently (`$id`, `$anchor`).
* Steps are counted before they are taken: a schema without loops by its paths, one with loops by walking it together
  with the value, each pair once. What would take more than `MAX_STEPS` is refused, not tried.
* What is wrong is told by place and rule, never by the value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from ringwall.model.content import Json, escape, thaw, unescape
from ringwall.model.errors import ConfigError

MAX_STEPS = 500_000
"""Schemas that may be asked about values, in all; about 50 ms."""
MAX_PAIRS = 100_000
"""Pairs of schema and value that are looked at to count them."""
MAX_PROBLEMS = 8
_ELSEWHERE = (
    "$id",
    "id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$vocabulary",
)
_HERE_LISTS = ("allOf", "anyOf", "oneOf")
_HERE = ("not", "if", "then", "else")
_HERE_MAPS = ("dependentSchemas", "dependencies")
_BELOW = (
    "additionalProperties", "unevaluatedProperties", "propertyNames", "items", "additionalItems", "unevaluatedItems",
    "contains",
)  # fmt: skip
_BELOW_MAPS = ("properties", "patternProperties")
_BELOW_LISTS = ("prefixItems", "items")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a schema may be.

    Attributes:
        characters: Of its JSON text.
        patterns: Regular expressions in it.
        pattern_bytes: Of one compiled regular expression.
        nested: Schemas that are asked about one and the same value, one inside the other.
    """

    characters: int = 65_536
    patterns: int = 16
    pattern_bytes: int = 1 << 18
    nested: int = 16


FROM_ANYBODY = Bounds()
FROM_OPERATOR = Bounds(characters=262_144, patterns=256, pattern_bytes=1 << 20, nested=16)


class TooCostlyError(ValueError):
    """Checking this value would take too long."""


class Form:
    """A schema, compiled."""

    __slots__ = ("_has_loops", "_paths", "_root", "_text", "_validator")

    def __init__(self, schema: Json, bounds: Bounds = FROM_ANYBODY) -> None:
        """Look at it, then compile.

        Raises:
            ConfigError: It cannot be used; says why.
        """
        if not isinstance(schema, (Mapping, bool)):
            raise ConfigError("a schema is a JSON object")
        root = thaw(schema)
        text = json.dumps(root)
        if len(text) > bounds.characters:
            raise ConfigError(f'the schema has more than "{bounds.characters}" characters')
        self._root: Any = root
        graph = _Graph(root, bounds)
        self._has_loops, self._paths = graph.has_loops, graph.paths
        options = jsonschema_rs.RegexOptions(size_limit=bounds.pattern_bytes, dfa_size_limit=bounds.pattern_bytes)
        try:
            self._validator = jsonschema_rs.validator_for(text, offline=True, pattern_options=options)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            raise ConfigError("not a JSON Schema that can be used", hint=type(error).__name__) from error

    def problems(self, value: object) -> tuple[str, ...]:
        """What is wrong with a value, as `<JSON pointer>: <rule>`; empty when it has the form.

        Args:
            value: Dicts, lists, strings, numbers, booleans, None.

        Raises:
            TooCostlyError: It would take too long to tell.
        """
        if self._has_loops or self._paths * _size(value) > MAX_STEPS:
            _Steps(self._root).count(value)
        found: list[str] = []
        for error in self._validator.iter_errors(value):
            place = "".join(f"/{escape(str(each))}" for each in error.instance_path)
            found.append(f"{place or '/'}: {error.kind.name}")
            if len(found) >= MAX_PROBLEMS:
                break
        return tuple(found)


class _Graph:
    """How the schemas of a document lead to each other.

    Attributes:
        has_loops: Whether a schema leads back to itself, below its value.
        paths: Ways from the root through it; 0 where there are loops.
    """

    def __init__(self, root: Any, bounds: Bounds) -> None:
        self._root = root
        self._bounds = bounds
        self._patterns = 0
        self.has_loops = False
        self._paths: dict[int, int] = {}
        self._nested: dict[int, int] = {}
        self._open: set[int] = set()
        self._here: set[int] = set()
        try:
            self._bound(root, is_root=True)
            self._reach(root)
            self.paths = self._count(root)
        except RecursionError as error:
            raise ConfigError("the schema is nested too deep") from error

    def _bound(self, node: Any, *, is_root: bool = False) -> None:
        """Refuse what would be resolved elsewhere, and too many patterns."""
        if isinstance(node, list):
            for each in node:
                self._bound(each)
        if not isinstance(node, dict):
            return
        for name in _ELSEWHERE:
            if isinstance(node.get(name), str) and not (is_root and name in ("$id", "id")):
                raise ConfigError(f'the schema uses "{name}", which could be read in more than one way')
        if isinstance(node.get("$ref"), str):
            resolve(self._root, node["$ref"])
        self._patterns += isinstance(node.get("pattern"), str)
        expressions = node.get("patternProperties")
        self._patterns += len(expressions) if isinstance(expressions, dict) else 0
        if self._patterns > self._bounds.patterns:
            raise ConfigError(f'the schema has more than "{self._bounds.patterns}" patterns')
        for name, value in node.items():
            if name not in ("enum", "const", "default", "examples"):
                self._bound(value)

    def _reach(self, root: Any) -> None:
        """Look at every schema that the root leads to."""
        waiting, seen = [root], set()
        while waiting:
            node = waiting.pop()
            if id(node) not in seen:
                seen.add(id(node))
                self._nest(node)
                waiting += [*here(node, self._root), *(child for _, child in below(node))]

    def _nest(self, node: Any) -> int:
        """How many schemas are asked about one value, one inside the other, from here on."""
        key = id(node)
        if key in self._here:
            raise ConfigError("the schema refers to itself in its own place")
        if key not in self._nested:
            self._here.add(key)
            self._nested[key] = 1 + max((self._nest(each) for each in here(node, self._root)), default=0)
            self._here.discard(key)
        if self._nested[key] > self._bounds.nested:
            raise ConfigError(f'more than "{self._bounds.nested}" schemas are nested about one value')
        return self._nested[key]

    def _count(self, node: Any) -> int:
        key = id(node)
        if key in self._open:
            self.has_loops = True
            return 0
        if key not in self._paths:
            self._open.add(key)
            ways = [*here(node, self._root), *(child for _, child in below(node))]
            self._paths[key] = 1 + sum(map(self._count, ways))
            self._open.discard(key)
        return self._paths[key]


class _Steps:
    """How many schemas would be asked, each pair of schema and value counted once and taken as often as it comes."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._known: dict[tuple[int, int], int] = {}

    def count(self, value: Any) -> None:
        """Count.

        Raises:
            TooCostlyError: There are too many.
        """
        try:
            self._count(self._root, value)
        except RecursionError as error:
            raise TooCostlyError("nested too deep") from error

    def _count(self, node: Any, value: Any) -> int:
        if not isinstance(node, dict):
            return 1
        key = (id(node), id(value))
        steps = self._known.get(key)
        if steps is not None:
            return steps
        steps = 1 + sum(self._count(each, value) for each in here(node, self._root))
        if isinstance(value, (dict, list)):
            named = value if isinstance(value, dict) else {}
            for name, child in below(node):
                if name is not None:
                    steps += self._count(child, named[name]) if name in named else 0
                else:
                    steps += sum(self._count(child, each) for each in (named.values() if named else value))
        self._known[key] = steps
        if steps > MAX_STEPS or len(self._known) > MAX_PAIRS:
            raise TooCostlyError("too many steps")
        return steps


def here(node: Any, root: Any) -> Iterator[Any]:
    """The schemas that a schema asks about its own value."""
    if not isinstance(node, dict):
        return
    if isinstance(node.get("$ref"), str):
        yield resolve(root, node["$ref"])
    for name in _HERE_LISTS:
        listed = node.get(name)
        yield from listed if isinstance(listed, list) else ()
    for name in _HERE:
        if name in node:
            yield node[name]
    for name in _HERE_MAPS:
        mapped = node.get(name)
        yield from (each for each in mapped.values() if isinstance(each, dict)) if isinstance(mapped, dict) else ()


def below(node: Any) -> Iterator[tuple[str | None, Any]]:
    """The schemas that a schema asks about the members of its value: a member's name, or None for any."""
    if not isinstance(node, dict):
        return
    for name in _BELOW_MAPS:
        mapped = node.get(name)
        for key, each in mapped.items() if isinstance(mapped, dict) else ():
            yield key if name == "properties" else None, each
    for name in _BELOW_LISTS:
        listed = node.get(name)
        for each in listed if isinstance(listed, list) else ():
            yield None, each
    for name in _BELOW:
        if isinstance(node.get(name), (dict, bool)):
            yield None, node[name]


def resolve(root: Any, reference: str) -> Any:
    """What a reference inside a document leads to.

    Raises:
        ConfigError: It leads elsewhere, or to nothing.
    """
    if reference != "#" and not reference.startswith("#/"):
        raise ConfigError("the schema refers to something outside of itself")
    node = root
    for token in reference.removeprefix("#").split("/")[1:]:
        key = unescape(token)
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isascii() and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            raise ConfigError("the schema refers to a part of itself that is not there")
    return node


def _size(value: Any) -> int:
    """How many values a value holds, itself included."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1
