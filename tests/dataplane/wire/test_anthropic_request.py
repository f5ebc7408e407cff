"""A request to the Messages API becomes parts and turns, with every string's origin, or is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.wire.anthropic_request import parse_prompt, parse_request
from ringwall.dataplane.wire.door import ModelRequest
from ringwall.model.content import JSON, Origin
from ringwall.model.conversation import Reasoning, Role, ToolChoice
from ringwall.model.errors import CallerError

BASE: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
PNG = "iVBORw0KGgo="


def parse(**change: Any) -> ModelRequest:
    return parse_request(json.dumps({**BASE, **change}).encode(), depth=64, unseal=unseal)


def unseal(bound: str) -> str:
    if not bound.startswith("ours."):
        raise CallerError("not yours", code="bad_signature")
    return bound.removeprefix("ours.")


def messages(*rows: tuple[str, Any]) -> ModelRequest:
    return parse(messages=[{"role": role, "content": content} for role, content in rows])


def test_every_string_is_a_part_with_its_origin() -> None:
    tool = {"name": "f", "description": "does", "input_schema": {"type": "object"}}
    asked = parse(
        system=[{"type": "text", "text": "be kind"}],
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "ours.c2VhbA=="},
                {"type": "text", "text": "I look"},
                {"type": "tool_use", "id": "call_1", "name": "f", "input": {"q": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "row", "is_error": True},
                {"type": "text", "text": "and now?"},
            ]},
            {"role": "system", "content": "be brief"},
        ],
        tools=[tool],
        stop_sequences=["END"],
    )  # fmt: skip
    said = {part.id: (part.origin, part.value) for part in asked.parts}
    assert said == {
        "turns/0/content/0": (Origin.OPERATOR, "be kind"),
        "turns/1/content/0": (Origin.PERSON, "hi"),
        "turns/2/reasoning/0": (Origin.MODEL, "hm"),
        "turns/2/content/0": (Origin.MODEL, "I look"),
        "turns/2/calls/0/arguments": (Origin.MODEL, {"q": 1}),
        "turns/3/content/0": (Origin.TOOL, "row"),
        "turns/4/content/0": (Origin.PERSON, "and now?"),
        "turns/5/content/0": (Origin.OPERATOR, "be brief"),
        "tools/0/description": (Origin.TOOL, "does"),
        "tools/0/schema": (Origin.TOOL, {"type": "object"}),
        "stop/0": (Origin.PERSON, "END"),
    }
    turns = asked.conversation.turns
    roles = [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.TOOL, Role.USER, Role.SYSTEM]
    assert [turn.role for turn in turns] == roles
    assert turns[2].reasoning == (Reasoning("turns/2/reasoning/0", "c2VhbA=="),)
    assert (turns[3].answers, turns[3].failed) == ("call_1", True)
    assert asked.tool_results == (("turns/3/content/0", "call_1"),)
    assert asked.first_user_turn == b"hi"


def test_how_the_answer_is_drawn() -> None:
    asked = parse(
        temperature=0.5, top_p=0.9, top_k=7, stream=True,
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        thinking={"type": "enabled", "budget_tokens": 2048},
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    )  # fmt: skip
    drawn = asked.conversation.generation
    assert asked.streamed and (drawn.max_tokens, drawn.temperature, drawn.top_p, drawn.top_k) == (9, 0.5, 0.9, 7)
    assert (drawn.tool_choice, drawn.parallel_tool_calls) == (ToolChoice("required"), False)
    assert (drawn.reasoning_tokens, drawn.reasoning_effort, drawn.reasoning_adaptive) == (2048, "high", False)
    assert drawn.response_format is not None and drawn.response_format.kind == "json_schema"
    assert parse(thinking={"type": "disabled"}).conversation.generation.reasoning_tokens == 0
    assert parse(thinking={"type": "adaptive"}).conversation.generation.reasoning_adaptive
    assert parse(tool_choice={"type": "tool", "name": "f"}).conversation.generation.tool_choice == ToolChoice(
        "named", "f"
    )
    assert parse(tool_choice={"type": "none"}).conversation.generation.tool_choice == ToolChoice("none")


def test_images_come_in_the_request_also_in_what_a_tool_returned() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    asked = messages(
        ("user", [image]),
        ("assistant", "x"),
        ("user", [{"type": "tool_result", "tool_use_id": "t", "content": [image]}]),
    )
    assert [(part.media, part.origin) for part in asked.parts if part.media != "text/plain"] == [
        ("image/png", Origin.PERSON),
        ("image/png", Origin.TOOL),
    ]
    for wrong in ({"media_type": "image/svg+xml"}, {"data": "<svg>"}):
        with pytest.raises(CallerError):
            messages(("user", [{**image, "source": {**image["source"], **wrong}}]))


def test_a_result_without_content_is_still_a_part_that_is_judged() -> None:
    asked = messages(("user", [{"type": "tool_result", "tool_use_id": "t"}]))
    assert [part.value for part in asked.parts] == [""] and asked.tool_results == (("turns/0/content/0", "t"),)


@pytest.mark.parametrize(
    ("rows", "param"),
    [
        (
            [("user", [{"type": "text", "text": "x"}, {"type": "tool_result", "tool_use_id": "t"}])],
            "messages[0].content[1]",
        ),
        ([("user", [{"type": "tool_result", "tool_use_id": "../t"}])], "messages[0].content[0].tool_use_id"),
        ([("assistant", [{"type": "tool_use", "id": "t", "name": "a b", "input": {}}])], "messages[0].content[0].name"),
        (
            [("assistant", [{"type": "tool_use", "id": "t", "name": "f", "input": "{}"}])],
            "messages[0].content[0].input",
        ),
        ([("assistant", [{"type": "image", "source": {}}])], "messages[0].content[0].type"),
        ([("system", [{"type": "image", "source": {}}])], "messages[0].content[0].type"),
        ([("tool", "x")], "messages[0].role"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_in_one_way_is_refused_with_its_place(rows: list[tuple[str, Any]], param: str) -> None:
    with pytest.raises(CallerError) as caught:
        messages(*rows)
    assert caught.value.param == param


def test_reasoning_of_somebody_else_is_refused() -> None:
    with pytest.raises(CallerError) as caught:
        messages(("assistant", [{"type": "thinking", "thinking": "x", "signature": "stolen"}]))
    assert caught.value.code == "bad_signature"
    asked = messages(("assistant", [{"type": "thinking", "thinking": "x", "signature": ""}]))
    assert asked.conversation.turns[0].reasoning[0].seal == ""


def test_a_prompt_to_count_takes_no_limit_and_is_not_answered() -> None:
    body = {key: value for key, value in BASE.items() if key != "max_tokens"}
    asked = parse_prompt(json.dumps(body).encode(), depth=64, unseal=unseal)
    assert not asked.streamed and asked.conversation.generation.max_tokens is None
    with pytest.raises(CallerError):
        parse_prompt(json.dumps(BASE).encode(), depth=64, unseal=unseal)


def test_a_json_string_in_arguments_is_no_text_of_the_model() -> None:
    asked = messages(("assistant", [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": "x"}}]))
    assert asked.parts[0].media == JSON


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "text", "role", "content", "id", "name", "input", "source"]), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*BASE, "system", "tools", "thinking", "tool_choice", "x"]), json_values))
def test_a_document_is_read_or_refused(change: dict[str, Any]) -> None:
    try:
        parse(**change)
    except CallerError as error:
        assert error.status == 400
