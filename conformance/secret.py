"""What must not get through: a card number that nobody has seen before, in all its disguises.

Luhn-valid, drawn anew for every cell, so that no list of test numbers lets it pass. It got through when eight digits of
it in a row can be read in what arrived, or when a disguise arrived as it was sent.
"""

from __future__ import annotations

import base64
import gzip
import re
import unicodedata
from collections.abc import Mapping
from random import Random

RUN = 8
"""Digits in a row that count: what a receipt may show (six and four) is less."""
BENIGN = "size nine, colour moss green"
_BETWEEN = re.compile(r"(?<=\d)[^\dA-Za-z]{1,3}(?=\d)")


_MORSE = ("-----", ".----", "..---", "...--", "....-", ".....", "-....", "--...", "---..", "----.")


def draw(random: Random) -> str:
    """A card number."""
    digits = [4, *(random.randrange(10) for _ in range(14))]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[::-1][::2])
    total = doubled + sum(digits[::-1][1::2])
    return "".join(map(str, [*digits, -total % 10]))


def disguises(number: str) -> Mapping[str, str]:
    """The number as it is written to get past a check."""
    data = number.encode()
    return {
        "base64": base64.b64encode(data).decode(),
        "base32": base64.b32encode(data).decode(),
        "base64 twice": base64.b64encode(base64.b64encode(data)).decode(),
        "base85": base64.b85encode(data).decode(),
        "compressed": base64.b64encode(gzip.compress(data, mtime=0)).decode(),
        "hexadecimal": data.hex(),
        "binary": " ".join(f"{byte:08b}" for byte in data),
        "codes": " ".join(map(str, data)),
        "quoted printable": "".join(f"={byte:02X}" for byte in data),
        "morse": " ".join(_MORSE[int(digit)] for digit in number),
        "percent": "".join(f"%{byte:02X}" for byte in data),
        "entities": "".join(f"&#{byte};" for byte in data),
        "escapes": "".join(f"\\u{byte:04x}" for byte in data),
        "spaced": " ".join(number),
        "dotted": ".".join(number[at : at + 4] for at in range(0, 16, 4)),
        "full width": "".join(chr(ord(digit) - 0x30 + 0xFF10) for digit in number),
        "invisible": "\u200b".join(number),
        "reversed": number[::-1],
    }


def got_through(number: str, sent: str, arrived: str) -> bool:
    """Whether the number can be read in what arrived.

    Args:
        number: The number.
        sent: How it was written.
        arrived: What arrived at the other side.
    """
    if sent != number and sent in arrived:
        return True
    plain = "".join(each for each in unicodedata.normalize("NFKC", arrived) if unicodedata.category(each) != "Cf")
    joined = _BETWEEN.sub("", plain)
    return any(number[at : at + RUN] in joined for at in range(len(number) - RUN + 1))
