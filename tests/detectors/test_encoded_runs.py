"""Runs by themselves, and where a text may be cut between them."""

from __future__ import annotations

import base64

import pytest

from ringwall.detectors.encoded_runs import LOOKBACK, decode, held, runs
from ringwall.detectors.normalize import look_closer

SAID = "the words that were said"


@pytest.mark.parametrize(
    "run",
    [base64.b64encode(SAID.encode()).decode(), SAID.encode().hex(), "".join(f"%{each:02x}" for each in SAID.encode())],
)
def test_a_run_says_what_it_says_wherever_it_stands(run: str) -> None:
    text = f"It is {run} so."
    found = [
        (text[start:end], decode(text[start:end], decoder)) for start, end, decoder in runs(text, look_closer(text))
    ]
    assert (run, SAID) in found


def test_neighbouring_codes_are_one_run() -> None:
    text = "say &#72;i &#72;o now"
    assert [text[start:end] for start, end, decoder in runs(text, look_closer(text)) if decoder is None] == [
        "&#72;i &#72;o"
    ]
    assert decode("&#72;i", None) == "Hi"


def test_a_text_is_cut_behind_plain_words() -> None:
    assert held("These are words and mo") == 2
    assert held("These are words 64 65 ") == len("64 65 ")
    assert held("x" * 9000) == LOOKBACK
    assert held("These words a ", letters=3) == len("a ")
