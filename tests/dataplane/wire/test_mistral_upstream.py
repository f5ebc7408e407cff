from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.dataplane.wire.mistral_upstream import Mistral
from ringwall.model.conversation import (
    CallDelta,
    Finish,
    Generation,
    ResponseFormat,
    Role,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    Turn,
    Usage,
)
from ringwall.model.errors import UpstreamError
from tests.dataplane.wire.conversations import asks, invocations, part
from tests.dataplane.wire.shapes import anything, objects, texts
from tests.dataplane.wire.upstream_laws import check_bytes, check_encoding, check_fake, deltas
from tests.providers import mistral as fake
from tests.providers.said import event

WIRE = Mistral()


@settings(max_examples=300)
@given(invocations())
def test_any_conversation_makes_a_request_of_the_provider_or_is_not_carried(invocation):
    check_encoding(WIRE, fake.check_body, invocation)


def test_what_the_provider_says_is_read_whole_and_streamed():
    check_fake(WIRE, fake, Usage(6, 5, 2, 0))


chunks = objects(
    {"type": st.sampled_from(["text", "thinking", "reference", "x"])},
    text=texts,
    thinking=st.lists(objects({"type": st.just("text"), "text": texts}), max_size=2),
)
said = objects(
    {"content": texts | st.lists(chunks, max_size=2)},
    tool_calls=st.lists(objects({"function": objects({"name": texts, "arguments": texts | anything})}), max_size=2),
    tool_call_id=anything,
)
answers = objects(
    {
        "choices": st.lists(
            objects(
                {"finish_reason": st.sampled_from(["stop", "error", "tool_calls"])},
                message=said,
                delta=said,
                index=st.integers(-1, 130),
                messages=anything,
            ),
            max_size=2,
        )
    },
    usage=objects({"prompt_tokens": st.integers(-5, 10**15)}),
)


@settings(max_examples=300)
@given(answers.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    check_bytes(WIRE, data)


def sent(*turns: Turn, parts, **more) -> dict:
    body = json.loads(WIRE.encode(asks(*turns, parts=parts, **more), streamed=False))
    fake.check_body(body)
    return body


def whole(**changed) -> bytes:
    """An ordinary answer with something changed in it."""
    return json.dumps({**json.loads(fake.answer("x")), **changed}).encode()


def test_ids_are_short_and_the_same_in_call_and_result():
    parts = (part("u", "find"), part("a", {"q": "x"}), part("r", "row"))
    body = sent(
        Turn(Role.DEVELOPER, ("u",)),
        Turn(Role.ASSISTANT, calls=(ToolCall("call_1", "find", "a"), ToolCall("call_2", "find", "a"))),
        Turn(Role.TOOL, ("r",), answers="call_2"),
        Turn(Role.TOOL, ("r",), answers="call_1"),
        Turn(Role.ASSISTANT),
        parts=parts,
    )
    assert [message["role"] for message in body["messages"]] == ["system", "assistant", "tool", "tool"]
    one, two = (call["id"] for call in body["messages"][1]["tool_calls"])
    assert [message["tool_call_id"] for message in body["messages"][2:]] == [two, one]
    assert one != two


def test_how_to_answer_is_said_in_the_protocols_own_words():
    parts = (part("u", "hi"), part("schema", {"type": "object"}), part("stop", "END"), part("d", "an answer"))
    generation = Generation(
        seed=7, choices=2, stop=("stop",), tool_choice=ToolChoice("required"), parallel_tool_calls=False,
        reasoning_tokens=0, response_format=ResponseFormat("json_schema", "n", "schema", "d", True),
    )  # fmt: skip
    body = sent(Turn(Role.USER, ("u",)), parts=parts, tools=(ToolDefinition("f", None, None),), generation=generation)
    assert (body["random_seed"], body["n"], body["stop"], body["tool_choice"]) == (7, 2, ["END"], "any")
    assert (body["max_tokens"], body["reasoning_effort"], body["parallel_tool_calls"]) == (4096, "none", False)
    schema = {"name": "n", "schema": {"type": "object"}, "description": "an answer", "strict": True}
    assert body["response_format"] == {"type": "json_schema", "json_schema": schema}
    named = sent(Turn(Role.USER, ("u",)), parts=parts, generation=Generation(tool_choice=ToolChoice("named", "f")))
    assert named["tool_choice"] == {"type": "function", "function": {"name": "f"}}


def choice(finish: str = "stop", **changed) -> bytes:
    return whole(choices=[{"index": 0, "message": {"content": "x"}, "finish_reason": finish, **changed}])


@pytest.mark.parametrize(
    "data",
    [
        choice("error"),
        choice(messages=[{"role": "tool", "content": "theirs"}]),
        choice(message={"content": "x", "tool_call_id": "theirs"}),
        choice(message={"content": [{"type": "reference", "reference_ids": [1]}]}),
        choice(message={"content": [{"type": "tool_file", "text": "theirs"}]}),
        choice(message={"content": "x", "tool_calls": [{"function": {"name": "f", "arguments": "theirs"}}]}),
        choice(message=None),
        whole(choices=[]),
        whole(usage={"prompt_tokens": -1}),
        b'{"object": "error", "message": "theirs", "type": "invalid_request_error"}',
        b'{"detail": [{"msg": "theirs"}]}',
    ],
)
def test_what_nobody_judged_and_what_another_protocol_says_is_refused(data):
    with pytest.raises(UpstreamError) as caught:
        WIRE.parse(data)
    assert "theirs" not in str(caught.value)


def test_arguments_may_be_an_object_and_calls_without_a_number_are_counted():
    function = {"name": "f", "arguments": {"a": 1}}
    read = WIRE.parse(choice("tool_calls", message={"tool_calls": [{"function": function}]}))
    assert dict(read.parts[0].value) == {"a": 1}
    delta = {"tool_calls": [{"function": function}, {"function": {"name": "g", "arguments": "{}"}}]}
    found = list(WIRE.reader().read(json.dumps({"choices": [{"delta": delta}]}).encode()))
    assert found == [CallDelta(0, 0, '{"a": 1}', None, "f"), CallDelta(0, 1, "{}", None, "g")]


def test_a_context_that_is_full_is_a_length():
    assert WIRE.parse(choice("model_length")).choices[0].finish is Finish.LENGTH
    with pytest.raises(UpstreamError):
        deltas(WIRE, [event({"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]})])
