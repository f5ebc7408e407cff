"""Which personal data and secrets stand in a text, in whatever form? Each is found from nearby text alone.

* Found: card numbers, US social security numbers, IBANs, e-mail addresses, phone numbers, secrets; also inside encoded
  runs (base64, hexadecimal, percent, entities ...), where the whole run is the place.
* *Locality*: whether a code point belongs to a finding depends only on the `LOOKBACK` code points to either side of
  it. So a stream judged window by window finds what judging the whole would have found.
* That needs bounds, and what exceeds one is a finding itself: more than `MAX_INVISIBLE` invisible characters in a row
  (`invisible_run`), an encoded run longer than `max_run` (`encoded_run`). Any other span is cut off at `MAX_SPAN`.
* `held` says how much of a text's end may still become part of a finding: in prose, about the last word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ringwall.detectors import identifiers, secrets
from ringwall.detectors.encoded_runs import CLEAN_WORD, CODE_DECODERS, MAX_RUN, MIN_RUN, decode, runs
from ringwall.detectors.normalize import look_closer, prepare
from ringwall.detectors.patterns import Pattern, PatternSet
from ringwall.detectors.unfold import CANONICAL, INVISIBLE_CLASS

KINDS = ("card_number", "us_ssn", "iban", "email", "phone", "secret", "encoded_run", "invisible_run")
UNREAD = frozenset({"encoded_run", "invisible_run"})
"""Kinds that say "this was not looked at". Of any length; whether a code point belongs to one is found nearby."""
MAX_INVISIBLE = 8
MAX_DECODED = 262_144
"""Code points of what a run says that are looked at; more (a compressed run) is a finding."""
MAX_SPAN = 4608
"""Code points of the text as it came that one finding covers."""
LOOKBACK = 5120
"""Code points to either side on which a finding may depend."""
MAX_DEPTH = 3
"""Encodings inside one another that are followed."""

_INVISIBLE_RUN = re.compile(f"[{INVISIBLE_CLASS}]{{{MAX_INVISIBLE + 1},}}")
_TRIGGERS = (
    Pattern("digits", "personal", r"[0-9](?:[^0-9A-Za-z]{0,9}[0-9]){6}", spans=False),
    Pattern("at", "personal", "@", spans=False),
    Pattern("letters_digits", "personal", r"[A-Za-z]{2}[0-9]{2}[ -]?[0-9A-Za-z]{4}", spans=False),
)


@dataclass(frozen=True, slots=True)
class Found:
    """Something found.

    Attributes:
        kind: What it is, one of `KINDS`.
        start: First code point of its place in the text as it came.
        end: One past the last.
    """

    kind: str
    start: int
    end: int


@cache
def _patterns() -> PatternSet:
    return PatternSet(_TRIGGERS + secrets.triggers())


def warm() -> None:
    """Compile what is needed, so that the first request does not wait for it."""
    prepare()
    _patterns()


def find(text: str, max_run: int = MAX_RUN) -> tuple[Found, ...]:
    """Everything in a text, by place; findings may overlap.

    Steps:
        1. Runs of invisible characters.
        2. The canonical form, and what stands in it.
        3. What stands in encoded runs.
    """
    closer = look_closer(text)
    found: set[Found] = set()
    if text.isascii() and "control" not in closer:
        # 2, 3.
        found.update(_plain(text))
        if closer:
            found.update(_encoded(text, closer, max_run, MAX_DEPTH))
    else:
        # 1.
        for run in _INVISIBLE_RUN.finditer(text):
            found.add(Found("invisible_run", *run.span()))
        # 2, 3.
        canonical = text.translate(CANONICAL)
        back = CANONICAL.origin(text)
        closer = look_closer(canonical)
        inside = set(_plain(canonical))
        inside.update(_encoded(canonical, closer, max_run, MAX_DEPTH) if closer else ())
        found.update(Found(each.kind, *back(each.start, each.end)) for each in inside)
    if not found:
        return ()
    cut = (
        each if each.kind in UNREAD else Found(each.kind, each.start, min(each.end, each.start + MAX_SPAN))
        for each in found
    )
    return tuple(sorted(cut, key=lambda each: (each.start, each.end, each.kind)))


def _plain(text: str) -> Iterator[Found]:
    """What stands in a canonical text as it is."""
    hits = _patterns().scan(text.encode("utf-8", "replace"))
    if not hits:
        return
    ids = frozenset(hit.pattern.id for hit in hits)
    if "digits" in ids:
        for span in identifiers.cards(text):
            yield Found("card_number", *span)
        for span in identifiers.mirrored_cards(text):
            yield Found("card_number", *span)
        for span in identifiers.social_security_numbers(text):
            yield Found("us_ssn", *span)
        for span in identifiers.phones(text):
            yield Found("phone", *span)
    if "letters_digits" in ids:
        for span in identifiers.ibans(text):
            yield Found("iban", *span)
    if "at" in ids:
        for span in identifiers.emails(text):
            yield Found("email", *span)
    for span in secrets.find(text, ids):
        yield Found("secret", *span)


def _encoded(text: str, closer: frozenset[str], max_run: int, depth: int) -> Iterator[Found]:
    """What stands in encoded runs; each is decoded by itself, so that nothing far away matters."""
    for start, end, decoder in runs(text, closer):
        if end - start > max_run:
            for each in (decoder,) if decoder else CODE_DECODERS:
                for first, last in each.near(text, start, end, max_run):
                    yield Found("encoded_run", first, last)
            continue
        if end - start < MIN_RUN:
            continue
        decoded = decode(text[start:end], decoder)
        if decoded is None:
            continue
        if depth == 0 or len(decoded) > MAX_DECODED:
            yield Found("encoded_run", start, end)
            continue
        plain = decoded.translate(CANONICAL)
        kinds = {each.kind for each in _plain(plain)}
        deeper = look_closer(plain)
        if deeper and plain != text[start:end]:
            kinds.update(each.kind for each in _encoded(plain, deeper, max_run, depth - 1))
        for kind in kinds:
            yield Found(kind, start, end)


_NAMING = re.compile(r"(?i)key|secret|token|passw|pwd|bearer|ssn|security|begin|private|number|[a-z]{16}")


CONTEXT = 512
"""Code points before a place that `held` chose that a finding behind it may look back on (`social security ... is`)."""


_CHECK_DIGITS = re.compile(r"\w\W{0,8}\w\W{0,8}\d\W{0,8}\d")
NUMBER_CHARACTERS = 128
"""Code points after its check digits through which an account number in groups may go on."""


def held(text: str) -> int:
    """How many code points at the end of a text may still become part of a finding, or be changed by one.

    A text may be cut after a blank that follows two words of letters only, of which neither names a secret or a number:
    no finding spans such a place, or looks back across it on more than `CONTEXT`. What follows the last one is held.
    """
    floor = max(0, len(text) - LOOKBACK)
    if "-----BEGIN" in text[floor:]:
        return len(text) - floor
    at = len(text)
    while True:
        blank = text.rfind(" ", floor, at)
        if blank < 0:
            return len(text) - floor
        before = text[max(floor, blank - 64) : blank].split(" ")
        words = before[-2:] if len(before) > 2 or blank - 64 <= 0 else before[-1:]
        clean = all(CLEAN_WORD.fullmatch(each) and not _NAMING.search(each) for each in words)
        # An account number may have groups of letters only; none goes on for longer than this after its check digits.
        if words and clean and not _CHECK_DIGITS.search(text, max(floor, blank - NUMBER_CHARACTERS), blank):
            return len(text) - blank - 1
        at = blank
