"""Words as they are, in disguise, and what only looks like them."""

from __future__ import annotations

import base64
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.words import LOOKBACK, MAX_ENTRIES, Words, parse
from ringwall.model.errors import ConfigError

LISTED = ("falcon", "Project Nightjar", "cocaine", "god", "ass", "gift*", "*berg", "C3PO", "ärger", "снег", "机密")


@cache
def listed() -> Words:
    return Words(LISTED)


def found(text: str) -> list[tuple[str, str]]:
    return [(LISTED[each.entry], text[each.start : each.end]) for each in listed().find(text)]


@pytest.mark.parametrize(
    ("text", "word", "span"),
    [
        ("The falcon flies.", "falcon", "falcon"),
        ("FALCON", "falcon", "FALCON"),
        ("project nightjar", "Project Nightjar", "project nightjar"),
        ("Project\n  Nightjar!", "Project Nightjar", "Project\n  Nightjar"),
        ("project-nightjar", "Project Nightjar", "project-nightjar"),
        ("ProjectNightjar", "Project Nightjar", "ProjectNightjar"),
        ("project_nightjar_2", "Project Nightjar", "project_nightjar"),
        ("a f4lc0n", "falcon", "f4lc0n"),
        ("f@lcon!", "falcon", "f@lcon"),
        ("fal\u200bcon", "falcon", "fal\u200bcon"),
        ("f\u0430lcon", "falcon", "f\u0430lcon"),
        ("fálcön", "falcon", "fálcön"),
        ("ｆａｌｃｏｎ", "falcon", "ｆａｌｃｏｎ"),
        ("f a l c o n", "falcon", "f a l c o n"),
        ("f.a.l.c.o.n", "falcon", "f.a.l.c.o.n"),
        ("g-o-d", "god", "g-o-d"),
        ("fal-con", "falcon", "fal-con"),
        ("f*lcon f*a*lcon", "falcon", "f*a*lcon"),
        ("faaalcooon", "falcon", "faaalcooon"),
        ("f444lcon", "falcon", "f444lcon"),
        ("goood", "god", "goood"),
        ("@ss", "ass", "@ss"),
        ("a$$", "ass", "a$$"),
        ("giftschrank", "gift*", "giftschrank"),
        ("Heidelberg", "*berg", "Heidelberg"),
        ("c3po", "C3PO", "c3po"),
        ("Arger", "ärger", "Arger"),
        ("СНЕГ идёт", "снег", "СНЕГ"),
        ("这是机密文件", "机密", "机密"),
        ("&#102;alcon and %66%61lcon", "falcon", "&#102;alcon and %66%61lcon"[:11]),
    ],
)
def test_a_word_is_found(text: str, word: str, span: str) -> None:
    assert (word, span) in found(text), found(text)


def test_all_of_an_encoded_run_is_the_place() -> None:
    run = base64.b64encode(b"the falcon flies at noon").decode()
    assert ("falcon", run) in found(f"see {run} so")
    twice = base64.b64encode(f"see {run} so".encode()).decode()
    assert ("falcon", twice) in found(f"see\u00a0{twice} so")


@pytest.mark.parametrize(
    "text",
    [
        "falconer", "afalcon", "good", "goods", "class", "pass", "as soon as", "a s soon", "A55", "455", "Room 45 5",
        "agift", "bergs", "project of the nightjar", "co cai ne", "G, O. D", "mugod", "nightjar project", "", "as s",
        "C3PO2", "g0ds", "gooo, d", "aaa—ss", "снегопад", "h@ndle", "fal con", "fal   con", "the ass1st",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("word", ["", "a", "*", "x" * 65, "a b c d e f g h i", "..."])
def test_what_cannot_be_looked_for_is_an_error(word: str) -> None:
    with pytest.raises(ConfigError):
        parse(word)


def test_there_may_be_none_and_not_too_many() -> None:
    assert Words(()).find("falcon") == [] and Words(()).held("falcon") == 0
    with pytest.raises(ConfigError):
        Words([f"w{number}" for number in range(MAX_ENTRIES + 1)])
    assert [each.entry for each in Words(("falcon", "Falcon")).find("falcon")] == [0, 1]


def test_a_phrase_that_has_begun_is_held_and_prose_is_not() -> None:
    assert listed().held("We went to see the ") == 0
    assert listed().held("We saw the project ") == len("project ")
    assert listed().held("We saw the pr0ject ") == len("pr0ject ")
    assert listed().held("We saw the f a l ") == len("f a l ")
    assert listed().held("We saw the fal") == 3


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from(["project", "pr0ject", "nightjar", " ", "\n", "f a l", "-", "the word", "a"]), max_size=9)
)
def test_a_place_that_was_chosen_is_chosen_again(pieces: list[str]) -> None:
    tail = "".join(pieces)
    size = listed().held(tail)
    assert size == LOOKBACK or listed().held(tail[: len(tail) - size]) == 0
