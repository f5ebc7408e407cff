"""Which identifiers of persons stand in a text? Cards, US social security numbers, IBANs, e-mail addresses, phones.

* Check digits decide where there are any: Luhn for cards, mod 97 for IBANs, the rules of the administration for social
  security numbers. Without any we are conservative: a phone number must look like one.
* Every place where an identifier may begin is tried, so that what is found at a place depends only on the text around
  it (`MAX_SPAN`), never on where the reading began.
* The text is canonical (see `unfold`): full-width digits and invisible characters are undone before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

MAX_SPAN = 400
"""Code points of canonical text that a finding spans or depends on, to either side."""

_GAP = r"[ \t\r\n.,\-_/:*|~·•‐‑‒–—―−]"
_CHAIN = re.compile(rf"[0-9](?:{_GAP}{{0,3}}[0-9]){{12,}}")
_DIGITS = re.compile(r"[0-9]+")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_GROUPINGS = frozenset({(4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 1), (6, 13), (4, 4, 5), (4, 5, 6), (6, 10)})

_SSN = re.compile(r"(?<![0-9A-Za-z.\-])(?=([0-9]{3})([-‐-―− .])([0-9]{2})\2([0-9]{4})(?![0-9A-Za-z]))")
_SSN_NAMED = re.compile(r"(?i)(?=(?:ssn|social security)[^0-9\n]{0,24}?([0-9]{3})([0-9]{2})([0-9]{4})(?![0-9]))")
_SSN_CHARACTERS = 11

_IBAN = re.compile(r"(?<![0-9A-Za-z])(?=[A-Za-z]{2}[0-9]{2}[ \-]?[0-9A-Za-z]{4})")
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip

MAX_LOCAL = 64
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-")
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,8}(?:[^\W\d_]{2,24}|xn--[\w-]{2,59})")

_PHONES = (
    re.compile(r"(?<!\+)(?=(\+[1-9](?:[ .()/\-]{0,2}[0-9]){7,14})(?![0-9]))"),
    re.compile(
        r"(?<![\w.\-/+])(?=((?:1[-. ])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[-. ])[2-9][0-9]{2}[-. ][0-9]{4})(?![\w-]))"
    ),
    re.compile(r"(?<![\w.+\-])(?=(0[1-9](?:[ .\-][0-9]{2}){4})(?![\w-]))"),
    re.compile(r"(?<![\w.+\-/])(?=(\(?0[1-9][0-9]{1,4}\)?[ /\-][0-9]{3,4}[ \-]?[0-9]{3,5})(?![\w-]))"),
)  # fmt: skip


@lru_cache(maxsize=10_000)
def _lengths(prefix: str) -> tuple[int, ...]:
    """How many digits a card may have whose first four are these; empty where no scheme issues such cards."""
    two, three, four = int(prefix[:2]), int(prefix[:3]), int(prefix)
    if prefix[0] == "4":
        return (13, 16, 19)
    if two in (34, 37):
        return (15,)
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return (16,)
    if two in (36, 38, 39) or 300 <= three <= 305:
        return tuple(range(14, 20))
    if two in (50, 56, 57, 58, 63, 67):
        return tuple(range(13, 20))
    if two in (35, 60, 62, 64, 65, 81) or 2200 <= four <= 2204:
        return tuple(range(16, 20))
    return ()


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Spans of card numbers, whole or in groups: known prefix, length of the scheme, Luhn, and a likely grouping.

    Sums over all digits are kept for both parities, so that each candidate costs a few look-ups however long the text.
    """
    for chain in _CHAIN.finditer(text):
        groups = [match.span() for match in _DIGITS.finditer(text, *chain.span())]
        digits = "".join(text[start:end] for start, end in groups)
        ends, at = {}, 0
        for index, (start, end) in enumerate(groups):
            at += end - start
            ends[at] = index
        values = [int(each) for each in digits]
        # sums[p] doubles the digits whose index has not the parity p.
        sums = [
            tuple(
                accumulate((each if index % 2 == p else _DOUBLED[each] for index, each in enumerate(values)), initial=0)
            )
            for p in (0, 1)
        ]
        at = 0
        for first, (start, end) in enumerate(groups):
            for length in _lengths(digits[at : at + 4]) if len(digits) - at >= 13 else ():
                last = ends.get(at + length)
                if last is None:
                    continue
                total = sums[(at + length - 1) % 2]
                if (total[at + length] - total[at]) % 10 == 0 and _plausible(text, groups[first : last + 1]):
                    yield start, groups[last][1]
            at += end - start


def mirrored_cards(text: str) -> Iterator[tuple[int, int]]:
    """Spans of card numbers of usual length that are written from their end.

    Those of 13 and 19 digits are left alone: that long are milli- and nanoseconds since 1970, of which logs are full.
    """
    size = len(text)
    for start, end in cards(text[::-1]):
        if sum(each.isdigit() for each in text[size - end : size - start]) in _USUAL_LENGTHS:
            yield size - end, size - start


def is_moment(digits: str) -> bool:
    """Whether a number may be milli-, micro- or nanoseconds since 1970, from 2014 to 2035."""
    return _MOMENT.fullmatch(digits) is not None


_USUAL_LENGTHS = range(14, 17)
_MOMENT = re.compile(r"(?:1[4-9]|20)[0-9]{11}(?:[0-9]{3}){0,2}")


def _plausible(text: str, groups: list[tuple[int, int]]) -> bool:
    """Whether digits that pass as a card are grouped as people, or hurried attackers, group cards."""
    start, end = groups[0][0], groups[-1][1]
    sizes = tuple(last - first for first, last in groups)
    if len(sizes) == 1:
        # The digits after a decimal point are a fraction; sixteen zeros are a placeholder.
        fraction = start >= 2 and text[start - 1] in ".," and text[start - 2].isdigit()
        return not fraction and len(set(text[start:end])) > 1
    fours = sum(sizes) == 16 and all(size % 4 == 0 for size in sizes)
    regular = sizes[0] <= 4 and all(size == sizes[0] for size in sizes[:-1]) and sizes[-1] <= sizes[0]
    listed = "," in text[start:end] or "\n" in text[start:end]
    return fours or (regular and (not listed or sizes[0] in (1, 4))) or sizes in _GROUPINGS


def social_security_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Spans of US social security numbers that the administration may have issued."""
    for match in _SSN.finditer(text):
        if _issued(match[1], match[3], match[4]):
            yield match.start(), match.start() + _SSN_CHARACTERS
    for match in _SSN_NAMED.finditer(text):
        if _issued(match[1], match[2], match[3]):
            yield match.start(1), match.end(3)


def _issued(area: str, group: str, serial: str) -> bool:
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of IBANs whose length is their country's and whose check digits hold (ISO 13616, mod 97)."""
    for match in _IBAN.finditer(text):
        start = match.start()
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        if length is None:
            continue
        taken, at = "", start
        while len(taken) < length and at < len(text):
            each = text[at]
            if each.isascii() and each.isalnum():
                taken += each.upper()
            elif each not in " -" or text[at - 1] in " -":
                break
            at += 1
        ends = at == len(text) or not (text[at].isascii() and text[at].isalnum())
        if len(taken) == length and ends and int("".join(str(int(c, 36)) for c in taken[4:] + taken[:4])) % 97 == 1:
            yield start, at


def emails(text: str) -> Iterator[tuple[int, int]]:
    """Spans of e-mail addresses."""
    at = text.find("@")
    while at >= 0:
        start = at
        while start > max(0, at - MAX_LOCAL) and (text[start - 1] in _LOCAL or text[start - 1].isalpha()):
            start -= 1
        if start < at and (domain := _DOMAIN.match(text, at + 1)):
            yield start, domain.end()
        at = text.find("@", at + 1)


def phones(text: str) -> Iterator[tuple[int, int]]:
    """Spans of phone numbers: international with a plus sign, and the common national forms."""
    for form in _PHONES:
        for match in form.finditer(text):
            yield match.span(1)
