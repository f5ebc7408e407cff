"""Stored definitions as seats that can be asked; what can no longer be made is refused."""

from __future__ import annotations

import asyncio

import pytest

from ringwall.compose import guardrails as composed
from ringwall.model.decision import Effect
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.guardrail import ARN_PREFIX
from ringwall.model.interaction import Checkpoint
from tests.fakes import text_part, vantage
from tests.guardrails import ATTACK, CARD, DEFINITION, SSN, Rows, definition, guards

SUPPORT, BANK = WorkloadId("support"), WorkloadId("bank")


def decide(guard, text, checkpoint=Checkpoint.INBOUND):
    return asyncio.run(guard.alone.decide(vantage(text_part(text), checkpoint=checkpoint)))


def test_a_guardrail_is_made_once_and_its_controls_decide():
    found = guards()
    guard = found.named(SUPPORT, ARN_PREFIX + "gr1", "1")
    assert guard is found.named(SUPPORT, "gr1", "1") and not guard.enforced
    assert decide(guard, ATTACK).cause.under == "gr1:1"
    assert decide(guard, f"card {CARD}").parts[0].text == "card [CARD_NUMBER]"
    assert decide(guard, SSN, Checkpoint.RESPONSE).effect is Effect.DENY
    assert decide(guard, ATTACK, Checkpoint.RESPONSE).effect is Effect.ALLOW


def test_a_changed_draft_is_made_anew():
    rows = Rows()
    found = guards(rows)
    before = found.named(SUPPORT, "gr1", "DRAFT")
    rows.document = {**DEFINITION, "contentPolicyConfig": None}
    after = found.named(SUPPORT, "gr1", "DRAFT")
    assert before is not after and decide(after, ATTACK).effect is Effect.ALLOW


@pytest.mark.parametrize(
    ("workload", "id", "version", "status"),
    [(BANK, "gr1", "1", 404), (SUPPORT, "gr2", "1", 404), (SUPPORT, "gr1", "9", 404), (SUPPORT, "gr1", "x", 400)],
)
def test_what_is_not_there_is_told_as_such(workload, id, version, status):
    with pytest.raises(CallerError) as caught:
        guards().named(workload, id, version)
    assert caught.value.status == status


def test_what_can_no_longer_be_made_is_no_guardrail_with_a_hole():
    with pytest.raises(InternalError) as caught:
        guards(Rows({**DEFINITION, "topicPolicyConfig": {}})).named(SUPPORT, "gr1", "1")
    assert caught.value.code == "guardrail_lost"


@pytest.mark.parametrize(
    ("settings", "model", "stands"),
    [
        ("{}", "m", True),
        ('{"modelEnforcement":{"includedModels":["ALL"],"excludedModels":["m"]}}', "m", False),
        ('{"modelEnforcement":{"includedModels":["ALL"],"excludedModels":["n"]}}', "m", True),
        ('{"modelEnforcement":{"includedModels":["n"],"excludedModels":[]}}', "m", False),
        ('{"modelEnforcement":{"includedModels":["n"],"excludedModels":[]}}', None, True),
    ],
)
def test_what_is_enforced_stands_for_its_workload_and_models(settings, model, stands):
    rows = Rows()
    rows.enforce(settings)
    found = guards(rows)
    assert [each.enforced for each in found.enforced(SUPPORT, model)] == [True] * stands
    assert list(found.enforced(BANK, model)) == []


def test_an_enforced_guardrail_that_is_not_there_refuses():
    rows = Rows()
    rows.enforce(guardrail="gone")
    with pytest.raises(InternalError):
        guards(rows).enforced(SUPPORT, "m")


def test_no_more_are_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(composed, "MAX_MADE", 1)
    found = guards()
    first = found.named(SUPPORT, "gr1", "1")
    found.named(SUPPORT, "gr1", "DRAFT")
    assert found.named(SUPPORT, "gr1", "1") is not first


def test_the_check_of_a_definition_makes_its_controls():
    guards().check(definition(), SUPPORT)
    with pytest.raises(CallerError):
        guards().check(definition(topicPolicyConfig={}), SUPPORT)
    assert guards().checks(SUPPORT).plan.id == "checks"
