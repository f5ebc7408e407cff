"""Sentences, their words and what they claim."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.detectors.sentences import (
    MAX_SENTENCE,
    content_words,
    is_courtesy,
    is_foreign,
    is_question,
    split,
    stem,
)


def texts(text: str) -> list[str]:
    return [each.text for each in split(text)]


def test_sentences_end_where_people_end_them() -> None:
    said = "Hello, Dr. Smith. The tent costs $129.50 e.g. today! Is it good?\n- one\n2. two\n『雨。』晴れ。"
    assert texts(said) == [
        "Hello, Dr. Smith.", "The tent costs $129.50 e.g. today!", "Is it good?", "- one", "2. two",
        "『雨。", "』晴れ。",
    ]  # fmt: skip


def test_fenced_code_is_marked() -> None:
    kinds = [each.is_code for each in split("before\n```\nx = 1\n```\nafter")]
    assert kinds == [False, True, True, False, False]


@given(st.text(max_size=400))
def test_places_are_those_of_the_text_and_nothing_but_blanks_is_lost(text: str) -> None:
    found = list(split(text))
    assert all(text[each.start : each.end] == each.text for each in found)
    assert "".join("".join(each.text.split()) for each in found) == "".join(text.split())


def test_a_text_without_ends_is_cut() -> None:
    assert max(len(each) for each in texts("a" * (3 * MAX_SENTENCE + 5))) == MAX_SENTENCE


def test_words_carry_a_sign() -> None:
    words = content_words("You cannot return items after thirty days, but the tent isn't heavy.")
    assert {f"-{stem('return')}", f"-{stem('items')}", stem("tent"), f"-{stem('heavy')}"} <= words
    assert content_words("It is waterproof") == {stem("waterproof")}
    assert content_words("not waterproof") == content_words("isn’t waterproof") == {f"-{stem('waterproof')}"}


def test_forms_of_a_word_are_one_word() -> None:
    assert stem("weighs") == stem("weight") == stem("weigh")
    assert stem("returned") == stem("returns") == stem("returning")
    assert stem("price") == stem("prices") == stem("costs")
    assert stem("tent") != stem("boots")


def test_scripts_without_blanks_are_read_in_pairs() -> None:
    assert content_words("防水です") == {"防水", "水で", "です"}
    assert is_foreign("このテントは防水です。")
    assert is_foreign("Палатка водонепроницаема.")
    assert not is_foreign("The tent is étanche – naïve café.")
    assert not is_foreign("12345")


@pytest.mark.parametrize(
    "text",
    [
        "Hello!", "You're welcome.", "I'm sorry, but I can't share that information.",
        "Let me know if you need anything.",
        "Here is what I found:", "How can I help you today?", "You asked about the tent.", "Yes.",
        "The provided sources do not mention a discount.",
    ],
)  # fmt: skip
def test_what_claims_nothing(text: str) -> None:
    assert is_question(text) or is_courtesy(text, len(content_words(text)))


@pytest.mark.parametrize("text", ["The tent is waterproof.", "Yes, the tent is waterproof.", "Maria founded Acme."])
def test_what_claims_something(text: str) -> None:
    assert not is_question(text)
    assert not is_courtesy(text, len(content_words(text)))


def test_a_courtesy_that_goes_on_for_long_is_a_claim() -> None:
    words = " ".join(f"{letter}{other}xx" for letter in "bcdfg" for other in "hjklm")
    text = f"I'm sorry, but {words}."
    assert not is_courtesy(text, len(content_words(text)))
