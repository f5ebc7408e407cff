"""Definitions of tools as files: strict, bounded, kept to what is judged."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.config.tools import MAX_DESCRIPTION_CHARS, ToolsError, read_tools

ROW = {"name": "query", "description": "Reads.", "inputSchema": {"type": "object"}, "title": "t", "annotations": {}}


def test_an_answer_to_tools_list_is_read_with_and_without_its_envelope() -> None:
    rows = [ROW, {**ROW, "name": "a.b"}]
    one, two = read_tools(json.dumps(rows), "shop"), read_tools(json.dumps({"tools": rows, "nextCursor": "x"}), "shop")
    assert one == two and [each.name for each in one] == ["a.b", "query"]
    assert one[1].server == "shop" and one[1].description == "Reads."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ('{"tools": [], "tools": []}', "same key twice"),
        ("5", "neither"),
        ('{"tools": {}}', "neither"),
        ("[5]", "no object"),
        (json.dumps([{**ROW, "name": "a b"}]), "not a name"),
        (json.dumps([{**ROW, "name": 5}]), "not a name"),
        (json.dumps([{"name": "x"}]), "inputSchema"),
        (json.dumps([{**ROW, "description": "x" * (MAX_DESCRIPTION_CHARS + 1)}]), "description"),
        (json.dumps([ROW, ROW]), "twice"),
        (json.dumps([{**ROW, "name": f"t{n}"} for n in range(600)]), "more than"),
    ],
)
def test_what_cannot_be_taken_says_why(text: str, why: str) -> None:
    with pytest.raises(ToolsError, match=why):
        read_tools(text, "shop")


@given(st.text(max_size=40))
def test_any_text_is_tools_or_one_error(text: str) -> None:
    try:
        read_tools(text, "shop")
    except ToolsError:
        pass
