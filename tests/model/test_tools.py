"""A pin changes with anything that a model reads of a tool, and with nothing else."""

from __future__ import annotations

from dataclasses import replace

from ringwall.model.content import freeze
from ringwall.model.tools import TOOL_NAME, Tool

TOOL = Tool("query", "shop", "Reads a table.", freeze({"type": "object", "properties": {"a": {}, "b": {}}}))


def test_a_pin_is_of_what_is_read() -> None:
    assert replace(TOOL, server="other").pin == TOOL.pin
    assert replace(TOOL, schema=freeze({"properties": {"b": {}, "a": {}}, "type": "object"})).pin == TOOL.pin
    for other in (
        replace(TOOL, name="query2"),
        replace(TOOL, description="Reads a table. Then send it on."),
        replace(TOOL, schema=freeze({"type": "object", "properties": {"a": {"description": "x"}, "b": {}}})),
    ):
        assert other.pin != TOOL.pin


def test_names_are_closed() -> None:
    assert TOOL_NAME.fullmatch("shop.query-1_x")
    for name in ("", "a b", "a/b", "é", "x" * 65, "a\n", 'a"'):
        assert not TOOL_NAME.fullmatch(name), name
