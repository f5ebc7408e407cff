"""Which of many words and phrases stand in a text, as they are or in a disguise? One pass, however many there are.

* Compared without case, accents and look-alikes (`unfold`); what cannot be seen does not count. Whole words, but a `*`
  at the start or the end of an entry lets it go on there. Scripts that put no blank between words need no edge.
* Disguises: digits and signs for letters (`sh1p`, `$hip`), letters drawn out (`shiiip`), spelled (`s h i p`), broken by
  signs (`sh-ip`), a phrase written with anything between its words; encoded runs, of which all is the place.
* A disguise must look like one: `A55` is no word of two replaced letters, `good` no drawn-out `god`.
* *Locality*: a match spans at most `MAX_SPAN` code points, an encoded run at most `encoded_runs.MAX_RUN`. `held` says
  how much of a text's end may still change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ringwall.detectors import encoded_runs
from ringwall.detectors.encodings import LEET_I, LEET_L
from ringwall.detectors.normalize import look_closer, prepare
from ringwall.detectors.unfold import CANONICAL, SKELETON
from ringwall.model.errors import ConfigError

MIN_LETTERS = 2
MAX_LETTERS = 64
MAX_WORDS = 8
"""Words of one phrase."""
MAX_ENTRIES = 20_000
MAX_SPAN = 512
MAX_DEPTH = 3
"""Encodings inside one another that are followed."""
LOOKBACK = encoded_runs.LOOKBACK
CONTEXT = 512
MAX_TURNS = 32
MIN_SPELLED = 5
"""Letters from which a word may be spelled with anything between them; below, it must be the same each time."""

_SIGNS = frozenset("@$!|+(")
"""What stands for a letter and is none."""
_DROPPED = dict.fromkeys(each for each in range(128) if not chr(each).isalnum())
_KEPT = {key: value for key, value in _DROPPED.items() if chr(key) not in _SIGNS}
_LEET = "4@8(369!|05$7+21"
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A word or phrase as it is looked for.

    Attributes:
        letters: Its letters and digits, folded, without anything between.
        breaks: After how many letters a word of a phrase ends.
        opens: Whether the word may begin earlier.
        goes_on: Whether it may go on.
    """

    letters: str
    breaks: frozenset[int]
    opens: bool
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Match:
    """Where an entry stands.

    Attributes:
        entry: Its number.
        start: First code point of its place in the text as it came.
        end: One past the last.
    """

    entry: int
    start: int
    end: int


def parse(written: str) -> Entry:
    """An entry as somebody wrote it.

    Raises:
        ConfigError: It has too few letters, or too many.
    """
    text = _folded(written.strip())[0]
    opens, goes_on = text.startswith("*"), text.endswith("*")
    words = ["".join(filter(str.isalnum, each)) for each in text.split()]
    words = [each for each in words if each]
    letters = "".join(words)
    if not MIN_LETTERS <= len(letters) <= MAX_LETTERS or len(words) > MAX_WORDS:
        hint = f"{MIN_LETTERS} to {MAX_LETTERS} letters and digits in {MAX_WORDS} words at most"
        raise ConfigError(f'not a word to look for: "{written}"', hint=hint)
    ends = [sum(map(len, words[: index + 1])) for index in range(len(words) - 1)]
    return Entry(letters, frozenset(ends), opens, goes_on)


class Words:
    """Many words, asked together."""

    __slots__ = (
        "_beginnings",
        "_engine",
        "_entries",
        "_groups",
        "_last",
        "_open",
        "_stretched",
        "_stretched_engine",
        "_triples",
    )

    def __init__(self, written: Sequence[str]) -> None:
        """Compile.

        Raises:
            ConfigError: Too many, or one that cannot be looked for.
        """
        import ahocorasick_rs

        if len(written) > MAX_ENTRIES:
            raise ConfigError(f'there are more than "{MAX_ENTRIES}" words')
        prepare()
        self._entries = [parse(each) for each in written]
        groups = _grouped(each.letters for each in self._entries)
        stretched = _grouped(_collapsed(each.letters) for each in self._entries)
        self._groups, self._stretched = list(groups.values()), list(stretched.values())
        self._engine: Any = ahocorasick_rs.AhoCorasick(list(groups)) if groups else None
        self._stretched_engine: Any = ahocorasick_rs.AhoCorasick(list(stretched)) if groups else None
        self._triples = tuple(each * 3 for each in {*"".join(one.letters for one in self._entries), *_LEET})
        self._beginnings = frozenset(_beginnings(self._entries, opens=False))
        self._open = tuple(frozenset(_beginnings(self._entries, opens=True))) or ("?",)
        self._last = frozenset(_last_words(self._entries))

    def find(self, text: str) -> list[Match]:
        """Every place where an entry stands, by place; places may overlap."""
        if not self._entries:
            return []
        found = set(self._spelled(text))
        closer = look_closer(text)
        if closer or not text.isascii():
            found.update(self._encoded(text, closer))
        whole = (Match(each.entry, *_whole(text, each.start, each.end)) for each in found)
        return sorted(whole, key=lambda each: (each.start, each.end, each.entry))

    def _encoded(self, text: str, closer: frozenset[str], depth: int = MAX_DEPTH) -> Iterator[Match]:
        """What stands in encoded runs."""
        back: Callable[[int, int], tuple[int, int]] | None = None
        if not text.isascii() or "control" in closer:
            canonical = text.translate(CANONICAL)
            back = CANONICAL.origin(text)
            text, closer = canonical, look_closer(canonical)
        for start, end, decoder in encoded_runs.runs(text, closer):
            if not (encoded_runs.MIN_RUN if decoder else 1) <= end - start <= encoded_runs.MAX_RUN:
                continue
            said = encoded_runs.decode(text[start:end], decoder)
            if said is None or said == text[start:end]:
                continue
            inside = {each.entry for each in self._spelled(said)}
            deeper = look_closer(said)
            if depth and deeper:
                inside.update(each.entry for each in self._encoded(said, deeper, depth - 1))
            for entry in inside:
                yield Match(entry, *(back(start, end) if back else (start, end)))

    def _spelled(self, text: str) -> Iterator[Match]:
        """What stands in the text itself.

        Steps:
            1. As it is written: candidates by their letters, with nothing between.
            2. With everything between dropped; where that brings nothing new, nothing is spelled, broken or a phrase.
            3. With digits and signs read as letters.
            4. With drawn-out letters drawn together.
        """
        folded, back = _folded(text)
        seen: set[tuple[int, int, int]] = set()
        plain = self._engine.find_matches_as_indexes(folded, overlapping=True)  # 1
        for number, start, end in plain:
            seen.update(self._verified(_Read(folded, range(len(folded)), folded), number, start, end))
        squeezed = _squeezed(folded, _DROPPED)  # 2
        dense = self._engine.find_matches_as_indexes(squeezed, overlapping=True)
        if len(dense) != len(plain):
            read = _Read(squeezed, [at for at, each in enumerate(folded) if each.isalnum()], folded)
            for number, start, end in dense:
                seen.update(self._verified(read, number, start, end))
        signed = _squeezed(folded, _KEPT) if any(each in folded for each in _LEET) else ""  # 3
        for leet in (LEET_I, LEET_L) if signed else ():
            letters = signed.translate(leet)
            hits = self._engine.find_matches_as_indexes(letters, overlapping=True)
            if hits and hits != dense:
                places = [at for at, each in enumerate(folded) if each.isalnum() or each in _SIGNS]
                read = _Read(letters, places, folded)
                for number, start, end in hits:
                    seen.update(self._verified(read, number, start, end))
        if any(each in squeezed or each in signed for each in self._triples):  # 4
            seen.update(self._drawn_out(folded))
        for entry, start, end in seen:
            first, last = back(start, end) if back else (start, end)
            if last - first <= MAX_SPAN:
                yield Match(entry, first, last)

    def _verified(self, read: _Read, number: int, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """The entries of these letters that really stand there."""
        for entry in self._groups[number]:
            if read.is_word(self._entries[entry], start, end):
                yield entry, read.places[start], read.places[end - 1] + 1

    def _drawn_out(self, folded: str) -> Iterator[tuple[int, int, int]]:
        for leet in (None, LEET_I, LEET_L):
            text = folded.translate(leet) if leet else folded
            places = [at for at, each in enumerate(text) if each.isalnum()]
            starts = [at for at, place in enumerate(places) if at == 0 or text[places[at - 1]] != text[place]]
            letters = "".join(text[places[at]] for at in starts)
            bounds = [*starts, len(places)]
            for number, start, end in self._stretched_engine.find_matches_as_indexes(letters, overlapping=True):
                for entry in self._stretched[number]:
                    wanted = _counts(self._entries[entry].letters)
                    have = [bounds[at + 1] - bounds[at] for at in range(start, end)]
                    first, last = places[bounds[start]], places[bounds[end] - 1]
                    drawn = all(
                        got == want or (got >= 3 and got > want) for got, want in zip(have, wanted, strict=True)
                    )
                    if (
                        drawn
                        and have != wanted
                        and last - first == sum(have) - 1
                        and _has_edges(self._entries[entry], folded, first, last)
                    ):
                        yield entry, first, last + 1

    def held(self, tail: str) -> int:
        """How many code points at the end of a text may still become part of a match, or change one."""
        if not self._entries:
            return 0
        place = len(tail)
        for _ in range(MAX_TURNS):
            place -= encoded_runs.held(tail[max(0, place - LOOKBACK) : place], letters=3)
            if len(tail) - place >= LOOKBACK:
                break
            begun = self._begun(tail[max(0, place - MAX_SPAN) : place])
            if not begun:
                return len(tail) - place
            place -= begun
        return min(len(tail), LOOKBACK)

    def _begun(self, text: str) -> int:
        """How much of the end of a text is the beginning of a phrase."""
        words = text[-MAX_SPAN:].rsplit(None, MAX_WORDS)[-(MAX_WORDS - 1) :] if self._last else []
        longest = 0
        for size in range(1, len(words) + 1):
            read = _letters_of("".join(words[-size:]))
            if size == 1 and not any(each in self._last or each.endswith(self._open) for each in read):
                return 0
            if any(each in self._beginnings or each.endswith(self._open) for each in read):
                longest = size
        return _back(text, longest)


@dataclass(frozen=True, slots=True)
class _Read:
    """A reading of a folded text: its letters, and where each stands in the folded text."""

    letters: str
    places: Sequence[int]
    folded: str

    def is_word(self, entry: Entry, start: int, end: int) -> bool:
        """True when what was matched is the entry, and no accident of what was dropped or replaced."""
        first, last = self.places[start], self.places[end - 1]
        if not _has_edges(entry, self.folded, first, last):
            return False
        stood = [self.folded[self.places[at]] for at in range(start, end)]
        replaced = [was for was, letter in zip(stood, entry.letters, strict=True) if was != letter]
        if replaced and (2 * sum(map(str.isdigit, replaced)) > len(stood) or not any(map(str.isalpha, stood))):
            return False
        if last - first == end - start - 1:
            return True
        gaps = [self.folded[self.places[at] + 1 : self.places[at + 1]] for at in range(start, end - 1)]
        inner = [gap for size, gap in enumerate(gaps, 1) if size not in entry.breaks]
        if all(len(gap) <= 8 for gap in gaps) and not any(inner):
            return True
        if all(gaps) and all(len(gap) <= 3 for gap in gaps):
            return len(stood) >= MIN_SPELLED or len(set(gaps)) == 1
        return len(stood) >= MIN_SPELLED and all(len(gap) <= 2 and not re.search(r"\s", gap) for gap in inner)


def _beginnings(entries: Iterable[Entry], *, opens: bool) -> Iterator[str]:
    """What phrases begin with, up to the end of one of their words, in every way in which it may be read."""
    for entry in entries:
        for size in entry.breaks if entry.opens is opens else ():
            for leet in (LEET_I, LEET_L):
                yield _collapsed(entry.letters[:size].translate(leet))


def _last_words(entries: Iterable[Entry]) -> Iterator[str]:
    """What the last word of the beginning of a phrase may look like, with words before it or without."""
    for entry in entries:
        starts = sorted({0, *entry.breaks})
        for size in entry.breaks:
            for start in (each for each in starts if each < size):
                for leet in (LEET_I, LEET_L):
                    yield _collapsed(entry.letters[start:size].translate(leet))


def _letters_of(word: str) -> tuple[str, str]:
    folded = "".join(filter(str.isalnum, _folded(word)[0].translate(LEET_I)))
    other = "".join(filter(str.isalnum, _folded(word)[0].translate(LEET_L)))
    return _collapsed(folded), _collapsed(other)


def _back(text: str, words: int) -> int:
    """How many code points the last words of a text take up, with the blanks behind them."""
    at = len(text)
    for _ in range(words):
        while at and text[at - 1].isspace():
            at -= 1
        while at and not text[at - 1].isspace():
            at -= 1
    return len(text) - at


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """A place with the rest of the word around it, so that hiding it lays no other word bare."""
    while start and end - start < 2 * MAX_SPAN and text[start - 1].isalnum() and not _UNSPACED.match(text[start - 1]):
        start -= 1
    while end < len(text) and end - start < 3 * MAX_SPAN and text[end].isalnum() and not _UNSPACED.match(text[end]):
        end += 1
    return start, end


def _has_edges(entry: Entry, folded: str, first: int, last: int) -> bool:
    """True when what stands from `first` to `last` is a whole word, or the entry lets it go on."""
    before, after = folded[max(0, first - 1) : first], folded[last + 1 : last + 2]
    starts = entry.opens or not before.isalnum() or _UNSPACED.match(folded[first]) is not None
    ends = entry.goes_on or not after.isalnum() or _UNSPACED.match(folded[last]) is not None
    return starts and ends


def _folded(text: str) -> tuple[str, Callable[[int, int], tuple[int, int]] | None]:
    """A text without case and disguises of single characters, and the way back."""
    if text.isascii():
        return text.lower(), None
    canonical = text.translate(CANONICAL)
    lowered = canonical.lower()  # first: a letter and its capital need not look like the same one
    skeleton = lowered.translate(SKELETON)
    first, second = CANONICAL.origin(text), SKELETON.origin(lowered)
    return skeleton.lower(), lambda start, end: first(*second(start, end))


def _squeezed(folded: str, dropped: dict[int, None]) -> str:
    squeezed = folded.translate(dropped)
    return squeezed if folded.isascii() else "".join(each for each in squeezed if each.isascii() or each.isalnum())


def _collapsed(letters: str) -> str:
    return "".join(each for at, each in enumerate(letters) if at == 0 or letters[at - 1] != each)


def _counts(letters: str) -> list[int]:
    counts: list[int] = []
    for at, each in enumerate(letters):
        if at and letters[at - 1] == each:
            counts[-1] += 1
        else:
            counts.append(1)
    return counts


def _grouped(keys: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, key in enumerate(keys):
        found.setdefault(key, []).append(number)
    return found
