"""Arguments are what the schema says, exactly; a hostile schema costs nothing and reaches nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.tool_schema import MAX_PROBLEMS, ToolSchema
from ringwall.model.content import freeze
from ringwall.model.errors import ConfigError

SCHEMA = {
    "type": "object",
    "properties": {
        "table": {"enum": ["products", "payments"]},
        "limit": {"type": "integer", "minimum": 1},
        "code": {"type": "string", "pattern": "^(a+)+$"},
        "where": {"$ref": "#/$defs/where"},
    },
    "required": ["table"],
    "additionalProperties": True,
    "$defs": {"where": {"type": "object", "properties": {"id": {"type": "integer"}}}},
}


def problems(arguments: object, schema: object = SCHEMA) -> tuple[str, ...]:
    frozen = freeze(arguments)
    assert isinstance(frozen, Mapping)
    return ToolSchema(freeze(schema)).problems(frozen)


def test_what_conforms_passes() -> None:
    assert problems({"table": "products", "limit": 1.0, "where": {"id": 3}}) == ()


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ({}, "/: required"),
        ({"table": "secrets"}, "/table: enum"),
        ({"table": "products", "limit": "1"}, "/limit: type"),
        ({"table": "products", "limit": True}, "/limit: type"),
        ({"table": "products", "limit": 0}, "/limit: minimum"),
        ({"table": "products", "where": {"id": "x"}}, "/where/id: type"),
        ({"table": "products", "drop/~": 1}, "/drop~1~0: not an argument of this tool"),
    ],
)
def test_nothing_is_coerced_and_nothing_passes_unlisted(arguments: dict[str, object], wrong: str) -> None:
    assert wrong in problems(arguments)


def test_problems_name_places_and_rules_and_never_values() -> None:
    said = " ".join(problems({"table": "4111111111111111", "limit": "sk-secret"}))
    assert "4111" not in said and "secret" not in said


def test_a_flood_of_problems_is_cut() -> None:
    assert len(problems({f"k{number}": 1 for number in range(10_000)})) == MAX_PROBLEMS


def test_a_pattern_made_to_hang_takes_no_time() -> None:
    began = time.process_time()
    assert problems({"table": "products", "code": "a" * 200_000 + "b"}) == ("/code: pattern",)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "schema",
    [
        5,
        {"type": "string"},
        {"type": "objec"},
        {"properties": 5},
        {"properties": {"a": {"$ref": "http://169.254.169.254/latest"}}},
        {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"pattern": "(?=a)b"}}},
        {"properties": {"a": {"pattern": "(a{1000}){1000}"}}},
        {"properties": {"a": {"description": "x" * 300_000}}},
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_when_it_is_read(schema: object) -> None:
    with pytest.raises(ConfigError):
        ToolSchema(freeze(schema))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(arguments=st.dictionaries(st.sampled_from(["table", "limit", "where", "x"]), VALUES, max_size=4), schema=VALUES)
def test_any_arguments_and_any_schema_end_in_an_answer(arguments: dict[str, object], schema: object) -> None:
    assert isinstance(problems(arguments), tuple)
    try:
        problems(arguments, {"properties": {"table": schema}})
    except ConfigError:
        pass
