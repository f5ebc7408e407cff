"""Under which guardrails a request stands: named and enforced, at every door, and in whose words a refusal is told."""

from __future__ import annotations

import json

from ringwall.dataplane.gateway.guarding import standing
from ringwall.dataplane.wire.door import GuardrailAsked
from tests.dataplane.gateway.doors import ASK, door
from tests.fakes import PERSON
from tests.guardrails import ATTACK, CARD, guards

CONVERSE = "/model/m/converse"
NAMED = {"guardrailIdentifier": "gr1", "guardrailVersion": "1"}


def said(text: str, **more):
    return {"messages": [{"role": "user", "content": [{"text": text}]}], **more}


def test_without_guardrails_nothing_changes():
    running = door().running.workloads["support"]
    found = standing(guards(), running, PERSON, None, "m")
    assert found.over(running) is running and found.told() is None


def test_a_guardrail_that_is_named_and_enforced_is_asked_once():
    made = door()
    made.rows.enforce()
    asked = GuardrailAsked("gr1", "1")
    found = standing(guards(made.rows), made.running.workloads["support"], PERSON, asked, "m")
    assert [guard.enforced for guard in found.guards] == [True]


def test_a_refusal_is_told_in_its_own_words_and_on_record():
    found = door()
    status, told = found(path=CONVERSE, body=said(ATTACK, guardrailConfig=NAMED))
    assert (status, told["stopReason"]) == (200, "guardrail_intervened") and "trace" not in told
    assert found.road.ledger.records[-1].decision["cause"]["under"] == "gr1:1" and not found.road.upstream.sent


def test_an_enforced_one_reaches_doors_that_know_no_guardrails():
    found = door()
    found.rows.enforce()
    asked = {**ASK, "messages": [{"role": "user", "content": ATTACK}]}
    assert found(body=asked)[0] == 403
    found(body={**ASK, "messages": [{"role": "user", "content": f"card {CARD}"}]})
    assert found.status == 200 and "[CARD_NUMBER]" in found.road.upstream.sent[-1].parts[0].text


def test_one_that_is_not_there_is_invalid_and_a_lost_one_refuses_everything():
    found = door()
    assert found(path=CONVERSE, body=said("hi", guardrailConfig={**NAMED, "guardrailIdentifier": "gr2"}))[0] == 400
    found.rows.enforce(guardrail="gone")
    assert found(body=ASK)[0] == 503 and not found.road.upstream.sent
    assert json.loads(found.body)["error"]["code"] == "guardrail_lost"
    assert found.road.ledger.records[-1].kind == "rejection"
