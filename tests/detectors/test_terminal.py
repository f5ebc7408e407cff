"""What acts on a screen, and what is writing."""

from __future__ import annotations

import pytest

from ringwall.detectors.terminal import MAX_INVISIBLE, find, held


def kinds(text: str) -> list[tuple[str, str]]:
    return [(each.kind, text[each.start : each.end]) for each in find(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\x1b[1;31mb", ["\x1b[1;31m"]),
        ("a\x1b]8;;x\x07b", ["\x1b]8;;x\x07"]),
        ("a\x1b]8;;x\x1b\\b", ["\x1b]8;;x\x1b\\"]),
        ("a\x1b]8;;x", ["\x1b]"]),
        ("a\x1b]8;;x\ny\x07", ["\x1b]"]),
        ("a\x1bPq\x9cb", ["\x1bPq\x9c"]),
        ("a\x9b31mb", ["\x9b31m"]),
        ("a\x84b", ["\x84"]),
        ("a\x1bc", ["\x1bc"]),
        ("a\x1b", ["\x1b"]),
        ("a\x1b[`", ["\x1b["]),
    ],
)
def test_an_escape_is_found_whole(text: str, found: list[str]) -> None:
    assert [each for kind, each in kinds(text) if kind == "terminal_escape"] == found


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ab\x08", "control_character"),
        ("a\rb", "control_character"),
        ("a\r", "control_character"),
        ("a\x00", "control_character"),
        ("\u202eabc", "bidi_control"),
        ("\u2067abc", "bidi_control"),
        ("a\u200b\u200b\u200b\u200bb", "invisible_text"),
        ("\U0001f3f4" + "\U000e0061" * 9 + "\U000e007f", "invisible_text"),
    ],
)
def test_other_characters_that_act(text: str, kind: str) -> None:
    assert [each for each, _ in kinds(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    ["a\tb\r\nc\n", "é \u200d \u200b\u200b\u200b x", "\u200fשלום", "👨\u200d👩\u200d👧", "❤️\u200d🔥", "a\x85b\x0c",
     "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"],
)  # fmt: skip
def test_writing_is_left_alone(text: str) -> None:
    assert kinds(text) == []


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    assert [each.start for each in find("\x08 \x08", 1)] == [2]


def test_a_run_that_is_too_long_is_endless() -> None:
    (long,) = find("\u200b" * (MAX_INVISIBLE + 1))
    assert long.endless
    assert not next(find("\u200b" * MAX_INVISIBLE)).endless


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("plain", 0),
        ("a\x1b", 1),
        ("a\x1b[3", 3),
        ("a\x1b[3m", 4),
        ("a\x1b[3mb", 0),
        ("a\x1b]8;;x", 6),
        ("a\x1b]8;;x\x1b", 7),
        ("a\x1b]8;;x\x1b\\b", 0),
        ("a\x1b]8;;x\nb", 0),
        ("a\x1b]" + "x" * 499, 0),
        ("a\r", 1),
        ("é\u200b\u200b", 3),
        ("a\x08", 1),
    ],
)
def test_an_end_that_may_go_on_is_held(text: str, size: int) -> None:
    assert held(text) == size
