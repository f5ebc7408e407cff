"""Is what an answer claims supported by its sources? A score for every sentence, and what in it nobody said.

1. Numbers, quotes and names of each sentence are looked up: they are right or wrong, no score makes up for them.
2. The share of its content words that stand together in one place of the sources, and in the sources at all, is its
   score. Words carry a sign, so that `is not waterproof` does not support `is waterproof`.
3. The answer's score is a soft minimum: the worst sentence, and a little of the mean.

* Pure and deterministic: the same answer and sources give the same findings, whoever asks.
* Adding a source never lowers a score, and never makes a number, a name or a quote unsupported: each look-up asks
  whether *some* place supports it. A source can speak against an answer: `contradiction` and `other_row`.
* The person's own words (`echo`) support restating what he said, at less than half the weight: repeating a question is
  no support for a new fact. Numbers and names in them are supported where the caller of this module says so.
* It compares words, not meaning: a relation turned round (`A sold B`) is not seen, and a synonym costs score.
* A sentence mostly of another script than Latin is judged by the same look-ups, without negation and number words, and
  is marked `foreign`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ringwall.detectors import identifiers, numbers, personal_data
from ringwall.detectors.numbers import Number
from ringwall.detectors.sentences import Sentence, content_words, is_courtesy, is_foreign, is_question, split
from ringwall.detectors.sources import Index, Source, TooLongError, build, flat, name_words, without
from ringwall.detectors.unfold import CANONICAL

MAX_ANSWER_CHARS = 20_000
"""Code points of an answer; a longer one is not judged."""
TOGETHER = 0.7
"""The part of a sentence's score that one place of the sources must carry; the rest may stand anywhere in them."""
ECHO_WEIGHT = 0.4
SOFT = 0.15
"""The part of the answer's score that is the mean of its sentences; the rest is the least of them."""
SAME_MATTER = 0.6
"""The share of a sentence's words that a place must hold to be about the same matter, and able to contradict it."""
SMALL_COUNT = 12
"""A bare whole number up to this may count what stands in the answer itself, and is not looked up."""
QUOTE_WORDS = 3
"""Words from which something between quotation marks must stand in a source word for word."""
IDENTIFYING_DIGITS = 5
"""Digits from which what follows `account number` and the like identifies somebody."""
IDENTIFYING = ("card_number", "us_ssn", "iban")

_QUOTE = re.compile(r"[\"“„«]([^\"“”„«»\n]{1,1000})[\"”“»]")
_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z_]{1,40}\]")
_CAPITAL = r"[A-ZÀ-ÖØ-ÞΑ-ΩЀ-Я]"
_NAME = re.compile(rf"(?<![\w@/.\-]){_CAPITAL}[\w&'’]*(?:[ \-](?:of |the |de |van |von )?{_CAPITAL}[\w&'’]*)*")
_NAMED_NUMBER = re.compile(
    r"(?:account|acct|card|iban|routing|sort code|policy|passport|licen[cs]e|ssn|social security|tax|member(?:ship)?|"
    r"customer|invoice|order|reference|tracking)\W{1,3}"
    r"(?:(?:no|number|nr|id|code|is|was|ending in|#)\W{1,3}){0,3}$"
)
_COMMON_CAPITALS = frozenset(
    "i i'm i'd i've i'll monday tuesday wednesday thursday friday saturday sunday january february march april may "
    "june july august september october november december ok usd eur gbp am pm id url pdf faq api ai json sql "
    "html csv".split()
)
_CODE = re.compile(r"[(){}\[\];=<>\\_#$@|`~]")
"""What code has and prose has not: a fence around plain prose does not make it code."""
_LIST_MARK = re.compile(r"\s*[*_#>\-•]*\s*\d{1,3}[.)]?[*_]*\s?")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that no source says.

    Attributes:
        kind: `number`, `identifier`, `name`, `quote`, `other_row` or `contradiction`.
        start: First code point in the answer as it came.
        end: One past the last.
    """

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence of the answer.

    Attributes:
        start: First code point in the answer as it came.
        end: One past the last.
        is_claim: False for a greeting, a refusal, a question, code: its words are not looked up.
        foreign: Mostly of another script than Latin.
        score: From 0.0 (nothing of it) to 1.0; 1.0 where it claims nothing.
        source: The name of the source that supports it best, or empty.
        span: The span of the best supporting place in it; (0, 0) in a document.
        problems: What in it no source says.
    """

    start: int
    end: int
    is_claim: bool
    foreign: bool
    score: float
    source: str = ""
    span: tuple[int, int] = (0, 0)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Grounding:
    """What came of it.

    Attributes:
        sentences: In order.
        score: The answer's score.
        exceeded: True when something was too long to be judged; then nothing else is said.
        identifiers: Card and account numbers and the like that no source says, wherever they stand.
    """

    sentences: tuple[Judged, ...] = ()
    score: float = 1.0
    exceeded: bool = False
    identifiers: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Echo:
    """The person's own words, and what of them may be said back.

    Attributes:
        texts: What he wrote.
        numbers: Whether his numbers and names count as said.
    """

    texts: tuple[str, ...] = ()
    numbers: bool = True


@dataclass(slots=True)
class _Known:
    sources: Index
    echoed: Index
    echo_counts: bool


def assess(answer: str, sources: Iterable[Source], echo: Echo = Echo()) -> Grounding:
    """Look up an answer in its sources."""
    if len(answer) > MAX_ANSWER_CHARS:
        return Grounding(exceeded=True)
    try:
        known = _Known(build(sources), _echoed(echo), echo.numbers)
        text, back = _readable(answer)
        judged = tuple(_judge(each, known) for each in split(text))
        found = _identifiers(answer, text, back, known)
    except TooLongError:
        return Grounding(exceeded=True)
    scores = [each.score for each in judged if each.is_claim]
    score = (1 - SOFT) * min(scores) + SOFT * sum(scores) / len(scores) if scores else 1.0
    return Grounding(tuple(_placed(each, back) for each in judged), round(score, 6), False, found)


def identifying(answer: str, echo: Echo = Echo()) -> tuple[Problem, ...]:
    """Card and account numbers and the like in an answer that has no source at all, but for the person's own words.

    Raises:
        TooLongError: It holds more numbers than may be compared.
    """
    text, back = _readable(answer)
    return _identifiers(answer, text, back, _Known(Index(), _echoed(echo), echo.numbers))


def _echoed(echo: Echo) -> Index:
    """The person's own words; more of them than may be looked through support nothing."""
    try:
        return build(Source("", each) for each in echo.texts)
    except TooLongError:
        return Index()


def _readable(answer: str) -> tuple[str, _Back]:
    """The canonical text, digits of every script made ASCII, placeholders of ours blanked; with the way back."""
    text = answer.translate(CANONICAL)
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in text)
    text = _PLACEHOLDER.sub(lambda match: " " * len(match[0]), text)
    return text, _Back(answer)


class _Back:
    """From spans of the canonical text to spans of the text as it came."""

    __slots__ = ("_origin", "_plain")

    def __init__(self, answer: str) -> None:
        self._plain = answer.isascii()
        self._origin = CANONICAL.origin(answer)

    def __call__(self, start: int, end: int) -> tuple[int, int]:
        if self._plain or start >= end:
            return start, end
        return self._origin(start, end)


def _placed(judged: Judged, back: _Back) -> Judged:
    start, end = back(judged.start, judged.end)
    problems = tuple(Problem(each.kind, *back(each.start, each.end)) for each in judged.problems)
    return replace(judged, start=start, end=end, problems=problems)


def _judge(sentence: Sentence, known: _Known) -> Judged:
    """Steps 1 and 2 for one sentence."""
    text = sentence.text
    found = numbers.find(text)
    words = content_words(without(text, found))
    looked_up = [each for each in found if not _is_count(text, each)]
    said = len(words) + len(looked_up)
    code = sentence.is_code and _CODE.search(text) is not None
    is_claim = not (code or is_question(text) or is_courtesy(text, said))
    foreign = not code and is_foreign(text)
    problems = tuple(_problems(replace(sentence, is_code=code), found, known))
    if is_claim and _contradicted(words, known.sources):
        problems = (*problems, Problem("contradiction", sentence.start, sentence.end))
    if not is_claim:
        return Judged(sentence.start, sentence.end, is_claim, foreign, 1.0, problems=problems)
    score, best = _score(words, looked_up, known)
    if best is None:
        return Judged(sentence.start, sentence.end, True, foreign, score, problems=problems)
    place = known.sources.passages[best]
    return Judged(sentence.start, sentence.end, True, foreign, score, place.source, (place.start, place.end), problems)


def _score(words: set[str], found: list[Number], known: _Known) -> tuple[float, int | None]:
    """How much of a sentence the sources say, word by word and number by number, and where most of it stands."""
    index = known.sources
    floor = anywhere = 0.0
    places: defaultdict[int, float] = defaultdict(float)
    for word in sorted(words):
        echoed = ECHO_WEIGHT if word in known.echoed.words else 0.0
        postings = index.words.get(word)
        floor += 1.0 if postings == [] else echoed  # wherever the others stand
        anywhere += echoed if postings is None else 1.0
        for at in _windows(postings or (), index):
            places[at] += 1.0 - echoed
    for number in found:
        supporters = index.supporters(number)
        anywhere += 1.0 if supporters else ECHO_WEIGHT if _supported(number, known) else 0.0
        for at in _windows(supporters, index):
            places[at] += 1.0
    best, most = min(places.items(), key=lambda each: (-each[1], each[0]), default=(None, 0.0))
    count = len(words) + len(found)
    return round(TOGETHER * (floor + most) / count + (1 - TOGETHER) * anywhere / count, 6), best


def _windows(passages: Iterable[int], index: Index) -> set[int]:
    """The places, by their first passage, that hold one of these; each once, however often it stands in it."""
    return {at - step for at in passages for step in range(index.passages[at].before + 1)}


def _is_count(text: str, number: Number) -> bool:
    """True for a small bare number, which may count what stands in the answer itself, and for the mark of a list."""
    if number.kind != "quantity" or number.unit or number.value is None:
        return False
    mark = _LIST_MARK.match(text)
    small = number.value <= SMALL_COUNT and number.value == number.value.to_integral_value()
    return small or (mark is not None and mark.end() >= number.end)


def _contradicted(words: set[str], index: Index) -> bool:
    """True when the place that speaks of the same things most says the opposite of one of them.

    Every place that shares as many words, signs left aside, must do so: one that agrees is enough to agree with.
    """
    shared: Counter[int] = Counter()
    opposed: set[int] = set()
    for word in words:
        opposite = word[1:] if word.startswith("-") else f"-{word}"
        same, against = index.words.get(word, ()), index.words.get(opposite, ())
        opposed.update(set(against) - set(same))
        shared.update({*same, *against})
    most = max(shared.values(), default=0)
    if most < 2 or most < len(words) * SAME_MATTER:
        return False
    return all(at in opposed for at, count in shared.items() if count == most)


def _problems(sentence: Sentence, found: list[Number], known: _Known) -> Iterable[Problem]:
    """Step 1: what in a sentence nobody said."""
    text, at = sentence.text, sentence.start
    names = [] if sentence.is_code else list(_names(text))
    unknown = [span for span in names if not _is_known(text[span[0] : span[1]], known)]
    for start, end in unknown:
        yield Problem("name", at + start, at + end)
    rows = _rows_named(text, names, known)
    for number in found:
        kind = _number_problem(text, number, rows, known)
        if kind:
            yield Problem(kind, at + number.start, at + number.end)
    for match in () if sentence.is_code else _QUOTE.finditer(text):
        if len(match[1].split()) < QUOTE_WORDS:
            continue
        quoted = flat(match[1]).rstrip(".,;:!?")
        said = known.sources.quotes(quoted) or known.echoed.quotes(quoted)
        if not said:
            yield Problem("quote", at + match.start(1), at + match.end(1))


def _number_problem(text: str, number: Number, rows: set[int] | None, known: _Known) -> str:
    """What is wrong with a number, or nothing."""
    if _is_count(text, number):
        return ""
    supporters = known.sources.supporters(number)
    if not supporters and _supported(number, known):
        return ""
    if not supporters:
        return "identifier" if number.kind == "identifier" else "number"
    if rows is not None and number.kind == "quantity":
        passages = known.sources.passages
        if all(passages[each].is_row and each not in rows for each in supporters):
            return "other_row"
    return ""


def _rows_named(text: str, names: list[tuple[int, int]], known: _Known) -> set[int] | None:
    """The rows that a sentence's names stand in; None where it names none that stands in a row."""
    rows: set[int] = set()
    for start, end in names:
        wanted = [known.sources.names.get(word, set()) for word in name_words(text[start:end])]
        if wanted:
            rows |= {each for each in set.intersection(*wanted) if known.sources.passages[each].is_row}
    return rows or None


def _names(text: str) -> Iterable[tuple[int, int]]:
    """Spans of what is written like a name: capitals inside a sentence, or several in a row at its start."""
    for match in _NAME.finditer(text):
        words = match[0].split()
        start = match.start()
        first = not re.search(r"\w", text[:start]) or text[:start].rstrip().endswith((":", "•", "-", "“", '"', "|"))
        if first:  # a capital that only begins a sentence says nothing
            start, words = (start + len(words[0]) + 1, words[1:]) if len(words) > 1 else (match.end(), [])
        kept = [each for each in words if each.lower().replace("’", "'") not in _COMMON_CAPITALS]
        if kept and any(len(each) > 1 for each in kept):
            yield start, match.end()


def _is_known(name: str, known: _Known) -> bool:
    words = {each for each in name_words(name) if each not in _COMMON_CAPITALS and len(each) > 1}
    if all(each in known.sources.names for each in words):
        return True
    if not known.echo_counts:
        return False
    return all(each in known.sources.names or each in known.echoed.names for each in words)


def _identifiers(answer: str, text: str, back: _Back, known: _Known) -> tuple[Problem, ...]:
    """Card and account numbers and their like that no source says, in whatever dress, in prose and in code."""
    found: dict[tuple[int, int], Problem] = {}
    for each in personal_data.find(answer):
        if each.kind not in IDENTIFYING:
            continue
        written = answer[each.start : each.end]
        inside = [*numbers.find(written.translate(CANONICAL))]
        said = known.sources.quotes(written.translate(CANONICAL)) or (
            bool(inside) and all(_supported(number, known) for number in inside)
        )
        if not said:
            found[(each.start, each.end)] = Problem("identifier", each.start, each.end)
    lower = text.lower()
    for number in numbers.find(text):
        if sum(each.isdigit() for each in number.key) < IDENTIFYING_DIGITS or number.kind in ("date", "time"):
            continue
        named = _NAMED_NUMBER.search(lower, max(0, number.start - 48), number.start)
        is_card = number.kind == "identifier" and next(identifiers.cards(number.key), None) is not None
        if (named or is_card) and not _supported(number, known):
            span = back(number.start, number.end)
            found[span] = Problem("identifier", *span)
    return tuple(found[span] for span in sorted(found))


def _supported(number: Number, known: _Known) -> bool:
    if known.sources.supporters(number):
        return True
    return known.echo_counts and bool(known.echoed.supporters(number))
