"""Law 1: every control at a checkpoint sees the same parts and facts; a permutation changes nothing."""

from __future__ import annotations

import asyncio
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine.chain import Chain
from ringwall.model.decision import Decision, Effect
from tests.fakes import text_part, vantage
from tests.laws.plans import seats, texts


def outcome(decision: Decision) -> tuple[object, ...]:
    """What follows from a decision, without the times."""
    return decision.effect, decision.cause, decision.parts, decision.edits, set(decision.reservations)


def decide(plan: list, text: str, **more: object) -> Decision:
    return asyncio.run(Chain(plan, **more).decide(vantage(text_part(text))))


@given(seats(), texts(), st.integers())
def test_a_permutation_of_the_plan_changes_nothing(plan, text, seed):
    shuffled = list(plan)
    Random(seed).shuffle(shuffled)
    assert outcome(decide(plan, text)) == outcome(decide(shuffled, text))


@given(seats(), texts())
def test_ending_the_asking_at_a_deny_saves_evidence_and_nothing_else(plan, text):
    early, late = decide(plan, text), decide(plan, text, exhaustive=True)
    assert outcome(early) == outcome(late)
    assert len(early.judgements) <= len(late.judgements)


@given(seats(), texts())
def test_every_control_sees_the_original_in_round_one(plan, text):
    decision = decide(plan, text, exhaustive=True)
    if decision.effect is Effect.DENY:
        return
    rounds = {judgement.round for judgement in decision.judgements}
    assert rounds <= {1, 2}
    assert (2 in rounds) == bool(decision.edits)
