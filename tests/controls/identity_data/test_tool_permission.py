"""Who may call which tool with what: as intent and as a call, by schema and by Cedar."""

from __future__ import annotations

import pytest

from ringwall.controls.identity_data.tool_permission import CONTROL
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Facts, Identity, Proposed
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Action, Checkpoint, Resource, Vantage
from ringwall.model.tools import Tool
from ringwall.model.verdict import Allow
from ringwall.policy.decide import CedarPolicy, Domain
from ringwall.policy.slices import PolicyText
from tests.controls.judging import build, code, judge, vantage

SCHEMA = {
    "type": "object",
    "properties": {"table": {"type": "string"}, "limit": {"type": "integer"}},
    "required": ["table"],
}
QUERY = Tool("query", "shop", "", freeze(SCHEMA))
POLICY = """
permit (principal in Ringwall::Role::"support/agent", action == Tool::Action::"shop/query", resource)
when { context.arguments.table == "products" };
"""
KNOWN = Identity(verified=True, credential="access_token")


def cedar(text: str = POLICY, *tools: Tool) -> CedarPolicy:
    domain = Domain(tools=tools or (QUERY,))
    return CedarPolicy(workloads={WorkloadId("support"): domain}, organisation=(PolicyText("org.cedar", text),))


def seen(arguments: object, name: str = "query", checkpoint: Checkpoint = Checkpoint.TOOL_CALL) -> Vantage:
    part = Part(PartId("choices/0/calls/0/arguments"), Origin.MODEL, freeze(arguments), JSON)
    is_call = checkpoint is Checkpoint.TOOL_CALL
    plain = vantage(
        action=Action.CALL if is_call else Action.INVOKE,
        resource=Resource("tool", name) if is_call else Resource("model", "gpt-small"),
    )
    facts = Facts((KNOWN,)) if is_call else Facts((KNOWN, Proposed({part.id: name})))
    said = Part(PartId("choices/0/content/0"), Origin.MODEL, "let me look")
    parts = (part,) if is_call else (said, part)
    return Vantage(checkpoint, plain.interaction, parts, facts)


def control(text: str = POLICY, **changed: object) -> object:
    return build(CONTROL, {"policy": cedar(text), "tools": (QUERY,)}, **changed)


BOTH = pytest.mark.parametrize("checkpoint", [Checkpoint.RESPONSE, Checkpoint.TOOL_CALL])


@BOTH
def test_what_a_policy_permits_passes(checkpoint: Checkpoint) -> None:
    assert isinstance(judge(control(), seen({"table": "products", "limit": 5}, checkpoint=checkpoint)), Allow)


@BOTH
@pytest.mark.parametrize(
    ("arguments", "name", "why"),
    [
        ({"table": "payments"}, "query", "tool_not_permitted"),
        ({"table": 5}, "query", "invalid_arguments"),
        ({"table": "products", "limit": "5"}, "query", "invalid_arguments"),
        ({"table": "products", "shell": "rm"}, "query", "invalid_arguments"),
        ({}, "query", "invalid_arguments"),
        ({"table": "products", "limit": 2**64}, "query", "policy_error"),
        ({"table": "products"}, "drop_all", "undeclared_tool"),
    ],
)
def test_what_no_policy_permits_is_refused(
    checkpoint: Checkpoint, arguments: dict[str, object], name: str, why: str
) -> None:
    assert code(control(), seen(arguments, name, checkpoint)) == why


def test_wrong_arguments_are_refused_before_cedar_sees_them() -> None:
    made = control("permit (principal, action, resource);")
    assert code(made, seen({"table": 5})) == "invalid_arguments"


def test_an_answer_without_calls_is_not_its_question() -> None:
    plain = vantage(KNOWN, Proposed({}), checkpoint=Checkpoint.RESPONSE)
    assert isinstance(judge(control(), plain), Allow)


def test_intent_and_call_can_be_told_apart_by_a_policy() -> None:
    text = (
        POLICY
        + 'forbid (principal, action == Tool::Action::"shop/query", resource) when { context.stage == "called" };'
    )
    assert isinstance(judge(control(text), seen({"table": "products"}, checkpoint=Checkpoint.RESPONSE)), Allow)
    assert code(control(text), seen({"table": "products"})) == "tool_not_permitted"


def test_undeclared_tools_pass_as_intent_by_leave_only_and_never_as_a_call() -> None:
    lenient = control(undeclared="allow")
    verdict = judge(lenient, seen({"x": 1}, "own_tool", Checkpoint.RESPONSE))
    assert isinstance(verdict, Allow) and [each.kind for each in verdict.evidence] == ["undeclared_tool"]
    assert code(lenient, seen({"x": 1}, "own_tool")) == "undeclared_tool"


def test_without_the_fact_of_what_was_proposed_there_is_no_verdict() -> None:
    plain = vantage(KNOWN, checkpoint=Checkpoint.RESPONSE)
    with pytest.raises(LookupError):
        judge(control(), plain)


def test_a_schema_that_cannot_be_used_is_named_when_the_plan_is_made() -> None:
    broken = Tool("broken", "shop", "", freeze({"type": "object", "properties": {"a": {"pattern": "("}}}))
    with pytest.raises(ConfigError, match="broken"):
        build(CONTROL, {"policy": cedar(POLICY, QUERY, broken), "tools": (QUERY, broken)})
