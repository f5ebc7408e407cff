"""ApplyGuardrail and InvokeGuardrailChecks: what is read strictly, and what is told."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.wire.bedrock_apply import (
    is_broken,
    parse_apply,
    parse_checks,
    render_applied,
    render_checks,
    stepped,
)
from ringwall.engine.applying import Applied
from ringwall.engine.guarding import Hearing
from ringwall.model.content import Origin
from ringwall.model.errors import CallerError
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Checkpoint
from ringwall.model.ports import Receipt
from tests.fakes import vantage
from tests.guardrails import ATTACK, CARD, SSN, guard, guards

GUARD, CHECKS = guard(), guards().checks(WorkloadId("support"))


def body(*texts: str, source: str = "INPUT", **more):
    return {"source": source, "content": [{"text": {"text": each}} for each in texts], **more}


def applied(of, parts, checkpoint) -> Applied:
    hearing, looked = Hearing(), vantage(*parts, checkpoint=checkpoint)
    decision = asyncio.run(of.alone.decide(looked))
    hearing.listen(decision, looked)
    return Applied(decision, hearing, "rec_1", Receipt("rec_1", b"", "note", 0))


def told(*texts: str, **more):
    asked = parse_apply(body(*texts, **more))
    return json.loads(render_applied(GUARD, asked, applied(GUARD, asked.parts, asked.checkpoint), may_see=False))


def test_qualifiers_say_who_speaks_and_narrow_nothing():
    document = body("a", "b", "c", source="OUTPUT")
    for each, qualifier in zip(document["content"], ("grounding_source", "query", "guard_content"), strict=True):
        each["text"]["qualifiers"] = [qualifier]
    asked = parse_apply(document)
    assert [part.origin for part in asked.parts] == [Origin.RETRIEVED, Origin.PERSON, Origin.MODEL]
    assert asked.checkpoint is Checkpoint.RESPONSE and not asked.full


@pytest.mark.parametrize(
    "document",
    [{}, body(), body("a", source="BOTH"), body("a", x=1), {**body("a"), "content": [{"image": {}}]},
     {**body("a"), "content": [{}]}, {**body("a"), "content": [{"text": {"text": "a", "qualifiers": ["x"]}}]}],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused(document):
    with pytest.raises(CallerError):
        parse_apply(document)


def test_nothing_masked_and_blocked_are_told_apart():
    assert told("boots")["outputs"] == [] and told("boots")["action"] == "NONE"
    masked = told("pay", f"with {CARD}")
    assert masked["outputs"] == [{"text": "pay\nwith [CARD_NUMBER]"}] and masked["actionReason"] == "Guardrail masked."
    assert told(ATTACK)["outputs"] == [{"text": "not this way"}]
    assert told(SSN, source="OUTPUT")["outputs"] == [{"text": "nothing to say"}]
    assert told(SSN, outputScope="FULL")["assessments"][0]["contentPolicy"]


def test_a_control_that_could_not_judge_is_no_finding():
    found = applied(GUARD, parse_apply(body(ATTACK)).parts, Checkpoint.INBOUND)
    assert not is_broken(found)


def checks(*texts: str, **wanted):
    document = {"messages": [{"role": "user", "content": [{"text": each} for each in texts]}], "checks": wanted}
    asked = parse_checks(document, CHECKS)
    return json.loads(render_checks(CHECKS, asked, applied(CHECKS, asked.parts, Checkpoint.INBOUND)))


def test_attacks_are_scored_by_category_in_steps():
    wanted = {"categories": [{"category": each} for each in ("JAILBREAK", "PROMPT_INJECTION", "PROMPT_LEAKAGE")]}
    found = checks(ATTACK, promptAttack=wanted)["results"]["promptAttack"]["results"]
    scores = {each["category"]: each["severityScore"] for each in found}
    assert scores["JAILBREAK"] == 0 and scores["PROMPT_INJECTION"] == 1.0 and scores["PROMPT_LEAKAGE"] == 0.8
    nothing = checks("boots", promptAttack=wanted)
    assert {each["severityScore"] for each in nothing["results"]["promptAttack"]["results"]} == {0}
    assert nothing["usage"] == {"promptAttack": {"textUnits": 1}}


def test_personal_data_is_told_with_its_place():
    wanted = {"entities": [{"type": "US_SOCIAL_SECURITY_NUMBER"}]}
    found = checks("boots", f"SSN {SSN} {CARD}", sensitiveInformation=wanted)["results"]["sensitiveInformation"]
    assert found["truncated"] is False and found["results"] == [
        {"type": "US_SOCIAL_SECURITY_NUMBER", "confidenceScore": 1.0, "beginOffset": 4, "endOffset": 15,
         "messageIndex": 0, "contentIndex": 1},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ({"contentFilter": {"categories": [{"category": "HATE"}]}}, "HATE"),
        ({"contentFilter": 1}, "contentFilter"),
        ({"sensitiveInformation": {"entities": [{"type": "ADDRESS"}]}}, "ADDRESS"),
        ({}, "check"),
        ({"topics": {}}, "topics"),
    ],
)
def test_what_nothing_finds_is_refused_by_name(wanted, named):
    with pytest.raises(CallerError) as caught:
        checks("a", **wanted)
    assert named in caught.value.public


@given(st.floats(-1, 2))
def test_a_score_is_one_of_six(score):
    assert stepped(score) in (0, 0.2, 0.4, 0.6, 0.8, 1.0)
