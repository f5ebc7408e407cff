"""Which stretches of a text are encoded, and what does each say by itself? Found from nearby text alone.

* A run is decoded by itself, not in its place, so that nothing far away matters: what is found in it is found in all
  of it. A run longer than `MAX_RUN` is not decoded.
* `held` says how much of a text's end may still become part of a run: in prose, the last word. No run goes on over a
  blank that follows two words of letters only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from ringwall.detectors.encodings import DECODERS, Decoder

MAX_RUN = 2048
"""Code points of an encoded run that are decoded."""
MIN_RUN = 12
"""Code points of the shortest run that is worth decoding by itself."""
LOOKBACK = 5120
"""Code points before a place in which a run that goes on there begins."""

_TOKEN = re.compile(r"[!-~]+")
_CHARACTER_CODES = ("percent", "entity", "escape", "quoted")
RUN_DECODERS = tuple(each for each in DECODERS if each.name not in (*_CHARACTER_CODES, "spaced"))
CODE_DECODERS = tuple(each for each in DECODERS if each.name in _CHARACTER_CODES)
CLEAN_WORD = re.compile(r"[A-Za-zÀ-ɏͰ-ӿ]+[.,;!?)\"'”’]{0,3}")


def runs(text: str, closer: frozenset[str]) -> Iterator[tuple[int, int, Decoder | None]]:
    """Encoded runs: first code point, one past the last, and the encoding; None for codes of single characters.

    Args:
        text: The text, canonical.
        closer: The triggers that occur in it (`normalize.look_closer`).
    """
    for decoder in RUN_DECODERS:
        if closer & decoder.triggers:
            for match in decoder.runs(text):
                yield match.start(), match.end(), decoder
    if closer & frozenset(_CHARACTER_CODES):
        # Neighbouring words that hold such codes, one blank apart, are one run: a number may be written in several.
        start = end = -1
        for token in _TOKEN.finditer(text):
            if not any(each.run.search(token[0]) for each in CODE_DECODERS):
                continue
            if start >= 0 and token.start() == end + 1:
                end = token.end()
                continue
            if start >= 0:
                yield start, end, None
            start, end = token.span()
        if start >= 0:
            yield start, end, None


def decode(run: str, decoder: Decoder | None) -> str | None:
    """What a run says, or None."""
    if decoder is not None:
        return decoder.decode(run)
    for each in CODE_DECODERS:
        run = each.run.sub(partial(_piece, each), run)
    return run


def _piece(decoder: Decoder, match: re.Match[str]) -> str:
    return decoder.decode(match[0]) or ""


def held(text: str, *, letters: int = 1) -> int:
    """How many code points at the end of a text may still become part of a run.

    Args:
        text: The text.
        letters: How many letters the last word before the place must have.
    """
    floor = max(0, len(text) - LOOKBACK)
    at = len(text)
    while True:
        blank = text.rfind(" ", floor, at)
        if blank < 0:
            return len(text) - floor
        start = max(floor, blank - 64)
        words = text[start:blank].split(" ")
        last = words[-2:] if len(words) > 2 or start == 0 else words[-1:]
        is_long = letters == 1 or sum(map(str.isalpha, last[-1])) >= letters
        if is_long and all(CLEAN_WORD.fullmatch(each) for each in last):
            return len(text) - blank - 1
        at = blank
