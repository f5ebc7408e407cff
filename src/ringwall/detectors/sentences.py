"""Which sentences does a text have, and which of their words carry meaning? For comparing an answer with its sources.

* A sentence ends at a full stop, a question mark or an exclamation mark before a blank, at a line's end, or after
  `MAX_SENTENCE` code points. Places are those of the text given.
* Content words are stemmed roughly, cut to `STEM` letters, and carry a sign: `not waterproof` and `waterproof` are two
  different words. A negation reaches over the next `NEGATED` content words of its clause.
* Stop words, negations and word endings are English. Words of scripts that write no blanks are read as pairs of
  characters. `is_foreign` says when a sentence is mostly of another script than Latin.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MAX_SENTENCE = 1000
"""Code points of a sentence; what is longer is cut."""
STEM = 5
NEGATED = 3

_END = re.compile(r"(?<=[.!?])[\"'”’)\]*_]{0,3}(?=\s)|\n|(?<=[。！？])|(?<=[:;])(?=\s*\n)")
_ABBREVIATION = re.compile(r"(?:\b(?:[a-z]|e\.g|i\.e|mr|mrs|ms|dr|prof|no|vs|etc|inc|ltd|approx|st|u\.s|jan|feb|mar|"
                           r"apr|aug|sept?|oct|nov|dec))\.$", re.IGNORECASE)  # fmt: skip
_MARK = re.compile(r"[\s*_#>]*[0-9]{1,3}\.")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|[,;:.!?()\n]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_CLAUSE = frozenset(",;:.!?()\n") | {"but", "and", "or", "however", "although", "though", "while", "because", "if"}
_NEGATIONS = frozenset(
    "not no never without cannot neither nor none unable nothing nobody lack lacks lacking isn't aren't wasn't weren't "
    "don't doesn't didn't can't couldn't won't wouldn't shouldn't mustn't hasn't haven't hadn't isnt cant dont false"
    .split()
)  # fmt: skip
_STOP = frozenset(
    "a an the this that these those there here it its it's i i'm i've i'll i'd me my mine we we're our ours us "
    "you you're your yours he she his her hers him they their theirs them is are was were be been being am do "
    "does did doing done has have had having will would shall should can could may might must of in on at by for "
    "from to into onto with as and or but if then than so also too very just only both each every any some such "
    "other another same own about over under above below between during before after again further once when "
    "where which who whom whose what how why while because until up down out off more most less least many much "
    "few lot lots per via within let's let that's what's there's he's she's they're hi hello hey thanks thank "
    "please welcome sure certainly course great good okay ok yes glad happy help sorry apologies apologize "
    "apologise unfortunately however therefore thus etc one ones like would nearly almost around approximately "
    "roughly including well still yet else true null none currently available dear best regards question "
    "questions answer"
    .split()
)  # fmt: skip
_SAME = {
    word: first
    for first, *others in (
        each.split()
        for each in ("cost price charge", "buy purchase", "ship deliver dispatch send", "begin start", "finish end",
                     "large big", "small little", "assist support", "phone telephone", "return refund", "founded "
                     "established", "colour color", "stock inventory", "item product article", "staff employee",
                     "firm company business", "customer client", "need require", "allow permit", "own possess")
    )
    for word in others
}  # fmt: skip
"""A few words that mean the same in what businesses say; the first stands for the others."""
_ENDINGS = ("ations", "ation", "ingly", "ments", "ment", "ness", "ings", "ing", "edly", "ies", "ied", "ers", "ed", "er",
            "es", "ly", "s", "e", "y")  # fmt: skip
_COURTESY = re.compile(
    r"(?:[-*•\d.)\s]*)(?:(?:i'?m|i am) (?:very |so |truly )?(?:sorry|afraid|unable|happy|glad|not able)|sorry|i apolog|"
    r"unfortunately,? i|i (?:can'?t|cannot|can not|could not|couldn'?t|don'?t|do not|won'?t|will not|did not|didn'?t)\b"
    r"|let me know|feel free|please (?:let|feel|provide|share|tell|contact|check|try)|is there anything|how can i|if "
    r"you (?:have|need|would|want|'d)|you (?:asked|mentioned|said|wanted|would like)|as an ai|there is no information|"
    r"the (?:provided )?(?:sources?|documents?|context|information|catalog(?:ue)?) (?:do(?:es)? not|don'?t|doesn'?t))"
)
MAX_COURTESY_WORDS = 24
"""Content words of a sentence that may pass as a courtesy or a refusal."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a text.

    Attributes:
        start: First code point.
        end: One past the last.
        text: What it says.
        is_code: True inside a fenced block.
    """

    start: int
    end: int
    text: str
    is_code: bool = False


def split(text: str) -> Iterator[Sentence]:
    """The sentences of a text, in order, without the blanks around them."""
    start, code = 0, False
    bounds = [match.end() for match in _END.finditer(text)] + [len(text)]
    for bound in bounds:
        while bound - start > MAX_SENTENCE:
            yield from _trimmed(text, start, start + MAX_SENTENCE, code)
            start += MAX_SENTENCE
        if bound < len(text) and text[bound - 1] == ".":
            if _MARK.fullmatch(text, start, bound) or _ABBREVIATION.search(text, max(start, bound - 16), bound):
                continue
        if text[start:bound].lstrip().startswith(("```", "~~~")):
            code = not code
        yield from _trimmed(text, start, bound, code)
        start = bound


def _trimmed(text: str, start: int, end: int, code: bool) -> Iterator[Sentence]:
    piece = text[start:end]
    inner = piece.strip()
    if inner:
        first = start + len(piece) - len(piece.lstrip())
        yield Sentence(first, first + len(inner), inner, code)


def content_words(text: str) -> set[str]:
    """The content words of a text, stemmed, each with its sign: `-` before a word that a negation reaches."""
    words: set[str] = set()
    reach = 0
    for match in _WORD.finditer(_CAMEL.sub(" ", text)):
        word = match[0].lower().replace("’", "'")
        if word in _CLAUSE:
            reach = 0
        elif word in _NEGATIONS or word.endswith("n't"):
            reach = NEGATED
        elif word not in _STOP:
            sign = "-" if reach else ""
            if _UNSPACED.search(word):
                words.update(sign + pair for pair in _pairs(word))
            else:
                words.add(sign + stem(word))
            reach = max(0, reach - 1)
    return words


def stem(word: str) -> str:
    """A word without its ending, cut to a few letters: for comparing, not for reading."""
    if word.endswith("'s"):
        word = word[:-2]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return _STEMS.get(word[:STEM], word[:STEM])


_STEMS: dict[str, str] = {}
_STEMS.update({stem(word): stem(first) for word, first in _SAME.items()})


def is_question(text: str) -> bool:
    """True for a sentence that asks."""
    return text.rstrip("\"'”’)*_ ").endswith(("?", "？"))


def is_courtesy(text: str, words: int) -> bool:
    """True for what claims nothing about the world: a greeting, a refusal, an offer, a lead to what follows."""
    lower = text.lower().replace("’", "'")
    leads = lower.rstrip("*_ ").endswith(":") and words <= MAX_COURTESY_WORDS // 3
    return words == 0 or leads or (words <= MAX_COURTESY_WORDS and _COURTESY.match(lower) is not None)


def is_foreign(text: str) -> bool:
    """True when more than a third of the letters are of another script than Latin."""
    letters = [each for each in text if each.isalpha()]
    foreign = sum(1 for each in letters if ord(each) > 0x24F and not unicodedata.name(each, "").startswith("LATIN"))
    return foreign * 3 > len(letters)


def _pairs(word: str) -> Iterator[str]:
    if len(word) == 1:
        yield word
    for at in range(len(word) - 1):
        yield word[at : at + 2]
