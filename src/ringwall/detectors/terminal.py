"""Which characters of a text act on a screen instead of standing on it? Escapes, controls, what turns or hides text.

* `terminal_escape`: a sequence that a terminal obeys (ECMA-48: CSI, OSC and the other strings, single escapes), with C1
  controls as their short forms. A string that does not end within `MAX_STRING` is cut off: without its introducer the
  rest is text. None goes on over a line end or a backtick: hiding it must not change what is code.
* `control_character`: any other control: a backspace that overwrites, a return that goes back to the line's start.
* `bidi_control`: turns the direction of what follows. Marks that say which direction a letter has are left alone.
* `invisible_text`: characters that cannot be seen, several in a row: tags, fillers, selectors. One joiner between two
  letters or emoji is writing.
* A finding begins and ends within `MAX_STRING`; a run of invisible characters longer than `MAX_INVISIBLE` is `endless`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_STRING = 512
"""Code points of one escape sequence."""
MAX_INVISIBLE = 256
MIN_INVISIBLE = 4
"""Invisible characters in a row that are no writing."""

_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]{0,128}[ -/]{0,16}[@-_a-~]?"
    r"|[\]PX^_](?:[^\x07\n\x1b`\x80-\x9f]{0,496}(?:\x07|\x1b\\|\x9c))?|[ -/]{0,16}[0-_a-~]?)"
    r"|\x9b[0-?]{0,128}[ -/]{0,16}[@-_a-~]?"
    r"|[\x90\x98\x9d-\x9f](?:[^\x07\n\x1b`\x80-\x9f]{0,496}(?:\x07|\x1b\\|\x9c))?"
    r"|[\x80-\x84\x86-\x8f\x91-\x97\x99\x9a\x9c]"
)
_INTRODUCER = re.compile(r"[\x1b\x90\x98\x9b\x9d-\x9f]")
_STRING = re.compile(r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\n\x1b`\x80-\x9f]{0,496}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]|\r(?!\n)(?=[^\r]|\Z)")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNSEEN = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
_RUN = re.compile(f"[{_UNSEEN}]{{{MIN_INVISIBLE},}}")
_ENDING_RUN = re.compile(f"[{_UNSEEN}]+\\Z")
_FLAG = re.compile("[\U000e0061-\U000e007a\U000e0030-\U000e0039]{2,6}\U000e007f")
_ASCII_CONTROLS = bytes(
    each for each in range(0x80) if (each < 0x20 and each not in (0x09, 0x0A, 0x0C)) or each == 0x7F
)
_NEEDS_LOOK = re.compile(f"[\x00-\x08\x0b\x0d-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069{_UNSEEN}]")


@dataclass(frozen=True, slots=True)
class Acting:
    """Something that acts.

    Attributes:
        kind: What it is.
        start: First code point.
        end: One past the last.
        endless: It may go on behind its end: what it hides was not looked at.
    """

    kind: str
    start: int
    end: int
    endless: bool = False


def find(text: str, start: int = 0) -> Iterator[Acting]:
    """Everything in a text that acts on a screen and begins at `start` or later."""
    if not _is_suspect(text[start:] if start else text):
        return
    for match in _ESCAPE.finditer(text, start):
        yield Acting("terminal_escape", *match.span())
    for match in _CONTROLS.finditer(text, start):
        yield Acting("control_character", *match.span())
    for match in _BIDI.finditer(text, start):
        yield Acting("bidi_control", *match.span())
    for match in _RUN.finditer(text, start):
        at, end = match.span()
        if not (text[at - 1 : at] == "\U0001f3f4" and _FLAG.fullmatch(match[0])):
            yield Acting("invisible_text", at, end, end - at > MAX_INVISIBLE)


def held(text: str) -> int:
    """How much of a text's end may still become part of something that acts."""
    tail = text[-MAX_STRING:]
    if not _is_suspect(tail):
        return 0
    run = _ENDING_RUN.search(tail)
    most = min(len(run[0]), MAX_INVISIBLE + 1) + 1 if run else 0  # with what stands before it: a flag
    if _CONTROLS.match(tail, len(tail) - 1) or _BIDI.match(tail, len(tail) - 1):
        most = max(most, 1)  # what follows it may matter to whoever hides it
    starts = [match.start() for match in _INTRODUCER.finditer(tail)][-2:]
    if starts and _may_go_on(tail, starts[-1]):
        most = max(most, len(tail) - starts[-1])
    if len(starts) == 2 and tail[starts[1] :] == "\x1b" and _may_go_on(tail[: starts[1]], starts[0]):
        most = max(most, len(tail) - starts[0])  # it may be about to end
    return min(most, len(text))


def _may_go_on(tail: str, at: int) -> bool:
    """True when more text may make the sequence that starts here longer."""
    match = _ESCAPE.match(tail, at)
    if match is None or match.end() == len(tail):
        return True
    is_string = _STRING.match(tail, at)
    return is_string is not None and is_string.end() == len(tail) and match.end() <= at + 2


def _is_suspect(text: str) -> bool:
    if text.isascii():
        data = text.encode()
        return len(data.translate(None, _ASCII_CONTROLS)) != len(data)
    return _NEEDS_LOOK.search(text) is not None
