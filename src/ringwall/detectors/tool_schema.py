"""Are these the arguments that a tool takes? JSON Schema, exactly: nothing is coerced, nothing passes unlisted.

* A string is no number and 1.0 is the integer 1, as JSON Schema says; nothing is turned into what was asked for.
* An argument that the schema does not list is refused, whatever the schema says about additional ones: nobody wrote
  down what it means, so nobody could judge it (law 9).
* References stay inside the schema, and patterns run in linear time: a schema comes from a tool's server.
* What is wrong is told by place and rule, never by the value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import jsonschema_rs

from ringwall.model.content import Json, escape, thaw
from ringwall.model.errors import ConfigError

MAX_PATTERN_BYTES = 1 << 20
"""Size of a compiled pattern of a schema."""
MAX_SCHEMA_CHARS = 256 * 1024
MAX_PROBLEMS = 8
"""Problems that are named; the rest is not looked for."""


class ToolSchema:
    """The schema of one tool's arguments, compiled."""

    __slots__ = ("_listed", "_validator")

    def __init__(self, schema: Json) -> None:
        """Compile.

        Raises:
            ConfigError: Not a JSON Schema of an object, too large, or it refers elsewhere.
        """
        if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
            raise ConfigError("the arguments of a tool are a JSON object")
        text = json.dumps(thaw(schema))
        if len(text) > MAX_SCHEMA_CHARS:
            raise ConfigError(f'the schema has more than "{MAX_SCHEMA_CHARS}" characters')
        properties = schema.get("properties", {})
        if not isinstance(properties, Mapping):
            raise ConfigError('"properties" of the schema is no object')
        self._listed = frozenset(properties)
        options = jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES, dfa_size_limit=MAX_PATTERN_BYTES)
        try:
            self._validator = jsonschema_rs.validator_for(text, offline=True, pattern_options=options)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            reason = str(error).partition("\n")[0][:200]
            raise ConfigError(f"not a JSON Schema that can be used: {reason}") from error

    def problems(self, arguments: Mapping[str, Json]) -> tuple[str, ...]:
        """What is wrong with these arguments, as `<JSON pointer>: <rule>`; empty when nothing is."""
        unlisted = [f"/{escape(name)}: not an argument of this tool" for name in arguments if name not in self._listed]
        found = unlisted[:MAX_PROBLEMS]
        for error in self._validator.iter_errors(thaw(arguments)):
            if len(found) >= MAX_PROBLEMS:
                break
            place = "".join(f"/{escape(str(each))}" for each in error.instance_path)
            found.append(f"{place or '/'}: {error.kind.name}")
        return tuple(found)
