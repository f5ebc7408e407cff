"""What of a streamed text may go out: a prefix of what the whole would have released, however it was cut."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.engine.edits import apply, merge
from ringwall.engine.stream import HeldTooLongError, HoldBack, Window
from ringwall.model.content import Origin, Part, PartId, Place
from ringwall.model.verdict import Edit, EditAction
from tests.fakes import occurrences, rule

P = PartId("choices/0/content/0")
LOOKBACK = 4
texts = st.text("abc ", max_size=30)
words = st.text("abc", min_size=1, max_size=LOOKBACK)


def found(text: str, word: str, focus: tuple[int, int] | None = None) -> tuple[Edit, ...]:
    """What a control that hides this word says of a text, merged."""
    starts = [at for at in occurrences(text, word) if focus is None or focus[0] <= at < focus[1]]
    return merge([Edit(Place(P, "", at, at + len(word)), EditAction.MASK, "word") for at in starts])


def whole(text: str, word: str) -> str:
    return apply((Part(P, Origin.MODEL, text),), found(text, word))[0].text


def hold_back(word: str, limit: int = 1000, lookback: int = LOOKBACK, *, lazy: bool = False) -> HoldBack:
    """A window for one word. A lazy control holds all of its lookback; the other what may begin the word."""
    control = rule("hide", word)

    def held(tail: str) -> tuple[int, int]:
        return (min(len(tail), lookback), lookback) if lazy else (control.held(tail), lookback)

    return HoldBack(P, lookback=lookback, held=held, limit=limit)


def streamed(pieces: Sequence[str], word: str, *, lazy: bool = False) -> tuple[list[str], list[Window]]:
    """What goes out after each piece, and at the end."""
    window_of = hold_back(word, lazy=lazy)
    out, seen = [], []
    for piece in [*pieces, None]:
        window = window_of.finish() if piece is None else window_of.push(piece)
        if window is not None:
            seen.append(window)
            out.append(window_of.settle(window, found(window.part.text, word, window.focus)))
    return out, seen


@given(texts, words, st.data(), st.booleans())
@settings(deadline=None, max_examples=300)
def test_however_it_is_cut_what_goes_out_is_what_the_whole_would_have_been(text, word, data, lazy):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    out, _ = streamed(pieces, word, lazy=lazy)
    assert joined("".join(out)) == joined(whole(text, word))
    assert word not in "".join(out)


def joined(text: str) -> str:
    """Placeholders that touch read as one: a run of words may be hidden as one span or as several."""
    while "[WORD][WORD]" in text:
        text = text.replace("[WORD][WORD]", "[WORD]")
    return text


@given(texts, words)
@settings(deadline=None)
def test_every_window_goes_on_where_the_last_one_ended(text, word):
    _, seen = streamed(list(text), word)
    for window in seen:
        start, end = window.focus
        assert 0 <= start < end <= len(window.part.text)
        assert text.find(window.part.text) >= 0


def test_the_beginning_of_a_word_is_held_until_it_is_clear():
    window_of = hold_back("abc")
    window = window_of.push("xa")
    assert window is not None
    assert window.focus == (0, 1)
    assert window_of.settle(window, ()) == "x"
    assert window_of.held_chars == 1
    assert window_of.push("b") is None
    window = window_of.push("x")
    assert window is not None
    assert window_of.settle(window, ()) == "abx"
    assert window_of.held_chars == 0
    assert window_of.finish() is None


def test_a_release_is_never_cut_inside_an_edit():
    window_of = hold_back("", lookback=2, lazy=True)
    window = window_of.push("say abcd")
    assert window is not None
    assert window.focus == (0, 6)
    assert window_of.settle(window, [Edit(Place(P, "", 4, 8), EditAction.MASK, "word")]) == "say "
    assert window_of.held_chars == 4
    window = window_of.finish()
    assert window is not None
    assert window.part.text == "y abcd"
    assert window.focus == (2, 6)
    assert window_of.settle(window, [Edit(Place(P, "", 2, 6), EditAction.MASK, "word")]) == "[WORD]"


def test_what_cannot_be_settled_is_refused():
    window_of = hold_back("", limit=10, lookback=100, lazy=True)
    assert window_of.push("0123456789") is None
    with pytest.raises(HeldTooLongError, match='"11" characters are held, "10" may be'):
        window_of.push("x")


def test_an_empty_text_has_no_window():
    window_of = hold_back("abc")
    assert window_of.push("") is None
    assert window_of.finish() is None
