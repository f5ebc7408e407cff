"""Answers are what the stock types and the stock stream of the `anthropic` package read."""

from __future__ import annotations

import json

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from ringwall.dataplane.wire import anthropic_answer as wire
from ringwall.dataplane.wire.door import Said
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.conversation import (
    Answer,
    CallDelta,
    Choice,
    Conversation,
    Counted,
    Finish,
    Finished,
    Generation,
    Reasoning,
    Sealed,
    TextDelta,
    TextKind,
    ToolCall,
    Usage,
)
from tests.dataplane.wire.heads import head

EVENT: TypeAdapter = TypeAdapter(RawMessageStreamEvent)
PARTS = (
    Part(PartId("r"), Origin.MODEL, "hm"),
    Part(PartId("c"), Origin.MODEL, "yes"),
    Part(PartId("a"), Origin.MODEL, freeze({"q": ["é"]}), JSON),
    Part(PartId("n"), Origin.MODEL, "no"),
)
COUNTED = Usage(10, 3, 4)
CALL = ToolCall("call_1", "f", PartId("a"))


def render(choice: Choice, usage: Usage | None = COUNTED) -> Message:
    body = json.loads(wire.AnthropicMessages().answer(Answer((choice,), PARTS, usage), head()))
    return Message.model_validate(body)


def test_a_whole_answer():
    said = render(
        Choice(0, (PartId("c"),), (CALL,), Finish.TOOL_CALLS, reasoning=(Reasoning(PartId("r"), "c2VhbA=="),))
    )
    assert [block.type for block in said.content] == ["thinking", "text", "tool_use"]
    assert (said.content[0].thinking, said.content[0].signature) == ("hm", "bound.c2VhbA==")
    assert (said.content[2].id, said.content[2].input) == ("call_1", {"q": ["é"]})
    assert (said.id, said.stop_reason) == ("msg_req_1", "tool_use")
    assert (said.usage.input_tokens, said.usage.cache_read_input_tokens, said.usage.output_tokens) == (6, 4, 3)


@pytest.mark.parametrize(
    ("finish", "reason"),
    [(Finish.STOP, "end_turn"), (Finish.LENGTH, "max_tokens"), (Finish.CONTENT_FILTER, "refusal")],
)
def test_why_it_stopped(finish, reason):
    assert render(Choice(0, (PartId("c"),), (), finish)).stop_reason == reason


def test_a_models_refusal_is_told_as_one():
    said = render(Choice(0, (), (), Finish.STOP, refusal=PartId("n")), None)
    assert (said.stop_reason, said.content[0].text, said.usage.input_tokens) == ("refusal", "no", 0)


def events(*deltas) -> list:
    renderer = wire.AnthropicMessages().renderer(head())
    data = renderer.begin() + b"".join(renderer.render(delta) for delta in deltas) + renderer.end("rw1.x")
    rows = [block.split("\n") for block in data.decode().split("\n\n") if block and not block.startswith(":")]
    read = [EVENT.validate_python(json.loads(row[1].removeprefix("data: "))) for row in rows]
    assert [row[0] for row in rows] == [f"event: {each.type}" for each in read]
    return read


def test_a_stream_has_one_block_for_each_thing_that_was_said():
    read = events(
        TextDelta(0, "hm", TextKind.REASONING),
        TextDelta(0, "…", TextKind.REASONING),
        Sealed(0, "c2VhbA=="),
        TextDelta(0, "ye"),
        TextDelta(0, "s"),
        CallDelta(0, 0, '{"q":1}', "call_1", "f"),
        CallDelta(0, 1, "{}", "call_2", "g"),
        Finished(0, Finish.TOOL_CALLS),
        Counted(Usage(10, 3, 4)),
    )
    begun = [(each.index, each.content_block.type) for each in read if each.type == "content_block_start"]
    assert begun == [(0, "thinking"), (1, "text"), (2, "tool_use"), (3, "tool_use")]
    assert [each.index for each in read if each.type == "content_block_stop"] == [0, 1, 2, 3]
    signed = [
        each.delta for each in read if each.type == "content_block_delta" and each.delta.type == "signature_delta"
    ]
    assert [each.signature for each in signed] == ["bound.c2VhbA=="]
    assert [each.type for each in read[-2:]] == ["message_delta", "message_stop"]
    assert (read[-2].delta.stop_reason, read[-2].usage.output_tokens) == ("tool_use", 3)


def test_a_refusal_in_a_stream_is_told_as_one():
    assert events(TextDelta(0, "no", TextKind.REFUSAL), Finished(0, Finish.STOP))[-2].delta.stop_reason == "refusal"


def test_the_text_at_which_it_stopped_is_told_where_only_one_was_given():
    stop = Part(PartId("stop/0"), Origin.PERSON, "END")
    asked = head(conversation=Conversation((), (), Generation(stop=(stop.id,))), parts=(stop,))
    body = json.loads(wire.AnthropicMessages().answer(Answer((Choice(0, (), (), Finish.STOP_SEQUENCE),), ()), asked))
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "END")


def test_no_text_can_break_out_of_its_event():
    for text in ("a\n\nevent: error\ndata: {}\n\n", "\r\r", "\u2028"):
        [said] = [each for each in events(TextDelta(0, text)) if each.type == "content_block_delta"]
        assert said.delta.text == text


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error"), (404, "not_found_error"),
     (413, "request_too_large"), (429, "rate_limit_error"), (500, "api_error"), (502, "api_error"),
     (503, "overloaded_error")],
)  # fmt: skip
def test_an_error_has_the_protocols_shape_and_ours_below(status, kind):
    said = Said(status, "no", "c", None, "a.b", "inbound", "rec_1")
    found, body, _ = wire.AnthropicMessages().error(said)
    error = json.loads(body)
    assert found == status and (error["type"], error["error"]["type"], error["error"]["message"]) == (
        "error",
        kind,
        "no",
    )
    assert error["error"]["ringwall"] == {"code": "c", "control": "a.b", "checkpoint": "inbound", "record": "rec_1"}
    streamed = wire.AnthropicMessages().renderer(head()).error(said).decode()
    assert streamed.startswith("event: error\ndata: ") and json.loads(streamed.split("data: ")[1]) == error


def test_models_are_listed():
    body = json.loads(wire.render_models(["a", "b"], created=5))
    assert [each["id"] for each in body["data"]] == ["a", "b"] and body["last_id"] == "b"
    assert json.loads(wire.render_models([], created=5))["first_id"] is None
