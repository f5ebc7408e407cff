"""Documents with a hole, and the bytes that fill it: whole, encoded, with the key twice, beside an unknown field.

A document is JSON in which one string is `HOLE`. Where a document stands inside a string of another one (arguments of a
call do, in some protocols), the same is done inside.
"""

from __future__ import annotations

import json
import re

HOLE = "@@HOLE@@"
_PAIR = re.compile(r'(\\?")(\w+)\\?":\s*\\?"([^"\\]*)' + re.escape(HOLE) + r'([^"\\]*)\\?"')


def filled(document: object, value: str) -> bytes:
    """The document with this value in its hole."""
    return _PAIR.sub(lambda pair: _pair(pair, pair[2], value), json.dumps(document)).encode()


def doubled(document: object, first: str, second: str) -> bytes:
    """The document with the key of the hole twice."""
    return _PAIR.sub(
        lambda pair: f"{_pair(pair, pair[2], first)},{_pair(pair, pair[2], second)}", json.dumps(document)
    ).encode()


def beside(document: object, key: str, benign: str, value: str) -> bytes:
    """The document with a benign hole, and a field of another name beside it."""
    return _PAIR.sub(
        lambda pair: f"{_pair(pair, pair[2], benign)},{_pair(pair, key, value)}", json.dumps(document)
    ).encode()


def _pair(pair: re.Match[str], key: str, value: str) -> str:
    """A key and its value, quoted as deeply as the pair that was found."""
    quote = pair[1]
    inner = json.dumps(value)[1:-1]
    if quote != '"':
        inner = json.dumps(inner)[1:-1]
    return f"{quote}{key}{quote}:{quote}{pair[3]}{inner}{pair[4]}{quote}"
