"""The bytes of a record are RFC 8785, its names are inert, its hash is RFC 9162's."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
import rfc8785
from hypothesis import example, given, settings
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

names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
numbers = st.integers(-(2**53) + 1, 2**53 - 1)
bodies = st.dictionaries(
    names,
    st.recursive(
        st.none() | st.booleans() | numbers | names,
        lambda inner: st.lists(inner) | st.dictionaries(names, inner),
        max_leaves=8,
    ),
)
records = st.builds(
    Record,
    names.map(RecordId),
    st.sampled_from(RecordKind),
    st.integers(0, 2**53 - 1),
    st.sampled_from(Outcome),
    names,
    principal=bodies,
    resource=st.dictionaries(names, names),
    decision=bodies,
    cause=st.lists(names).map(tuple),
    workload=names,
)
PLAIN = Record(RecordId("rec_1"), RecordKind.START, 1, Outcome.DONE, "sha256:0")


@given(records)
@settings(deadline=None)
def test_the_bytes_are_canonical(record):
    fields = {**record.fields(), "cause": list(record.cause), "kind": str(record.kind), "outcome": str(record.outcome)}
    assert record.encode() == rfc8785.dumps(fields)
    assert json.loads(record.encode()) == fields


def test_the_fields_of_version_1_are_all_there_in_order():
    expected = (
        "action, cause, checkpoint, content, decision, effect, id, interaction, kind, outcome, plan, principal, "
        "resource, session, source, time_us, trace, v, workload"
    ).split(", ")
    assert list(PLAIN.fields()) == list(json.loads(PLAIN.encode())) == expected
    assert VERSION == 1


def test_the_bytes_are_frozen():
    assert PLAIN.encode() == (
        b'{"action":"","cause":[],"checkpoint":"","content":"","decision":{},"effect":"","id":"rec_1","interaction":"",'
        b'"kind":"start","outcome":"done","plan":"sha256:0","principal":{},"resource":{},"session":"","source":"",'
        b'"time_us":1,"trace":"","v":1,"workload":""}'
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_never_written(number):
    with pytest.raises(ValueError, match="JSON compliant"):
        replace(PLAIN, decision={"score": number}).encode()


@given(st.text(st.characters(codec=None, categories=None), max_size=400))
@example("\x1b]0;title\x07")
@example("\u202egnp.exe")
@example("\ud800")
@example("a" * (MAX_NAME + 1))
@settings(deadline=None)
def test_an_inert_name_is_printable_ascii_and_bounded(name):
    made = inert(name)
    assert made.isascii()
    assert made.isprintable()
    assert len(made) <= MAX_NAME


@given(st.text(max_size=20), st.text(max_size=20))
@example("\n", "\\n")
@settings(deadline=None)
def test_two_names_never_read_alike(one, two):
    """Which is why a backslash is escaped too, and `inert` of an escaped name escapes it once more."""
    assert (inert(one) == inert(two)) == (one == two)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), max_size=MAX_NAME))
@settings(deadline=None)
def test_an_ordinary_name_stays_as_it_is(name):
    assert inert(name) == name


@pytest.mark.parametrize("name", ["x" * 257, "\u202e" * 100])
def test_a_name_that_is_cut_says_so(name):
    assert inert(name).endswith("...")
    assert len(inert(name)) == MAX_NAME


def test_a_leaf_is_hashed_as_rfc_9162_has_it():
    assert leaf_hash(b"") == hashlib.sha256(b"\x00").digest()
    assert leaf_hash(PLAIN.encode()) != hashlib.sha256(PLAIN.encode()).digest()


def test_ids_are_128_random_bits():
    made = {new_record_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(each.startswith("rec_") and len(bytes.fromhex(each[4:])) == 16 for each in made)


@pytest.mark.parametrize(("score", "whole"), [(0.0, 0), (1.0, 1_000_000), (0.85, 850_000), (1 / 3, 333_333)])
def test_a_score_is_a_whole_number(score, whole):
    assert millionths(score) == whole
    assert type(millionths(score)) is int
