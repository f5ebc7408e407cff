from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.dataplane.wire.anthropic_upstream import Anthropic
from ringwall.model.conversation import (
    Finish,
    Generation,
    Reasoning,
    Role,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    Turn,
    Usage,
)
from ringwall.model.errors import UpstreamError
from ringwall.model.features import features
from tests.dataplane.wire.anthropic_shapes import answers
from tests.dataplane.wire.conversations import asks, invocations, part
from tests.dataplane.wire.upstream_laws import check_bytes, check_encoding, check_fake
from tests.providers import anthropic as fake

WIRE = Anthropic()


@settings(max_examples=300)
@given(invocations())
def test_any_conversation_makes_a_request_of_the_provider_or_is_not_carried(invocation):
    check_encoding(WIRE, fake.check_body, invocation)


def test_what_the_provider_says_is_read_whole_and_streamed():
    check_fake(WIRE, fake, Usage(6, 5, 2, 1), seal="anthropic/" + fake.SIGNATURE)


@settings(max_examples=300)
@given(answers.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    check_bytes(WIRE, data)


def sent(invocation, **more) -> dict:
    body = json.loads(WIRE.encode(invocation, streamed=False, **more))
    fake.check_body(body)
    return body


def test_results_and_the_turn_after_them_are_one_message_results_first():
    parts = (
        part("s", "be brief"), part("d", "really"), part("u", "find"), part("a", {"q": "x"}), part("r0", "row"),
        part("r1", "no such table"), part("n", "thanks, and?"),
    )  # fmt: skip
    body = sent(
        asks(
            Turn(Role.SYSTEM, ("s",)),
            Turn(Role.USER, ("u",)),
            Turn(Role.ASSISTANT, calls=(ToolCall("call_1", "find", "a"), ToolCall("call_2", "find", "a"))),
            Turn(Role.TOOL, ("r0",), answers="call_1"),
            Turn(Role.DEVELOPER, ("d",)),
            Turn(Role.TOOL, ("r1",), answers="call_2", failed=True),
            Turn(Role.USER, ("n",)),
            parts=parts,
        )
    )
    text = {"type": "text"}
    assert body["system"] == [{**text, "text": "be brief"}, {**text, "text": "really"}]
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": [{**text, "text": "row"}]},
        {
            "type": "tool_result",
            "tool_use_id": "call_2",
            "content": [{**text, "text": "no such table"}],
            "is_error": True,
        },
        {**text, "text": "thanks, and?"},
    ]
    assert body["max_tokens"] == 4096


def test_reasoning_goes_back_with_its_own_seal_and_never_without():
    parts = (part("u", "hi"), part("t", "hmm"), part("w", "well"), part("a", "hello"))
    thoughts = (Reasoning("t", "anthropic/c2ln"), Reasoning("w"), Reasoning("w", "other/c2ln"))
    turns = (Turn(Role.USER, ("u",)), Turn(Role.ASSISTANT, ("a",), reasoning=thoughts), Turn(Role.USER, ("u",)))
    body = sent(asks(*turns, parts=parts))
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hmm", "signature": "c2ln"},
        {"type": "text", "text": "hello"},
    ]


def test_how_to_answer_is_said_in_the_protocols_own_words():
    parts = (part("u", "hi"), part("stop", "END"), part("schema", {"type": "object"}))
    tool = ToolDefinition("f", None, None)
    generation = Generation(
        stop=("stop",), tool_choice=ToolChoice("named", "f"), parallel_tool_calls=False,
        reasoning_tokens=2048, reasoning_effort="high",
    )  # fmt: skip
    body = sent(asks(Turn(Role.USER, ("u",)), parts=parts, tools=(tool,), generation=generation))
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    assert body["tool_choice"] == {"type": "tool", "name": "f", "disable_parallel_tool_use": True}
    assert body["stop_sequences"] == ["END"]
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert body["output_config"] == {"effort": "high"}


def test_older_models_take_a_temperature_where_the_plan_says_so():
    invocation = asks(Turn(Role.USER, ("u",)), parts=(part("u", "x"),), generation=Generation(temperature=0.5, top_k=5))
    older = Anthropic(sampling=True)
    body = json.loads(older.encode(invocation, streamed=False))
    assert (body["temperature"], body["top_k"]) == (0.5, 5)
    needed = features(invocation.conversation, invocation.parts)
    assert needed <= older.carries
    assert not needed & WIRE.carries


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("stop_sequence", Finish.STOP_SEQUENCE), ("refusal", Finish.CONTENT_FILTER), ("max_tokens", Finish.LENGTH)],
)
def test_reasons_to_stop(reason, finish):
    assert WIRE.parse(fake.message([], reason).model_dump_json().encode()).choices[0].finish is finish


@pytest.mark.parametrize(
    "body",
    [
        fake.message([], "pause_turn").model_dump(),
        {**fake.message([], "end_turn").model_dump(), "content": [{"type": "server_tool_use", "name": "web_search"}]},
        {**fake.message([], "end_turn").model_dump(), "content": [{"type": "web_search_tool_result", "content": []}]},
        {**fake.message([], "end_turn").model_dump(), "content": [{"type": "container_upload", "file_id": "x"}]},
        {"type": "error", "error": {"type": "overloaded_error", "message": "theirs"}},
        {"error": {"message": "theirs", "type": "server_error"}},
        {"choices": [{"message": {"content": "theirs"}, "finish_reason": "stop"}]},
        {"detail": "theirs"},
    ],
)
def test_what_nobody_judged_and_what_another_protocol_says_is_refused(body):
    with pytest.raises(UpstreamError) as caught:
        WIRE.parse(json.dumps(body, default=str).encode())
    assert "theirs" not in str(caught.value)


def test_a_signature_that_is_none_is_no_seal():
    found = json.loads(fake.answer("x", (), "hmm"))
    found["content"][0]["signature"] = "not base64!"
    assert WIRE.parse(json.dumps(found).encode()).choices[0].reasoning[0].seal == ""


def test_the_credential_has_a_header_of_its_own():
    assert WIRE.headers("s") == {"x-api-key": "s", "anthropic-version": "2023-06-01"}
    assert WIRE.headers("") == {"anthropic-version": "2023-06-01"}
