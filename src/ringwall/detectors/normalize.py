"""What does a text say once its disguises are taken off? Views, each with a map back to the text as it came.

* A view is one reading of the text: as it came, with compatibility forms and invisible characters undone, with
  look-alikes folded, with encoded runs decoded in place, with a cipher turned. Readings are read again, so that base64
  of hexadecimal comes apart, down to `max_depth`.
* `locate` gives, for a span of a view, the span of the original text that made it: what is found inside base64 is
  found in the whole encoded run.
* Bounds are fields with units. What exceeds one is named in `Views.exceeded`: whoever judges refuses then, because
  something was not looked at.
* Plain ASCII without a trace of an encoding gives one view, the text itself, and costs two scans by compiled
  patterns.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ringwall.detectors.encodings import (
    DECODERS,
    LEET_I,
    LEET_L,
    Decoder,
    cipher_triggers,
    run_triggers,
    shift,
    token_triggers,
)
from ringwall.detectors.patterns import PatternSet
from ringwall.detectors.unfold import CANONICAL, SKELETON, Table, hidden

Locate = Callable[[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far disguises are followed.

    Attributes:
        max_depth: Encodings inside one another.
        max_views: Readings of one text.
        max_bytes: Characters of all readings together, besides four times the text's own.
    """

    max_depth: int = 5
    max_views: int = 40
    max_bytes: int = 262_144


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text.

    Attributes:
        text: The reading. Its lower case has the same length.
        methods: How it was made, outermost first; empty for the text as it came.
        locate: From a span of the reading to the span of the original that made it.
    """

    text: str
    methods: tuple[str, ...]
    locate: Locate

    @property
    def is_decoded(self) -> bool:
        """True when more than the form of characters was undone."""
        return any(each not in ("canonical", "look_alikes") for each in self.methods)


@dataclass(frozen=True, slots=True)
class Views:
    """All readings of a text.

    Attributes:
        views: The text as it came first, or its canonical form where that differs.
        exceeded: Names of the bounds that were exceeded; empty when everything was looked at.
    """

    views: tuple[View, ...]
    exceeded: frozenset[str]


@cache
def _triggers() -> tuple[PatternSet, PatternSet]:
    return PatternSet(run_triggers() + cipher_triggers()), PatternSet(token_triggers())


def prepare() -> None:
    """Compile what is needed, so that the first request does not wait for it."""
    _triggers()


def look_closer(text: str) -> frozenset[str]:
    """The triggers that occur in a text; empty for ordinary prose."""
    data = text.encode("utf-8", "replace")
    runs, tokens = _triggers()
    found = runs.scan(data) + tokens.scan(data)
    return frozenset(hit.pattern.id for hit in found) if found else frozenset()


def read(text: str, bounds: Bounds = DEFAULT_BOUNDS) -> Views:
    """Every reading of a text, within bounds.

    Steps:
        1. The text as it came; when it is ASCII without triggers, that is all.
        2. Characters: canonical forms, what was hidden in invisible ones, look-alikes.
        3. Encodings and ciphers, of every reading, breadth first, until nothing new appears or a bound is met.
    """
    # 1.
    root = View(text, (), _same)
    triggers = look_closer(text)
    if not triggers and text.isascii():
        return Views((root,), frozenset())
    gathered = _Gathering(root, bounds)
    # 2.
    if not text.isascii() or "control" in triggers:
        canonical = text.translate(CANONICAL)
        if canonical != text:
            # It takes the place of the text as it came, which says nothing that it does not say.
            root = View(canonical, ("canonical",), CANONICAL.origin(text))
            gathered = _Gathering(root, bounds)
            triggers = look_closer(canonical)
        if not text.isascii():
            gathered.add(root, "look_alikes", canonical.translate(SKELETON), SKELETON)
            gathered.add(View(text, (), _same), "hidden", hidden(text))
    # 3.
    at = 0
    while at < len(gathered.views) and not gathered.full:
        view = gathered.views[at]
        found = triggers if view is root else look_closer(view.text)
        at += 1
        if found:
            _unwrap(view, found, gathered)
    return Views(tuple(gathered.views), frozenset(gathered.exceeded))


def _same(start: int, end: int) -> tuple[int, int]:
    return start, end


class _Gathering:
    """Readings as they come in, no text twice, within bounds."""

    def __init__(self, root: View, bounds: Bounds) -> None:
        self.views = [root]
        self.exceeded: set[str] = set()
        self.decoded: dict[tuple[str, str], str | None] = {}
        self._seen = {root.text}
        self._bounds = bounds
        self._left = bounds.max_bytes + 4 * len(root.text)

    @property
    def full(self) -> bool:
        return bool(self.exceeded & {"max_views", "max_bytes"})

    def add(self, parent: View, method: str, text: str, back: Table | Locate | None = None) -> View | None:
        """Add a reading unless it is empty or known. Without a way back it stands for the whole of its parent."""
        if not text or text in self._seen or self.full:
            return None
        if method not in ("canonical", "look_alikes") and _depth(parent) >= self._bounds.max_depth:
            self.exceeded.add("max_depth")
            return None
        if len(self.views) >= self._bounds.max_views:
            self.exceeded.add("max_views")
            return None
        self._left -= len(text)
        if self._left < 0:
            self.exceeded.add("max_bytes")
            return None
        self._seen.add(text)
        whole = len(parent.text)
        step: Locate = back.origin(parent.text) if isinstance(back, Table) else back or (lambda start, end: (0, whole))
        above = parent.locate
        view = View(text, (*parent.methods, method), lambda start, end: above(*step(start, end)))
        self.views.append(view)
        return view


def _depth(view: View) -> int:
    return sum(each not in ("canonical", "look_alikes") for each in view.methods)


def _unwrap(view: View, triggers: frozenset[str], gathered: _Gathering) -> None:
    """Add every reading that is one step away from a view."""
    for decoder in DECODERS:
        if triggers & decoder.triggers:
            text, locate = decode_runs(view.text, decoder, gathered.decoded)
            gathered.add(view, decoder.name, text, locate)
    if "control" in triggers and "canonical" not in view.methods:
        gathered.add(view, "canonical", view.text.translate(CANONICAL), CANONICAL)
    elif view.methods and view.is_decoded and not view.text.isascii():
        canonical = gathered.add(view, "canonical", view.text.translate(CANONICAL), CANONICAL) or view
        gathered.add(canonical, "look_alikes", canonical.text.translate(SKELETON), SKELETON)
    for each in triggers:
        if each.startswith("caesar-") and each not in view.methods:
            gathered.add(view, each, shift(view.text, -int(each.removeprefix("caesar-"))), _same)
    if "leet" in triggers:
        gathered.add(view, "leet", view.text.translate(LEET_I), _same)
        gathered.add(view, "leet", view.text.translate(LEET_L), _same)
    if "reversed" in triggers and "reversed" not in view.methods:
        length = len(view.text)
        gathered.add(view, "reversed", view.text[::-1], lambda start, end: (length - end, length - start))
        gathered.add(view, "reversed", " ".join(word[::-1] for word in view.text.split()))


def decode_runs(text: str, decoder: Decoder, known: dict[tuple[str, str], str | None]) -> tuple[str, Locate]:
    """A text with every run of one encoding replaced by what it decodes to, and the way back.

    Args:
        text: The text.
        decoder: The encoding.
        known: What runs of this reading have decoded to already.
    """
    pieces: list[str] = []
    starts: list[int] = []
    origins: list[tuple[int, int, bool]] = []
    at = length = 0
    for match in decoder.runs(text):
        key = (decoder.name, match[0])
        if key not in known:
            known[key] = decoder.decode(match[0])
        decoded = known[key]
        if decoded is None or decoded == match[0]:
            continue
        for piece, start, end, plain in (
            (text[at : match.start()], at, match.start(), True),
            (decoded, match.start(), match.end(), False),
        ):
            if piece:
                pieces.append(piece)
                starts.append(length)
                origins.append((start, end, plain))
                length += len(piece)
        at = match.end()
    if not starts:
        return "", _same
    if at < len(text):
        pieces.append(text[at:])
        starts.append(length)
        origins.append((at, len(text), True))

    def locate(start: int, end: int) -> tuple[int, int]:
        first, last = bisect_right(starts, start) - 1, bisect_right(starts, max(start, end - 1)) - 1
        begin, _, plain = origins[first]
        begin = begin + start - starts[first] if plain else begin
        from_, until, plain = origins[last]
        until = from_ + end - starts[last] if plain else until
        return begin, until

    return "".join(pieces), locate
