"""Does a place in a Markdown text stand in code, where nothing acts? Only where no reader of Markdown could doubt it.

* A fenced block counts from a line that can be nothing but an opening fence (a language behind it, at the line's start)
  until the next line that any reader may take for a fence, and for `MAX_CODE` code points at most: what stands behind
  must be judged without knowing all before it.
* A code span counts when its backticks pair in one way: from the start of its paragraph or list item, on one line, with
  no bar of a table inside, no backslash before it and no tag in front.
* What is shown as something else than code (`rendered`: mermaid, html ...) is none.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator

MAX_CODE = 4096
"""Code points of a fenced block that are known to be code."""
MAX_SPAN = 512
"""Code points before and behind a place in which the backticks of a span must be found."""

_INDENT = re.compile(r"[ \t>*+\-0-9.)]{0,32}")
_FENCES = ("```", "~~~")
_LANGUAGE = re.compile(r"[ ]?([A-Za-z0-9_+#.-]{1,32})[ \t\r]*\Z")
_STEP = re.compile(r"\\?`+|<[A-Za-z/!?]")
_PARAGRAPHS = ("\n\n", "\n- ", "\n* ", "\n+ ")


class Code:
    """Where the code of one text stands."""

    __slots__ = ("_begins", "_fences", "_languages", "_rendered", "_text")

    def __init__(self, text: str, rendered: Collection[str], *, begins: bool) -> None:
        """Look for fences.

        Args:
            text: The text, or a window of it.
            rendered: Languages of fences whose content is shown as something else than code, in lower case.
            begins: Whether the text begins here, and not before.
        """
        self._text = text
        self._begins = begins
        self._rendered = rendered
        self._fences: list[int] = []
        self._languages: list[str] = []
        for start, language in sorted(_fences(text, 0)):
            if start > 0 or begins:  # otherwise nobody knows what stands before it
                self._fences.append(start)
                self._languages.append(language)

    def language(self, at: int) -> str:
        """The language of the fenced block in which a place stands; empty for none."""
        index = bisect_left(self._fences, at) - 1
        if index < 0 or at - self._fences[index] > MAX_CODE or self._text.find("\n", self._fences[index], at) < 0:
            return ""
        return self._languages[index]

    def holds(self, at: int) -> bool:
        """True when what starts here stands in code for sure."""
        language = self.language(at)
        if language:
            return language not in self._rendered and language != "?"
        return self._in_span(at, is_all=True) is True

    def may_hold(self, at: int) -> bool:
        """True when more text may show that what starts here stands in code."""
        return self._in_span(at, is_all=False) is None

    def _in_span(self, at: int, *, is_all: bool) -> bool | None:
        """Whether a place stands in a code span; None when more text, if this is not all, may tell otherwise."""
        text = self._text
        floor = max(0, at - MAX_SPAN)
        start = max(text.rfind(each, floor, at) for each in _PARAGRAPHS)
        if start < 0:
            if floor > 0 or not self._begins:
                return False
            start = 0
        while True:
            step = _STEP.search(text, start, at)
            if step is None or step[0][0] in "\\<":
                return False
            line = text.find("\n", step.end(), step.end() + MAX_SPAN)
            limit = line if line >= 0 else min(len(text), step.end() + MAX_SPAN)
            close = _closing(text, step[0], step.end(), limit)
            is_open = line < 0 and limit == len(text) and limit < step.end() + MAX_SPAN and not is_all
            if close < 0 or (is_open and close + len(step[0]) == len(text)):
                return None if is_open else False
            if "|" in text[step.end() : close]:
                return False
            if step.end() <= at < close:
                return True
            start = close + len(step[0])


def _closing(text: str, ticks: str, start: int, limit: int) -> int:
    """Where a run of just so many backticks stands; -1 for nowhere."""
    at = text.find(ticks, start, limit)
    while at >= 0:
        end = at + len(ticks)
        if text[at - 1] != "`" and text[end : end + 1] != "`":
            return at
        while text[end : end + 1] == "`":
            end += 1
        at = text.find(ticks, end, limit)
    return -1


def looks_back(text: str) -> int:
    """How much of the end of a text must be known to tell whether what follows stands in code."""
    most = min(len(text), MAX_SPAN)
    floor = max(0, len(text) - MAX_CODE - 64)
    start, language = max(_fences(text, floor), default=(0, ""))
    reach = len(text) - start + 1
    return max(most, min(reach, len(text))) if language and reach <= MAX_CODE + 1 else most


def _fences(text: str, floor: int) -> Iterator[tuple[int, str]]:
    """Where lines begin that any reader may take for a fence, and the language of those that can only be an opening.

    A line that has not ended may become one: its language is `?` then, which is none.
    """
    for sign in _FENCES:
        at = text.find(sign, floor)
        while at >= 0:
            start = text.rfind("\n", 0, at) + 1
            line = text.find("\n", at)
            end = line if line >= 0 else len(text)
            if _INDENT.fullmatch(text, start, at):
                language = _LANGUAGE.match(text[at:end].lstrip(sign[0])) if start == at else None
                yield start, language[1].lower() if language else "?" if line < 0 and start == at else ""
            at = text.find(sign, end)
