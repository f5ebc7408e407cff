"""Tool calls before Cedar: typed from the tool's schema, exact or refused, and no name of a tool passes for ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.content import Json, freeze
from ringwall.model.errors import ConfigError
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal, PrincipalKind
from ringwall.model.ports import PolicyAnswer
from ringwall.model.tools import Tool
from ringwall.policy.decide import CedarPolicy, Domain
from ringwall.policy.slices import PolicyText
from ringwall.policy.tools import CallType, UnsayableError, action_of

SHOP = WorkloadId("storefront")
ADA = Principal("https://id.example", "ada", PrincipalKind.PERSON, frozenset({"storefront/clerk"}), True)
ASKER = {"entitled": False, "claims_accepted": False, "credential": "access_token"}
QUERY = {
    "type": "object",
    "properties": {
        "table": {"type": "string", "enum": ["products", "payments"]},
        "columns": {"type": "array", "items": {"type": "string"}},
        "limit": {"type": "integer"},
        "budget": {"type": "number"},
        "exact": {"type": ["boolean", "null"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "where": {"type": "object", "properties": {"id": {"type": "integer"}, "any": {}}, "required": ["id"]},
        "free": {"type": "object"},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    },
    "required": ["table"],
}


def tool(name: str = "query", schema: object = QUERY, server: str = "shop") -> Tool:
    return Tool(name, server, "", freeze(schema))


def policy(text: str, *tools: Tool, own: str = "") -> CedarPolicy:
    texts = (PolicyText("own.cedar", own),) if own else ()
    domain = Domain(tools=tools or (tool(),), policies=texts)
    return CedarPolicy(workloads={SHOP: domain}, organisation=(PolicyText("org.cedar", text),))


def call(made: CedarPolicy, arguments: Mapping[str, object], of: Tool | None = None) -> PolicyAnswer:
    frozen = freeze(arguments)
    assert isinstance(frozen, Mapping)
    return asyncio.run(made.decide_call(ADA, of or tool(), frozen, "called", ASKER, SHOP))


PRODUCTS = """
permit (principal, action == Tool::Action::"shop/query", resource)
when {
  context.arguments.table == "products" &&
  (if context.arguments has limit then context.arguments.limit <= 100 else true)
};
"""


def test_what_the_arguments_say_decides() -> None:
    made = policy(PRODUCTS)
    assert call(made, {"table": "products"}).allowed
    assert call(made, {"table": "products", "limit": 100}).allowed
    assert not call(made, {"table": "products", "limit": 101}).allowed
    assert not call(made, {"table": "payments"}).allowed


def test_without_a_policy_nothing_is_called() -> None:
    answer = call(policy('permit (principal, action == Ringwall::Action::"invoke_model", resource);'), {"table": "x"})
    assert answer == PolicyAnswer(False, (), ())


def test_every_kind_of_argument_can_be_read() -> None:
    made = policy(
        """permit (
          principal in Ringwall::Role::"storefront/clerk", action == Tool::Action::"shop/query", resource
        ) when {
          resource == Ringwall::ToolServer::"shop" && context.stage == "called" &&
          context.arguments has columns && context.arguments.columns.containsAll(["id", "name"]) &&
          context.arguments has budget && context.arguments.budget.lessThan(decimal("10.5")) &&
          context.arguments has exact && context.arguments.exact &&
          context.arguments has note && context.arguments.note == "n" &&
          context.arguments has where && context.arguments.where.id == 7 };"""
    )
    good = {
        "table": "t", "columns": ["id", "name"], "budget": 10.25, "exact": True, "note": "n", "where": {"id": 7},
    }  # fmt: skip
    assert call(made, good).allowed
    for name, value in (("columns", ["id"]), ("budget", 10.5), ("exact", False), ("note", "m"), ("where", {"id": 8})):
        assert not call(made, good | {name: value}).allowed, name


NOTED = 'forbid (principal, action == Tool::Action::"shop/query", resource) when { context.arguments has note };'


def test_null_is_not_given() -> None:
    made = policy(PRODUCTS + NOTED)
    assert call(made, {"table": "products", "note": None}).allowed
    assert not call(made, {"table": "products", "note": "x"}).allowed


def test_what_cannot_be_said_in_cedar_is_named_so_that_it_can_be_forbidden() -> None:
    guard = 'forbid (principal, action == Tool::Action::"shop/query", resource) unless { context.unread.isEmpty() };'
    made = policy(PRODUCTS + guard)
    assert call(made, {"table": "products"}).allowed
    for hidden in ({"free": {"a": 1}}, {"either": "x"}, {"where": {"id": 1, "any": 2}}, {"unknown": 1}):
        assert not call(made, {"table": "products", **hidden}).allowed, hidden


@pytest.mark.parametrize(
    "arguments",
    [
        {"table": "products", "limit": 2**63},
        {"table": "products", "limit": 1.5},
        {"table": "products", "budget": 0.00001},
        {"table": "products", "budget": 1e15},
    ],
)
def test_a_value_that_a_policy_would_read_wrongly_is_an_error(arguments: dict[str, object]) -> None:
    answer = call(policy("permit (principal, action, resource);"), arguments)
    assert not answer.allowed and answer.errors


@pytest.mark.parametrize("arguments", [{"table": 5}, {"columns": "id", "table": "t"}, {}, {"table": "t", "where": {}}])
def test_an_argument_of_the_wrong_type_is_an_error_and_not_a_question(arguments: dict[str, object]) -> None:
    answer = call(policy("permit (principal, action, resource);"), arguments)
    assert not answer.allowed and answer.errors


def test_a_tool_named_like_an_action_of_ours_is_another_action() -> None:
    impostor = tool("invoke_model", {"type": "object", "properties": {}})
    made = policy('permit (principal, action == Ringwall::Action::"invoke_model", resource);', impostor)
    assert not call(made, {}, impostor).allowed
    ours = policy('permit (principal, action == Tool::Action::"shop/invoke_model", resource);', impostor)
    assert call(ours, {}, impostor).allowed
    answer = asyncio.run(ours.decide(ADA, "invoke_model", ("Model", "m"), ASKER, SHOP))
    assert not answer.allowed


def test_a_tool_that_the_plan_does_not_have_is_an_error() -> None:
    assert call(policy("permit (principal, action, resource);"), {}, tool("drop_all")).errors


def test_a_policy_that_speaks_of_what_the_tool_does_not_have_is_named_and_nothing_is_loaded() -> None:
    for text in (
        'permit (principal, action == Tool::Action::"shop/query", resource) when { context.arguments.tabel == "x" };',
        'permit (principal, action == Tool::Action::"shop/quer", resource);',
        'permit (principal, action == Tool::Action::"shop/query", resource) when { context.arguments.limit < 5 };',
    ):
        with pytest.raises(ConfigError, match=r"org\.cedar"):
            policy(text)


def test_a_workload_may_only_forbid_its_tools() -> None:
    with pytest.raises(ConfigError, match="permits"):
        policy("", own=PRODUCTS)
    made = policy(
        PRODUCTS, own='forbid (principal, action, resource) when { resource == Ringwall::ToolServer::"shop" };'
    )
    assert not call(made, {"table": "products"}).allowed


def test_the_applications_own_tools_are_told_apart() -> None:
    assert action_of(tool(server=""), SHOP) == "application:storefront/query"


@pytest.mark.parametrize("name", ['q"; permit', "a\\", "t.1-x_y", "x" * 64])
def test_no_name_is_read_as_cedar(name: str) -> None:
    hostile = tool(name, {"type": "object", "properties": {'k"}': {"type": "string"}, "a b": {"type": "integer"}}})
    made = policy("permit (principal, action, resource);", hostile)
    assert call(made, {'k"}': "v", "a b": 1}, hostile).allowed


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(schema=JSON_VALUES, arguments=st.dictionaries(st.sampled_from(["table", "where", "x"]), JSON_VALUES, max_size=3))
def test_any_schema_and_any_arguments_end_in_a_context_or_in_one_error(
    schema: object, arguments: dict[str, object]
) -> None:
    for each in (schema, {"type": "object", "properties": {"table": schema, "x": {"type": schema}}}, QUERY):
        made = CallType.of(tool(schema=each))
        frozen: Json = freeze(arguments)
        assert isinstance(frozen, Mapping)
        try:
            json.dumps(made.context(frozen, "called"))
        except UnsayableError:
            pass


@settings(max_examples=50, deadline=None)
@given(limit=st.integers(-(2**63), 2**63 - 1))
def test_integers_arrive_as_they_are(limit: int) -> None:
    made = policy(
        f'permit (principal, action == Tool::Action::"shop/query", resource) '
        f"when {{ context.arguments has limit && context.arguments.limit == {limit} }};"
        if limit >= 0
        else 'permit (principal, action == Tool::Action::"shop/query", resource) '
        f"when {{ context.arguments has limit && context.arguments.limit == (0 - {-(limit + 1)} - 1) }};"
    )
    assert call(made, {"table": "t", "limit": limit}).allowed
    if limit < 2**63 - 1:
        assert not call(made, {"table": "t", "limit": limit + 1}).allowed
