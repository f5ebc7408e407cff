"""MCP messages: read in one way or refused, and what is rendered is what was judged."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.dataplane.wire import mcp as wire
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.tools import Tool
from ringwall.model.upstreams import ToolAnswer


def message(method: str = "tools/call", **params: object) -> wire.Message:
    return wire.parse_message(
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode(), depth=64
    )


def test_a_call_is_read_whole() -> None:
    call = wire.parse_call(message(name="shop.query", arguments={"a": [1, {"b": None}]}, _meta={"x": 1}))
    assert call.tool == "shop.query" and call.arguments.value == freeze({"a": [1, {"b": None}]})
    assert call.arguments.origin is Origin.MODEL and call.arguments.media == JSON
    assert (
        wire.parse_call(message(name="q")).arguments.value
        == wire.parse_call(message(name="q", arguments=None)).arguments.value
    )


@pytest.mark.parametrize(
    "params",
    [{}, {"name": 5}, {"name": "a b"}, {"name": "q", "arguments": []}, {"name": "q", "task": {}}, {"name": "q" * 65}],
)
def test_a_call_that_cannot_be_judged_whole_is_refused(params: dict[str, object]) -> None:
    with pytest.raises(wire.RpcError) as caught:
        wire.parse_call(message(**params))
    assert caught.value.number == wire.INVALID_PARAMS and caught.value.id == 1


def test_an_answer_is_rendered_from_its_parts() -> None:
    parts = (
        Part(PartId("result/content/0"), Origin.TOOL, "line\u2028one"),
        Part(PartId("result/structured"), Origin.TOOL, freeze({"rows": [{"a": 1}]}), JSON),
    )
    said = json.loads(wire.render_answer("id", ToolAnswer(parts, failed=True)))
    assert said["result"] == {
        "content": [{"type": "text", "text": "line\u2028one"}],
        "structuredContent": {"rows": [{"a": 1}]},
        "isError": True,
    }


def test_tools_are_rendered_from_the_plan() -> None:
    tool = Tool("q", "s", "Reads.", freeze({"type": "object"}))
    said = json.loads(wire.render_tools(1, [tool]))["result"]["tools"]
    assert said == [{"name": "q", "description": "Reads.", "inputSchema": {"type": "object"}}]


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_one_error(data: bytes) -> None:
    try:
        wire.parse_message(data, depth=64)
    except wire.RpcError as error:
        assert error.number in (wire.PARSE_ERROR, wire.INVALID_REQUEST, wire.INVALID_PARAMS)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SHAPED = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": st.just("tools/call")},
    optional={
        "id": VALUES,
        "params": st.fixed_dictionaries(
            {}, optional={"name": VALUES, "arguments": VALUES, "_meta": VALUES, "x": VALUES}
        ),
        "more": VALUES,
    },
)


@settings(max_examples=300)
@given(SHAPED)
def test_any_document_in_the_shape_of_a_call_is_a_call_or_one_error(document: dict[str, object]) -> None:
    try:
        read = wire.parse_message(json.dumps(document).encode(), depth=64)
        call = wire.parse_call(read)
    except wire.RpcError:
        return
    params = document["params"]
    assert isinstance(params, dict) and "x" not in params and "more" not in document
    assert call.tool == params["name"]
