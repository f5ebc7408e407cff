"""Law 3: an error, a timeout, a non-verdict, an uncovered part, a missing fact, nobody there: each is Deny."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given

from ringwall.engine.chain import Chain
from ringwall.model.content import Origin, Part, PartId
from ringwall.model.decision import Decision, Effect, Silence
from ringwall.model.facts import Task
from ringwall.model.interaction import Checkpoint
from ringwall.model.plan import Mode
from ringwall.model.verdict import Allow
from tests.fakes import rule, seat, text_part, vantage
from tests.laws.plans import SILENT, WORDS, seats, texts


def decide(plan: list, text: str, **more: object) -> Decision:
    return asyncio.run(Chain(plan, **more).decide(vantage(text_part(text))))


@given(seats(modes=(Mode.ENFORCE,)), texts())
def test_whoever_falls_silent_refuses(plan, text):
    loud = [each for each in plan if each.control.answer in SILENT and each.control.word in text]
    if loud:
        assert decide(plan, text).effect is Effect.DENY


@pytest.mark.parametrize(
    ("answer", "silence"),
    [
        ("raise", Silence.ERROR),
        ("nothing", Silence.NOT_A_VERDICT),
        ("uncovered", Silence.UNCOVERED),
        ("bad edit", Silence.BAD_EDIT),
    ],
)
def test_each_silence_is_named(answer, silence):
    decision = decide([seat(rule("r", "x", answer)), seat(rule("s"))], "x")
    assert decision.effect is Effect.DENY
    assert silence in {each.silence for each in decision.judgements}


def test_a_timeout_refuses_and_names_who_was_late():
    decision = decide([seat(rule("fast")), seat(rule("slow", "x", "sleep"))], "x", deadline_s=0.05)
    assert decision.effect is Effect.DENY
    assert (decision.judgements[-1].control, decision.judgements[-1].silence) == ("application.slow", Silence.TIMEOUT)


def test_a_slow_observer_costs_only_its_own_evidence():
    plan = [seat(rule("fast")), seat(rule("slow", "x", "sleep"), Mode.OBSERVE)]
    decision = decide(plan, "x", deadline_s=0.05)
    assert decision.effect is Effect.ALLOW
    assert decision.judgements[-1].silence is Silence.TIMEOUT


def test_a_checkpoint_without_controls_refuses():
    only_inbound = rule("r", checkpoints=frozenset({Checkpoint.INBOUND}))
    decision = asyncio.run(Chain([seat(only_inbound)]).decide(vantage(text_part("x"), checkpoint=Checkpoint.EGRESS)))
    assert (decision.effect, decision.cause.code) == (Effect.DENY, "no_control")


def test_a_control_that_is_off_is_a_recorded_vacancy_and_no_refusal():
    decision = decide([seat(rule("r", "x", "deny"), Mode.OFF, "being replaced")], "x")
    assert decision.effect is Effect.ALLOW
    assert decision.vacancies == (("application.r", "being replaced"),)
    assert decision.judgements == ()


def test_a_missing_fact_refuses():
    decision = decide([seat(rule("r", needs=frozenset({Task})))], "x")
    assert (decision.effect, decision.judgements[0].silence) == (Effect.DENY, Silence.MISSING_FACT)


def test_content_that_nobody_understands_is_refused():
    class TextOnly(type(rule("r"))):
        async def examine(self, vantage):
            return Allow(frozenset(part.id for part in vantage.parts if part.media == "text/plain"))

    image = Part(PartId("turns/0/content/1"), Origin.PERSON, "iVBORw0", "image/png")
    control = TextOnly(rule("r").id)
    decision = asyncio.run(Chain([seat(control)]).decide(vantage(text_part("look"), image)))
    assert (decision.effect, decision.cause.code) == (Effect.DENY, "uncovered")
    assert "image/png" in decision.cause.remedy


def test_words_are_what_the_rules_look_for():
    assert all(decide([seat(rule("r", word, "deny"))], word).effect is Effect.DENY for word in WORDS)
