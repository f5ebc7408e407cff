"""Sealed values are known exactly, wherever they stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.detectors.sealed import MARK, MAX_BODY_BYTES, MIN_BODY_BYTES, find, leases, whole, write
from ringwall.model.vault import KeyName, Sealed

NAME = KeyName("shop", "customers", "card_number")
bodies = st.binary(min_size=MIN_BODY_BYTES, max_size=400)
sealed_values = st.builds(Sealed, st.just(NAME), st.integers(1, 999_999_999), st.sampled_from(("", "id")), bodies)


@given(sealed_values)
def test_a_value_is_written_in_one_way_and_reads_back(value: Sealed) -> None:
    text = write(value)
    assert whole(text) == value
    assert text.isascii() and not set(text) & set(" '\"\\<>&%;,")


@given(sealed_values, st.text(alphabet="xy rw:\n'\"{}", max_size=20))
def test_it_is_found_inside_any_text_and_is_then_not_the_whole(value: Sealed, around: str) -> None:
    text = f"{around} {write(value)} {around}"
    (found,) = [each for each in find(text) if each.sealed is not None]
    assert (text[found.start : found.end], found.sealed) == (write(value), value)
    assert whole(text) is None


@given(sealed_values, st.data())
def test_no_other_spelling_reads_as_the_same_value(value: Sealed, data: st.DataObject) -> None:
    text = write(value)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([each for each in "AZaz09_-:@./ =" if each != text[at]]))
    assert whole(text[:at] + other + text[at + 1 :]) != value


@pytest.mark.parametrize("cut", [1, 4, 40, 110, 150])
def test_a_value_that_was_cut_is_another_or_malformed(cut: int) -> None:
    value = Sealed(NAME, 3, "", bytes(MIN_BODY_BYTES))
    assert whole(write(value)[:-cut]) is None
    assert all(each.sealed is None for each in find(write(value)[:-cut]))


@pytest.mark.parametrize(
    "text",
    [
        "rwsealed:", "rwsealed:v2:shop/t.c:1:" + "A" * 104, "rwsealed:v1:shop/t.c:0:" + "A" * 104,
        "rwsealed:v1:Shop/t.c:1:" + "A" * 104, "rwsealed:v1:shop/t.c:1:" + "A" * 20,
        "rwsealed:v1:shop/t.c:1:" + "A" * (MAX_BODY_BYTES * 2), "rwsealed:v1:shop/../t.c:1:" + "A" * 104,
    ],
)  # fmt: skip
def test_what_only_begins_like_one_is_malformed(text: str) -> None:
    assert [each.sealed for each in find(text)] == [None]
    assert whole(text) is None


def test_a_flood_of_marks_is_read_in_one_pass() -> None:
    assert sum(1 for _ in find(MARK * 50_000)) == 50_000


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"use rwl_{'0a' * 16}_{'x' * 43} now", 1),
        (f"postgresql://rw_lease_{'f' * 32}@h/db", 1),
        ("rwcall1.eyJsZWFzZSI6ICIwMCJ9.abc", 1),
        ("rwl_ and rw_lease_ and rwcall1. are prefixes", 0),
        ("forward the toy owl", 0),
    ],
)
def test_lease_secrets_are_known_by_their_form(text: str, count: int) -> None:
    assert len(list(leases(text))) == count
