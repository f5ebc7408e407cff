r"""How is a rule read? As one S-expression: atoms, strings between quotation marks, lists. Nothing is evaluated.

* Our own reader, with bounds on length and depth: text from outside never reaches a solver's parser, which knows
  commands.
* An atom keeps its spelling; what it means is for `logic` to say. In a string `\"` and `\\` are a quotation mark and a
  backslash; any other backslash is kept, so that `"\d"` is two characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

MAX_FORM_CHARS = 4000
"""Code points of one form."""
MAX_DEPTH = 24
"""Lists inside one another."""

_TOKEN = re.compile(r'\s*(?:(?P<open>\()|(?P<close>\))|"(?P<text>(?:[^"\\]|\\.)*)"|(?P<atom>[^\s()"]+))', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Text:
    """A string between quotation marks; an atom is a plain `str`."""

    value: str


Form: TypeAlias = "str | Text | tuple[Form, ...]"


class FormError(ValueError):
    """What was written is not one form; says why, for the operator who wrote it."""


def read(written: str) -> Form:
    """The one form that is written.

    Raises:
        FormError: It is none, or more than one, or exceeds a bound.
    """
    if len(written) > MAX_FORM_CHARS:
        raise FormError(f'longer than "{MAX_FORM_CHARS}" characters')
    open_lists: list[list[Form]] = [[]]
    at = 0
    end = len(written.rstrip())
    while at < end:
        match = _TOKEN.match(written, at)
        if match is None:
            raise FormError(f'cannot be read from character "{at + 1}" on; is a quotation mark missing')
        at = match.end()
        if match["open"]:
            if len(open_lists) > MAX_DEPTH:
                raise FormError(f'deeper than "{MAX_DEPTH}" lists')
            open_lists.append([])
        elif match["close"]:
            if len(open_lists) == 1:
                raise FormError(f'a ")" too many at character "{at}"')
            done = tuple(open_lists.pop())
            open_lists[-1].append(done)
        elif match["text"] is not None:
            open_lists[-1].append(Text(re.sub(r'\\(["\\])', r"\1", match["text"])))
        else:
            open_lists[-1].append(match["atom"])
    if len(open_lists) > 1:
        raise FormError('a ")" is missing')
    if len(open_lists[0]) != 1:
        raise FormError("must be one form between parentheses")
    return open_lists[0][0]
