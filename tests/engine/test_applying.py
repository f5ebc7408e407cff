"""The road of a judgement that nothing follows: who asks first, then exactly the guardrail, on record."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringwall.engine.applying import Applied, apply
from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Refused
from ringwall.model.decision import Effect
from ringwall.model.errors import InternalError
from ringwall.model.interaction import Action, Checkpoint, Resource
from ringwall.model.verdict import Deny
from tests.fakes import Road, attempt, rule, seat, text_part
from tests.guardrails import ATTACK, SSN, guard


def judge(road: Road, text: str, checkpoint=Checkpoint.INBOUND, **change):
    came = attempt(text_part(text))
    came = replace(
        came, interaction=replace(came.interaction, action=Action.APPLY, resource=Resource("guardrail", "g"))
    )
    return asyncio.run(apply(road.exchange, road.running, guard(**change), came, checkpoint))


def road(*rules) -> Road:
    return Road(Chain([seat(each) for each in rules or (rule("r"),)]))


def test_the_workloads_controls_see_no_content_and_the_guardrail_alone_judges_it():
    found = road(rule("r", "word", "deny"))
    outcome = judge(found, "the word")
    assert isinstance(outcome, Applied) and outcome.decision.effect is Effect.ALLOW
    assert [(each.kind, each.outcome) for each in found.ledger.records] == [("decision", "releases")]


def test_a_refusal_by_the_guardrail_is_an_answer_and_on_record():
    found = road()
    outcome = judge(found, ATTACK)
    assert isinstance(outcome, Applied) and outcome.decision.cause.under == "gr1:1"
    (record,) = found.ledger.records
    assert (record.outcome, record.decision["cause"]["under"]) == ("refused", "gr1:1")
    assert record.id == outcome.record and "reveal" not in record.encode().decode()


def test_who_may_not_ask_is_refused_before_anything_is_judged():
    class Nobody(type(rule("x"))):  # type: ignore[misc]
        async def examine(self, vantage):
            return Deny(vantage.everything, "nobody", "no")

    found = road(Nobody(rule("r").id))
    outcome = judge(found, SSN)
    assert isinstance(outcome, Refused) and outcome.cause.under == ""


def test_a_direction_in_which_nothing_is_done_leaves_a_record_that_says_so():
    found = road()
    outcome = judge(found, SSN, Checkpoint.RESPONSE, sensitiveInformationPolicyConfig=None)
    assert isinstance(outcome, Applied) and outcome.decision.judgements == ()
    assert found.ledger.records[0].decision["judgements"] == []


def test_nothing_is_told_that_is_not_on_record():
    found = road()
    found.ledger.broken = True
    with pytest.raises(InternalError):
        judge(found, "hi")
