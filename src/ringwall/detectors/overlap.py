"""How much of a guarded text stands in another, however it is spaced, cased or disguised? Letters in a row are counted.

* Compared are letters and digits alone, without case, accents, look-alikes and digits for letters: blanks, line ends,
  punctuation and what cannot be seen do not count. The guarded text is also known backwards and in ROT13.
* `run`: so many letters in a row are a copy. `dense`: so many within `DENSE_SPAN` code points, in pieces of at least
  `PIECE` letters, are a copy with changes. A letter of a script that has thousands counts as three.
* What the asker's side already holds (`known`) is no leak: pieces that stand there do not count.
* In an encoded run, letters are counted that it says; of a run that is too long, what its beginning says.
* *Locality*: a copy depends on `LOOKBACK` code points at most; the rest of an answer changes nothing.
"""

from __future__ import annotations

import string
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ringwall.detectors import encoded_runs
from ringwall.detectors.encodings import LEET_I, shift
from ringwall.detectors.normalize import look_closer, prepare
from ringwall.detectors.unfold import CANONICAL, SKELETON

SHINGLE = 12
PIECE = 24
"""Letters in a row that can be a copy at all; fewer are how people speak."""
RUN_SPAN = 480
DENSE_SPAN = 400
PIECE_SPAN = 96
"""Code points over which the letters of a copy, of a copy with changes, and of a piece of it may be spread."""
CONTEXT = 512
LOOKBACK = encoded_runs.LOOKBACK
MAX_PLACES = 8
"""Places of a guarded text at which the same twelve letters are looked at."""
MAX_INDEXED = 1 << 16
"""Letters of a guarded text that are indexed; in a longer one they are searched for."""
MAX_DEPTH = 3

_LETTERS = {
    **{code: None for code in range(128) if not chr(code).isalnum()},
    **{ord(each): each.lower() for each in string.ascii_uppercase},
    **{code: letter for code, letter in LEET_I.items() if chr(code) in "0123456789@$"},
}
_MANY = 0x2E80
"""Code points from which a script has thousands of letters."""

warm = prepare


class Letters:
    """The letters of a text, folded, and where each stands in it."""

    __slots__ = ("__dict__", "letters", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.letters = letters_of(text)

    @cached_property
    def places(self) -> Sequence[int]:
        """For each letter, the code point of the text at which it stands."""
        places: list[int] = []
        for at, each in enumerate(self.text):
            places += [at] * len(letters_of(each))
        return places


def letters_of(text: str) -> str:
    """A text's letters and digits, folded."""
    if text.isascii():
        return text.translate(_LETTERS)
    folded = text.translate(CANONICAL).lower().translate(SKELETON).translate(_LETTERS)
    return folded if folded.isascii() else "".join(each for each in folded if each.isalnum())


def ways_of(text: str) -> tuple[str, str, str]:
    """A text's letters as they are, backwards, and in ROT13."""
    letters = letters_of(text)
    return letters, letters[::-1], letters_of(shift(text, 13))


class Guarded:
    """Texts that must not be repeated, indexed."""

    __slots__ = ("_indexed", "_shingles", "letters", "size")

    def __init__(self, texts: Iterable[str]) -> None:
        ways = [ways_of(each) for each in texts]
        self.size = max((len(plain) for plain, _, _ in ways), default=0)
        self.letters = "\0".join(each for three in ways for each in three)
        self._indexed = len(self.letters) <= 3 * MAX_INDEXED
        upto = len(self.letters) - SHINGLE + 1 if self._indexed else 0
        self._shingles = frozenset([self.letters[at : at + SHINGLE] for at in range(upto)])

    def pieces(self, letters: str, first: int = 0) -> Iterator[tuple[int, int]]:
        """Stretches of at least `PIECE` letters that stand in a guarded text as well, longest from each place.

        Args:
            letters: The letters to look at.
            first: From which of them on a stretch must go on.
        """
        source = self.letters
        for at in range(max(0, first - SHINGLE), len(letters) - SHINGLE + 1, SHINGLE):
            shingle = letters[at : at + SHINGLE]
            if shingle not in self._shingles if self._indexed else shingle not in source:
                continue
            place, tried = source.find(shingle), 0
            while place >= 0 and tried < MAX_PLACES:
                start, end = _extended(letters, source, at, place)
                if end - start >= PIECE:
                    yield start, end
                place, tried = source.find(shingle, place + 1), tried + 1


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of guarded text.

    Attributes:
        start: First code point of its place.
        end: One past the last.
    """

    start: int
    end: int


def find_copy(
    read: Letters,
    runs: Iterable[tuple[int, int, str]],
    guarded: Guarded,
    run: int,
    dense: int,
    known: Known,
    start: int = 0,
) -> Copy | None:
    """The first copy in a text, or None.

    Args:
        read: The text, or a window of it.
        runs: What its encoded runs say, `said_in_runs`, from `start` on: no run spans the place of a cut.
        guarded: What must not be repeated.
        run: Letters in a row that are a copy.
        dense: Letters within `DENSE_SPAN` that are a copy with changes.
        known: What the asker's side holds already.
        start: Code point from which on a copy must go on; what stands before it was judged.
    """
    first = len(read.letters) - len(letters_of(read.text[start:])) if start else 0
    if next(guarded.pieces(read.letters, first), None) is not None:
        copied = _copied(read, guarded, run, dense, known)
        if copied is not None:
            return copied
    for begin, end, said in runs:
        inside = Letters(said)
        for one, other in guarded.pieces(inside.letters):
            weight = sum(map(_weight, inside.letters[one:other]))
            if weight >= run and inside.letters[one:other] not in known:
                return Copy(start + begin, start + end)
    return None


def said_in_runs(text: str, depth: int = MAX_DEPTH) -> Iterator[tuple[int, int, str]]:
    """Everything that encoded runs of a text say, and what is encoded in that; with the place of the outermost run."""
    closer = look_closer(text)
    for start, end, decoder in encoded_runs.runs(text, closer) if closer else ():
        said = encoded_runs.decode(text[start : min(end, start + encoded_runs.MAX_RUN)], decoder)
        if said is None or said == text[start:end]:
            continue
        yield start, end, said
        for _, _, deeper in said_in_runs(said, depth - 1) if depth else ():
            yield start, end, deeper


class Known:
    """Texts that the asker's side holds already, folded when somebody asks."""

    __slots__ = ("_letters", "_texts")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts = texts
        self._letters: str | None = None

    def __contains__(self, letters: str) -> bool:
        if self._letters is None:
            self._letters = "\0".join(letters_of(each) for each in self._texts)
        return letters in self._letters


def _copied(read: Letters, guarded: Guarded, run: int, dense: int, known: Known) -> Copy | None:
    """A copy in the letters of a text: in a row, or in pieces."""
    covered = [0] * (len(read.letters) + 1)
    for start, end in sorted(set(guarded.pieces(read.letters))):
        found = _in_a_row(read, start, end, run, known)
        if found is not None:
            return found
        for at in range(start, end - PIECE + 1):
            near = read.places[at + PIECE - 1] - read.places[at] <= PIECE_SPAN
            if near and read.letters[at : at + PIECE] not in known:
                covered[at] += 1
                covered[at + PIECE] -= 1
    depth, places, weights = 0, [], [0]
    for at, change in enumerate(covered[:-1]):
        depth += change
        if depth:
            places.append(read.places[at])
            weights.append(weights[-1] + _weight(read.letters[at]))
    for index, place in enumerate(places):
        last = bisect_left(places, place + DENSE_SPAN)
        if weights[last] - weights[index] >= dense:
            return Copy(place, places[last - 1] + 1)
    return None


def _in_a_row(read: Letters, start: int, end: int, run: int, known: Known) -> Copy | None:
    """A stretch with letters enough, close enough, that the asker's side does not hold."""
    if end - start < run // 3:
        return None
    weight, first = 0, start
    for at in range(start, end):
        weight += _weight(read.letters[at])
        while weight - _weight(read.letters[first]) >= run:
            weight -= _weight(read.letters[first])
            first += 1
        if weight >= run and read.places[at] - read.places[first] <= RUN_SPAN:
            if read.letters[first : at + 1] not in known:
                return Copy(read.places[first], read.places[at] + 1)
    return None


def _weight(letter: str) -> int:
    return 3 if ord(letter) >= _MANY else 1


def _extended(one: str, other: str, at: int, place: int) -> tuple[int, int]:
    """The longest common stretch around the same twelve letters of two texts, in the first."""
    start, end = at, at + SHINGLE
    back, on = place, place + SHINGLE
    while one[end : end + 32] and one[end : end + 32] == other[on : on + 32]:
        step = len(one[end : end + 32])
        end, on = end + step, on + step
    while end < len(one) and on < len(other) and one[end] == other[on]:
        end, on = end + 1, on + 1
    while start >= 32 and back >= 32 and one[start - 32 : start] == other[back - 32 : back]:
        start, back = start - 32, back - 32
    while start and back and one[start - 1] == other[back - 1]:
        start, back = start - 1, back - 1
    return start, end
