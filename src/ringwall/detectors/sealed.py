"""Which sealed values stand in a text? Each in a closed grammar that survives SQL, JSON and a model.

    rwsealed:v1:<workload>/<table>.<column>[@<row field>]:<version>:<base64url>

* What begins with the mark and is not one of these is malformed, and reported as that: it was cut, or made up.
* The text of a value is canonical: the bits that base64 leaves over are zero, there is no padding. One value has one
  spelling, so that no change of a character goes unnoticed.
* Lease secrets and call contexts have grammars of their own, so that they are known wherever they turn up.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ringwall.model.vault import KEY_NAME, KeyName, Sealed

MARK = "rwsealed:"
MAX_VALUE_BYTES = 32 * 1024
"""The longest value that can be sealed, in bytes of UTF-8."""
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_BYTES = NONCE_BYTES + 32 + TAG_BYTES
"""A data key of 32 bytes, encrypted: nonce, key, tag."""
MIN_BODY_BYTES = WRAPPED_BYTES + TAG_BYTES
MAX_BODY_BYTES = MIN_BODY_BYTES + MAX_VALUE_BYTES

_VALUE = re.compile(
    rf"rwsealed:v1:{KEY_NAME.pattern}(?:@(?P<field>[a-z][a-z0-9_]{{0,62}}))?:(?P<version>[1-9][0-9]{{0,8}}):"
    r"(?P<body>[A-Za-z0-9_-]+)"
)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST = (_ALPHABET, "", _ALPHABET[::16], _ALPHABET[::4])
"""What a canonical text may end with, by its length modulo 4: characters whose bits left over are zero."""
_LEASE = re.compile(r"rwl_[0-9a-f]{32}_[A-Za-z0-9_-]{16,}|rw_lease_[0-9a-f]{32}|rwcall1\.[A-Za-z0-9_-]{16,}")


@dataclass(frozen=True, slots=True)
class Found:
    """A place that looks sealed.

    Attributes:
        start: First code point.
        end: One past the last.
        sealed: The value; None when it is malformed.
    """

    start: int
    end: int
    sealed: Sealed | None


def find(text: str) -> Iterator[Found]:
    """Every sealed value in a text, and every place that only looks like one, in order."""
    at = text.find(MARK)
    while at >= 0:
        match = _VALUE.match(text, at)
        if match is None:
            yield Found(at, at + len(MARK), None)
            at = text.find(MARK, at + len(MARK))
            continue
        yield Found(at, match.end(), _parse(match))
        at = text.find(MARK, match.end())


def whole(text: str) -> Sealed | None:
    """The value, when the text is one sealed value and nothing else."""
    match = _VALUE.fullmatch(text) if text.startswith(MARK) else None
    return None if match is None else _parse(match)


def write(sealed: Sealed) -> str:
    """The one spelling of a sealed value."""
    field = f"@{sealed.row_field}" if sealed.row_field else ""
    return f"{MARK}v1:{sealed.key}{field}:{sealed.version}:{_encode(sealed.body)}"


def leases(text: str) -> Iterator[tuple[int, int]]:
    """Spans of lease secrets, names of leased roles and call contexts in a text."""
    if "rw" in text:
        for match in _LEASE.finditer(text):
            yield match.span()


def _parse(match: re.Match[str]) -> Sealed | None:
    encoded = match["body"]
    if encoded[-1] not in _LAST[len(encoded) % 4] or len(encoded) > MAX_BODY_BYTES * 4 // 3 + 1:
        return None
    body = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    if not MIN_BODY_BYTES <= len(body) <= MAX_BODY_BYTES:
        return None
    name = KeyName(match["workload"], match["table"], match["column"])
    return Sealed(name, int(match["version"]), match["field"] or "", body)


def _encode(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode("ascii")
