"""Findings in Bedrock's words: buckets, masked matches, units, and what was not looked at."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.wire.bedrock_assessment import assessment, confidence, reason_of, trace, usage
from ringwall.engine.guarding import Guard, Hearing
from ringwall.model.interaction import Checkpoint
from tests.fakes import text_part, vantage
from tests.guardrails import ATTACK, CARD, SSN, guard

GUARD = guard()


def heard(text: str, checkpoint: Checkpoint = Checkpoint.INBOUND, of: Guard = GUARD) -> Hearing:
    hearing, looked = Hearing(), vantage(text_part(text), checkpoint=checkpoint)
    hearing.listen(asyncio.run(of.alone.decide(looked)), looked)
    return hearing


def told(text: str, *, full: bool = False, may_see: bool = False, of: Guard = GUARD):
    return assessment(of, heard(text, of=of), is_in=True, full=full, may_see=may_see)


@pytest.mark.parametrize(
    ("score", "bucket"), [(None, "HIGH"), (1.0, "HIGH"), (0.9, "HIGH"), (0.8, "MEDIUM"), (0.6, "LOW"), (0.1, "NONE")]
)
def test_scores_have_four_buckets(score, bucket):
    assert confidence(score) == bucket


def test_an_attack_is_told_as_a_filter():
    (found,) = told(ATTACK)["contentPolicy"]["filters"]
    assert (found["confidence"], found["action"], found["detected"]) == ("HIGH", "BLOCKED", True)


def test_a_match_is_masked_unless_it_may_be_seen():
    entities = told(f"{CARD} a@b.example")["sensitiveInformationPolicy"]["piiEntities"]
    assert [(each["match"], each["action"]) for each in entities] == [
        ("[CARD_NUMBER]", "ANONYMIZED"), ("[EMAIL]", "NONE"),
    ]  # fmt: skip
    seen = told(CARD, may_see=True)["sensitiveInformationPolicy"]["piiEntities"]
    assert seen[0]["match"] == CARD


def test_what_was_not_found_is_told_in_full_only():
    assert "contentPolicy" not in told("boots")
    full = told("boots", full=True)
    assert not any(each["detected"] for each in full["sensitiveInformationPolicy"]["piiEntities"])
    assert full["contentPolicy"]["filters"][0]["confidence"] == "NONE"


def test_an_observed_attack_is_detected_and_not_blocked():
    filters = [{"type": "PROMPT_ATTACK", "inputStrength": "LOW", "outputStrength": "NONE", "inputAction": "NONE"}]
    (found,) = told(ATTACK, of=guard(contentPolicyConfig={"filtersConfig": filters}))["contentPolicy"]["filters"]
    assert (found["detected"], found["action"]) == (True, "NONE")


def test_what_was_not_looked_at_is_told_under_our_own_name():
    assert "encoded_run" in told("QUJD" * 2000)["ringwall"]["unread"]


def test_units_are_counted_for_the_policies_that_looked():
    found = usage(GUARD.plan, heard("x" * 1001), is_in=True)
    assert (found["contentPolicyUnits"], found["sensitiveInformationPolicyUnits"], found["wordPolicyUnits"]) == (
        2,
        2,
        0,
    )
    assert usage(GUARD.plan, heard(""), is_in=True)["contentPolicyUnits"] == 0


def test_a_trace_has_both_directions_where_both_were_judged():
    one = trace([GUARD], heard(ATTACK), reason="r", full=False, may_see=False, elapsed_ms=3)
    assert list(one["inputAssessment"]) == ["gr1"] and one["outputAssessments"] == {}
    out = trace([GUARD], heard(SSN, Checkpoint.RESPONSE), reason="r", full=False, may_see=False, elapsed_ms=3)
    (entity,) = out["outputAssessments"]["gr1"][0]["sensitiveInformationPolicy"]["piiEntities"]
    assert entity["action"] == "BLOCKED"
    assert len({reason_of(refused=a, edited=b) for a, b in ((True, True), (False, True), (False, False))}) == 3


@given(st.text(max_size=40), st.sampled_from([CARD, SSN, ATTACK]))
def test_no_content_stands_in_what_is_told_to_everybody(text, secret):
    assert secret not in str(told(f"{text} {secret}", full=True))
