r"""Is this JSON that can be read in one way only? A strict reader for everything that comes from outside (law 9).

Two readers that disagree about a document are a hole: one judges, the other acts. So these are refused:

* duplicate keys at any depth, in whatever spelling (`"a"` and `"\u0061"` are one key);
* NaN, Infinity, numbers that overflow to infinity, integers of more than 4,300 digits;
* lone surrogates, in escapes or raw; bytes that are not UTF-8; a byte order mark;
* nesting deeper than the limit; anything after the document.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence

from ringwall.model.content import MAX_DEPTH, Json, freeze

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonError(ValueError):
    """The document is refused; says why without repeating its content.

    Attributes:
        code: `not_json`, `not_utf8`, `duplicate_key`, `bad_number`, `bad_text`, `too_deep` or `not_an_object`.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def loads(document: bytes | str, *, depth: int = MAX_DEPTH) -> object:
    """The document as plain dicts, lists, strings, numbers, booleans and None.

    Args:
        document: UTF-8 bytes, or text.
        depth: The most levels of arrays and objects.

    Raises:
        JsonError: It is not JSON, or could be read in two ways.
    """
    try:
        text = document.decode("utf-8") if isinstance(document, bytes) else document
    except UnicodeDecodeError as error:
        raise JsonError("not_utf8", f"not UTF-8 at byte {error.start}") from error
    _bound_depth(text, depth)
    try:
        value = _DECODER.decode(text)
    except JsonError:
        raise
    except json.JSONDecodeError as error:
        raise JsonError("not_json", f"{error.msg.lower()} at character {error.pos}") from error
    except (ValueError, RecursionError) as error:
        raise JsonError("bad_number", "a number is too long to be read") from error
    if _SURROGATE.search(text) or not _is_utf8(text):
        _refuse_surrogates(value)
    return value


def loads_object(document: bytes | str, *, depth: int = MAX_DEPTH) -> Mapping[str, Json]:
    """The document, which must be an object, deeply immutable.

    Raises:
        JsonError: As for `loads`; `not_an_object` when it is something else.
    """
    value = freeze(loads(document, depth=depth), limit=depth)
    if not isinstance(value, Mapping):
        raise JsonError("not_an_object", "not a JSON object")
    return value


def _bound_depth(text: str, depth: int) -> None:
    """Refuse early what cannot be shallow: counting brackets is cheap, and only a long run needs a look."""
    if text.count("[") + text.count("{") <= depth:
        return
    level, quoted = 0, False
    for each in _STRUCTURE.finditer(text):
        mark = each.group()
        if mark == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif mark in "[{":
            level += 1
            if level > depth:
                raise JsonError("too_deep", f'nested deeper than "{depth}" levels')
        elif mark in "]}":
            level -= 1


_STRUCTURE = re.compile(r'\\.|["\[\]{}]', re.DOTALL)


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise JsonError("duplicate_key", "an object has the same key twice")
    return made


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise JsonError("bad_number", "a number is too large to be read")
    return value


def _constant(name: str) -> object:
    raise JsonError("bad_number", f'"{name}" is not JSON')


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant, strict=True)


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse_surrogates(value: object) -> None:
    if isinstance(value, str):
        if not _is_utf8(value):
            raise JsonError("bad_text", "a string holds half of a character")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_surrogates(key)
            _refuse_surrogates(item)
    elif isinstance(value, Sequence):
        for item in value:
            _refuse_surrogates(item)
