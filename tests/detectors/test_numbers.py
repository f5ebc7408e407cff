"""Numbers in all their spellings, and which of them say the same."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.detectors.numbers import Number, find, supports


def one(text: str) -> Number:
    (number,) = find(text)
    return number


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("$129.00", "129", "usd"),
        ("129,99 €", "129.99", "eur"),
        ("1,234,567", "1234567", ""),
        ("1 234 567 people", "1234567", ""),
        ("1.2k", "1200", ""),
        ("£5m", "5000000", "gbp"),
        ("5 m", "5000", "length"),
        ("181 million", "181000000", ""),
        ("3 bn dollars", "3000000000", "usd"),
        ("25%", "25", "share"),
        ("25 per cent", "25", "share"),
        ("twenty-five hundred", "2500", ""),
        ("a hundred and five users", "105", ""),
        ("ten months", "10", "months"),
        ("10-month", "10", "months"),
        ("two years", "24", "months"),
        ("2 weeks", "1209600", "time"),
        ("2.1 kg", "2100", "mass"),
        ("a dozen", "12", ""),
    ],
)
def test_quantities_are_read(text: str, value: str, unit: str) -> None:
    number = one(text)
    assert (number.kind, number.value, number.unit) == ("quantity", Decimal(value), unit)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("4111111111111111", "4111111111111111"),
        ("4111 1111 1111 1111", "4111111111111111"),
        ("4111-1111-1111-1111", "4111111111111111"),
        ("4 1 1 1 1 1 1 1", "41111111"),
        ("four, one, oh, one, one, one, one, one", "41011111"),
        ("4/1/1/1/1/1/1/1", "41111111"),
        ("ORD-12345", "ord12345"),
        ("AB12-3456", "ab123456"),
        ("3.11.7", "3.11.7"),
        ("10.0.0.1.", "10.0.0.1"),
    ],
)
def test_identifiers_keep_their_characters(text: str, key: str) -> None:
    number = find(text)[0]
    assert (number.kind, number.key) == ("identifier", key)


@pytest.mark.parametrize(
    "text", ["one of them", "millions of stars", "no number at all", "covid-19", "half a dozen", ""]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("$129", "129.0"),
        ("129.00", "$129"),
        ("over $181 million", "$181,674,817"),
        ("$182 million", "$181,674,817"),
        ("nearly 182 million", "181,674,817"),
        ("$130", "$129.99"),
        ("about 130", "129.4"),
        ("ten months", "10-month"),
        ("14 days", "2 weeks"),
        ("2.1 kg", "weight: 2.1"),
        ("2.1", "2.1 kg"),
        ("2100 g", "2.1 kg"),
        ("25%", "0.25"),
        ("25%", "discount: 25"),
        ("March 14", "2026-03-14"),
        ("14 March 2026", "03/14/2026"),
        ("14 March 2026", "14.03.26"),
        ("2:30 pm", "14:30"),
        ("4111-1111-1111-1111", "4111111111111111"),
        ("1.23 million", "1234567"),
        ("1,234,567", "1234567"),
    ],
)
def test_the_same_said_otherwise_is_supported(said: str, source: str) -> None:
    assert supports(find(said)[0], find(source)[0])


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("$139.99", "$129.99"),
        ("$129.90", "$129.99"),
        ("$12", "$12.30"),
        ("129 €", "$129"),
        ("2020", "2019"),
        ("$181,674,817", "$181 million"),
        ("over $182 million", "$181,674,817"),
        ("14 months", "14 days"),
        ("15 March 2026", "2026-03-14"),
        ("14 March 2025", "2026-03-14"),
        ("2:30 am", "14:30"),
        ("4111 1111 1111 1112", "4111111111111111"),
        ("4111 1111 1111 1100", "4111111111111111"),
        ("1,234,568", "1,234,567"),
        ("25%", "25 kg"),
        ("ORD-12345", "12345"),
    ],
)
def test_what_is_not_the_same_is_not_supported(said: str, source: str) -> None:
    assert not supports(find(said)[0], find(source)[0])


@given(st.text(alphabet=st.sampled_from("0123456789.,-/: $€%kmbn one million March a h"), max_size=120))
def test_reading_never_raises_and_places_are_in_order(text: str) -> None:
    found = find(text)
    assert all(0 <= each.start < each.end <= len(text) for each in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(supports(each, each) for each in found)


@pytest.mark.parametrize("piece", ["1 ", "11 ", "11-", "1,", "one ", "1/", "1.", "a1-", "March ", "$", "1:1", "9"])
def test_long_runs_of_anything_are_read_in_one_pass(piece: str) -> None:
    assert len(find(piece * 20_000)) <= len(piece) * 20_000


def test_letters_whose_lower_case_is_longer_move_nothing() -> None:
    text = "İİİ costs $5"
    number = find(text)[-1]
    assert text[number.start : number.end] == "5"
