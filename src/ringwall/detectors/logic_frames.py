"""What do an answer, a call and the delivered results say about a policy's variables? Frames, for the solver.

* A *frame* is what one sentence or one call says: premises (what it speaks about, what is given) and claims.
* Structured values are exact: pointers into arguments and delivered results, members of delivered rows.
* A text is read twice. A value beside several subjects must go with the same one by order and by distance; a pattern or
  phrase must say the same in its clause as in its sentence, without `if`, `unless`, `not` ... around it. Where two
  readings differ it is `ambiguous`, and nothing is guessed.
* A value that some rule ties to a subject, in a sentence that names none, is `no_translation`.
* Everything is bounded; what exceeds a bound is `too_complex`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

import re2

from ringwall.detectors import logic_delivered as delivered
from ringwall.detectors import numbers, personal_data
from ringwall.detectors.logic import TEXT_KINDS, Policy, Reading
from ringwall.detectors.logic_delivered import Stated, TooComplexError, bare, convert
from ringwall.detectors.numbers import HEDGED, Number
from ringwall.detectors.sentences import Sentence, split
from ringwall.detectors.sources import flat
from ringwall.detectors.unfold import CANONICAL
from ringwall.model.content import Json

MAX_FRAMES = 300
"""Sentences and calls that state something, in one answer."""
MAX_TEXT_CHARS = 60_000
"""Code points of an answer."""
MONEY = frozenset({"usd", "eur", "gbp", "jpy", "chf"})

_MARKERS = re.compile(
    r"\b(?:if|unless|except|otherwise|would|could|might|may|should|not|never|no|without|cannot|previously|used to|"
    r"until|[a-z]+n['’]t|was|were|or)\b"
)
_CLAUSE = re.compile(r"[,;:()—–]|\b(?:and|but|because|while|when)\b")


@dataclass(frozen=True, slots=True)
class Frame:
    """What one sentence or one call says.

    Attributes:
        premises: What it speaks about, and what is given.
        claims: What it claims.
        part: The part in which it stands.
        start: First code point of the sentence; 0 for a call.
        end: One past the last.
    """

    premises: tuple[Stated, ...]
    claims: tuple[Stated, ...]
    part: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that a policy watches and that could not be read in one way: `ambiguous` or `no_translation`."""

    kind: str
    part: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to read.

    Attributes:
        texts: Part id and text of the answer.
        calls: Part id, tool and arguments of each call.
        results: Tool and content of everything that our own door delivered.
    """

    texts: tuple[tuple[str, str], ...] = ()
    calls: tuple[tuple[str, str, Json], ...] = ()
    results: tuple[tuple[str, Json], ...] = ()


@dataclass(slots=True)
class Translated:
    """What the solver is asked, and what could not be asked."""

    frames: list[Frame] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    rows: dict[str, list[list[bool | str]]] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Value:
    stated: Stated
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Named:
    variable: str
    key: str
    start: int
    end: int

    def distance(self, value: _Value) -> int:
        """How many code points stand between a subject and a value."""
        return max(value.start - self.end, self.start - value.end)


def translate(policy: Policy, material: Material) -> Translated:
    """The frames of an answer or a call.

    Raises:
        TooComplexError: More than may be looked at.
    """
    made = Translated()
    results = [(tool, delivered.structured(value)) for tool, value in material.results]
    base, differ = delivered.given(policy, results)
    if differ:
        made.unread.append(Unread("ambiguous", ""))
    keys = delivered.keys(policy, results)
    for part, tool, arguments in material.calls:
        claims = tuple(_arguments(policy, part, tool, arguments, made))
        if claims:
            made.frames.append(Frame(base, claims, part))
    for part, text in material.texts:
        inner = Translated()
        _read_text(policy, part, text, base, keys, inner)
        back = CANONICAL.origin(text)
        made.frames += [_placed(each, back) for each in inner.frames]
        made.unread += [_placed(each, back) for each in inner.unread]
    if len(made.frames) > MAX_FRAMES:
        raise TooComplexError("more is stated than may be looked at")
    if made.frames:
        made.rows, made.values = delivered.rows(policy, results), delivered.values(policy, results)
    return made


T = TypeVar("T", Frame, Unread)


def _placed(found: T, back: Callable[[int, int], tuple[int, int]]) -> T:
    """The same, with its place in the text as it came."""
    start, end = back(found.start, found.end) if found.start < found.end else (found.start, found.end)
    return replace(found, start=start, end=end)


def _arguments(policy: Policy, part: str, tool: str, arguments: Json, made: Translated) -> Iterator[Stated]:
    for reading in policy.readings:
        if reading.where != "argument" or reading.tool != tool:
            continue
        value = delivered.at(arguments, reading.what)
        said = convert(policy, reading.variable, value)
        if said is not None:
            yield reading.variable, said, said
        elif value is not None:
            made.unread.append(Unread("no_translation", part))


def _read_text(
    policy: Policy, part: str, text: str, base: tuple[Stated, ...], keys: Mapping[str, list[str]], made: Translated
) -> None:
    """Steps: what stands in each sentence; what is given anywhere in the text; a frame for what each claims."""
    if len(text) > MAX_TEXT_CHARS:
        raise TooComplexError("the answer is longer than may be read")
    canonical = text.translate(CANONICAL)
    identifying = _identifying(policy, text, canonical)
    sentences = [(each, list(_values(policy, each, identifying, part, made))) for each in split(canonical)]
    given = {value.stated for _, values in sentences for value in values if value.stated[0] in policy.given}
    if len({each[0] for each in given}) < len(given):
        made.unread.append(Unread("ambiguous", part))
        given = set()
    before: list[tuple[str, str]] = []
    for sentence, values in sentences:
        named = list(_named(sentence, keys))
        claims = [value for value in values if value.stated[0] not in policy.given]
        tied = [value for value in claims if policy.tied(value.stated[0])]
        loose = tuple(value.stated for value in claims if value not in tied)
        if loose:
            made.frames.append(Frame((*base, *sorted(given)), loose, part, sentence.start, sentence.end))
        for value, subject in _paired(tied, named, before):
            if subject is None:
                kind = "ambiguous" if named or before else "no_translation"
                made.unread.append(Unread(kind, part, sentence.start, sentence.end))
                continue
            about = (subject[0], subject[1], subject[1])
            made.frames.append(
                Frame((*base, *sorted(given), about), (value.stated,), part, sentence.start, sentence.end)
            )
        if named:
            before = list(dict.fromkeys((each.variable, each.key) for each in named))


def _paired(
    tied: Sequence[_Value], named: Sequence[_Named], before: Sequence[tuple[str, str]]
) -> Iterator[tuple[_Value, tuple[str, str] | None]]:
    """Which subject each value goes with; None where two readings differ, or there is none."""
    subjects = list(dict.fromkeys((each.variable, each.key) for each in named))
    for at, value in enumerate(tied):
        if not subjects:  # `It costs ...`: the one that was spoken of last, if it was one
            yield value, before[0] if len(before) == 1 else None
        elif len(subjects) == 1:
            yield value, subjects[0]
        elif len(named) != len(tied):
            yield value, None
        else:
            by_order = named[at]
            nearest = min((each.distance(value), each.start) for each in named)
            agree = nearest == (by_order.distance(value), by_order.start)
            yield value, (by_order.variable, by_order.key) if agree else None


def _named(sentence: Sentence, keys: Mapping[str, list[str]]) -> Iterator[_Named]:
    """The subjects that a sentence names, in order. The longest name wins."""
    squeezed, places = _squeezed(sentence.text)
    found: list[tuple[int, int, str, str]] = []
    for variable, values in keys.items():
        for key in values:
            at = squeezed.find(key)
            while at >= 0:
                end = at + len(key)
                whole = not squeezed[max(0, at - 1) : at].isalnum() and not squeezed[end : end + 1].isalnum()
                if whole and not any(first < end and at < last for first, last, _, _ in found):
                    found.append((at, end, variable, key))
                at = squeezed.find(key, at + 1)
    for at, end, variable, key in sorted(found):
        yield _Named(variable, key, sentence.start + places[at], sentence.start + places[end - 1] + 1)


def _squeezed(text: str) -> tuple[str, list[int]]:
    """A text in lower case with single blanks, and where each of its characters stands in the text."""
    kept = [at for at, each in enumerate(text) if not each.isspace() or (at and not text[at - 1].isspace())]
    return "".join(" " if text[at].isspace() else text[at].lower()[:1] for at in kept), kept


def _values(
    policy: Policy, sentence: Sentence, identifying: Sequence[tuple[str, int, str]], part: str, made: Translated
) -> Iterator[_Value]:
    """Everything that a sentence states about a variable."""
    stated = numbers.find(sentence.text)
    for reading in policy.readings:
        if reading.where == "kind" and reading.what in TEXT_KINDS:
            for kind, at, value in identifying:
                if kind == reading.what and sentence.start <= at < sentence.end:
                    yield _Value((reading.variable, value, value), at, at)
        elif reading.where == "kind":
            for number in stated:
                if _is(reading.what, number):
                    low, high = _range(number)
                    yield _Value(
                        (reading.variable, low, high), sentence.start + number.start, sentence.start + number.end
                    )
        elif reading.where in ("pattern", "phrase"):
            yield from _worded(policy, reading, sentence, part, made)


def _worded(policy: Policy, reading: Reading, sentence: Sentence, part: str, made: Translated) -> Iterator[_Value]:
    """A pattern or a phrase, read in its sentence and in its clause."""
    wide = set(_matches(policy, reading, sentence.text))
    if not wide:
        return
    narrow = {each for clause in _CLAUSE.split(sentence.text) for each in _matches(policy, reading, clause)}
    lower = sentence.text.lower()
    for _, words in wide:
        lower = lower.replace(words.lower(), " ")
    values = {value for value, _ in wide}
    if len(values) > 1 or {value for value, _ in narrow} != values or _MARKERS.search(lower):
        made.unread.append(Unread("ambiguous", part, sentence.start, sentence.end))
        return
    (value,) = values
    yield _Value((reading.variable, value, value), sentence.start, sentence.end)


def _matches(policy: Policy, reading: Reading, text: str) -> Iterator[tuple[bool | str, str]]:
    """The values that a text states by this reading, with the words that state them."""
    if reading.where == "pattern":
        for match in re2.finditer(reading.what, text):
            value = convert(policy, reading.variable, match.group(1))
            if value is not None:
                yield value, match.group(0)
        return
    squeezed = flat(text)
    taken = ""
    phrases = [(words, value) for value, all_words in reading.phrases for words in all_words]
    for words, value in sorted(phrases, key=lambda each: (-len(each[0]), each)):
        if re.search(rf"(?<!\w){re.escape(flat(words))}(?!\w)", squeezed) and flat(words) not in taken:
            taken += f" {flat(words)} "
            typed = convert(policy, reading.variable, value == "true" if value in ("true", "false") else value)
            if typed is not None:
                yield typed, flat(words)


def _identifying(policy: Policy, text: str, canonical: str) -> list[tuple[str, int, str]]:
    """Card numbers and their like in a text, in whatever dress: kind, place in the canonical text, bare value."""
    wanted = {each.what for each in policy.readings if each.where == "kind"} & set(TEXT_KINDS)
    if not wanted:
        return []
    found = []
    for each in personal_data.find(text):
        if each.kind in wanted:
            at = len(text[: each.start].translate(CANONICAL))
            found.append((each.kind, at, bare(text[each.start : each.end])))
    if "card_number" in wanted:
        found += [
            ("card_number", each.start, each.key)
            for each in numbers.find(canonical)
            if each.kind == "identifier" and any(hit.kind == "card_number" for hit in personal_data.find(each.key))
        ]
    return list(dict.fromkeys(found))


def _is(kind: str, number: Number) -> bool:
    if number.kind != "quantity":
        return False
    return {"money": number.unit in MONEY, "share": number.unit == "share", "number": not number.unit}[kind]


def _range(number: Number) -> tuple[str, str]:
    """The least and the greatest value that a number allows: itself, but for a hedge."""
    value = number.value or Decimal(0)
    reach = min(abs(value) * HEDGED, number.granularity) if number.hedge else Decimal(0)
    low = value if number.hedge == "over" else value - reach
    high = value if number.hedge == "under" else value + reach
    return format(low, "f"), format(high, "f")
