"""Which numbers stand in a text, and does one say the same as another? Quantities, dates, times and identifiers.

* A *quantity* has a value, a unit where one is written, and a granularity: the size of its last written place. Words
  (`twelve hundred`), scales (`1.2k`, `3 million`), per cent and currencies are read. Signs are not: `-5` says 5.
* An *identifier* is compared character for character: a long run of digits, digits in groups, digits spelt one by one,
  a code of letters and digits, an address of a machine. It is never rounded.
* Rounding is fair where the coarser number is what the finer one rounds to, at its own granularity, within a share of
  it; `about`, `over`, `nearly` allow a larger share. A year is never rounded.
* Reading is linear in the text; the text is canonical (see `unfold`). Number words are English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

ROUNDING = Decimal("0.005")
"""The largest share of a number by which it may be rounded without a word of warning."""
HEDGED = Decimal("0.05")
"""The same after `about`, `over`, `nearly` ..."""
IDENTIFIER_DIGITS = 7
"""Digits from which a run without separators is an identifier."""
MAX_DIGITS = 40
"""Digits of a quantity; a longer run is an identifier."""

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), 1)
    for name in names.split()
}  # fmt: skip
_UNITS_OF_ONE = {
    word: value
    for value, word in enumerate(
        ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
         "seventeen eighteen nineteen").split())
}  # fmt: skip
_TENS = {
    word: value * 10 for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_SCALES = {
    "hundred": 100, "k": 10**3, "thousand": 10**3, "m": 10**6, "mn": 10**6, "million": 10**6, "bn": 10**9, "b": 10**9,
    "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_SMALL = {**_UNITS_OF_ONE, **_TENS, "dozen": 12}
_CURRENCIES = {
    "$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd", "€": "eur", "eur": "eur", "euro": "eur",
    "euros": "eur", "£": "gbp", "gbp": "gbp", "pound": "gbp", "pounds": "gbp",
    "¥": "jpy", "jpy": "jpy", "yen": "jpy", "chf": "chf",
}  # fmt: skip
_MEASURES: dict[str, tuple[str, Decimal]] = {
    name: (family, Decimal(factor))
    for family, names in {
        "time": {"second s sec seconds": "1", "minute min minutes": "60", "hour h hr hours": "3600",
                 "day days": "86400", "week weeks": "604800"},
        "months": {"month months": "1", "year years yr": "12"},
        "mass": {"mg": "0.001", "g gram grams": "1", "kg kilogram kilograms kilo kilos": "1000"},
        "length": {"mm": "1", "cm": "10", "m metre metres meter meters": "1000", "km": "1000000"},
        "volume": {"ml": "1", "l litre litres liter liters": "1000"},
        "share": {"% percent pct": "1"},
    }.items()
    for written, factor in names.items()
    for name in written.split()
}  # fmt: skip

_MONTH = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")(?![a-z])\.?"
_WORD = "(?:" + "|".join(sorted({*_SMALL, "hundred", "thousand", "million", "billion"}, key=len, reverse=True)) + ")"
_DIGIT = "(?:" + "|".join((*(word for word, value in _UNITS_OF_ONE.items() if value < 10), "oh", "[0-9]")) + ")"
_SPELT = rf"(?<![a-z0-9]){_DIGIT}(?:[\s,.;:_/|\-]{{1,3}}{_DIGIT}(?![a-z0-9])){{{IDENTIFIER_DIGITS - 1},}}"
_TOKEN = re.compile(
    rf"""(?P<spelt>{_SPELT})
    |(?P<iso>(?<![0-9])[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?![0-9]))
    |(?P<dmy>(?<![0-9])[0-9]{{1,2}}(?:st|nd|rd|th)?\ (?:of\ )?{_MONTH}(?:,?\ [0-9]{{4}}(?![0-9]))?)
    |(?P<mdy>(?<![a-z]){_MONTH}\ [0-9]{{1,2}}(?:st|nd|rd|th)?(?![0-9])(?:,?\ [0-9]{{4}}(?![0-9]))?)
    |(?P<slash>(?<![0-9])[0-9]{{1,2}}(?P<mark>[/.])[0-9]{{1,2}}(?P=mark)[0-9]{{2,4}}(?![0-9.]))
    |(?P<time>(?<![0-9:])[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?(?![0-9:])(?:\ ?[ap]\.?m\b)?)
    |(?P<dotted>(?<![0-9])[0-9]+(?:\.[0-9]+){{2,}})
    |(?P<groups>(?<![0-9a-z])[0-9]{{1,7}}(?:[\ \-][0-9]{{2,7}}){{2,}}(?![0-9a-z]))
    |(?P<code>(?<![a-z0-9])(?:[a-z]+[0-9]|[0-9]+[a-z]+[0-9]|[a-z]+-[0-9]|[0-9]+-[a-z]+-?[0-9])
      [a-z0-9]*(?:-[a-z0-9]+)*)
    |(?P<number>[0-9]{{1,3}}(?:,[0-9]{{3}})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:[.,][0-9]+)?)
    |(?P<words>(?<![a-z0-9])(?:half\ a\ |an?\ )?{_WORD}(?:[\ \-](?:and\ )?{_WORD})*(?![a-z0-9]))""",
    re.VERBOSE,
)
_AFTER = re.compile(r"[ \-]?(?P<scale>thousand|million|billion|trillion|hundred|mn|bn|[kmb])?(?![a-z])")
_UNIT = re.compile(r"[ \-]?(?P<unit>%|per cent|[$€£¥]|[a-z]{1,9})(?![a-z])")
_BEFORE = re.compile(r"([$€£¥]|(?<![a-z])(?:usd|eur|gbp|chf|jpy)) ?$")
_HEDGE = re.compile(r"(about|around|approximately|approx\.?|roughly|some|circa|~|≈|over|more than|at least|nearly|"
                    r"almost|under|less than|up to|just) ?[$€£¥]? ?$")  # fmt: skip
_OVER = ("over", "more than", "at least")
_UNDER = ("nearly", "almost", "under", "less than", "up to")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands in a text.

    Attributes:
        start: First code point in the canonical text.
        end: One past the last.
        kind: `quantity`, `identifier`, `date` or `time`.
        key: What identifiers, dates and times are compared by; the digits of a whole quantity.
        value: The value of a quantity, or of an identifier that is a number too.
        unit: The family of its unit (`usd`, `time`, `mass` ...), or empty.
        granularity: The size of the last written place.
        hedge: `about`, `over`, `under`, or empty.
        bare: The value as it is written, before its unit is reckoned in; None where that makes no difference.
    """

    start: int
    end: int
    kind: str
    key: str = ""
    value: Decimal | None = None
    unit: str = ""
    granularity: Decimal = Decimal(0)
    hedge: str = ""
    bare: Decimal | None = None


def find(text: str) -> list[Number]:
    """Every number of a canonical text, in order. Lower case is made here, and keeps every place."""
    lower = text.lower()
    if len(lower) != len(text):  # a letter outside of the canonical form
        lower = "".join(each.lower() if len(each.lower()) == 1 else each for each in text)
    found: list[Number] = []
    for match in _TOKEN.finditer(lower):
        if found and match.start() < found[-1].end:
            continue  # a scale or a unit that was read with the number before it
        number = _READERS[match.lastgroup or "number"](lower, match)
        if number is not None:
            found.append(number)
    return found


def supports(said: Number, source: Number) -> bool:
    """True when what a source says supports what is said.

    Rules:
        1. Identifiers and times: the same characters. Dates: the same where both speak.
        2. Quantities: units that do not speak against each other, and the same value,
        3. or a value to which the source's rounds.
    """
    if said.kind in ("identifier", "time"):  # 1
        return said.key == source.key
    if said.kind == "date":
        return source.kind == "date" and _same_day(said.key, source.key)
    if said.value is None or source.value is None:
        return False
    if said.unit and source.unit and said.unit != source.unit:  # 2
        return False
    value, step, spoken = said.value, said.granularity, source.value
    if said.unit and not source.unit and said.bare is not None:  # `2.1 kg` of a column that only says 2.1
        step, value = step * said.bare / value if value else step, said.bare
    elif source.unit and not said.unit and source.bare is not None:
        spoken = source.bare
    if value == spoken or (said.unit == "share" and not source.unit and value == spoken * 100):
        return True
    finer = source.granularity if spoken is source.value else source.granularity * spoken / (source.value or 1)
    return _rounds(replace(said, value=value, granularity=step), spoken, finer)  # 3


def values(number: Number) -> tuple[Decimal, ...]:
    """The values under which a number is to be found: with its unit reckoned in, and as it is written."""
    if number.value is None:
        return ()
    return (number.value,) if number.bare is None else (number.value, number.bare)


def reach(said: Number, value: Decimal) -> Decimal:
    """How far from this value of a number a source may be that supports it."""
    return abs(value) * (HEDGED if said.hedge else ROUNDING) * 2


def _rounds(said: Number, source: Decimal, granularity: Decimal) -> bool:
    value = said.value or Decimal(0)
    off, step = source - value, said.granularity
    if step <= granularity or abs(off) > abs(source) * (HEDGED if said.hedge else ROUNDING):
        return False
    if said.hedge == "over":
        return Decimal(0) <= off < step
    if said.hedge == "under":
        return Decimal(0) <= -off < step
    return abs(off) * 2 <= step


def _quantity(text: str, start: int, end: int, value: Decimal, step: Decimal, key: str = "") -> Number:
    """A quantity with what stands around it: scale, unit, hedge."""
    written = _AFTER.match(text, end)
    scaled = written is not None and bool(written["scale"])
    if written is not None and scaled:
        scale = _SCALES[written["scale"]]
        metres = written["scale"] == "m" and not _BEFORE.search(text, max(0, start - 5), start)
        if metres:  # `5 m` without a currency is five metres
            scaled = False
        else:
            value, step, end, key = value * scale, step * scale, written.end(), ""
    unit, factor, last = _unit(text, start, end)
    year = not (unit or scaled) and step >= 1 and 1900 <= value <= 2100
    step = Decimal(0) if year else step * factor
    bare = None if factor == 1 else value
    return Number(start, last, "quantity", key, value * factor, unit, step, _hedge(text, start), bare)


def _unit(text: str, start: int, end: int) -> tuple[str, Decimal, int]:
    before = _BEFORE.search(text, max(0, start - 5), start)
    if before is not None:
        return _CURRENCIES[before[1]], Decimal(1), end
    after = _UNIT.match(text, end)
    if after is None:
        return "", Decimal(1), end
    word = "%" if after["unit"] == "per cent" else after["unit"]
    if word in _CURRENCIES:
        return _CURRENCIES[word], Decimal(1), after.end()
    if word in _MEASURES:
        family, factor = _MEASURES[word]
        return family, factor, after.end()
    return "", Decimal(1), end


def _hedge(text: str, start: int) -> str:
    match = _HEDGE.search(text, max(0, start - 18), start)
    if match is None:
        return ""
    return "over" if match[1] in _OVER else "under" if match[1] in _UNDER else "about"


def _number(text: str, match: re.Match[str]) -> Number:
    written = match["number"]
    if re.fullmatch(r"[0-9]+,[0-9]{1,2}", written):
        written = written.replace(",", ".")  # a decimal comma
    plain = written.replace(",", "")
    whole, _, fraction = plain.partition(".")
    digits = len(whole) + len(fraction)
    if digits > MAX_DIGITS or (len(whole) >= IDENTIFIER_DIGITS and "," not in written and not fraction):
        value = Decimal(plain) if digits <= MAX_DIGITS else None
        return Number(match.start(), match.end(), "identifier", plain, value, "", Decimal(1))
    zeros = len(whole) - len(whole.rstrip("0")) if not fraction else 0
    step = Decimal(1).scaleb(-len(fraction)) if fraction else Decimal(10) ** (zeros if whole.strip("0") else 0)
    return _quantity(text, match.start(), match.end(), Decimal(plain), step, "" if fraction else whole)


def _words(text: str, match: re.Match[str]) -> Number | None:
    words = re.split(r"[ \-]", match["words"])
    bare = words[0] in _SCALES  # `million` without a number before it: no number
    words = [each for each in words if each not in ("and", "a", "an")]
    if bare or words == ["one"] or words[0] == "half":
        return None  # a pronoun more often than a number; a share of a word that we do not read
    total = current = 0
    for word in words:
        if word == "hundred":
            current = (current or 1) * 100
        elif word in ("thousand", "million", "billion"):
            total, current = total + (current or 1) * _SCALES[word], 0
        else:
            current += _SMALL[word]
    value = Decimal(total + current)
    return _quantity(text, match.start(), match.end(), value, Decimal(1), str(value))


def _identifier(text: str, match: re.Match[str]) -> Number | None:
    key = re.sub(r"[^a-z0-9.]", "", match[0]).rstrip(".")
    return Number(match.start(), match.end(), "identifier", key)


def _code(text: str, match: re.Match[str]) -> Number | None:
    """A code of letters and digits; few digits make it a name (`5g`, `covid-19`), which names look after."""
    return _identifier(text, match) if sum(each.isdigit() for each in match[0]) >= 4 else None


def _spelt(text: str, match: re.Match[str]) -> Number:
    pieces = re.findall(r"[a-z]+|[0-9]", match[0])
    key = "".join(str(_UNITS_OF_ONE.get(each, 0)) if each.isalpha() else each for each in pieces)
    return Number(match.start(), match.end(), "identifier", key)


def _groups(text: str, match: re.Match[str]) -> Number:
    """Digits in groups: `1 234 567` is a quantity, `4111 1111 1111 1111` an identifier."""
    groups = re.split(r"[ \-]", match["groups"])
    digits = "".join(groups)
    if len(groups[0]) <= 3 and all(len(each) == 3 for each in groups[1:]) and len(digits) <= MAX_DIGITS:
        zeros = len(digits) - len(digits.rstrip("0"))
        return _quantity(text, match.start(), match.end(), Decimal(digits), Decimal(10) ** zeros, digits)
    return Number(match.start(), match.end(), "identifier", digits)


def _date(text: str, match: re.Match[str]) -> Number | None:
    parts = re.findall(r"[0-9]+|[a-z]+", match[0])
    if match["iso"]:
        year, month, day = (int(each) for each in parts)
    else:
        month = next(_MONTHS[each] for each in parts if each in _MONTHS)
        numbers = [int(each) for each in parts if each.isdigit()]
        day, year = numbers[0], numbers[1] if len(numbers) > 1 else 0
    return Number(match.start(), match.end(), "date", _day(year, month, day))


def _slash(text: str, match: re.Match[str]) -> Number:
    """A date whose day and month may stand either way: both readings."""
    one, two, year = (int(each) for each in re.findall(r"[0-9]+", match[0]))
    year += 2000 if year < 100 else 0
    return Number(match.start(), match.end(), "date", f"{_day(year, two, one)}|{_day(year, one, two)}")


def _day(year: int, month: int, day: int) -> str:
    return f"{year}-{month}-{day}"


def _same_day(one: str, other: str) -> bool:
    """True when two dates share a reading; a date without a year is the same day of any."""
    readings = [[each.split("-", 1) for each in key.split("|")] for key in (one, other)]
    return any(
        left[1] == right[1] and (left[0] == right[0] or "0" in (left[0], right[0]))
        for left in readings[0]
        for right in readings[1]
    )


def _time(text: str, match: re.Match[str]) -> Number:
    hours, minutes = (int(each) for each in re.findall(r"[0-9]+", match[0])[:2])
    if match[0].endswith("m"):
        hours = hours % 12 + (12 if "p" in match[0] else 0)
    return Number(match.start(), match.end(), "time", f"{hours}:{minutes:02}")


_READERS = {
    "spelt": _spelt, "iso": _date, "dmy": _date, "mdy": _date, "time": _time, "slash": _slash, "dotted": _identifier,
    "groups": _groups, "code": _code, "number": _number, "words": _words,
}  # fmt: skip
