"""Whole answers are what the stock `Response` of the `openai` package reads."""

from __future__ import annotations

import json

import pytest
from openai.types.responses import Response

from ringwall.dataplane.wire.door import Said
from ringwall.dataplane.wire.openai_responses import OpenAIResponses
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.conversation import Answer, Choice, Finish, Reasoning, ToolCall, Usage
from tests.dataplane.wire.heads import head

PARTS = (
    Part(PartId("r"), Origin.MODEL, "hm"),
    Part(PartId("c"), Origin.MODEL, "yes"),
    Part(PartId("a"), Origin.MODEL, freeze({"q": ["é"]}), JSON),
    Part(PartId("n"), Origin.MODEL, "no"),
)


def render(choice: Choice, usage: Usage | None = None) -> Response:
    return Response.model_validate(json.loads(OpenAIResponses().answer(Answer((choice,), PARTS, usage), head())))


def test_a_whole_answer():
    call, thought = ToolCall("call_1", "f", PartId("a")), Reasoning(PartId("r"), "c2VhbA==")
    said = render(Choice(0, (PartId("c"),), (call,), Finish.TOOL_CALLS, reasoning=(thought,)), Usage(10, 3, 4, 2))
    assert [item.type for item in said.output] == ["reasoning", "message", "function_call"]
    assert (said.output[0].content[0].text, said.output[0].encrypted_content) == ("hm", "bound.c2VhbA==")
    assert said.output_text == "yes"
    assert (said.output[2].call_id, json.loads(said.output[2].arguments)) == ("call_1", {"q": ["é"]})
    assert len({item.id for item in said.output}) == 3
    assert (said.id, said.status, said.store) == ("resp_req_1", "completed", False)
    assert (said.usage.total_tokens, said.usage.input_tokens_details.cached_tokens) == (13, 4)
    assert said.usage.output_tokens_details.reasoning_tokens == 2


@pytest.mark.parametrize(
    ("finish", "reason"), [(Finish.LENGTH, "max_output_tokens"), (Finish.CONTENT_FILTER, "content_filter")]
)
def test_what_is_not_complete_says_why(finish, reason):
    said = render(Choice(0, (PartId("c"),), (), finish))
    assert (said.status, said.incomplete_details.reason) == ("incomplete", reason)


def test_a_models_refusal_is_told_as_one():
    said = render(Choice(0, (), (), Finish.STOP, refusal=PartId("n")))
    assert said.output[0].content[0].refusal == "no"


def test_an_error_is_that_of_all_openai_protocols():
    status, body, _ = OpenAIResponses().error(Said(403, "no", "c", control="a.b"))
    assert (status, json.loads(body)["error"]["ringwall"]) == (403, {"control": "a.b"})
