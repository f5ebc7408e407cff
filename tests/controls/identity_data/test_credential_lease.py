"""A tool's credential is leased for whom a policy permits it, and no lease travels through a model."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controls.identity_data.credential_lease import CONTROL
from ringwall.detectors.sealed import MIN_BODY_BYTES, write
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Facts, Identity
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Action, Checkpoint, Principal, Resource, Vantage
from ringwall.model.vault import KeyName, Sealed
from ringwall.model.verdict import Allow, Deny, Grant, Verdict
from ringwall.policy.decide import CedarPolicy, Domain
from ringwall.policy.slices import PolicyText
from tests.controls.judging import ALICE, build, judge, vantage

PERMIT = """
permit (principal in Ringwall::Role::"support/agent", action == Ringwall::Action::"take_lease", resource)
when { resource.tool == "query" };
"""
SECRET = f"rwl_{'0a' * 16}_{'x' * 43}"


def cedar(text: str = PERMIT) -> CedarPolicy:
    texts = [PolicyText("org.cedar", text)] if text else []
    lent = Domain(credentials=frozenset({"orders"}))
    return CedarPolicy(workloads={WorkloadId("support"): lent}, organisation=texts)


def seen(content: Any, *, tool: str = "query", principal: Principal = ALICE, action: Action = Action.CALL) -> Vantage:
    part = Part(PartId("arguments"), Origin.MODEL, freeze(content), JSON)
    made = vantage(principal=principal, action=action, resource=Resource("tool", tool)).interaction
    facts = Facts((Identity(verified=principal.verified, credential="access_token"),))
    return Vantage(Checkpoint.TOOL_CALL, replace(made, parts=(part,)), (part,), facts)


def ask(at: Vantage, policy: CedarPolicy | None = None, **changed: object) -> Verdict:
    given_tools = {"query": "orders", "export": "orders", "pay": "payroll"}
    return judge(build(CONTROL, {"policy": policy or cedar()}, **{"tools": given_tools, **changed}), at)


def code(verdict: Verdict) -> str:
    assert isinstance(verdict, Deny)
    return verdict.code


def test_a_declared_credential_is_leased_to_whom_a_policy_permits_it() -> None:
    verdict = ask(seen({"sql": "SELECT 1"}))
    assert isinstance(verdict, Allow) and verdict.grants == (Grant("lease", "orders"),)


@pytest.mark.parametrize(
    "at",
    [
        seen({}, tool="export"),
        seen({}, tool="pay"),
        seen({}, principal=replace(ALICE, roles=frozenset())),
        seen({}, principal=replace(ALICE, roles=frozenset({"hr/agent"}))),
        seen({}, principal=replace(ALICE, verified=False)),
    ],
    ids=["another tool", "another credential", "no role", "role elsewhere", "not verified"],
)
def test_nobody_else_gets_it(at: Vantage) -> None:
    assert code(ask(at)) == "lease_not_permitted"


def test_by_default_nobody_leases_and_the_broadest_permit_lends_nothing_to_a_foreign_workload() -> None:
    assert code(ask(seen({}), cedar(""))) == "lease_not_permitted"
    broad = cedar("permit (principal, action, resource);")
    assert code(ask(seen({}, tool="pay"), broad)) == "lease_not_permitted"
    assert isinstance(ask(seen({}), broad), Allow)


def test_a_policy_that_errors_is_a_refusal() -> None:
    text = PERMIT + "forbid (principal, action, resource) when { 9223372036854775807 + 1 > 0 };"
    assert code(ask(seen({}), cedar(text))) == "policy_error"


def test_a_tool_without_a_declared_credential_passes_with_none() -> None:
    assert ask(seen({"q": "boots"}, tool="search")) == Allow(frozenset({PartId("arguments")}))
    assert ask(seen({"q": "boots"}), tools={}) == Allow(frozenset({PartId("arguments")}))


@pytest.mark.parametrize(
    "content",
    [
        {"note": f"use {SECRET}"}, {"a": [{"b": SECRET}]}, {SECRET: 1}, {SECRET: {"b": SECRET}},
        {"url": f"postgresql://rw_lease_{'f' * 32}@h/d"}, {"context": "rwcall1.eyJsZWFzZSI6ICIwMCJ9.abc"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("tool", ["query", "search"])
def test_a_lease_that_a_model_carries_is_refused(content: Any, tool: str) -> None:
    verdict = ask(seen(content, tool=tool))
    assert code(verdict) == "lease_in_arguments"
    assert "0a0a" not in repr(verdict)


def test_another_secret_in_arguments_is_refused_and_a_sealed_value_is_none() -> None:
    assert code(ask(seen({"key": "AKIAIOSFODNN7EXAMPLE"}))) == "secret_in_arguments"
    value = write(Sealed(KeyName("support", "t", "token"), 1, "", bytes(range(MIN_BODY_BYTES)) * 8))
    assert isinstance(ask(seen({"token": value})), Allow)


@given(st.text(alphabet="abcdefgh ,.0123", max_size=80))
@settings(deadline=None, max_examples=60)
def test_ordinary_arguments_are_left_untouched(text: str) -> None:
    assert ask(seen({"q": text}, tool="search")) == Allow(frozenset({PartId("arguments")}))


def test_content_that_nobody_understands_is_not_covered() -> None:
    part = Part(PartId("p"), Origin.MODEL, "iVBOR", "image/png")
    at = replace(seen({}), parts=(part,))
    control = build(CONTROL, {"policy": cedar()}, tools={})
    assert asyncio.run(control.examine(at)).covered == frozenset()


def test_what_is_no_credential_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="Orders DB"):
        build(CONTROL, {"policy": cedar()}, tools={"query": "Orders DB"})
