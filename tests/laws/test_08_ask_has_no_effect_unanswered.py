"""Law 8, as far as it goes without approvals: an Ask is recorded as Ask and answered with a refusal."""

from __future__ import annotations

import asyncio

from hypothesis import given

from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Refused
from ringwall.model.decision import Effect
from ringwall.model.interaction import Checkpoint
from tests.fakes import Road, attempt, rule, seat, text_part
from tests.laws.plans import texts


@given(texts())
def test_a_question_that_nobody_answers_is_a_refusal(text):
    road = Road(Chain([seat(rule("r", "a", "ask", checkpoints=frozenset({Checkpoint.INBOUND}))), seat(rule("s"))]))
    outcome = asyncio.run(road.exchange.answer(road.running, attempt(text_part(text))))
    if "a" not in text:
        return
    assert isinstance(outcome, Refused)
    assert outcome.effect is Effect.ASK
    assert not road.upstream.sent
    assert road.ledger.records[-1].effect == "ask"


def test_an_ask_about_an_egress_that_edits_content_sends_nothing():
    egress = frozenset({Checkpoint.EGRESS})
    plan = [
        seat(rule("hide", "beta", "hide", checkpoints=egress)),
        seat(rule("ask", "a", "ask", checkpoints=egress)),
        seat(rule("any")),
    ]
    road = Road(Chain(plan))
    outcome = asyncio.run(road.exchange.answer(road.running, attempt(text_part("alpha beta"))))
    assert isinstance(outcome, Refused)
    assert not road.upstream.sent
    assert not road.reservations.taken
