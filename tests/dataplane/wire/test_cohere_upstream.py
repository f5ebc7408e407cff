from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.dataplane.wire.cohere_upstream import Cohere
from ringwall.model.conversation import (
    Finish,
    Finished,
    Generation,
    ResponseFormat,
    Role,
    TextDelta,
    TextKind,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    Turn,
    Usage,
)
from ringwall.model.errors import UpstreamError
from tests.dataplane.wire.conversations import asks, invocations, part
from tests.dataplane.wire.shapes import objects, texts
from tests.dataplane.wire.upstream_laws import check_bytes, check_encoding, check_fake, deltas
from tests.providers import cohere as fake
from tests.providers.said import event

WIRE = Cohere()


@settings(max_examples=300)
@given(invocations())
def test_any_conversation_makes_a_request_of_the_provider_or_is_not_carried(invocation):
    check_encoding(WIRE, fake.check_body, invocation)


def test_what_the_provider_says_is_read_whole_and_streamed():
    check_fake(WIRE, fake, Usage(6, 5, 2, 0))


items = objects({"type": st.sampled_from(["text", "thinking", "document"]), "text": texts, "thinking": texts})
calls = objects({"function": objects({"name": texts, "arguments": texts})})
answers = objects(
    {
        "message": objects(
            {"content": st.lists(items, max_size=2)}, tool_calls=st.lists(calls, max_size=2), tool_plan=texts
        ),
        "finish_reason": st.sampled_from(["COMPLETE", "ERROR", "x"]),
    },
    usage=objects({"tokens": objects({"input_tokens": st.floats(allow_nan=False, allow_infinity=False)})}),
)
kinds = [
    "message-start",
    "content-start",
    "content-delta",
    "tool-plan-delta",
    "tool-call-start",
    "message-end",
    "debug",
]
events = objects(
    {"type": st.sampled_from(kinds)},
    index=st.integers(-2, 2000),
    delta=objects({"message": objects({"content": items, "tool_calls": calls}, tool_plan=texts)}, finish_reason=texts),
)


@settings(max_examples=300)
@given((answers | events).map(lambda body: json.dumps(body).encode()) | st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    check_bytes(WIRE, data)


def sent(*turns: Turn, parts, **more) -> dict:
    body = json.loads(WIRE.encode(asks(*turns, parts=parts, **more), streamed=False))
    fake.check_body(body)
    return body


def whole(**changed) -> bytes:
    """An ordinary answer with something changed in it."""
    return json.dumps({**json.loads(fake.answer("x")), **changed}).encode()


def test_turns_are_messages_and_nobody_who_said_nothing_has_one():
    parts = (part("u", "find"), part("e", ""), part("a", {"q": "x"}), part("r", "row"), part("i", "AAAA", "image/png"))
    call = ToolCall("call_1", "find", "a")
    body = sent(
        Turn(Role.DEVELOPER, ("u",)),
        Turn(Role.USER, ("u", "i")),
        Turn(Role.USER, ("e",)),
        Turn(Role.ASSISTANT, calls=(call,)),
        Turn(Role.TOOL, ("r",), answers="call_1"),
        Turn(Role.TOOL, ("e",), answers="call_1"),
        parts=parts,
    )
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    assert body["messages"][1]["content"][1]["image_url"] == {"url": "data:image/png;base64,AAAA"}
    assert body["messages"][3:] == [
        {"role": "tool", "tool_call_id": "call_1", "content": content} for content in ("row", "")
    ]


def test_how_to_answer_is_said_in_the_protocols_own_words():
    parts = (part("u", "hi"), part("schema", {"type": "object"}), part("stop", "END"))
    generation = Generation(
        top_p=0.5, top_k=3, stop=("stop",), tool_choice=ToolChoice("required"), reasoning_tokens=100,
        response_format=ResponseFormat("json_schema", "n", "schema"),
    )  # fmt: skip
    tool = ToolDefinition("f", "u", None)
    body = sent(Turn(Role.USER, ("u",)), parts=parts, tools=(tool,), generation=generation)
    assert (body["p"], body["k"], body["stop_sequences"], body["tool_choice"]) == (0.5, 3, ["END"], "REQUIRED")
    assert body["thinking"] == {"type": "enabled", "token_budget": 100}
    assert body["response_format"] == {"type": "json_object", "json_schema": {"type": "object"}}
    assert body["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    silent = sent(Turn(Role.USER, ("u",)), parts=parts, generation=Generation(reasoning_effort="none"))
    assert silent["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize(
    "data",
    [
        whole(finish_reason="ERROR"),
        whole(finish_reason="TIMEOUT"),
        whole(finish_reason="x"),
        whole(message={"content": [{"type": "document", "text": "theirs"}]}),
        whole(message="theirs"),
        whole(usage={"tokens": {"input_tokens": 1.5}}),
        whole(usage={"tokens": {"input_tokens": -1}}),
        b'{"message": "theirs"}',
        b'{"error": "theirs"}',
    ],
)
def test_what_nobody_judged_and_what_another_protocol_says_is_refused(data):
    with pytest.raises(UpstreamError) as caught:
        WIRE.parse(data)
    assert "theirs" not in str(caught.value)


def test_a_plan_for_tools_is_reasoning():
    read = WIRE.parse(whole(message={"tool_plan": "first look"}))
    assert read.by_id()[read.choices[0].reasoning[0].text].text == "first look"
    found = deltas(WIRE, [fake.said("tool-plan-delta", {"tool_plan": "look"}), *fake.stream("x")[-1:]])
    assert found[:2] == [TextDelta(0, "look", TextKind.REASONING), Finished(0, Finish.STOP)]


@pytest.mark.parametrize(
    "more",
    [
        {"type": "debug", "prompt": "theirs"},
        {"type": "stream-end"},
        {"type": "content-start", "delta": {"message": {"content": {"type": "x", "text": "theirs"}}}},
        {"type": "tool-call-start", "delta": {"message": {"tool_calls": {"function": {"name": "a b"}}}}},
        {"type": "tool-call-delta", "index": -1, "delta": {"message": {"tool_calls": {"function": {}}}}},
        {"type": "message-end", "delta": {"finish_reason": "ERROR"}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "error": "theirs"}},
        {"type": "message-end", "delta": {}},
    ],
)
def test_what_does_not_belong_into_a_stream_is_refused(more):
    with pytest.raises(UpstreamError):
        deltas(WIRE, [fake.stream("x")[0], event(more)])
