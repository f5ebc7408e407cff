"""What do the sanctioned sources say, in a form in which an answer can be looked up? An index, built for one answer.

* A source is a text or a JSON document. Its *passages* are its sentences, the lines of a table, or the scalar members
  of one JSON object (a *row*). Of prose, `WINDOW` neighbouring passages may support a sentence together.
* Text that reads as JSON is a document: most tools answer with JSON written as a string.
* A member that says `false` or `null` negates its name: `{"waterproof": false}` does not support "it is waterproof".
* Adding a source adds passages and takes none away: no look-up supports less than before.
* Bounds are constants with units. What exceeds one is an error (`TooLongError`), never left out in silence.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ringwall.detectors import numbers
from ringwall.detectors.numbers import Number
from ringwall.detectors.sentences import content_words, split
from ringwall.detectors.unfold import CANONICAL
from ringwall.model.content import Json, freeze
from ringwall.model.strict_json import JsonError, loads

MAX_SOURCE_CHARS = 200_000
"""Code points of all sources together."""
MAX_PASSAGES = 20_000
MAX_POSTINGS = 128
"""Passages listed for a word; one that stands in more of them is common, and stands in all."""
MAX_COMPARISONS = 400_000
"""Comparisons of a number of the answer with one of the sources, for one answer."""
WINDOW = 3
"""Neighbouring sentences of prose that may support a sentence together."""
JSON_DEPTH = 32
"""Levels of a text that is read as JSON."""


class TooLongError(ValueError):
    """The sources together, or what is looked up in them, exceed a bound."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something sanctioned.

    Attributes:
        name: How evidence speaks of it: the id of its part.
        content: A text, or a JSON document.
    """

    name: str
    content: Json


@dataclass(frozen=True, slots=True)
class Passage:
    """A place that may support a sentence.

    Attributes:
        source: The source's name.
        start: First code point of it in a text source; 0 in a document.
        end: One past the last.
        is_row: True for the scalar members of one JSON object.
        before: How many passages before it may support a sentence together with it.
    """

    source: str
    start: int
    end: int
    is_row: bool
    before: int = 0


@dataclass(slots=True)
class Index:
    """Everything that sources say.

    Attributes:
        passages: All passages.
        words: Content word (with its sign) to the passages in which it stands; an empty list for a common one.
        said: Number to the passages in which it stands.
        names: Plain lower-case words to the passages in which they stand, for names.
        texts: The canonical text of every source in lower case, blanks made one, for quotes.
    """

    passages: list[Passage] = field(default_factory=list)
    words: dict[str, list[int]] = field(default_factory=dict)
    said: list[tuple[Number, int]] = field(default_factory=list)
    names: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    texts: list[str] = field(default_factory=list)
    _keys: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _dates: list[int] = field(default_factory=list)
    _values: list[tuple[Decimal, int]] = field(default_factory=list)
    _found: dict[tuple[object, ...], frozenset[int]] = field(default_factory=dict)
    _compared: int = 0

    def supporters(self, number: Number) -> frozenset[int]:
        """The passages that support a number.

        Raises:
            TooLongError: So many numbers were compared that the rest is not.
        """
        same = (number.kind, number.key, number.value, number.unit, number.granularity, number.hedge)
        if same not in self._found:
            self._found[same] = self._look_up(number)
        return self._found[same]

    def _look_up(self, number: Number) -> frozenset[int]:
        found = [self._keys[number.key]] if number.key in self._keys else []
        if number.kind == "date":
            found.append(self._dates)
        elif number.kind == "quantity" and number.value is not None:
            wanted = [*numbers.values(number), *([number.value / 100] if number.unit == "share" else [])]
            for value in wanted:
                reach = numbers.reach(number, value)
                low = bisect_left(self._values, (value - reach, -1))
                high = bisect_right(self._values, (value + reach, len(self.said)))
                found.append([at for _, at in self._values[low:high]])
        self._compared += sum(len(each) for each in found)
        if self._compared > MAX_COMPARISONS:
            raise TooLongError("more numbers than may be compared")
        return frozenset(
            self.said[at][1] for each in found for at in each if numbers.supports(number, self.said[at][0])
        )

    def quotes(self, text: str) -> bool:
        """True when some source says this word for word; blanks and case do not matter."""
        wanted = flat(text)
        return any(wanted in each for each in self.texts)


def flat(text: str) -> str:
    """A text for comparing word for word."""
    return " ".join(text.lower().split())


def build(sources: Iterable[Source]) -> Index:
    """The index of these sources.

    Raises:
        TooLongError: They are more than may be looked through.
    """
    index = Index()
    left = MAX_SOURCE_CHARS
    for source in sources:
        for passage, text, negated in _passages(source):
            left -= len(text)
            if left < 0 or len(index.passages) >= MAX_PASSAGES:
                raise TooLongError("the sources are longer than may be looked through")
            _add(index, passage, text, negated)
        if isinstance(source.content, str):
            index.texts.append(flat(source.content.translate(CANONICAL)))
    index._values.sort()
    return index


def _add(index: Index, passage: Passage, text: str, negated: Sequence[str]) -> None:
    at = len(index.passages)
    index.passages.append(passage)
    found = numbers.find(text)
    words = content_words(without(text, found))
    for name in negated:
        denied = content_words(name.replace("_", " "))
        words = (words - denied) | {each if each.startswith("-") else f"-{each}" for each in denied}
    for word in words:
        postings = index.words.setdefault(word, [at])
        if postings and postings[-1] != at:
            postings.append(at)
        if len(postings) > MAX_POSTINGS:
            postings.clear()  # common from here on
    for word in name_words(text):
        index.names[word].add(at)
    for number in found:
        number_at = len(index.said)
        index.said.append((number, at))
        if number.key:
            index._keys[number.key].append(number_at)
        if number.kind == "date":
            index._dates.append(number_at)
        index._values += [(value, number_at) for value in numbers.values(number)]


def without(text: str, found: Sequence[Number]) -> str:
    """A text with its numbers blanked: they are looked up by what they say, not by their words."""
    pieces, at = [], 0
    for number in found:
        pieces += [text[at : number.start], " " * (number.end - number.start)]
        at = number.end
    return "".join([*pieces, text[at:]])


def name_words(text: str) -> set[str]:
    """The plain words of a text in lower case: letters and digits, nothing cut off."""
    cut = "".join(each if each.isalnum() else " " for each in text.lower().replace("'s", " ").replace("’s", " "))
    return set(cut.split())


def _passages(source: Source) -> Iterator[tuple[Passage, str, Sequence[str]]]:
    content = source.content
    if isinstance(content, str):
        read = document(content)
        if read is None:
            yield from _prose(source.name, content.translate(CANONICAL))
            return
        content = read
    yield from _rows(source.name, content)


def _prose(name: str, text: str) -> Iterator[tuple[Passage, str, Sequence[str]]]:
    before = 0
    for each in split(text):
        # A line of a table speaks for itself: what stands in neighbouring lines belongs to other rows.
        is_line = "|" in each.text or "\t" in each.text
        before = 0 if is_line else before
        yield Passage(name, each.start, each.end, False, before), each.text, ()
        before = 0 if is_line else min(before + 1, WINDOW - 1)


def document(text: str) -> Json:
    """The JSON document that a text is, or None where it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        found = freeze(loads(text, depth=JSON_DEPTH))
    except JsonError:
        return None
    return found if isinstance(found, (Mapping, tuple)) else None


def _rows(name: str, value: Json, label: str = "") -> Iterator[tuple[Passage, str, Sequence[str]]]:
    """Each object's scalar members as one passage; each list's scalars as one more."""
    said: list[str] = [label] if label else []
    negated: list[str] = []
    members = value.items() if isinstance(value, Mapping) else [("", each) for each in _items(value)]
    inner: list[tuple[str, Json]] = []
    for key, member in members:
        words = key.replace("_", " ")
        if isinstance(member, (Mapping, tuple)):
            inner.append((words, member))
        elif member is False or member is None:
            negated.append(key)
            said.append(words)
        else:
            written = member.translate(CANONICAL) if isinstance(member, str) else _written(member)
            said.append(f"{words}: {written}" if words else written)
    if said[1 if label else 0 :]:
        text = ".\n".join(said)
        yield Passage(name, 0, 0, isinstance(value, Mapping)), text, negated
    for words, member in inner:
        yield from _rows(name, member, words)


def _items(value: Json) -> Sequence[Json]:
    return value if isinstance(value, tuple) else (value,)


def _written(value: Json) -> str:
    """A number as a person would write it: no exponent, no `.0`."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e18:
        return str(int(value))
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else json.dumps(value)
