from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)

from ringwall.dataplane.wire.bedrock_request import parse_converse
from ringwall.dataplane.wire.openai_request import parse_request
from ringwall.dataplane.wire.openai_upstream import OpenAI, encode_request, parse_answer, parse_event
from ringwall.model.conversation import CallDelta, Counted, Finish, Finished, TextDelta, TextKind, Usage
from ringwall.model.errors import UpstreamError
from ringwall.model.upstreams import Invocation
from tests.dataplane.wire.conversations import invocations
from tests.dataplane.wire.shapes import answers, anything, events
from tests.dataplane.wire.upstream_laws import check_encoding
from tests.providers.typed import must_conform


def answer(message: dict, finish: str = "stop", **more):
    return parse_answer(json.dumps({"choices": [{"message": message, "finish_reason": finish}], **more}).encode())


def event(**delta):
    choice = {"index": 0, "delta": delta.pop("delta", {}), **delta}
    return list(parse_event(json.dumps({"choices": [choice]}).encode()))


WIRE = OpenAI()


def check_body(body: dict) -> None:
    """The `openai` package could have sent it."""
    streamed = body.get("stream")
    must_conform(body, CompletionCreateParamsStreaming if streamed else CompletionCreateParamsNonStreaming)


@settings(max_examples=300)
@given(invocations())
def test_any_conversation_makes_a_request_of_the_provider_or_is_not_carried(invocation):
    check_encoding(WIRE, check_body, invocation)


@settings(max_examples=300)
@given(answers)
def test_a_document_in_the_shape_of_an_answer_is_read_or_refused(body):
    try:
        read = parse_answer(json.dumps(body).encode())
    except UpstreamError as error:
        assert error.code.startswith("upstream_")
        return
    assert read.choices
    assert {part.id for part in read.parts} == {
        part
        for choice in read.choices
        for part in (*choice.content, *(call.arguments for call in choice.calls), choice.refusal)
        if part is not None
    }


@settings(max_examples=300)
@given(events)
def test_a_document_in_the_shape_of_an_event_is_read_or_refused(body):
    try:
        list(parse_event(json.dumps(body).encode()))
    except UpstreamError as error:
        assert error.code.startswith("upstream_")


@settings(max_examples=200)
@given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(data):
    for read in (parse_answer, lambda given: list(parse_event(given))):
        try:
            read(data)
        except UpstreamError as error:
            assert error.status == 502


@pytest.mark.deep
@settings(max_examples=3000)
@given(answers, events)
def test_many_documents_in_the_shapes_of_answers_and_events(one, other):
    for read, body in ((parse_answer, one), (lambda data: list(parse_event(data)), other)):
        try:
            read(json.dumps(body).encode())
        except UpstreamError as error:
            assert error.code


def test_ids_fingerprints_reasoning_and_annotations_are_dropped():
    call = {"id": "theirs", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    read = answer(
        {"content": "x", "tool_calls": [call], "reasoning_content": "theirs", "annotations": ["theirs"], "audio": None},
        "tool_calls",
        id="theirs",
        system_fingerprint="theirs",
    )
    assert "theirs" not in repr(read)
    assert read.choices[0].calls[0].name == "f"
    assert read.choices[0].finish is Finish.TOOL_CALLS


def test_counts_are_read_and_must_be_counts():
    read = answer(
        {"content": "x"},
        usage={
            "prompt_tokens": 3,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
    )
    assert read.usage == Usage(3, 5, 2, 1)
    assert answer({"content": "x"}).usage is None
    for bad in (-1, 2**41, 1.5, "3"):
        with pytest.raises(UpstreamError):
            answer({"content": "x"}, usage={"prompt_tokens": bad, "completion_tokens": 1})


def test_an_empty_text_is_a_text_and_none_is_none():
    assert [part.value for part in answer({"content": ""}).parts] == [""]
    assert answer({"content": None}).choices[0].content == ()


def test_events_are_texts_calls_ends_and_counts():
    assert event(delta={"role": "assistant", "content": ""}) == []
    assert event(delta={"content": "x", "refusal": "no"}) == [TextDelta(0, "x"), TextDelta(0, "no", TextKind.REFUSAL)]
    call = {"index": 2, "id": "theirs", "function": {"name": "f", "arguments": "{"}}
    assert event(delta={"tool_calls": [call]}) == [CallDelta(0, 2, "{", None, "f")]
    assert event(finish_reason="length") == [Finished(0, Finish.LENGTH)]
    assert list(parse_event(b'{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}')) == [
        Counted(Usage(1, 2))
    ]


def sent(body: dict, **more) -> dict:
    chat = parse_request(json.dumps({"model": "m", **body}).encode(), depth=64)
    return json.loads(encode_request(Invocation(chat.conversation, chat.parts, "theirs-1", "trace", 7), **more))


def test_what_is_sent_names_their_model_our_limit_and_nothing_of_the_caller():
    body = {"messages": [{"role": "user", "content": "x"}], "user": "ada", "metadata": {"a": "b"}, "max_tokens": 5}
    assert sent(body, streamed=False) == {
        "model": "theirs-1",
        "messages": [{"role": "user", "content": "x"}],
        "max_completion_tokens": 7,
    }
    streamed = sent(body, streamed=True, limit_field="max_tokens")
    assert streamed["stream_options"] == {"include_usage": True}
    assert streamed["max_tokens"] == 7


def test_edited_content_is_what_is_sent():
    chat = parse_request(b'{"model": "m", "messages": [{"role": "user", "content": "my card"}]}', depth=64)
    part = chat.parts[0]
    edited = type(part)(part.id, part.origin, "my [CARD]", part.media)
    body = json.loads(encode_request(Invocation(chat.conversation, (edited,), "m", "", 7), streamed=False))
    assert body["messages"] == [{"role": "user", "content": "my [CARD]"}]


def test_a_turn_without_content_is_still_a_turn():
    body = {"messages": [{"role": "user", "content": None}, {"role": "assistant", "content": None}]}
    assert sent(body, streamed=False)["messages"] == [{"role": "user", "content": ""}, {"role": "assistant"}]


def test_a_document_that_a_tool_answered_is_sent_as_compact_json():
    results = [[{"json": {"card": "4é"}}], [{"json": "plain"}], [{"text": "a"}, {"json": [1, {"b": None}]}]]
    content = [{"toolResult": {"toolUseId": f"c{n}", "content": each}} for n, each in enumerate(results)]
    asked = parse_converse({"messages": [{"role": "user", "content": content}]}, model="m", streamed=False, unseal=str)
    body = json.loads(encode_request(Invocation(asked.conversation, asked.parts, "m", "", 7), streamed=False))
    assert [each["content"] for each in body["messages"]] == [
        '{"card":"4é"}',
        '"plain"',
        [{"type": "text", "text": "a"}, {"type": "text", "text": '[1,{"b":null}]'}],
    ]
