"""How is text hidden inside text? Decoders, each with the runs that it reads.

* A *run* is a stretch that may be an encoding: base64, base85, base32, hexadecimal, binary, decimal codes, Morse,
  percent, quoted-printable, entities, escapes, spaced-out letters; what comes out of it compressed (gzip, zlib) is
  read, too. A decoder gives back readable text, or None.
* A *cipher* turns the whole text: Caesar (ROT13 and the other shifts), reversed, leetspeak.
* Whether anything is worth decoding is asked of compiled patterns first; ordinary prose never reaches a decoder.
* The expressions below are single classes under a repeat, so that Python's engine reads them in linear time. They
  find where a run begins and ends; they judge nothing.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import string
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from ringwall.detectors.patterns import Pattern

MIN_READABLE = 0.9
"""The share of printable characters from which decoded bytes count as text."""

MIN_GLUED = 32
"""Characters from which a run is also tried without its first three."""

CIPHER_WORDS = ("ignore", "disregard", "forget", "previous", "instructions", "system prompt", "override", "credit card")
LEET_WORDS = (*CIPHER_WORDS, "instruction", "reveal", "jailbreak", "password", "developer mode", "all prior", "bypass")
_LEET_CLASSES = {
    "a": "a4@", "b": "b8", "c": "c(", "e": "e3", "g": "g69", "i": "i1!|l", "l": "l1|", "o": "o0", "s": "s5$",
    "t": "t7+", "z": "z2",
}  # fmt: skip
LEET_I = str.maketrans("4@8(369!|05$7+21", "aabceggiiosstt" + "zi")
LEET_L = str.maketrans("4@8(369!|05$7+21", "aabceggiiosstt" + "zl")

_MORSE = {
    ".-": "a", "-...": "b", "-.-.": "c", "-..": "d", ".": "e", "..-.": "f", "--.": "g", "....": "h", "..": "i",
    ".---": "j", "-.-": "k", ".-..": "l", "--": "m", "-.": "n", "---": "o", ".--.": "p", "--.-": "q", ".-.": "r",
    "...": "s", "-": "t", "..-": "u", "...-": "v", ".--": "w", "-..-": "x", "-.--": "y", "--..": "z",
    "-----": "0", ".----": "1", "..---": "2", "...--": "3", "....-": "4", ".....": "5", "-....": "6", "--...": "7",
    "---..": "8", "----.": "9", ".-.-.-": ".", "--..--": ",", "..--..": "?", "-.-.--": "!",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoder:
    """One encoding that stands in runs.

    Attributes:
        name: Its name.
        triggers: Ids of the triggers of which one occurs in a text that holds such a run.
        signs: Ids of what a run holds that is worth reading.
        run: Where a run begins and ends.
        decode: The readable text of a run, or None.
    """

    name: str
    triggers: frozenset[str]
    signs: tuple[str, ...]
    run: re.Pattern[str]
    decode: Callable[[str], str | None]

    def near(self, text: str, start: int, end: int, reach: int) -> Iterator[tuple[int, int]]:
        """What of a run lies within `reach` of a trigger that it holds, for a run too long to be decoded."""
        first = last = -1
        for at in sorted(at for each in self.signs for at in _starts(each, text, start, end)):
            if first >= 0 and at - reach > last:
                yield first, last
                first = -1
            if first < 0:
                first = max(at - reach, start)
            last = min(at + reach, end)
        if first >= 0:
            yield first, last

    def runs(self, text: str) -> Iterator[re.Match[str]]:
        """The runs worth reading. Each holds a trigger itself: a trigger elsewhere in the text changes nothing."""
        for match in self.run.finditer(text):
            if any(_LOOKING[each].search(text, *match.span()) for each in self.signs):
                yield match


def readable(data: bytes) -> str | None:
    """Bytes as text, or None when they are something else. A little garbage among them is borne: it is a disguise."""
    text = data.decode("utf-16-le" if data[1:2] == b"\x00" else "utf-8", "replace")
    broken = text.count("\ufffd")
    allowed = (1 - MIN_READABLE) * len(text)
    if len(text) < 4 or broken > allowed:
        return None
    if not text.isprintable():
        broken += sum(not each.isprintable() and each not in "\n\t\r" for each in text)
    return text if broken <= allowed else None


def _inflated(data: bytes) -> bytes:
    """Compressed bytes as they were, up to a bound; what is none as it is."""
    if not data.startswith(_COMPRESSED):
        return data
    unpack = zlib.decompressobj(wbits=47)  # gzip or zlib, whichever it is
    try:
        return unpack.decompress(data, MAX_INFLATED)
    except zlib.error:
        return data


_COMPRESSED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
MAX_INFLATED = 300_000
"""Bytes that compressed ones are unpacked to: more than any reader of this looks at, so that it knows."""


def _base85(run: str) -> str | None:
    if _PLAIN_ALPHABET.fullmatch(run):
        return None  # of base64's, or a name: this many characters of base85 have others among them
    return _eighty_five(base64.b85decode, run)


def _ascii85(run: str) -> str | None:
    return _eighty_five(base64.a85decode, run.removeprefix("<~").removesuffix("~>"))


def _eighty_five(decode: Callable[[str], bytes], run: str) -> str | None:
    try:
        return readable(_inflated(decode(run)))
    except ValueError:
        return None


_PLAIN_ALPHABET = re.compile(r"[A-Za-z0-9+_=-]+")


def _quoted(run: str) -> str | None:
    return quopri.decodestring(run).decode("utf-8", "replace")


def _base64(run: str) -> str | None:
    run = "".join(run.split()).rstrip("=").replace("-", "+").replace("_", "/")
    if run.islower() or run.isupper() or run.isdigit():
        # Text of any length worth hiding gives letters of both cases; names and paths mostly do not.
        return None
    for skip in range(4 if len(run) >= MIN_GLUED else 1):
        # A run may carry up to three characters that belong to the word before it.
        body = run[skip:]
        body = body[: len(body) - 1] if len(body) % 4 == 1 else body
        try:
            found = readable(_inflated(base64.b64decode(body + "=" * (-len(body) % 4))))
        except (binascii.Error, ValueError):
            continue
        if found is not None:
            return found
    return None


def _base32(run: str) -> str | None:
    body = run.upper().rstrip("=")
    body = body[: len(body) - len(body) % 8 + {1: 0, 3: 2, 6: 5}.get(len(body) % 8, len(body) % 8)]
    try:
        return readable(base64.b32decode(body + "=" * (-len(body) % 8)))
    except (binascii.Error, ValueError):
        return None


def _hex(run: str) -> str | None:
    digits = re.sub(r"0[xX]|\\x|[^0-9a-fA-F]", "", run)
    return readable(_inflated(bytes.fromhex(digits[: len(digits) // 2 * 2])))


def _binary(run: str) -> str | None:
    bits = "".join(each for each in run if each in "01")
    return readable(bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) // 8 * 8, 8)))


def _decimal(run: str) -> str | None:
    codes = [int(each) for each in re.findall(r"[0-9]+", run)]
    return readable(bytes(codes)) if all(32 <= each < 127 for each in codes) else None


def _percent(run: str) -> str | None:
    return unquote_to_bytes(run).decode("utf-8", "replace")


def _entity(run: str) -> str | None:
    return html.unescape(run)


def _escape(run: str) -> str | None:
    digits = run.strip("\\uUxX{}")
    code = int(digits, 16) if digits else 0xFFFD
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _morse(run: str) -> str | None:
    words = [[_MORSE.get(each) for each in word.split()] for word in re.split(r"[/|\n]| {2,}", run)]
    letters = [each for word in words for each in word]
    if not letters or sum(each is None for each in letters) > len(letters) // 8:
        return None
    return " ".join("".join(each or "?" for each in word) for word in words if word)


def _spaced(run: str) -> str | None:
    return re.sub(r"[ ._*|/-]([A-Za-z0-9@$!])", r"\1", run)


def _decoder(name: str, signs: str, run: str, decode: Callable[[str], str | None]) -> Decoder:
    """A decoder whose signs are triggers too, but for those that any run of sixteen letters gives away."""
    triggers = {"run" if each in ("base32", "hex") else each for each in signs.split()}
    return Decoder(name, frozenset(triggers), tuple(signs.split()), re.compile(run), decode)


_DENSE = r"[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]"
"""What base85 is written in (RFC 1924); ASCII85 has nearly every character, and is read where it is framed."""
_ENTITY = r"&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z]{2,8});"
_ESCAPE = r"\\(?:u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|x[0-9a-fA-F]{2}|U[0-9a-fA-F]{8})"

DECODERS: tuple[Decoder, ...] = (
    _decoder(
        "base64", "run", r"[A-Za-z0-9+/_-]{16,}(?:(?<=[A-Za-z0-9+/_-]{40})\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}", _base64
    ),
    _decoder("base85", "dense", rf"{_DENSE}{{20,}}", _base85),
    _decoder("ascii85", "framed", r"<~[!-uz]{8,}~>", _ascii85),
    _decoder("base32", "base32", r"(?:[A-Z2-7]{16,}|[a-z2-7]{24,})={0,6}", _base32),
    _decoder(
        "hex",
        "hex pairs escape prefixed",
        r"(?:\\x|0x)?[0-9a-fA-F]{2}(?:[ ,:\n-]{0,2}(?:\\x|0x)?[0-9a-fA-F]{2}){5,}",
        _hex,
    ),
    _decoder("binary", "bits", r"[01]{8}(?:[ ,\n]?[01]{8}){3,}", _binary),
    _decoder("decimal", "codes", r"(?:[0-9]{2,3}[ ,]{1,2}){5,}[0-9]{2,3}", _decimal),
    _decoder("percent", "percent", r"(?:%[0-9a-fA-F]{2})+", _percent),
    _decoder("quoted", "quoted", r"(?:=[0-9a-fA-F]{2})+", _quoted),
    _decoder("entity", "entity", _ENTITY, _entity),
    _decoder("escape", "escape", _ESCAPE, _escape),
    _decoder("morse", "morse", r"(?:[.-]{1,6}[ /|\n]{1,3}){8,}(?:[.-]{1,6})?", _morse),
    _decoder(
        "spaced",
        "singles",
        r"(?<![A-Za-z0-9])(?:[A-Za-z0-9@$!][ ._*|/-]{1,3}){5,}[A-Za-z0-9@$!](?![A-Za-z0-9])",
        _spaced,
    ),
)


def shift(text: str, by: int) -> str:
    """A Caesar cipher: every letter moved on in the alphabet."""
    return text.translate(_SHIFTS[by % 26])


_SHIFTS = {
    by: str.maketrans(
        string.ascii_letters,
        string.ascii_lowercase[by:]
        + string.ascii_lowercase[:by]
        + string.ascii_uppercase[by:]
        + string.ascii_uppercase[:by],
    )
    for by in range(26)
}


def _caseless(word: str, classes: Mapping[str, str] = {}) -> str:
    return "".join(
        " ?" if each == " " else "[" + re.escape(classes.get(each, each) + each.upper()) + "]" for each in word
    )


def _trigger(id: str, regex: str) -> Pattern:
    return Pattern(id, "encoding", regex, spans=False)


def run_triggers() -> tuple[Pattern, ...]:
    """What stands in text that holds an encoded run."""
    return (
        _trigger("run", r"[A-Za-z0-9+/_-]{16}"),
        _trigger("bits", r"[01]{8}[ ,]?[01]{8}"),
        _trigger("percent", r"%[0-9a-fA-F]{2}"),
        _trigger("quoted", r"=[0-9A-Fa-f]{2}=[0-9A-Fa-f]{2}"),
        _trigger("dense", rf"{_DENSE}{{20}}"),
        _trigger("framed", r"<~[!-uz]{4}"),
        _trigger("entity", r"&#?[0-9A-Za-z]{1,9};"),
        _trigger("escape", r"\\[uUx][0-9a-fA-F{]{2}"),
        _trigger("prefixed", r"0[xX][0-9a-fA-F]{2}[ ,]{1,2}0[xX]"),
        _trigger("control", r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"),
    )


def token_triggers() -> tuple[Pattern, ...]:
    """What stands in text cut into short tokens. Asked apart: together with the others they cost three times more."""
    between, single = "[ ._*|/-]", "[A-Za-z0-9@$!]"
    return (
        _trigger("singles", (between + single) * 3 + between),
        _trigger("codes", r"[ ,][0-9]{2,3}[ ,]{1,2}[0-9]{2,3}[ ,]{1,2}[0-9]{2,3}[ ,]"),
        _trigger("pairs", r"[ ,:-][0-9a-fA-F]{2}[ ,:-][0-9a-fA-F]{2}[ ,:-][0-9a-fA-F]{2}[ ,:-]"),
        _trigger("morse", r"[.-] [.-]{1,5} [.-]"),
    )


def cipher_triggers() -> tuple[Pattern, ...]:
    """Words that matter in the dress of each cipher."""
    found = []
    for by in range(1, 26):
        words = "|".join(_caseless(shift(word, by)) for word in CIPHER_WORDS if word != "forget")
        found.append(_trigger(f"caesar-{by}", f"(?:{words})"))
    found.append(_trigger("reversed", f"(?:{'|'.join(_caseless(word[::-1]) for word in CIPHER_WORDS)})"))
    found.append(_trigger("leet", f"(?:{'|'.join(_caseless(word, _LEET_CLASSES) for word in LEET_WORDS)})"))
    return tuple(found)


def _starts(trigger: str, text: str, start: int, end: int) -> Iterator[int]:
    for match in _LOOKING[trigger].finditer(text, start, end):
        yield match.start()


_SIGNS = {
    **{each.id: each.regex for each in run_triggers() + token_triggers()},
    # Any of these holds a "run"; by itself, each would make the compiled triggers three times as dear.
    "base32": r"(?:[A-Z2-7]{16}|[a-z2-7]{24})",
    "hex": r"[0-9a-fA-F]{16}",
}
_LOOKING = {id: re.compile(f"(?={regex})") for id, regex in _SIGNS.items()}
