from __future__ import annotations

import hashlib
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ringwall.model.record import (
    MAX_NAME,
    VERSION,
    Outcome,
    Record,
    RecordId,
    RecordKind,
    inert,
    leaf_hash,
    millionths,
    new_record_id,
)

names = st.text(max_size=300).map(inert)
bodies = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)


@given(names, st.dictionaries(names, bodies, max_size=4))
def test_the_bytes_of_a_record_are_rfc_8785(name, decision):
    record = Record(new_record_id(), RecordKind.DECISION, 1_700_000_000_000_000, Outcome.SENDS, name, decision=decision)
    plain = json.loads(json.dumps(record.fields()))
    assert record.encode() == rfc8785.dumps(plain)


def test_the_fields_of_version_1_are_frozen():
    record = Record(RecordId("rec_1"), RecordKind.START, 5, Outcome.DONE, "")
    assert VERSION == 1
    assert record.encode() == (
        b'{"action":"","cause":[],"checkpoint":"","content":"","decision":{},"effect":"","id":"rec_1","interaction":"",'
        b'"kind":"start","outcome":"done","plan":"","principal":{},"resource":{},"session":"","source":"","time_us":5,'
        b'"trace":"","v":1,"workload":""}'
    )


@given(st.text(max_size=600))
def test_an_inert_name_is_printable_ascii_and_bounded(text):
    name = inert(text)
    assert name.isascii()
    assert name.isprintable()
    assert len(name) <= MAX_NAME
    if "\\" not in name:
        assert name == text or name.endswith("...")


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_short_names_never_become_one(one, other):
    if one != other and len(inert(one)) < MAX_NAME - 3 and len(inert(other)) < MAX_NAME - 3:
        assert inert(one) != inert(other)


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31mred", "\u202egnp.exe", "\x00", "\ud800", "é"])
def test_nothing_that_acts_stays_in_a_name(text):
    assert set(inert(text)) <= {chr(n) for n in range(32, 127)}


def test_a_leaf_is_hashed_as_rfc_9162_says():
    assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()


def test_a_record_holds_no_floating_point_number():
    record = Record(RecordId("r"), RecordKind.START, 5, Outcome.DONE, "", decision={"x": float("nan")})
    with pytest.raises(ValueError):
        record.encode()
    assert millionths(0.1234567) == 123_457


def test_ids_cannot_be_guessed():
    assert len({new_record_id() for _ in range(1000)}) == 1000
    assert len(new_record_id()) == 36
