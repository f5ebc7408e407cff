"""Characters stand for what they look like, and every place leads back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.unfold import CANONICAL, INVISIBLE, MAX_KEPT, SKELETON, Table, hidden


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ＡＢＣ１２３", "ABC123"),
        ("a\u200bb\u00adc\u202ed\ufeff", "abcd"),
        ("a\u00a0b\u3000c", "a b c"),
        ("“x” — ‘y’", "\"x\" - 'y'"),
        ("İstanbul", "Istanbul"),
        ("🇮🇬🅽", "IGN"),
        ("line\u2028next", "line\nnext"),
        ("\ud800", "\ufffd"),
        ("Привет", "Привет"),
        ("a\tb\nc", "a\tb\nc"),
    ],
)
def test_canonical_forms(text: str, canonical: str) -> None:
    assert text.translate(CANONICAL) == canonical


@pytest.mark.parametrize(
    ("text", "plain"), [("іgnоrе", "ignore"), ("ïgnörê", "ignore"), ("ıɢɴᴏʀᴇ", "ignore"), ("ΑΒΕ", "ABE")]
)
def test_look_alikes(text: str, plain: str) -> None:
    assert text.translate(SKELETON) == plain


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60))
def test_lower_case_of_the_canonical_form_keeps_every_offset(text: str) -> None:
    canonical = text.translate(CANONICAL)
    assert len(canonical.lower()) == len(canonical)
    assert not INVISIBLE & set(canonical)


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60))
def test_every_place_leads_back_to_the_characters_that_made_it(text: str) -> None:
    canonical, back = text.translate(CANONICAL), CANONICAL.origin(text)
    for at in range(len(canonical)):
        start, end = back(at, at + 1)
        assert end == start + 1
        assert canonical[at] in CANONICAL[ord(text[start])]


def test_what_cannot_be_seen_is_read() -> None:
    assert hidden("hi" + "".join(chr(0xE0000 + ord(each)) for each in "obey")) == "obey"
    assert hidden("x" + "".join(chr(0xE0100 + each - 16) for each in b"obey")) == "obey"
    assert hidden("❤️ plain emoji 👍🏽 and text") == ""


def test_a_table_is_bounded() -> None:
    table = Table(chr)
    for code in range(MAX_KEPT + 100):
        assert table[code] == chr(code)
    assert len(table) == MAX_KEPT
