from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine.stream import HeldTooLongError, HoldBack
from ringwall.model.content import PartId, Place
from ringwall.model.verdict import Edit, EditAction
from tests.fakes import occurrences

PART = PartId("choices/0/content/0")
WORD = "secret"


def hold(limit: int = 1000, lookback: int = len(WORD)) -> HoldBack:
    def held(tail: str) -> tuple[int, int]:
        size = next((n for n in range(len(WORD) - 1, 0, -1) if tail.endswith(WORD[:n])), 0)
        return size, lookback

    return HoldBack(PART, lookback=lookback, held=held, limit=limit)


def run(holder: HoldBack, pieces: list[str]) -> str:
    """Everything that goes out when each whole word is hidden."""
    out = []
    for piece in [*pieces, None]:
        window = holder.finish() if piece is None else holder.push(piece)
        if window is not None:
            text = window.part.text
            places = [Place(PART, "", at, at + len(WORD)) for at in occurrences(text, WORD)]
            start, end = window.focus
            edits = [Edit(place, EditAction.MASK, "word") for place in places if start <= place.start < end]
            out.append(holder.settle(window, edits))
    return "".join(out)


@given(st.lists(st.sampled_from(["s", "se", "secret", "cret", "secre", "x", " ", "t"]), max_size=30))
def test_a_word_is_hidden_wherever_it_is_cut(pieces):
    assert run(hold(), pieces) == "".join(pieces).replace(WORD, "[WORD]")


@given(st.lists(st.text(max_size=5), max_size=20))
def test_nothing_is_lost_or_added(pieces):
    text = "".join(pieces)
    if WORD not in text:
        assert run(hold(), pieces) == text


def test_nothing_goes_out_before_it_is_settled():
    holder = hold()
    assert holder.push("secre") is None
    assert holder.held_chars == 5
    window = holder.push("cy")
    assert window is not None
    assert (window.part.text, window.focus) == ("secrecy", (0, 7))


def test_a_window_has_its_context_and_focuses_on_what_is_new():
    holder = hold(lookback=4)
    holder.settle(holder.push("abcdefgh"), [])
    window = holder.push("ij")
    assert (window.part.text, window.focus) == ("efghij", (4, 6))


def test_an_edit_past_the_settled_end_keeps_its_text_back():
    holder = hold()
    window = holder.push("ab cd ")
    straddling = Edit(Place(PART, "", 3, 6), EditAction.MASK, "word")
    window = replace(window, focus=(0, 4))
    assert holder.settle(window, [straddling]) == "ab "
    assert holder.held_chars == 3


def test_what_cannot_be_settled_within_the_limit_is_refused():
    holder = HoldBack(PART, lookback=5, held=lambda tail: (len(tail), 5), limit=10)
    assert holder.push("x" * 10) is None
    with pytest.raises(HeldTooLongError):
        holder.push("x")


def test_a_long_piece_that_is_settled_at_once_is_not_held():
    holder = hold(limit=10)
    assert holder.settle(holder.push("x" * 5000), []) == "x" * 5000


def test_the_end_of_nothing_is_nothing():
    assert hold().finish() is None


def test_a_window_says_whether_it_begins_where_the_text_begins():
    holder = HoldBack(PART, lookback=4, held=lambda tail: (0, 4), limit=100)
    seen = []
    for piece in ("ab", "cd", "ef"):
        window = holder.push(piece)
        seen.append((window.part.text, window.begins))
        holder.settle(window, ())
    assert seen == [("ab", True), ("abcd", True), ("abcdef", True)]
    window = holder.push("gh")
    assert (window.part.text, window.begins) == ("cdefgh", False)
