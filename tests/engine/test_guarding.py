"""A guardrail's controls join a chain and never loosen it; what they find is heard."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine.chain import Chain
from ringwall.engine.guarding import Guarded, Hearing, guarded
from ringwall.model.content import Origin, Part, PartId
from ringwall.model.decision import Effect
from ringwall.model.interaction import Checkpoint
from tests.fakes import Road, rule, seat, text_part, vantage
from tests.guardrails import ATTACK, CARD, SSN, guard

GUARD = guard()


def decide(chain: Chain, text: str, checkpoint=Checkpoint.INBOUND, focus=None):
    found = vantage(text_part(text), checkpoint=checkpoint)
    return asyncio.run(chain.decide(found))


def test_a_workload_without_guardrails_stays_as_it_is():
    running = Road(Chain([seat(rule("r"))])).running
    assert guarded(running, (), Hearing()) is running


def test_guardrails_stand_beside_the_workloads_own_and_are_told_apart():
    running, hearing = Road(Chain([seat(rule("r", "word", "deny"))])).running, Hearing()
    joined = guarded(running, [GUARD], hearing).chain
    assert isinstance(joined, Guarded)
    own, theirs = decide(joined, "the word"), decide(joined, ATTACK)
    assert (own.cause.under, theirs.cause.under) == ("", "gr1:1")
    assert [each.under for each in hearing.heard if each.refused] == ["gr1:1"] * 2


def test_the_same_chain_is_joined_once():
    running = Road(Chain([seat(rule("r"))])).running
    one, other = (guarded(running, [GUARD], Hearing()).chain for _ in "ab")
    assert one is not other and one._seats is other._seats


def test_what_was_found_is_heard_with_its_text_and_what_was_read_is_counted():
    hearing = Hearing()
    chain = guarded(Road(Chain([seat(rule("r"))])).running, [GUARD], hearing).chain
    assert decide(chain, f"card {CARD}").parts[0].text == "card [CARD_NUMBER]"
    assert [(each.evidence.kind, each.text) for each in hearing.heard] == [("card_number", CARD)]
    assert hearing.characters == {True: 24, False: 0}
    decide(chain, SSN, Checkpoint.RESPONSE)
    assert hearing.characters == {True: 24, False: len(SSN)}
    image = Part(PartId("i"), Origin.PERSON, "aGk=", "image/png")
    assert asyncio.run(chain.decide(vantage(image))).effect is Effect.ALLOW and hearing.images == 1


TEXTS = st.lists(st.sampled_from([ATTACK, CARD, SSN, "word", "boots", "tents"])).map(" ".join)


@given(TEXTS, st.sampled_from(Checkpoint), st.sampled_from(["allow", "deny", "ask"]))
def test_a_guardrail_never_loosens(text, checkpoint, answer):
    chain = Chain([seat(rule("r", "word", answer))])
    rank = [Effect.ALLOW, Effect.ASK, Effect.DENY]
    alone, joined = decide(chain, text, checkpoint), decide(chain.joined(GUARD.seats), text, checkpoint)
    assert rank.index(joined.effect) >= rank.index(alone.effect)
