from __future__ import annotations

import json

import pytest

from ringwall.engine.recording import Recorder, cause_body, content_digest, text_at, way_to
from ringwall.model.content import JSON, LeafKind, Origin, Part, PartId, Place, freeze
from ringwall.model.decision import Cause, Decision, Effect, Judgement
from ringwall.model.facts import Facts
from ringwall.model.framework import ControlId, WorkloadId
from ringwall.model.interaction import Checkpoint, Principal, PrincipalKind
from ringwall.model.plan import Mode
from ringwall.model.record import Outcome, RecordKind
from ringwall.model.verdict import Deny, Edit, EditAction, Evidence
from tests.fakes import FixedClock, PlainDigests, facts, interaction, text_part

W = WorkloadId("support")
CONTROL = ControlId("application.r")
HOSTILE = Principal("https://issuer.example", "ada\n\x1b[31m\u202e" + "x" * 500, PrincipalKind.PERSON)


def recorder(*parts: Part, principal: Principal = HOSTILE) -> Recorder:
    asked = interaction(*parts, principal=principal)
    return Recorder(asked, facts(), plan="sha256:0", trace="", clock=FixedClock(), digests=PlainDigests())


def decision(*evidence: Evidence, edits: tuple[Edit, ...] = (), number: int = 1) -> Decision:
    verdict = Deny(frozenset(), "word_found", "no", evidence=evidence)
    judgement = Judgement(CONTROL, Mode.ENFORCE, verdict, round=number)
    return Decision(
        Checkpoint.INBOUND, Effect.DENY, Cause(CONTROL, "word_found", "no"), (), edits, (judgement,), (), (), (), 5
    )


def test_a_record_holds_kind_place_score_and_digest_and_no_content():
    part = text_part("my secret word")
    place = Place(part.id, "", 3, 9)
    evidence = Evidence("word", place, 0.25)
    made = recorder(part).decision(
        decision(evidence, edits=(Edit(place, EditAction.MASK, "word"),)), (part,), Outcome.REFUSED
    )
    text = made.encode().decode()
    assert "secret" not in text
    [judgement] = made.decision["judgements"]
    assert judgement["evidence"] == [
        {
            "digest": PlainDigests().digest(W, b"secret"),
            "kind": "word",
            "place": {"end": 9, "leaf": "value", "part": part.id, "pointer": "", "start": 3},
            "score_millionths": 250_000,
        }
    ]


def test_names_from_outside_are_made_inert_and_bounded():
    made = recorder(text_part("x")).event(RecordKind.FAILURE, Outcome.FAILED, {})
    text = made.encode().decode()
    assert text.isascii()
    assert "\x1b" not in text
    assert len(made.principal["subject"]) <= 256


def test_evidence_of_the_second_round_has_no_digest_of_other_text():
    part = text_part("my secret word")
    made = recorder(part).decision(
        decision(Evidence("word", Place(part.id, "", 3, 9)), number=2), (part,), Outcome.REFUSED
    )
    assert "digest" not in made.decision["judgements"][0]["evidence"][0]


@pytest.mark.parametrize(
    ("pointer", "kind", "text"),
    [
        ("/a", LeafKind.KEY, "a"),
        ("/a/a", LeafKind.KEY, "a"),
        ("/a/a/1", LeafKind.NUMBER, "42"),
        ("/a/a/0", LeafKind.VALUE, "x"),
        ("/a/a/9", LeafKind.VALUE, None),
        ("/a/a/\u00b2", LeafKind.VALUE, None),
        ("/b", LeafKind.VALUE, None),
        ("/a/a/0/deeper", LeafKind.VALUE, None),
    ],
)
def test_the_text_at_a_place_is_found_or_is_nothing(pointer, kind, text):
    part = Part(PartId("p"), Origin.TOOL, freeze({"a": {"a": ["x", 42]}}), JSON)
    assert text_at(Place(part.id, pointer, 0, 10, kind), (part,)) == text
    assert text_at(Place(PartId("other"), pointer, 0, 10, kind), (part,)) is None


def test_every_leaf_is_found_where_it_says_that_it_stands():
    part = Part(PartId("p"), Origin.TOOL, freeze({"a/b": {"~": ["x", {"": "y"}]}, "n": 1.5, "a": {"a": "a"}}), JSON)
    for leaf in part.leaves():
        assert text_at(Place(part.id, leaf.pointer, 0, len(leaf.text), leaf.kind), (part,)) == leaf.text


def test_a_digest_tells_parts_apart_that_read_alike_in_a_row():
    digests = PlainDigests()
    one = content_digest(digests, W, [text_part("ab", "p"), text_part("c", "q")])
    other = content_digest(digests, W, [text_part("a", "p"), text_part("bc", "q")])
    assert one != other
    assert one != content_digest(digests, WorkloadId("other"), [text_part("ab", "p"), text_part("c", "q")])
    assert content_digest(digests, W, []) == ""


def test_parts_that_are_judged_again_are_digested_anew_only_when_they_changed():
    part, changed = text_part("one"), text_part("two")
    made = recorder(part)
    first = made.decision(decision(), (part,), Outcome.PROCEEDS)
    assert made.decision(decision(), (part,), Outcome.PROCEEDS).content == first.content
    assert made.decision(decision(), (changed,), Outcome.PROCEEDS).content != first.content
    assert made.decision(decision(), (), Outcome.PROCEEDS).content == ""


def test_a_record_without_a_source_says_so():
    asked = interaction(text_part("x"))
    made = Recorder(asked, Facts(), plan="", trace="", clock=FixedClock(), digests=PlainDigests())
    assert json.loads(made.event(RecordKind.REJECTION, Outcome.REFUSED, {}).encode())["source"] == ""


def test_a_cause_is_code_control_and_kind_and_never_the_words_that_callers_read():
    assert cause_body(Cause(CONTROL, "word_found", "private words")) == {
        "code": "word_found",
        "control": CONTROL,
        "kind": "forbidden",
    }
    assert cause_body(None) is None


def test_a_place_tells_where_and_never_what_a_member_is_called():
    part = Part(PartId("p"), Origin.TOOL, freeze({"a": 1, "4111 1111 1111 1111": ["x", {"zebra": "my secret"}]}), JSON)
    [leaf] = [each for each in part.leaves() if each.text == "my secret"]
    place = Place(part.id, leaf.pointer, 0, 9)
    found = Evidence("word", place)
    made = recorder(part).decision(
        decision(found, edits=(Edit(place, EditAction.MASK, "word"),)), (part,), Outcome.REFUSED
    )
    written = made.encode()
    assert b"4111 1111" not in written and b"zebra" not in written and b"secret" not in written
    assert made.decision["judgements"][0]["evidence"][0]["place"]["pointer"] == "/#1/1/#0"
    assert made.decision["edits"][0]["place"]["pointer"] == "/#1/1/#0"
    assert way_to(Place(part.id, "/nowhere/zebra", 0, 1), (part,)) == "/?"
    assert way_to(Place(PartId("other"), leaf.pointer, 0, 1), (part,)) == "/?"
