"""Law 6: evidence is kind, place, score and keyed digests. Nothing that was said stands in a record."""

from __future__ import annotations

import asyncio
import json

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine.chain import Chain
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.record import MAX_NAME, inert
from tests.fakes import Road, ScriptedUpstream, attempt, rule, seat, text_part

SECRET = "4111 1111 1111 1111 zebra"


def records(plan: list, said: str, answered: str) -> list[bytes]:
    road = Road(Chain(plan), ScriptedUpstream(text=answered))
    asyncio.run(road.exchange.answer(road.running, attempt(text_part(said))))
    return [record.encode() for record in road.ledger.records]


@given(st.sampled_from(["allow", "deny", "hide", "ask", "raise", "bad edit", "uncovered"]))
def test_no_record_repeats_what_was_said_or_answered(answer):
    for said, answered in ((SECRET, "fine"), ("fine", SECRET)):
        written = b"\n".join(records([seat(rule("r", "zebra", answer, lookback=5))], said, answered))
        assert written
        assert b"zebra" not in written
        assert b"4111 1111" not in written  # a keyed digest may spell four digits, never with a space


def test_no_record_repeats_the_name_of_a_member():
    part = Part(PartId("turns/0/content/0"), Origin.PERSON, freeze({SECRET: {"zebra": "zebra"}}), JSON)
    road = Road(Chain([seat(rule("r", "zebra", "deny", lookback=5))]))
    asyncio.run(road.exchange.answer(road.running, attempt(part)))
    [record] = road.ledger.records
    written = record.encode()
    assert b"zebra" not in written and b"4111 1111" not in written and b"#0" in written


@given(st.text(max_size=400))
def test_names_are_bounded_and_inert(name):
    made = inert(name)
    assert len(made) <= MAX_NAME
    assert all(" " <= each <= "~" for each in made)


@given(st.sampled_from(["allow", "deny", "hide", "ask"]), st.text(max_size=40))
def test_the_bytes_of_every_record_are_rfc_8785(answer, text):
    for written in records([seat(rule("r", "a", answer, lookback=1))], text, text):
        assert rfc8785.dumps(json.loads(written)) == written


def test_the_same_words_have_other_digests_in_another_workload():
    plan = [seat(rule("r", "zebra", "allow", lookback=5))]
    road = Road(Chain(plan))
    asyncio.run(road.exchange.answer(road.running, attempt(text_part(SECRET, origin=Origin.PERSON))))
    digest = json.loads(road.ledger.records[0].encode())["content"]
    assert digest != road.exchange.digests.digest("other", SECRET.encode())
    assert len(digest) == 64
