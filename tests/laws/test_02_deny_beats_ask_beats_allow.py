"""Law 2: Deny beats Ask beats Allow. Adding a control never loosens. What observes never binds."""

from __future__ import annotations

import asyncio

from hypothesis import given

from ringwall.engine.chain import Chain
from ringwall.model.decision import Decision, Effect
from ringwall.model.plan import Mode
from tests.fakes import rule, seat, text_part, vantage
from tests.laws.plans import seats, texts

RANK = {Effect.ALLOW: 0, Effect.ASK: 1, Effect.DENY: 2}


def decide(plan: list, text: str) -> Decision:
    return asyncio.run(Chain(plan).decide(vantage(text_part(text))))


@given(seats(modes=(Mode.ENFORCE,)), seats(modes=(Mode.ENFORCE,)), texts())
def test_adding_a_control_never_loosens(plan, more, text):
    renamed = [
        seat(rule(f"more_{n}", each.control.word, each.control.answer, lookback=10)) for n, each in enumerate(more)
    ]
    before, after = decide(plan, text), decide([*plan, *renamed], text)
    assert RANK[after.effect] >= RANK[before.effect]
    if after.effect is not Effect.DENY:
        assert {edit.place.start for edit in before.edits} <= {
            start for edit in after.edits for start in range(edit.place.start, edit.place.end)
        }


@given(seats(modes=(Mode.ENFORCE,)), seats(modes=(Mode.OBSERVE,)), texts())
def test_observing_controls_change_nothing(plan, observers, text):
    renamed = [
        seat(rule(f"watch_{n}", each.control.word, each.control.answer, lookback=10), Mode.OBSERVE)
        for n, each in enumerate(observers)
    ]
    without, with_ = decide(plan, text), decide([*plan, *renamed], text)
    assert (without.effect, without.cause, without.parts, without.edits) == (
        with_.effect,
        with_.cause,
        with_.parts,
        with_.edits,
    )


@given(seats(modes=(Mode.OBSERVE,)), texts())
def test_what_would_have_been_is_on_record(observers, text):
    decision = decide(observers, text)
    assert decision.effect is Effect.ALLOW
    assert {each.control for each in decision.judgements} == {each.control.id for each in observers}


def test_deny_beats_ask_and_ask_beats_allow():
    deny, ask, allow = rule("d", "x", "deny"), rule("a", "x", "ask"), rule("z")
    assert decide([seat(ask), seat(deny), seat(allow)], "x").effect is Effect.DENY
    assert decide([seat(ask), seat(allow)], "x").effect is Effect.ASK
    assert decide([seat(allow)], "x").effect is Effect.ALLOW
