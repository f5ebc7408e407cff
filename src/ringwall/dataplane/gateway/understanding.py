"""What would a model that obeys everything read in a text? The text, and what stands in it in disguise.

A rehearsal is worth something only if the attack works when nothing stops it. So the compromised model takes off every
disguise in which rehearsals write: base64, hexadecimal, ROT13, Morse, leetspeak, look-alikes, invisible characters. It
does so in its own way and not with the detectors' code: what both overlook would pass for prevented.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator

MIN_RUN = 16
"""Characters of the shortest encoded run that is tried."""
_BASE64 = re.compile(rf"[A-Za-z0-9+/_-]{{{MIN_RUN},}}={{0,2}}")
_HEX = re.compile(rf"(?:[0-9a-fA-F]{{2}}[ :]?){{{MIN_RUN // 2},}}")
_MORSE = re.compile(r"(?:[.\-]{1,6}(?: / | |/)?){8,}")
_LETTERS = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
).split()
_MORSE_LETTERS = {code: chr(ord("a") + index) for index, code in enumerate(_LETTERS)}
_LEET = str.maketrans("013457@$", "oieastas")
_ALIKE = str.maketrans("авекмнорстухіјѕԁɡοαερν", "abekmhopctyxijsdgoaepv")
_TAGS = range(0xE0020, 0xE007F)
_WORDS = re.compile(r"\b(?:ignore|show|call|send|post|card|instructions)\b", re.I)


def readings(text: str) -> Iterator[str]:
    """The text, then everything that it may say in disguise; each once."""
    seen: set[str] = set()
    for each in (text, *_disguised(text)):
        if each and each not in seen:
            seen.add(each)
            yield each


def _disguised(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKC", text).lower().translate(_ALIKE)
    yield "".join(each for each in plain if unicodedata.category(each) not in ("Cf", "Mn", "Cc") or each == "\n")
    yield "".join(chr(ord(each) - 0xE0000) for each in text if ord(each) in _TAGS)
    for turned in (codecs.decode(text, "rot13"), text.lower().translate(_LEET)):
        if _WORDS.search(turned):
            yield turned
    for run in _BASE64.findall(text):
        yield _decoded(base64.b64decode, run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4))
    for run in _HEX.findall(text):
        yield _decoded(bytes.fromhex, re.sub("[ :]", "", run))
    for run in _MORSE.findall(text):
        yield " ".join("".join(_MORSE_LETTERS.get(code, "") for code in word.split()) for word in run.split("/"))


def _decoded(decode: Callable[[str], bytes], run: str) -> str:
    try:
        text = decode(run).decode("utf-8", "ignore")
    except (ValueError, binascii.Error):
        return ""
    return text if text.isprintable() else ""
