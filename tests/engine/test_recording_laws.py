"""How a decision becomes a record: no content in it, evidence by keyed digest, names inert."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.engine.recording import Recorder, cause_body, content_digest, ids, text_at
from ringwall.model.content import JSON, LeafKind, Origin, Part, PartId, Place, freeze
from ringwall.model.decision import Cause, Decision, Effect, Judgement, Silence
from ringwall.model.facts import Facts
from ringwall.model.framework import ControlId, WorkloadId
from ringwall.model.interaction import Actor, Checkpoint
from ringwall.model.plan import Mode
from ringwall.model.record import Outcome, RecordKind
from ringwall.model.verdict import Deny, DenyKind, Edit, EditAction, Evidence
from tests.fakes import PERSON, FixedClock, PlainDigests, facts, interaction, text_part

SECRET = "4111 1111 1111 1111"
CONTROL = ControlId("application.sensitive")
HERE = WorkloadId("support")
DIGESTS = PlainDigests()


def recorder(part: Part, known: Facts | None = None, principal=PERSON) -> Recorder:
    made = interaction(part, principal=principal)
    known = facts() if known is None else known
    return Recorder(made, known, plan="sha256:0", trace="00-1", clock=FixedClock(), digests=DIGESTS)


def refused(part: Part, *, round_: int = 1) -> Decision:
    place = Place(part.id, "", 5, 5 + len(SECRET))
    verdict = Deny(frozenset({part.id}), "card_found", "remove it", DenyKind.CONTENT, (Evidence("card", place, 0.25),))
    return Decision(
        Checkpoint.INBOUND,
        Effect.DENY,
        Cause(CONTROL, "card_found", "remove it", DenyKind.CONTENT),
        (part,),
        (Edit(place, EditAction.MASK, "card"),),
        (Judgement(CONTROL, Mode.ENFORCE, verdict, elapsed_us=7, round=round_),),
        ((ControlId("application.later"), "not built"),),
        (),
        (),
        9,
    )


def test_a_record_holds_no_content_but_a_keyed_digest_of_it():
    part = text_part(f"card {SECRET}")
    record = recorder(part).decision(refused(part), (part,), Outcome.REFUSED, ("rec_before",))
    assert SECRET not in record.encode().decode()
    body = json.loads(record.encode())
    (judgement,) = body["decision"]["judgements"]
    (evidence,) = judgement["evidence"]
    assert evidence["digest"] == DIGESTS.digest(HERE, SECRET.encode())
    assert evidence["score_millionths"] == 250_000
    assert body["content"] == content_digest(DIGESTS, HERE, (part,))
    assert body["decision"]["cause"] == {"code": "card_found", "control": CONTROL, "kind": "content"}
    assert body["decision"]["vacancies"] == [["application.later", "not built"]]
    assert body["decision"]["edits"][0]["action"] == "mask"
    assert (body["cause"], body["effect"], body["outcome"], body["source"]) == (
        ["rec_before"], "deny", "refused", "127.0.0.1",
    )  # fmt: skip


def test_evidence_of_the_edited_content_is_named_without_a_digest():
    part = text_part(f"card {SECRET}")
    record = recorder(part).decision(refused(part, round_=2), (part,), Outcome.REFUSED)
    (judgement,) = json.loads(record.encode())["decision"]["judgements"]
    assert "digest" not in judgement["evidence"][0]
    assert judgement["round"] == 2


def test_silence_says_why_there_is_no_verdict():
    part = text_part("x")
    silent = Judgement(CONTROL, Mode.ENFORCE, None, Silence.ERROR, "ValueError\n\x1b[31m")
    decision = replace(refused(part), judgements=(silent,), edits=(), cause=None)
    (judgement,) = json.loads(recorder(part).decision(decision, (part,), Outcome.REFUSED).encode())["decision"][
        "judgements"
    ]
    assert (judgement["verdict"], judgement["silence"]) == ("none", "error")
    assert judgement["detail"] == "ValueError\\n\\x1b[31m"
    assert "evidence" not in judgement


def test_names_from_outside_are_inert_in_every_record():
    hostile = replace(PERSON, subject="ada\x1b]0;x\x07", chain=(Actor("i", "\u202egnp"),), methods=frozenset({"m\n"}))
    record = recorder(text_part("x"), principal=hostile).event(RecordKind.FAILURE, Outcome.FAILED, {"code": "x"})
    text = record.encode().decode()
    assert text.isascii()
    assert text.isprintable()
    assert record.principal["subject"] == "ada\\x1b]0;x\\x07"
    assert record.principal["chain"] == [["i", "\\u202egnp"]]


def test_without_a_source_the_record_says_nothing_of_one():
    assert recorder(text_part("x"), Facts()).event(RecordKind.OPENING, Outcome.STREAMS, {}).source == ""


def test_each_record_has_an_id_and_a_time_of_its_own():
    made = recorder(text_part("x"))
    records = [made.event(RecordKind.OPENING, Outcome.STREAMS, {}) for _ in range(3)]
    assert len(set(ids(records))) == 3
    assert records[0].time_us < records[1].time_us < records[2].time_us


def test_the_content_digest_is_of_what_was_judged_and_not_of_what_was_judged_before():
    first, second = text_part("one"), text_part("two")
    made = recorder(first)
    digests = [made.decision(refused(each), (each,), Outcome.REFUSED).content for each in (first, first, second)]
    assert digests == [content_digest(DIGESTS, HERE, (each,)) for each in (first, first, second)]


parts = st.builds(
    Part,
    st.sampled_from(["p", "pa"]).map(PartId),
    st.sampled_from(Origin),
    st.text("ap", max_size=3),
    st.sampled_from(["text/plain", "t"]),
)


@given(st.lists(parts, max_size=2), st.lists(parts, max_size=2))
@settings(deadline=None)
def test_only_the_same_parts_have_the_same_digest(one, two):
    same = content_digest(DIGESTS, HERE, one) == content_digest(DIGESTS, HERE, two)
    assert same == (one == two)


def test_a_text_that_looks_like_a_document_has_another_digest():
    text, document = (Part(PartId("p"), Origin.TOOL, value, JSON) for value in ('{"a": 1}', freeze({"a": 1})))
    assert content_digest(DIGESTS, HERE, (text,)) != content_digest(DIGESTS, HERE, (document,))


def test_a_digest_is_of_one_workload():
    assert content_digest(DIGESTS, HERE, (text_part("x"),)) != content_digest(
        DIGESTS, WorkloadId("other"), (text_part("x"),)
    )
    assert content_digest(DIGESTS, HERE, ()) == ""


@given(
    st.recursive(
        st.text(max_size=4) | st.integers() | st.floats(allow_nan=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    )
)
@settings(deadline=None)
def test_every_leaf_is_found_at_its_place(value):
    part = Part(PartId("p"), Origin.TOOL, freeze(value), JSON)
    for leaf in part.leaves():
        place = Place(part.id, leaf.pointer, 0, len(leaf.text), leaf.kind)
        assert text_at(place, (part,)) == leaf.text


@pytest.mark.parametrize(
    "place",
    [Place(PartId("q"), "", 0, 1), Place(PartId("p"), "/b", 0, 1), Place(PartId("p"), "/a/7", 0, 1),
     Place(PartId("p"), "/a/x", 0, 1), Place(PartId("p"), "/a/" + "9" * 5000, 0, 1),
     Place(PartId("p"), "/a/0/y", 0, 1, LeafKind.KEY)],
)  # fmt: skip
def test_what_is_not_there_has_no_text(place):
    assert text_at(place, (Part(PartId("p"), Origin.TOOL, freeze({"a": ["x"]}), JSON),)) is None


def test_an_allow_has_no_cause():
    assert cause_body(None) is None
