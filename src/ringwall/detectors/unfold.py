"""What does a character stand for? One character at a time, with no context, so that a map back is always possible.

* `CANONICAL` undoes compatibility forms (NFKC), drops what cannot be seen, and makes every blank a space and every
  quotation mark and dash a plain one. Case stays.
* `SKELETON` goes further, for comparison only: look-alikes of other scripts become the letter they look like
  (after Unicode TR 39), and accents fall away. It is lossy: text in Cyrillic is judged before it, and after it.
* Both are tables for `str.translate` that fill themselves; how much they keep is bounded.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

MAX_KEPT = 1 << 16
"""Characters that a table remembers; beyond, it works them out anew."""

INVISIBLE_RANGES = (
    (0x00, 0x08), (0x0B, 0x0C), (0x0E, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C),
    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
    (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Controls, joiners, bidirectional marks, fillers, variation selectors, tags. Tab, line feed and return stay."""

TAGS = range(0xE0020, 0xE007F)
SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))

INVISIBLE = frozenset(chr(each) for first, last in INVISIBLE_RANGES for each in range(first, last + 1))
INVISIBLE_CLASS = "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in INVISIBLE_RANGES)
"""The same, as the inside of a character class."""

_LOOK_ALIKES = {
    # Cyrillic
    "аɑ": "a", "в": "b", "сϲ": "c", "ԁ": "d", "еєҽэ": "e", "ғ": "f", "ԍ": "g", "һнң": "h", "іїι": "i", "јʝ": "j",
    "кқκ": "k", "ӏ": "l", "мм": "m", "пո": "n", "оοσօӧө": "o", "рρ": "p", "ԛ": "q", "гґ": "r", "ѕ": "s", "тτ": "t",
    "ᴜυս": "u", "ѵν": "v", "ԝшωɯ": "w", "хχ": "x", "уүγ": "y", "зʒ": "z",
    "АΑ": "A", "ВΒ": "B", "СϹ": "C", "ЕΕ": "E", "Ԍ": "G", "НΗ": "H", "ІΙӀ": "I", "Ј": "J", "КΚ": "K", "МΜ": "M",
    "Ν": "N", "ОΟ": "O", "РΡ": "P", "Ѕ": "S", "ТΤ": "T", "ХΧ": "X", "УΥ": "Y", "ΖЗ": "Z", "Ѵ": "V", "Ԝ": "W",
    # Greek
    "α": "a", "β": "b", "ε": "e", "η": "n", "ζ": "z", "δ": "d", "λ": "l", "μ": "u", "π": "n", "θ": "o", "φ": "o",
    # Latin letters of other shape
    "ı": "i", "ȷ": "j", "ł": "l", "đ": "d", "ø": "o", "ħ": "h", "ŧ": "t", "ʏ": "y", "ᴀ": "a", "ʙ": "b", "ᴄ": "c",
    "ᴅ": "d", "ᴇ": "e", "ꜰ": "f", "ɢ": "g", "ʜ": "h", "ɪ": "i", "ᴊ": "j", "ᴋ": "k", "ʟ": "l", "ᴍ": "m", "ɴ": "n",
    "ᴏ": "o", "ᴘ": "p", "ǫ": "q", "ʀ": "r", "ꜱ": "s", "ᴛ": "t", "ᴠ": "v", "ᴡ": "w", "ᴢ": "z",
    "ɐ": "a", "ɔ": "c", "ǝə": "e", "ɟ": "f", "ƃɡ": "g", "ɥ": "h", "ᴉ": "i", "ɾ": "j", "ʞ": "k", "ɹ": "r",
    "ʇ": "t", "ʌ": "v", "ʍ": "w", "ʎ": "y",
    # Cherokee, Armenian, Lisu and others that pass for capitals
    "Ꭺꓮ": "A", "Ᏼꓐ": "B", "Ꮯꓚ": "C", "Ꭰꓓ": "D", "Ꭼꓰ": "E", "ꓝ": "F", "Ꮐꓖ": "G", "Ꮋꓧ": "H", "ꓲ": "I", "Ꭻꓙ": "J",
    "Ꮶꓗ": "K", "Ꮮꓡ": "L", "Ꮇꓟ": "M", "ꓠ": "N", "Օꓳ": "O", "Ꮲꓑ": "P", "Ꭱꓣ": "R", "Ꮪꓢ": "S", "Ꭲꓔ": "T", "Սꓴ": "U",
    "Ꮩꓦ": "V", "Ꮃꓪ": "W", "ꓫ": "X", "ꓬ": "Y", "Ꮓꓜ": "Z",
    "´": "'", "∣ǀ": "|",
}  # fmt: skip
_SKELETON_OF = {ord(each): letter for group, letter in _LOOK_ALIKES.items() for each in group}
_PUNCTUATION = {
    ord(each): plain
    for group, plain in (("‘’‛′", "'"), ("“”„‟″", '"'), ("‐‑‒–—―−", "-"), ("⁄∕", "/"), ("․", "."), ("ǃ", "!"))
    for each in group
}
_BOXED = {
    **{0x1F1E6 + index: chr(ord("A") + index) for index in range(26)},  # regional indicators
    **{base + index: chr(ord("A") + index) for base in (0x1F130, 0x1F150, 0x1F170) for index in range(26)},
}
_DOTTED_CAPITAL_I = 0x130
"""The one character whose lower case is two; without it, lower case keeps every offset."""


class Table(dict[int, str]):
    """A translation table that fills itself."""

    __slots__ = ("_of",)

    def __init__(self, of: Callable[[int], str]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, code: int) -> str:
        found = self._of(code)
        if len(self) < MAX_KEPT:
            self[code] = found
        return found

    def origin(self, text: str) -> Callable[[int, int], tuple[int, int]]:
        """How spans of the translated text map back to spans of the text."""
        ends: list[int] = []

        def back(start: int, end: int) -> tuple[int, int]:
            if not ends:
                ends.extend(accumulate(len(self[ord(each)]) for each in text))
            return bisect_right(ends, start), bisect_right(ends, end - 1) + 1

        return back


def _canonical(code: int) -> str:
    each = chr(code)
    if each in INVISIBLE:
        return ""
    if code in (0x2028, 0x2029, 0x85):
        return "\n"
    if code == 0x2800 or unicodedata.category(each) == "Zs":
        return " "
    if code == _DOTTED_CAPITAL_I:
        return "I"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return _PUNCTUATION.get(code) or _BOXED.get(code) or unicodedata.normalize("NFKC", each)


def _skeleton(code: int) -> str:
    each = chr(code)
    if code in _SKELETON_OF:
        return _SKELETON_OF[code]
    if each.isascii():
        return each
    bare = "".join(part for part in unicodedata.normalize("NFKD", each) if unicodedata.category(part) != "Mn")
    return "".join(_SKELETON_OF.get(ord(part), part) for part in bare)


CANONICAL = Table(_canonical)
SKELETON = Table(_skeleton)


_CARRIER = re.compile("[\U000e0020-\U000e007e\ufe00-\ufe0f\U000e0100-\U000e01ef]{4}")


def hidden(text: str) -> str:
    """What was written in characters that cannot be seen: tags (ASCII shifted up) and variation selectors (bytes)."""
    if not _CARRIER.search(text):
        return ""
    tags = "".join(chr(ord(each) - 0xE0000) for each in text if ord(each) in TAGS)
    carried = bytes(
        ord(each) - 0xFE00 if ord(each) in SELECTORS[0] else ord(each) - 0xE0100 + 16
        for each in text
        if any(ord(each) in selectors for selectors in SELECTORS)
    )
    smuggled = carried.decode("utf-8", "ignore") if len(carried) > 3 else ""
    return "\n".join(each for each in (tags, smuggled) if each)
