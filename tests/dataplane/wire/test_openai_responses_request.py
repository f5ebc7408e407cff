"""A request to the Responses API becomes parts and turns, with every string's origin, or is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.wire.door import ModelRequest
from ringwall.dataplane.wire.openai_responses_request import parse_request
from ringwall.model.content import Origin
from ringwall.model.conversation import Reasoning, Role, ToolChoice
from ringwall.model.errors import CallerError

CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"q": 1}'}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}


def unseal(bound: str) -> str:
    if not bound.startswith("ours."):
        raise CallerError("not yours", code="bad_signature")
    return bound.removeprefix("ours.")


def parse(*items: Any, **change: Any) -> ModelRequest:
    body = {"model": "m", "input": list(items) or "hi", **change}
    return parse_request(json.dumps(body).encode(), depth=64, unseal=unseal)


def said(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def test_every_string_is_a_part_with_its_origin() -> None:
    asked = parse(
        said("developer", "be brief"),
        said("user", [{"type": "input_text", "text": "hi"}]),
        {**THOUGHT, "encrypted_content": "ours.c2VhbA=="},
        {"type": "message", "id": "m", "status": "completed", "role": "assistant",
         "content": [{"type": "output_text", "text": "I look", "annotations": []},
                     {"type": "refusal", "refusal": "no"}]},
        CALL,
        {"type": "function_call_output", "call_id": "call_1", "output": "row"},
        instructions="be kind",
        tools=[{"type": "function", "name": "f", "description": "does", "parameters": {"type": "object"}}],
    )  # fmt: skip
    assert {part.id: (part.origin, part.value) for part in asked.parts} == {
        "turns/0/content/0": (Origin.OPERATOR, "be kind"),
        "turns/1/content/0": (Origin.OPERATOR, "be brief"),
        "turns/2/content/0": (Origin.PERSON, "hi"),
        "turns/3/reasoning/0": (Origin.MODEL, "hm"),
        "turns/3/content/0": (Origin.MODEL, "I look"),
        "turns/3/refusal": (Origin.MODEL, "no"),
        "turns/3/calls/0/arguments": (Origin.MODEL, {"q": 1}),
        "turns/4/content/0": (Origin.TOOL, "row"),
        "tools/0/description": (Origin.TOOL, "does"),
        "tools/0/schema": (Origin.TOOL, {"type": "object"}),
    }
    turns = asked.conversation.turns
    assert [turn.role for turn in turns] == [Role.SYSTEM, Role.DEVELOPER, Role.USER, Role.ASSISTANT, Role.TOOL]
    assert turns[3].reasoning == (Reasoning("turns/3/reasoning/0", "c2VhbA=="),) and turns[4].answers == "call_1"
    assert asked.tool_results == (("turns/4/content/0", "call_1"),) and asked.first_user_turn == b"hi"


def test_what_the_assistant_did_between_two_turns_is_one_turn() -> None:
    answer = said("assistant", "x")
    for items, turns in (
        ((THOUGHT, answer, CALL, CALL), 1),
        ((answer, answer), 2),
        ((CALL, answer), 2),
        ((answer, THOUGHT), 2),
        ((THOUGHT, THOUGHT, CALL), 1),
        ((said("user", "a"), CALL, said("user", "b"), CALL), 4),
    ):
        assert len(parse(*items).conversation.turns) == turns, items


def test_a_string_is_what_a_person_says() -> None:
    asked = parse()
    assert [(part.origin, part.value) for part in asked.parts] == [(Origin.PERSON, "hi")]


def test_how_the_answer_is_drawn() -> None:
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "description": "d", "strict": True}
    drawn = parse(
        max_output_tokens=5, temperature=1.5, top_p=0.5, reasoning={"effort": "low", "summary": "auto"},
        text={"format": schema, "verbosity": "low"}, tool_choice={"type": "function", "name": "f"},
        parallel_tool_calls=False, stream=True,
    ).conversation.generation  # fmt: skip
    assert (drawn.max_tokens, drawn.temperature, drawn.top_p, drawn.reasoning_effort) == (5, 1.5, 0.5, "low")
    assert drawn.response_format is not None and (drawn.response_format.name, drawn.verbosity) == ("n", "low")
    assert (drawn.tool_choice, drawn.parallel_tool_calls) == (ToolChoice("named", "f"), False)


@pytest.mark.parametrize(
    "item",
    [
        said("user", [{"type": "output_text", "text": "x"}]),
        said("assistant", [{"type": "input_image", "image_url": "data:image/png;base64,aGk="}]),
        said("assistant", [{"type": "refusal", "refusal": "a"}, {"type": "refusal", "refusal": "b"}]),
        said("tool", "x"),
        {**CALL, "arguments": "[1]"},
        {**CALL, "arguments": '{"a":1,"a":2}'},
        {**CALL, "call_id": "../x"},
        {**CALL, "async": True},
        {**CALL, "caller": {"type": "program", "caller_id": "x"}},
        {"type": "function_call_output", "output": "x"},
        {**THOUGHT, "encrypted_content": "stolen"},
        {"content": "no role"},
        "bare",
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused(item: Any) -> None:
    with pytest.raises(CallerError) as caught:
        parse(item)
    assert caught.value.status == 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "text", "role", "content", "call_id", "name", "output"]), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["model", "input", "tools", "text", "reasoning", "include", "x"]), json_values))
def test_a_document_is_read_or_refused(change: dict[str, Any]) -> None:
    try:
        parse(**change)
    except CallerError as error:
        assert error.status == 400
