"""Lines and ends of segments: one spelling of a line, and no surprise from a hostile START."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringwall.store.ledger import segment
from ringwall.store.ledger.segment import End

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
)


@given(st.integers(0, 10**17), st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=80))
def test_a_line_is_cut_into_what_was_joined(position: int, head: bytes, record: bytes) -> None:
    found = segment.split(segment.join(position, head, record)[:-1])
    assert found == segment.Line(position, head, record)


@given(st.binary(max_size=200))
def test_what_is_read_as_a_line_is_spelled_like_one(raw: bytes) -> None:
    found = segment.split(raw)
    assert found is None or segment.join(found.position, found.head, found.record) == raw + b"\n"


def test_other_spellings_of_a_number_are_no_line() -> None:
    head = b"0" * 64
    for position in (b"00", b"01", b"+1", b"-1", b"1_0", b"\xd9\xa1", b"", b"1" * 19):
        assert segment.split(position + b" " + head + b" {}") is None
    assert segment.split(b"1 " + b"A" * 64 + b" {}") is None


@given(JSON)
def test_a_hostile_start_names_no_end(value: object) -> None:
    assert End.decode(value) is None


def test_an_end_survives_the_journey() -> None:
    end = End(segment.new_name(0), 5, 1, "a" * 64, False, 0, "")
    assert End.decode(end.encode()) == end
    assert End.decode({**end.encode(), "head": "zz"}) is None
