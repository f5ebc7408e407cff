"""What is code for every reader of Markdown, and what only looks like it."""

from __future__ import annotations

import pytest

from ringwall.detectors.code import MAX_CODE, MAX_SPAN, Code, looks_back

HERE = "<x>"


def holds(text: str, *, begins: bool = True) -> bool:
    return Code(text, {"mermaid"}, begins=begins).holds(text.rindex(HERE))


@pytest.mark.parametrize(
    "text",
    [
        "```python\n<x>",
        "~~~~ c++\nx\n<x>\n~~~~",
        "words\n\n```python\n<x>\n```",
        "`<x>`",
        "use `a` and `b` and `<x>` so",
        "para `\n\nthen `<x>` so",
        "- `\n- `<x>`",
        "``a ` <x>``",
    ],
)
def test_code_is_known(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "<x>",
        "```\n<x>\n```",
        "```mermaid\n<x>\n```",
        " ```python\n<x>",
        "> ```python\n<x>",
        "```python <x>",
        "```python\n~~~\n<x>",
        "```python\n1. ```\n<x>",
        "word ```python\n<x>",
        "a ` b `<x>`",
        "a ` b\n`<x>`",
        "\\`<x>`",
        "`a | <x>`",
        "<b> `<x>`",
        "``<x>`",
        "`<x>\n`",
        "x" * MAX_SPAN + "`<x>`",
        "```python\n" + "x" * MAX_CODE + "<x>",
    ],
)
def test_what_could_be_doubted_is_no_code(text: str) -> None:
    assert not holds(text)


def test_nobody_knows_what_stands_before_a_window() -> None:
    assert not holds("```python\n<x>", begins=False)
    assert not holds("`<x>`", begins=False)
    assert holds("\n```python\n<x>", begins=False)


def test_more_text_may_show_that_something_is_code() -> None:
    for text, may in (("`<x>", True), ("`<x>\n", False), ("`<x>`", True), ("`<x>` ", False), ("<x>", False)):
        assert Code(text, (), begins=True).may_hold(1) is may


def test_the_language_of_a_block_is_told() -> None:
    assert Code("```Mermaid\nclick", (), begins=True).language(12) == "mermaid"
    assert Code("```mermaid", (), begins=True).language(8) == ""


def test_an_opening_fence_is_looked_back_upon_with_the_line_end_before_it() -> None:
    inside = "words\n```python\n" + "x\n" * 600
    assert looks_back(inside) == len(inside) - 5
    assert looks_back("words\n```pyth") == len("words\n```pyth")
    assert looks_back("x" * 9000) == MAX_SPAN
    assert looks_back("```python\n" + "x" * MAX_CODE) == MAX_SPAN
