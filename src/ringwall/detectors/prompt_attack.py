"""Does a text try to take over the model that reads it? Our own patterns, on every reading of the text.

* Kinds: override of instructions, jailbreak personas, extraction of the prompt, claims of authority, smuggled role
  markers, instructions hidden in data, exfiltration, and any of these in text that cannot be seen.
* Patterns run on lower case; the views of `normalize` undo disguises first, and findings are placed in the text as it
  came.
* Each pattern has a score. One finding counts as it is; findings of different kinds in one reading add up as
  independent signs do (1 - product of 1 - score). A claim of authority alone is no attack; with a demand for card
  numbers it is.
* What was found only after decoding counts more: nobody encodes an innocent question.
* Bounds of `normalize` that were exceeded are passed on: something was not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from ringwall.detectors.normalize import DEFAULT_BOUNDS, Bounds, View, prepare, read
from ringwall.detectors.patterns import PatternSet, load_patterns
from ringwall.detectors.unfold import CANONICAL

DECODED_BONUS = 0.3
"""The share of the remaining doubt that goes when a sign was disguised."""
HIDDEN = "hidden_text"
"""The kind of instructions written in characters that cannot be seen."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A sign of an attack.

    Attributes:
        kind: What sort of sign.
        start: First code point of its place in the text as it came.
        end: One past the last.
        score: How sure this sign alone is.
        methods: The disguises that were taken off to see it.
    """

    kind: str
    start: int
    end: int
    score: float
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a text came to.

    Attributes:
        score: How sure the signs together are, 0 to 1.
        findings: The signs, surest first, one for each kind.
        exceeded: Bounds that were exceeded; not empty means that something was not looked at.
    """

    score: float
    findings: tuple[Finding, ...]
    exceeded: frozenset[str]


NOTHING = Assessment(0.0, (), frozenset())


@cache
def _phrases() -> PatternSet:
    # RE2 on every platform: Hyperscan takes half a minute to compile nested repeats that RE2 takes 70 ms for.
    canonical = (replace(each, regex=each.regex.translate(CANONICAL)) for each in load_patterns("prompt_attack"))
    return PatternSet(canonical, engine="re2")


def warm() -> None:
    """Compile what is needed, so that the first request does not wait for it."""
    prepare()
    _phrases()


def assess(text: str, bounds: Bounds = DEFAULT_BOUNDS) -> Assessment:
    """How much a text looks like an attack on the model that reads it.

    Steps:
        1. All readings of the text.
        2. The surest finding of each kind in each reading; findings of one reading add up.
        3. The surest reading decides the score; every kind found anywhere is reported.
    """
    # 1.
    views = read(text, bounds)
    best, surest = 0.0, dict[str, Finding]()
    # 2.
    for view in views.views:
        signs = _signs(view, text)
        doubt = 1.0
        for kind, finding in signs.items():
            doubt *= 1.0 - finding.score
            if kind not in surest or finding.score > surest[kind].score:
                surest[kind] = finding
        best = max(best, 1.0 - doubt)
    # 3.
    if not surest and not views.exceeded:
        return NOTHING
    ordered = sorted(surest.values(), key=lambda each: (-each.score, each.kind))
    return Assessment(best, tuple(ordered), views.exceeded)


def _signs(view: View, original: str) -> dict[str, Finding]:
    """The surest finding of each kind in one reading."""
    lowered = view.text.lower()
    data = lowered.encode("utf-8", "replace")
    hits = _phrases().scan(data)
    if not hits:
        return {}
    ascii = len(data) == len(lowered)
    signs: dict[str, Finding] = {}
    for hit in hits:
        score, kind = hit.pattern.score, hit.pattern.kind
        if kind in signs and signs[kind].score >= score + (1.0 - score) * DECODED_BONUS:
            continue
        start, end = (hit.start, hit.end) if ascii else (_characters(data, hit.start), _characters(data, hit.end))
        first, last = view.locate(start, end)
        if view.is_decoded and view.text[start:end] != original[first:last]:
            score += (1.0 - score) * DECODED_BONUS
        if "hidden" in view.methods:
            kind, score = HIDDEN, 0.99
        if kind not in signs or signs[kind].score < score:
            signs[kind] = Finding(kind, first, last, score, view.methods)
    return signs


def _characters(data: bytes, offset: int) -> int:
    """The code point in which a byte of UTF-8 stands."""
    return len(data[:offset].decode("utf-8", "ignore"))
