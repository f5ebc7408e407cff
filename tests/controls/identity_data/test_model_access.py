"""Who may invoke which model."""

from __future__ import annotations

from dataclasses import replace

from ringwall.controls.identity_data.model_access import CONTROL
from ringwall.model.facts import Identity
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import ANONYMOUS, Action, Principal, Resource
from ringwall.policy.decide import CedarPolicy, Domain
from ringwall.policy.slices import PolicyText
from tests.controls.judging import ALICE, build, code, vantage

DOMAINS = {WorkloadId("support"): Domain(frozenset({"gpt-small"})), WorkloadId("hr"): Domain(frozenset({"hr-model"}))}
CEDAR = CedarPolicy(workloads=DOMAINS)
PLAIN = Identity(verified=True, credential="access_token")
NOBODY = replace(ALICE, roles=frozenset())


def ask(
    identity: Identity = PLAIN,
    principal: Principal = ALICE,
    model: str = "gpt-small",
    cedar: CedarPolicy = CEDAR,
    action: Action = Action.INVOKE,
    kind: str = "model",
    **changed: object,
) -> str | None:
    seen = vantage(identity, principal=principal, resource=Resource(kind, model), action=action)
    return code(build(CONTROL, {"policy": cedar}, **changed), seen)


def test_own_principals_invoke_own_models() -> None:
    assert ask() is None
    assert ask(replace(PLAIN, workloads=frozenset({"support"})), NOBODY) is None


def test_everybody_else_and_everything_else_is_refused() -> None:
    assert ask(principal=NOBODY) == "not_permitted"
    assert ask(replace(PLAIN, workloads=frozenset({"hr"})), NOBODY) == "not_permitted"
    assert ask(principal=replace(ALICE, roles=frozenset({"hr/agent"}))) == "not_permitted"
    assert ask(model="hr-model") == "not_permitted"
    assert ask(kind="tool") == "not_permitted"
    assert ask(principal=ANONYMOUS) == "not_permitted"


def test_a_claimed_principal_needs_a_waiver() -> None:
    claimed = replace(ALICE, verified=False)
    assert ask(principal=claimed) == "not_permitted"
    assert ask(principal=claimed, verified_only=False) is None


def test_listing_is_asked_about_and_tool_calls_are_not_its_business() -> None:
    assert ask(action=Action.LIST, kind="endpoint", model="models") is None
    assert ask(action=Action.LIST, kind="endpoint", model="models", principal=NOBODY) == "not_permitted"
    assert ask(action=Action.CALL, kind="tool", model="x", principal=NOBODY) is None


def test_a_policy_that_errors_is_a_refusal() -> None:
    """The shipped permit holds and the forbid errors: Cedar alone would say Allow."""
    text = """
    forbid (principal, action == Ringwall::Action::"invoke_model", resource) when { 9223372036854775807 + 1 > 0 };
    """
    cedar = CedarPolicy(workloads=DOMAINS, organisation=[PolicyText("org.cedar", text)])
    assert ask(cedar=cedar) == "policy_error"
