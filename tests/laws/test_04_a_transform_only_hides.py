"""Law 4: edits replace spans with inert placeholders; overlaps merge; the edited content is judged once more."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine.chain import Chain
from ringwall.engine.edits import apply, merge
from ringwall.model.content import Origin, Part, PartId, Place, freeze
from ringwall.model.decision import Decision, Effect, Silence
from ringwall.model.plan import Mode
from ringwall.model.verdict import Edit, EditAction
from tests.fakes import rule, seat, text_part, vantage
from tests.laws.plans import seats, texts

PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]*\]")


def decide(plan: list, *parts: Part) -> Decision:
    return asyncio.run(Chain(plan).decide(vantage(*parts)))


@given(seats(answers=("allow", "hide", "ask"), modes=(Mode.ENFORCE,)), texts())
def test_what_remains_was_there_before(plan, text):
    decision = decide(plan, text_part(text))
    if decision.effect is Effect.DENY:
        return
    position = 0
    for piece in PLACEHOLDER.split(decision.parts[0].text) if decision.edits else [text]:
        found = text.find(piece, position)
        assert found >= 0
        position = found + len(piece)


@given(seats(answers=("hide",), modes=(Mode.ENFORCE,)), texts())
def test_what_was_found_is_gone(plan, text):
    decision = decide(plan, text_part(text))
    for edit in decision.edits:
        assert text[edit.place.start : edit.place.end] != ""
    if decision.effect is Effect.ALLOW and decision.edits:
        assert len(PLACEHOLDER.findall(decision.parts[0].text)) >= 1


spans = st.tuples(st.integers(0, 30), st.integers(1, 10), st.sampled_from(EditAction)).map(
    lambda t: Edit(Place(PartId("p"), "", t[0], t[0] + t[1]), t[2], "thing")
)


@given(st.lists(spans, max_size=8))
def test_overlaps_merge_to_their_covering_span_and_the_strictest_wins(edits):
    merged = merge(edits)
    for first, second in pairwise(merged):
        assert first.place.end <= second.place.start
    covered = {n for edit in edits for n in range(edit.place.start, edit.place.end)}
    assert covered == {n for edit in merged for n in range(edit.place.start, edit.place.end)}
    for edit in edits:
        over = next(each for each in merged if each.place.start <= edit.place.start < each.place.end)
        assert over.action >= edit.action
    assert merge(list(reversed(edits))) == merged


def test_deny_on_the_edited_content_wins():
    decision = decide(
        [seat(rule("hide", "secret", "hide")), seat(rule("deny", "[WORD]", "deny"))], text_part("a secret")
    )
    assert (decision.effect, decision.cause.control) == (Effect.DENY, "application.deny")


def test_a_second_edit_is_deny():
    plan = [seat(rule("first", "secret", "hide")), seat(rule("second", "[WORD]", "hide"))]
    decision = decide(plan, text_part("a secret"))
    assert decision.effect is Effect.DENY
    assert Silence.SECOND_EDIT in {each.silence for each in decision.judgements}


def test_a_key_and_a_number_cannot_be_edited_and_are_refused():
    for document in ({"secret": 1}, {"n": 12345}):
        part = Part(PartId("p"), Origin.MODEL, freeze(document), "application/json")
        word = "secret" if "secret" in document else "12345"
        assert decide([seat(rule("hide", word, "hide"))], part).effect is Effect.DENY


def test_an_edit_reaches_a_string_deep_in_a_document():
    part = Part(PartId("p"), Origin.MODEL, freeze({"a": [{"b/c": "my secret here"}]}), "application/json")
    edit = Edit(Place(PartId("p"), "/a/0/b~1c", 3, 9), EditAction.MASK, "word")
    assert apply([part], [edit])[0].value == freeze({"a": [{"b/c": "my [WORD] here"}]})
