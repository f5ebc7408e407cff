"""Check digits, lengths and groupings decide."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.identifiers import (
    cards,
    emails,
    ibans,
    is_moment,
    mirrored_cards,
    phones,
    social_security_numbers,
)


def with_luhn(body: str) -> str:
    for last in "0123456789":
        total = 0
        for index, each in enumerate(reversed(body + last)):
            value = int(each) * (2 if index % 2 else 1)
            total += value - 9 if value > 9 else value
        if total % 10 == 0:
            return body + last
    raise ValueError(body)


def spans(found: object) -> list[tuple[int, int]]:
    return sorted(set(found))  # type: ignore[call-overload]


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="0123456789", min_size=14, max_size=14).map(lambda rest: with_luhn("4" + rest)))
def test_any_visa_number_is_found_in_any_usual_group(number: str) -> None:
    fours = [number[at : at + 4] for at in range(0, 16, 4)]
    for text in (number, " ".join(fours), "-".join(fours), " ".join(number), "\n".join(fours)):
        assert (0, len(text)) in spans(cards(text))


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="0123456789", min_size=14, max_size=14), st.integers(1, 9))
def test_one_wrong_digit_is_no_card(rest: str, by: int) -> None:
    number = with_luhn("4" + rest)
    wrong = number[:-1] + str((int(number[-1]) + by) % 10)
    assert (0, 16) not in spans(cards(wrong))


@pytest.mark.parametrize("text", ["0000000000000000", "1111 1111 1111 1117", "43996225/36201", "12.4111111111111111"])
def test_no_cards(text: str) -> None:
    assert spans(cards(text)) == []


def test_cards_stand_beside_one_another() -> None:
    text = "4111 1111 1111 1111 5555 5555 5555 4444"
    assert {(0, 19), (20, 39)} <= set(cards(text))


def test_an_iban_ends_where_its_country_says() -> None:
    text = "pay DE89 3704 0044 0532 0130 00 now"
    assert [text[start:end] for start, end in ibans(text)] == ["DE89 3704 0044 0532 0130 00"]
    assert spans(ibans("DE89 3704 0044 0532 0130 001")) == []


def test_the_rest() -> None:
    assert spans(social_security_numbers("123-45-6789")) == [(0, 11)]
    assert spans(emails("a@b.io, c@d.example.com @x y@")) == [(0, 6), (8, 23)]
    assert spans(phones("+49 151 23456789")) == [(0, 16)]
    assert spans(phones("2026-11-22 and 1234567890")) == []


def test_a_card_written_from_its_end_is_found_and_a_moment_in_time_is_none() -> None:
    card = "4539578763621486"
    assert list(mirrored_cards(f"it is {card[::-1]} indeed")) == [(6, 22)]
    assert list(mirrored_cards(f"it is {card} indeed")) == []
    moments = [str(1795600000000 + step * 977) for step in range(2000)]
    assert all(is_moment(each) for each in moments)
    assert not [each for each in moments for _ in mirrored_cards(each)]
    assert not is_moment(card)
