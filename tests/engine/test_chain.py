"""The laws of the chain stand in tests/laws; here is what its other words promise."""

from __future__ import annotations

import asyncio
import time

import pytest

from ringwall.engine.chain import Chain, binds
from ringwall.model.control import Cost
from ringwall.model.decision import Effect, Silence
from ringwall.model.facts import Facts, Standing
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.plan import Mode
from ringwall.model.verdict import Allow, DenyKind, Reservation
from tests.fakes import interaction, rule, seat, text_part, vantage


def decide(chain: Chain, text: str = "the word is here", checkpoint: Checkpoint = Checkpoint.INBOUND):
    return asyncio.run(chain.decide(vantage(text_part(text), checkpoint=checkpoint)))


def test_the_cheap_are_asked_first_and_a_deny_ends_the_asking():
    dear, cheap = rule("a_dear", cost=Cost.MODEL), rule("z_cheap", "word", "deny", cost=Cost.LOOKUP)
    decision = decide(Chain([seat(dear), seat(cheap)]))
    assert decision.effect is Effect.DENY
    assert (cheap.asked, dear.asked) == (1, 0)


def test_an_exhaustive_chain_asks_everybody_and_decides_the_same():
    dear, cheap = rule("a_dear", "word", "deny", cost=Cost.MODEL), rule("z_cheap", "word", "deny")
    decision = decide(Chain([seat(dear), seat(cheap)], exhaustive=True))
    assert (cheap.asked, dear.asked) == (1, 1)
    assert decision.cause.control == cheap.id


def test_a_control_that_waits_too_long_is_silent():
    decision = decide(Chain([seat(rule("slow", "word", "sleep")), seat(rule("z_next"))], deadline_s=0.02))
    assert (decision.effect, decision.cause.code, decision.cause.kind) == (
        Effect.DENY,
        "timeout",
        DenyKind.UNAVAILABLE,
    )
    assert [each.silence for each in decision.judgements] == [Silence.TIMEOUT]


def test_a_control_that_cannot_be_interrupted_is_late_all_the_same():
    class Busy(type(rule("x"))):  # type: ignore[misc]
        async def examine(self, vantage):
            time.sleep(0.05)  # noqa: ASYNC251 - that is what it does wrong
            return Allow(vantage.everything)

    assert decide(Chain([seat(Busy("application.busy"))], deadline_s=0.01)).cause.code == "timeout"


def test_an_observer_that_hangs_delays_but_never_refuses():
    decision = decide(Chain([seat(rule("slow", "word", "sleep"), Mode.OBSERVE), seat(rule("r"))], deadline_s=0.02))
    assert decision.effect is Effect.ALLOW
    assert decision.judgements[-1].silence is Silence.TIMEOUT


def test_a_fact_that_was_not_loaded_is_silence():
    decision = decide(Chain([seat(rule("needs", needs=frozenset({Standing})))]))
    assert decision.cause.code == "missing_fact"
    assert Chain([seat(rule("needs", needs=frozenset({Standing})))]).needs == {Standing}
    assert Chain([seat(rule("needs", needs=frozenset({Standing})), Mode.OFF)]).needs == frozenset()


def test_a_vacancy_is_named_and_not_asked():
    off = rule("off", "word", "deny")
    decision = decide(Chain([seat(off, Mode.OFF, "replaced"), seat(rule("on"))]))
    assert decision.vacancies == ((off.id, "replaced"),)
    assert off.asked == 0


def test_an_edit_is_judged_again_and_reservations_of_both_rounds_count_once():
    class Taking(type(rule("x"))):  # type: ignore[misc]
        async def examine(self, vantage):
            amount = len(vantage.parts[0].text)
            return Allow(vantage.everything, reservations=(Reservation("b", amount, 100, 1.0, "tokens"),))

    text = "the word is here"
    decision = decide(Chain([seat(rule("hide", "word", "hide")), seat(Taking("application.taking"))]), text)
    assert [part.text for part in decision.parts] == ["the [WORD] is here"]
    assert [taken.amount for _, taken in decision.reservations] == [len("the [WORD] is here")]
    assert {each.round for each in decision.judgements} == {1, 2}


def test_a_refusal_has_no_parts_edits_reservations_or_grants():
    decision = decide(Chain([seat(rule("hide", "the", "hide")), seat(rule("no", "word", "deny"))]))
    assert (decision.parts, decision.edits, decision.reservations, decision.grants) == ((), (), (), ())


def test_an_ask_says_whom():
    decision = decide(Chain([seat(rule("ask", "word", "ask"))]))
    assert (decision.effect, decision.cause.whom) == (Effect.ASK, "confirm")


def test_the_chain_says_who_must_see_a_whole_answer_and_how_far_findings_reach():
    whole, some = rule("whole", lookback=None), rule("some", lookback=12)
    chain = Chain([seat(whole), seat(some), seat(rule("seen", lookback=None), Mode.OBSERVE)])
    assert chain.must_buffer(interaction()) == (whole.id,)
    assert chain.lookback == 12
    assert Chain([]).held("abc") == (3, 0)


def test_a_bad_edit_is_laid_at_the_door_of_whoever_proposed_it():
    decision = decide(Chain([seat(rule("bad", "word", "bad edit")), seat(rule("good", "the", "hide"))]))
    silences = {each.control: each.silence for each in decision.judgements}
    assert silences == {"application.bad": Silence.BAD_EDIT, "application.good": None}
    assert decision.cause.control == "application.bad"


def test_a_part_that_nobody_understands_names_its_type():
    decision = decide(Chain([seat(rule("half", "word", "uncovered"))]))
    assert decision.cause.code == "uncovered"
    assert "text/plain" in decision.cause.remedy


@pytest.mark.parametrize("answer", ["raise", "nothing", "uncovered", "bad edit", "deny"])
def test_an_observer_binds_nobody(answer):
    decision = decide(Chain([seat(rule("seen", "word", answer), Mode.OBSERVE), seat(rule("r"))]))
    assert decision.effect is Effect.ALLOW
    assert not any(binds(each) for each in decision.judgements)


def test_a_cancellation_goes_through():
    async def scenario():
        chain = Chain([seat(rule("slow", "word", "sleep"))], deadline_s=60)
        part = text_part("the word")
        task = asyncio.ensure_future(chain.decide(Vantage(Checkpoint.INBOUND, interaction(part), (part,), Facts())))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


class Words(type(rule("r"))):
    """Chooses the place behind the last blank, or the one before the last `stop`."""

    def held(self, tail):
        at = tail.find(self.word) if self.word else tail.rfind(" ") + 1
        return len(tail) - at if at >= 0 else 0


def test_a_stream_is_cut_where_every_reader_would_cut_it():
    blank, stop = Words(ControlId("application.blank"), lookback=50, context=7), Words(ControlId("application.stop"))
    stop.word, stop.lookback, stop.context = "stop", 60, 9
    chain = Chain([seat(blank), seat(stop)])
    assert chain.held("all of th") == (2, 9)
    assert chain.held("all or stop here it is no") == (len("stop here it is no"), 9)
    assert chain.held("all orstop here") == (len("orstop here"), 9)  # the two take turns
    assert chain.held("stop") == (4, 60)  # nothing is left of it


def test_readers_who_cannot_tell_hold_as_much_as_the_farthest_looks_back():
    lazy, word = rule("lazy", lookback=5), rule("word", "abc", lookback=20)
    lazy.held = lambda tail: min(len(tail), 5)
    assert Chain([seat(lazy), seat(word)]).held("x" * 30) == (20, 20)


def test_whether_an_answer_is_seen_whole_may_depend_on_what_was_asked():
    picky = rule("picky", lookback=0)
    picky.needs_whole = lambda asked: asked.workload == "strict"
    chain = Chain([seat(picky)])
    assert chain.must_buffer(interaction()) == ()
    assert chain.must_buffer(interaction(workload="strict")) == (picky.id,)
