"""Which secrets stand in a text? Keys of known makers by their form, and what is assigned to a name like `api_key`.

* Forms of known makers stand in `data/secrets.toml`. A private key is hidden with its body, a JSON web token whole.
* An assigned value counts when it looks random: long enough, of mixed characters, with enough entropy. `password =
  changeme` is no finding; a dictionary word is not ours to hide.
* Every finding spans at most `MAX_SPAN` code points and depends on no more than that on either side, so that a stream
  can be judged by windows.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from ringwall.detectors.patterns import Pattern, load_patterns

MAX_PRIVATE_KEY = 4096
"""Code points of a private key that are hidden together with its header."""
MIN_ENTROPY = 3.2
"""Bits per character from which an assigned value of sixteen or more characters looks random."""
MAX_SPAN = 4400

# Each expression is bounded and anchored at a literal; they run only where a compiled pattern has said "look here".
_HEADER = re.compile(r"-----BEGIN [A-Z ]{0,24}PRIVATE KEY")
_BODY = re.compile(r"(?:(?!-----END)[A-Za-z0-9+/=\s\\,:.-])*(?:-----END [A-Z ]{0,40}-----)?")
_JWT = re.compile(r"(?<![0-9A-Za-z_-])eyJ[0-9A-Za-z_-]{8,1024}\.eyJ[0-9A-Za-z_-]{8,1024}\.[0-9A-Za-z_-]{8,1024}")
_NAME = re.compile(r"(?i)key|secret|token|passw|pwd|bearer")
_VALUE = re.compile(
    r"[A-Za-z_]{0,12}[\"'`]?[ \t]{0,3}(?:[:=]{1,2}[ \t]{0,3}|[ ])(?:[Bb]earer )?[\"'`]?"
    r"(?P<value>[0-9A-Za-z_+/=.~!@#$%^&*-]{16,256})"
)


_DIGIT = re.compile("[0-9]")
_LETTER = re.compile("[A-Za-z]")


def entropy(text: str) -> float:
    """Shannon entropy of a text's characters, in bits per character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def looks_random(value: str) -> bool:
    """True when a value is more like a key than like words."""
    return bool(_DIGIT.search(value) and _LETTER.search(value)) and entropy(value) >= MIN_ENTROPY


_UPPER_BOUND = re.compile(r"\{([1-9][0-9]*),[0-9]+\}(?=\)*$|\|)")
"""The last repeat of an alternative: a trigger need not know how far it goes."""
_APART = frozenset({"private_key", "jwt", "assignment"})


def triggers() -> tuple[Pattern, ...]:
    """The patterns that say that a secret is near, cheap to ask together."""
    return tuple(
        replace(each, regex=_UPPER_BOUND.sub(r"{\1}", each.regex), spans=False) for each in load_patterns("secrets")
    )


@cache
def _forms() -> Mapping[str, re.Pattern[str]]:
    return {each.id: re.compile(f"(?=({each.regex}))") for each in load_patterns("secrets") if each.id not in _APART}


def find(text: str, candidates: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Spans of the secrets in a text.

    Args:
        text: The text, canonical.
        candidates: Ids of the triggers that occur in it.
    """
    # Every place where a secret may begin is tried, whether or not it stands inside another: what is found in a window
    # must not depend on where the window begins.
    if "private_key" in candidates:
        for header in _HEADER.finditer(text):
            body = _BODY.match(text, header.end(), header.end() + MAX_PRIVATE_KEY)
            yield header.start(), body.end() if body else header.end()
    if "jwt" in candidates:
        for match in _JWT.finditer(text):
            yield match.span()
    if "assignment" in candidates:
        for name in _NAME.finditer(text):
            value = _VALUE.match(text, name.end())
            if value and looks_random(value["value"]):
                yield value.span("value")
    forms = _forms()
    for each in candidates & forms.keys():
        for match in forms[each].finditer(text):
            yield match.span(1)
