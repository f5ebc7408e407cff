"""Values with a form and without, and schemas that would harm whoever checks them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.forms import FROM_OPERATOR, Form, TooCostlyError, below, here, resolve
from ringwall.model.content import freeze
from ringwall.model.errors import ConfigError

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {"node": {"type": "object", "properties": {"left": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}}}},
}
BRANCHING = {"properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "required": ["b"]}


def form(schema: object) -> Form:
    return Form(freeze(schema))


@pytest.mark.parametrize(
    ("schema", "value", "problems"),
    [
        (PERSON, {"name": "Ada", "age": 3}, ()),
        (PERSON, {"name": "Ada", "age": 3.0}, ()),
        (PERSON, {"name": "Ada", "age": "3"}, ("/age: type",)),
        (PERSON, {"name": "ada"}, ("/name: pattern",)),
        (PERSON, {"name": "Ada", "x": 1}, ("/: additionalProperties",)),
        (PERSON, {}, ("/: required",)),
        (PERSON, [], ("/: type",)),
        (TREE, {"left": {"left": {"n": 1}}}, ()),
        (TREE, {"left": {"left": {"n": "1"}}}, ("/left/left/n: type",)),
        (True, 7, ()),
        ({"enum": ["$id"]}, "$id", ()),
        ({"properties": {"id": {"type": "string"}, "$ref": {"type": "string"}}}, {"id": "x"}, ()),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "null"}]}, [None], ()),
        ({"$id": "https://example.com/x", "$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}, None, ()),
    ],
)
def test_what_is_wrong_is_told_by_place_and_rule(schema: object, value: object, problems: tuple[str, ...]) -> None:
    assert form(schema).problems(value) == problems


def nested(levels: int) -> object:
    schema: object = {"type": "null"}
    for _ in range(levels):
        schema = {"allOf": [schema]}
    return schema


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ([], "a schema is a JSON object"),
        ({"$ref": "https://example.com/x.json"}, "outside of itself"),
        ({"$ref": "file:///etc/passwd"}, "outside of itself"),
        ({"$ref": "other.json#/a"}, "outside of itself"),
        ({"$ref": "#name"}, "outside of itself"),
        ({"$ref": "#/$defs/none"}, "not there"),
        ({"$ref": "#"}, "own place"),
        ({"allOf": [{"anyOf": [{"$ref": "#"}]}]}, "own place"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "own place"),
        ({"properties": {"a": {"$id": "https://example.com/x"}}}, "more than one way"),
        ({"$dynamicRef": "#n"}, "more than one way"),
        ({"$defs": {"a": {"$anchor": "n"}}}, "more than one way"),
        (nested(20), "nested"),
        ({"properties": {f"p{n}": {"pattern": "a"} for n in range(17)}}, "patterns"),
        ({"patternProperties": {f"p{n}": True for n in range(17)}}, "patterns"),
        ({"pattern": "(?=a)(a+)+$"}, "can be used"),
        ({"pattern": r"(a)\1"}, "can be used"),
        ({"pattern": "(a{1,1000}){1,1000}"}, "can be used"),
        ({"type": "no such type"}, "can be used"),
        ({"$schema": "https://example.com/meta"}, "can be used"),
        ({"enum": ["x" * 70_000]}, "characters"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_and_says_why(schema: object, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        form(schema)


def test_a_pattern_that_would_backtrack_does_not() -> None:
    assert form({"pattern": "^(a+)+$"}).problems("a" * 50_000 + "b") == ("/: pattern",)


def test_references_that_double_at_each_step_are_refused_before_they_are_followed() -> None:
    doubling = {f"a{n}": {"properties": {"x": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2}}} for n in range(40)}
    made = form({"$ref": "#/$defs/a0", "$defs": {**doubling, "a40": {"type": "integer"}}})
    value: object = 1
    for _ in range(40):
        value = {"x": value}
    with pytest.raises(TooCostlyError):
        made.problems(value)
    assert made.problems({"x": {"x": 1}}) == ()


def test_a_loop_that_branches_is_refused_for_deep_values_only() -> None:
    value: object = {"b": 1}
    for depth in range(40):
        if depth == 6:
            assert form(BRANCHING).problems(value) == ()
        value = {"a": value, "b": 1}
    with pytest.raises(TooCostlyError):
        form(BRANCHING).problems(value)


def test_a_long_list_of_plain_things_is_cheap_enough() -> None:
    assert form({"items": PERSON}).problems([{"name": "Ada", "age": n} for n in range(20_000)]) == ()
    assert (
        Form(freeze({"properties": {f"p{n}": {"pattern": "a"} for n in range(17)}}), FROM_OPERATOR).problems({}) == ()
    )


def test_no_more_problems_are_named_than_help() -> None:
    assert len(form({"items": {"type": "null"}}).problems(list(range(100)))) == 8


def test_how_schemas_lead_to_each_other() -> None:
    root = {"if": True, "$ref": "#/$defs/a~1b", "$defs": {"a/b": {"x": [1]}}, "dependentSchemas": {"k": {"not": {}}}}
    assert list(here(root, root)) == [{"x": [1]}, True, {"not": {}}]
    assert resolve(root, "#/$defs/a~1b/x/0") == 1
    assert list(below({"properties": {"p": 1}, "patternProperties": {"q": 2}, "items": {}, "prefixItems": [3]})) == [
        ("p", 1), (None, 2), (None, 3), (None, {}),
    ]  # fmt: skip


schemas = st.recursive(
    st.sampled_from(
        [{"type": "integer"}, {"$ref": "#/$defs/a"}, {"$ref": "#"}, True, {"pattern": "a"}, {"const": {"x": 1}}]
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"anyOf": each}),
        st.dictionaries(st.sampled_from("xy"), inner, max_size=2).map(lambda each: {"properties": each}),
        inner.map(lambda each: {"items": each}),
    ),
    max_leaves=8,
)
values = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
)


@settings(deadline=None, max_examples=200)
@given(schemas, schemas, values)
def test_any_schema_is_refused_or_answers(schema: object, other: object, value: object) -> None:
    root = {"allOf": [schema], "$defs": {"a": other}}
    try:
        problems = form(root).problems(value)
    except (ConfigError, TooCostlyError):
        return
    assert isinstance(problems, tuple)
