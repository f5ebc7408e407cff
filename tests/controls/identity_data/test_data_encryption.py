"""What is sealed stays sealed but for whom a policy permits it, in the answer of a tool and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controls.identity_data.data_encryption import CONTROL, MAX_KEYS
from ringwall.detectors.sealed import MIN_BODY_BYTES, write
from ringwall.model.content import JSON, TEXT, Origin, Part, PartId, freeze
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Delivered, Facts, Identity
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Action, Checkpoint, Principal, Resource, Vantage
from ringwall.model.vault import KeyName, Sealed
from ringwall.model.verdict import Allow, Deny, Grant, Verdict
from ringwall.policy.decide import CedarPolicy, Domain
from ringwall.policy.slices import PolicyText
from tests.controls.judging import ALICE, build, judge, vantage

PERMIT = """
permit (principal in Ringwall::Role::"support/agent", action == Ringwall::Action::"use_key", resource)
when { resource.table == "customers" && resource.column == "email" && resource.tool == "query" };
"""


def cedar(text: str = PERMIT) -> CedarPolicy:
    return CedarPolicy(
        workloads={WorkloadId("support"): Domain()}, organisation=[PolicyText("org.cedar", text)] if text else []
    )


CEDAR = cedar()


def value(column: str = "email", workload: str = "support", version: int = 1) -> str:
    return write(Sealed(KeyName(workload, "customers", column), version, "", bytes(MIN_BODY_BYTES)))


def seen(
    content: Any,
    point: Checkpoint = Checkpoint.TOOL_RESULT,
    *,
    principal: Principal = ALICE,
    tool: str = "query",
    action: Action = Action.CALL,
    media: str = "",
) -> Vantage:
    part = Part(PartId("result/0"), Origin.TOOL, freeze(content), media or (TEXT if isinstance(content, str) else JSON))
    made = vantage(principal=principal, action=action, resource=Resource("tool", tool)).interaction
    identity = Identity(verified=principal.verified, credential="access_token")
    return Vantage(point, replace(made, parts=(part,)), (part,), Facts((identity,)))


def ask(at: Vantage, policy: CedarPolicy = CEDAR, **changed: object) -> Verdict:
    return judge(build(CONTROL, {"policy": policy}, **changed), at)


def kinds(verdict: Verdict) -> list[str]:
    return [each.kind for each in verdict.evidence]


def test_what_a_policy_permits_becomes_a_grant_and_the_rest_stays_sealed() -> None:
    rows = [{"email": value(), "card": value("card")}, {"email": value(version=2), "card": None}]
    verdict = ask(seen({"rows": rows}))
    assert isinstance(verdict, Allow)
    assert verdict.grants == (Grant("unseal", "support/customers.email"),)
    assert sorted(kinds(verdict)) == ["permitted", "permitted", "unreadable"]


@pytest.mark.parametrize(
    "at",
    [
        seen({"email": value()}, principal=replace(ALICE, roles=frozenset())),
        seen({"email": value()}, principal=replace(ALICE, roles=frozenset({"other/agent"}))),
        seen({"email": value()}, principal=replace(ALICE, verified=False)),
        seen({"email": value()}, tool="export"),
        seen({"card": value("card")}),
    ],
    ids=["no role", "role elsewhere", "not verified", "another tool", "another column"],
)
def test_everybody_else_gets_it_sealed(at: Vantage) -> None:
    verdict = ask(at)
    assert isinstance(verdict, Allow) and verdict.grants == () and kinds(verdict) == ["unreadable"]


def test_by_default_nobody_opens_anything() -> None:
    verdict = ask(seen({"email": value()}), cedar(""))
    assert isinstance(verdict, Allow) and verdict.grants == ()


def test_the_broadest_permit_opens_no_key_for_whoever_was_not_verified() -> None:
    broad = cedar("permit (principal, action, resource);")
    claimed = ask(seen({"email": value()}, principal=replace(ALICE, verified=False)), broad)
    assert isinstance(claimed, Allow) and claimed.grants == ()
    verified = ask(seen({"email": value()}), broad)
    assert isinstance(verified, Allow) and len(verified.grants) == 1


def test_arguments_of_a_call_and_results_in_a_request_to_a_model_are_never_opened() -> None:
    broad = cedar("permit (principal, action, resource);")
    argument = ask(seen({"to": value()}, Checkpoint.TOOL_CALL), broad)
    assert isinstance(argument, Allow) and argument.grants == () and kinds(argument) == ["sealed_argument"]
    later = ask(seen({"email": value()}, action=Action.INVOKE), broad)
    assert isinstance(later, Allow) and later.grants == () and kinds(later) == ["unreadable"]


@pytest.mark.parametrize("point", [Checkpoint.TOOL_CALL, Checkpoint.TOOL_RESULT])
@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"email": value(workload="hr")}, "foreign_key"),
        ({"note": f"see {value(workload='hr')}"}, "foreign_key"),
        ({value(workload="hr"): 1}, "foreign_key"),
        ({"email": value()[:-4]}, "malformed_value"),
        ({"email": "rwsealed:v9:support/customers.email:1:" + "A" * 104}, "malformed_value"),
        ("rwsealed:v1:support/customers.email:1:", "malformed_value"),
    ],
)
def test_a_value_that_was_carried_over_or_made_up_is_refused(point: Checkpoint, content: Any, code: str) -> None:
    verdict = ask(seen(content, point), cedar("permit (principal, action, resource);"))
    assert isinstance(verdict, Deny) and verdict.code == code


def test_a_policy_that_errors_is_a_refusal() -> None:
    text = PERMIT + "forbid (principal, action, resource) when { 9223372036854775807 + 1 > 0 };"
    verdict = ask(seen({"email": value()}), cedar(text))
    assert isinstance(verdict, Deny) and verdict.code == "policy_error"


def test_an_answer_with_more_keys_than_can_be_asked_about_is_refused() -> None:
    many = [value(f"c{number}") for number in range(MAX_KEYS + 1)]
    assert isinstance(ask(seen(many[:-1])), Allow)
    verdict = ask(seen(many))
    assert isinstance(verdict, Deny) and verdict.code == "too_many_keys"


BARE = (
    {"email": "ada@example.com"}, {"EMAIL": "x"}, {"email": 4111}, {"email": True}, {"rows": [{"email": ["x"]}]},
    {"email": {"of": "x"}}, {"email": f"{value()} "}, '{"email": "ada@example.com"}', ' [{"email": "x"}]',
)  # fmt: skip


@pytest.mark.parametrize("content", BARE)
def test_a_plain_value_in_a_column_that_must_be_sealed_is_refused(content: Any) -> None:
    verdict = ask(seen(content), sealed_columns=("email",))
    assert isinstance(verdict, Deny) and verdict.code == "plain_column"
    assert isinstance(ask(seen(content)), Allow)
    assert isinstance(ask(seen(content, Checkpoint.TOOL_CALL), sealed_columns=("email",)), Allow)


@pytest.mark.parametrize(
    "content",
    [
        {"email": value()}, {"email": None}, {"emails": "x"}, {"email": []}, {"email": [value()]}, "email: x",
        "{not json", json.dumps({"email": value()}),
    ],
)  # fmt: skip
def test_sealed_and_empty_columns_and_other_names_pass(content: Any) -> None:
    assert isinstance(ask(seen(content), sealed_columns=("email",)), Allow)


@given(st.text(max_size=80).filter(lambda text: "rwsealed:" not in text))
@settings(deadline=None, max_examples=60)
def test_ordinary_content_is_left_untouched(text: str) -> None:
    for content in (text, {"answer": [text, 1, None]}):
        assert ask(seen(content)) == Allow(frozenset({PartId("result/0")}))


def test_content_that_nobody_understands_is_not_covered() -> None:
    control = build(CONTROL, {"policy": CEDAR})
    import asyncio

    verdict = asyncio.run(control.examine(seen("iVBOR", media="image/png")))
    assert verdict.covered == frozenset()


def test_evidence_names_the_place_and_holds_no_content() -> None:
    verdict = ask(seen({"rows": [{"email": value()}]}))
    (found,) = verdict.evidence
    assert found.place is not None
    assert (found.place.pointer, found.place.start, found.place.end) == ("/rows/0/email", 0, len(value()))


@pytest.mark.parametrize("name", ["customers.email", "Email", "", "e mail"])
def test_what_is_no_column_is_an_error_of_the_configuration(name: str) -> None:
    with pytest.raises(ConfigError, match="sealed_columns"):
        build(CONTROL, {"policy": CEDAR}, sealed_columns=(name,))


def test_a_plain_column_that_our_own_door_delivered_is_no_bypass_of_the_vault() -> None:
    at = seen({"email": "ada@example.com"}, action=Action.INVOKE)
    refused = ask(at, sealed_columns=("email",))
    assert isinstance(refused, Deny) and refused.code == "plain_column"
    known = replace(at, facts=at.facts.with_(Delivered({at.parts[0].id: "query"})))
    assert isinstance(ask(known, sealed_columns=("email",)), Allow)
    other = replace(at, facts=at.facts.with_(Delivered({PartId("elsewhere"): "query"})))
    assert isinstance(ask(other, sealed_columns=("email",)), Deny)
