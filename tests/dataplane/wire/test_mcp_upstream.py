"""What a tool server says is read whole or not at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.dataplane.wire import mcp_upstream as wire
from ringwall.model.content import freeze
from ringwall.model.errors import UpstreamError
from ringwall.model.tools import Tool
from ringwall.model.upstreams import ToolInvocation

QUERY = Tool("query", "shop", "", freeze({"type": "object"}))


def result(**value: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 3, "result": value}).encode()


def test_a_call_carries_the_judged_arguments_and_what_the_server_is_told_besides() -> None:
    sent = json.loads(wire.call_tool(3, ToolInvocation(QUERY, {"q": ("a", "b")}, context={"lease": "l"})))
    assert sent["params"] == {"name": "query", "arguments": {"q": ["a", "b"]}, "_meta": {wire.CONTEXT: {"lease": "l"}}}
    assert "_meta" not in json.loads(wire.call_tool(3, ToolInvocation(QUERY, {})))["params"]


def test_texts_and_a_document_become_parts() -> None:
    said = wire.read_result(
        result(content=[{"type": "text", "text": "a"}], structuredContent={"b": 1}, isError=True), 3
    )
    assert said is not None
    answer = wire.read_answer(said)
    assert [part.value for part in answer.parts] == ["a", freeze({"b": 1})] and answer.failed


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "image", "data": "", "mimeType": "image/png"}],
        [{"type": "resource_link", "uri": "file:///etc/passwd"}],
        [{"type": "resource", "resource": {"text": "x"}}],
        [{"type": "text"}],
        ["text"],
        "text",
        [{"type": "text", "text": "x"}] * 300,
    ],
)
def test_content_that_nobody_can_judge_is_an_error(content: object) -> None:
    said = wire.read_result(result(content=content), 3)
    assert said is not None
    with pytest.raises(UpstreamError):
        wire.read_answer(said)


@pytest.mark.parametrize(
    "document",
    [
        b'{"jsonrpc":"2.0","method":"sampling/createMessage","id":3,"params":{}}',
        b'{"jsonrpc":"2.0","method":"notifications/progress","params":{}}',
        b'{"jsonrpc":"2.0","id":4,"result":{}}',
        b"[]",
        b"5",
    ],
)
def test_what_is_no_answer_to_us_is_passed_over(document: bytes) -> None:
    assert wire.read_result(document, 3) is None


@pytest.mark.parametrize(
    "document",
    [
        b"{",
        b'{"jsonrpc":"2.0","id":3,"result":5}',
        b'{"jsonrpc":"2.0","id":3}',
        b'{"jsonrpc":"2.0","id":3,"error":{"code":-32000,"message":"secret words"}}',
        b'{"jsonrpc":"2.0","id":3,"result":{},"result":{"a":1}}',
    ],
)
def test_what_cannot_be_read_is_the_servers_fault_and_its_words_stay_there(document: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        wire.read_result(document, 3)
    assert "secret" not in caught.value.public + caught.value.detail


def test_tools_without_a_name_that_a_plan_could_have_are_left_out() -> None:
    said = wire.read_result(result(tools=[{"name": "a b"}, {"name": "ok", "inputSchema": {}}, 5], nextCursor="c"), 3)
    assert said is not None
    tools, cursor = wire.read_tools(said, "shop")
    assert [each.name for each in tools] == ["ok"] and cursor == "c"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "type", "text", "tools", "name", "isError"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(VALUES)
def test_anything_that_a_server_says_is_read_or_is_an_error_of_the_server(value: object) -> None:
    try:
        said = wire.read_result(json.dumps({"jsonrpc": "2.0", "id": 3, "result": value}).encode(), 3)
        assert said is not None
        wire.read_answer(said)
        wire.read_tools(said, "s")
        wire.read_version(said)
    except UpstreamError:
        pass
