"""A request to Converse becomes parts and turns, with every string's origin, or is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from ringwall.dataplane.wire.bedrock_request import check_model, parse_converse, refuse_headers
from ringwall.dataplane.wire.door import ModelRequest
from ringwall.dataplane.wire.reading import read_object
from ringwall.model.content import JSON, Origin
from ringwall.model.conversation import Reasoning, Role, ToolChoice
from ringwall.model.errors import CallerError
from tests.dataplane.wire.bedrock_shapes import requests, right_requests

PNG = "iVBORw0KGgo="
IMAGE = {"image": {"format": "png", "source": {"bytes": PNG}}}
HI = [{"role": "user", "content": [{"text": "hi"}]}]
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456"


def unseal(bound: str) -> str:
    if not bound.startswith("ours."):
        raise CallerError("not yours", code="bad_signature")
    return bound.removeprefix("ours.")


def read(document: dict[str, Any], model: str = "m") -> ModelRequest:
    body = read_object(json.dumps(document).encode(), depth=64)
    return parse_converse(body, model=model, streamed=False, unseal=unseal)


def parse(**change: Any) -> ModelRequest:
    return read({"messages": HI, **change})


def messages(*rows: tuple[str, list[dict[str, Any]]]) -> ModelRequest:
    return parse(messages=[{"role": role, "content": content} for role, content in rows])


def refused(**change: Any) -> CallerError:
    with pytest.raises(CallerError) as caught:
        parse(**change)
    return caught.value


def values(asked: ModelRequest) -> dict[str, tuple[Origin, object]]:
    return {part.id: (part.origin, part.value) for part in asked.parts}


CALL = {"toolUse": {"toolUseId": "call_1", "name": "f", "input": {"q": 1}}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "ours.c2VhbA=="}}}
RESULT = {
    "toolResult": {
        "toolUseId": "call_1",
        "content": [{"text": "row"}, {"json": {"card": 4}}, IMAGE],
        "status": "error",
    }
}


def test_every_string_is_a_part_with_its_origin() -> None:
    asked = parse(
        system=[
            {"text": "be kind"},
            {"cachePoint": {"type": "default"}},
            {"guardContent": {"text": {"text": "rules"}}},
        ],
        messages=[
            {"role": "user", "content": [{"text": "hi"}, IMAGE]},
            {"role": "assistant", "content": [THOUGHT, {"text": "I look"}, CALL]},
            {"role": "user", "content": [RESULT, {"text": "and now?"}]},
            {"role": "system", "content": [{"text": "be brief"}]},
        ],
        toolConfig={
            "tools": [{"toolSpec": {"name": "f", "description": "does", "inputSchema": {"json": {"type": "object"}}}}]
        },
        inferenceConfig={"stopSequences": ["END"]},
    )
    assert values(asked) == {
        "turns/0/content/0": (Origin.OPERATOR, "be kind"),
        "turns/0/content/1": (Origin.OPERATOR, "rules"),
        "turns/1/content/0": (Origin.PERSON, "hi"),
        "turns/1/content/1": (Origin.PERSON, PNG),
        "turns/2/reasoning/0": (Origin.MODEL, "hm"),
        "turns/2/content/0": (Origin.MODEL, "I look"),
        "turns/2/calls/0/arguments": (Origin.MODEL, {"q": 1}),
        "turns/3/content/0": (Origin.TOOL, "row"),
        "turns/3/content/1": (Origin.TOOL, {"card": 4}),
        "turns/3/content/2": (Origin.TOOL, PNG),
        "turns/4/content/0": (Origin.PERSON, "and now?"),
        "turns/5/content/0": (Origin.OPERATOR, "be brief"),
        "tools/0/description": (Origin.TOOL, "does"),
        "tools/0/schema": (Origin.TOOL, {"type": "object"}),
        "stop/0": (Origin.PERSON, "END"),
    }
    roles = [turn.role for turn in asked.conversation.turns]
    assert roles == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.TOOL, Role.USER, Role.SYSTEM]
    answer = asked.conversation.turns[3]
    assert (answer.answers, answer.failed) == ("call_1", True)
    assert asked.conversation.turns[2].reasoning == (Reasoning("turns/2/reasoning/0", "c2VhbA=="),)
    assert asked.tool_results == tuple((f"turns/3/content/{number}", "call_1") for number in range(3))
    assert next(part for part in asked.parts if part.id == "turns/3/content/1").media == JSON
    assert asked.first_user_turn == f"hi\0{PNG}".encode()


def test_what_stands_around_a_result_stays_around_it() -> None:
    asked = messages(("user", [{"text": "before"}, RESULT, {"text": "after"}]))
    assert [turn.role for turn in asked.conversation.turns] == [Role.USER, Role.TOOL, Role.USER]


def test_guarded_content_is_judged_beside_the_rest_and_not_instead_of_it() -> None:
    guarded = {"guardContent": {"text": {"text": "this", "qualifiers": ["query"]}}}
    asked = messages(("user", [{"text": "that"}, guarded, {"guardContent": IMAGE}]))
    plain = messages(("user", [{"text": "that"}, {"text": "this"}, IMAGE]))
    assert asked == plain


def test_generation_is_read_and_bounded() -> None:
    more = {"top_k": 7, "thinking": {"type": "enabled", "budget_tokens": 50}}
    inference = {"maxTokens": 9, "temperature": 0.5, "topP": 0.25}
    drawn = parse(inferenceConfig=inference, additionalModelRequestFields=more).conversation.generation
    assert (drawn.max_tokens, drawn.temperature, drawn.top_p, drawn.top_k) == (9, 0.5, 0.25, 7)
    assert drawn.reasoning_tokens == 50
    for bad in ({"maxTokens": 0}, {"temperature": 1.5}, {"topP": -1}, {"stopSequences": ["x"] * 65}, {"topK": 1}):
        assert refused(inferenceConfig=bad).param.startswith("inferenceConfig")


@pytest.mark.parametrize(
    ("more", "tokens", "effort", "adaptive"),
    [
        ({"thinking": {"type": "disabled"}}, 0, None, False),
        ({"thinking": {"type": "adaptive"}}, None, None, True),
        ({"reasoning_effort": "low"}, None, "low", False),
        ({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}, None, "high", False),
        ({"reasoningConfig": {"type": "disabled"}}, 0, None, False),
    ],
)
def test_reasoning_is_asked_for_in_every_models_own_words(more, tokens, effort, adaptive) -> None:
    drawn = parse(additionalModelRequestFields=more).conversation.generation
    assert (drawn.reasoning_tokens, drawn.reasoning_effort, drawn.reasoning_adaptive) == (tokens, effort, adaptive)


def test_fields_for_the_model_that_are_not_known_or_say_it_twice_are_refused() -> None:
    assert refused(additionalModelRequestFields={"tools": []}).param == "additionalModelRequestFields.tools"
    both = {"top_k": 1, "inferenceConfig": {"topK": 2}}
    assert refused(additionalModelRequestFields=both).param == "additionalModelRequestFields"


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        ({"auto": {}}, ToolChoice("auto")),
        ({"any": {}}, ToolChoice("required")),
        ({"tool": {"name": "f"}}, ToolChoice("named", "f")),
    ],
)
def test_a_choice_of_tools(choice, kind) -> None:
    config = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}], "toolChoice": choice}
    assert parse(toolConfig=config).conversation.generation.tool_choice == kind


def test_the_form_of_an_answer_is_content() -> None:
    def form(schema: str, **more: str) -> dict[str, Any]:
        structure = {"jsonSchema": {"schema": schema, **more}}
        return {"textFormat": {"type": "json_schema", "structure": structure}, "effort": "low"}

    asked = parse(outputConfig=form('{"type": "object"}', name="n", description="d"))
    wanted = asked.conversation.generation.response_format
    assert wanted is not None and (wanted.kind, wanted.name, wanted.strict) == ("json_schema", "n", True)
    assert values(asked)["format/schema"] == (Origin.TOOL, {"type": "object"})
    assert values(asked)["format/description"] == (Origin.TOOL, "d")
    assert asked.conversation.generation.reasoning_effort == "low"
    assert refused(outputConfig=form('{"a": 1, "a": 2}')).code == "duplicate_key"
    assert refused(outputConfig=form("[]")).code == "invalid_type"


@pytest.mark.parametrize(
    ("role", "block"),
    [
        ("user", CALL),
        ("user", THOUGHT),
        ("system", RESULT),
        ("assistant", RESULT),
        ("assistant", IMAGE),
        ("assistant", {"guardContent": {"text": {"text": "x"}}}),
        ("user", {}),
        ("user", {"text": "a", "cachePoint": {"type": "default"}}),
        ("user", {"text": "a", **IMAGE}),
        ("user", {"guardContent": {}}),
        ("user", {"guardContent": {"text": {"text": "a"}, **IMAGE}}),
        ("user", {"toolResult": {"toolUseId": "c", "content": [{}]}}),
        ("user", {"toolResult": {"toolUseId": "c", "content": [{"text": "a", "json": 1}]}}),
        ("user", {"toolResult": {"toolUseId": "../c", "content": []}}),
        ("user", {"image": {"format": "png", "source": {"bytes": "not base64"}}}),
        ("assistant", {"toolUse": {"toolUseId": "c", "name": "a b", "input": {}}}),
        ("assistant", {"toolUse": {"toolUseId": "c", "name": "f", "input": "text"}}),
    ],
)
def test_a_block_that_can_be_read_in_two_ways_or_stands_in_the_wrong_place_is_refused(role, block) -> None:
    with pytest.raises(CallerError):
        messages((role, [block]))


@pytest.mark.parametrize(
    "change",
    [
        {"system": [{"text": "hidden", "cachePoint": {"type": "default"}}]},
        {"system": [{}]},
        {"toolConfig": {"tools": [{}]}},
        {"toolConfig": {"tools": [], "toolChoice": {}}},
        {"toolConfig": {"tools": [], "toolChoice": {"auto": {}, "any": {}}}},
        {"messages": []},
        {"nobody": 1},
    ],
)
def test_nothing_is_dropped_unread(change) -> None:
    refused(**change)


def test_reasoning_that_was_sealed_for_another_is_refused() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "theirs"}}}
    with pytest.raises(CallerError) as caught:
        messages(("assistant", [thought]))
    assert caught.value.code == "bad_signature"


@pytest.mark.parametrize("model", ["anthropic.claude-3-5-sonnet-20241022-v2:0", "us.amazon.nova-lite-v1:0", ARN])
def test_ids_profiles_and_arns_are_names_of_models(model) -> None:
    assert read({"messages": HI}, model).model == check_model(model) == model


@pytest.mark.parametrize("model", ["", "a b", "a\n", "a%2Fb", "é", "x" * 257, "a?b", "a#b", "\x00"])
def test_what_is_no_name_of_a_model_is_refused(model) -> None:
    with pytest.raises(CallerError):
        check_model(model)


def test_headers_that_ask_for_nothing_that_is_refused_are_passed_over() -> None:
    refuse_headers({"x-amzn-bedrock-trace": "ENABLED", "accept": "*/*"})


@settings(max_examples=400)
@given(requests)
def test_a_document_in_the_shape_of_a_request_is_read_or_refused(document) -> None:
    try:
        read(document)
    except CallerError as error:
        assert len(error.public) < 1000


@settings(max_examples=300)
@given(right_requests)
def test_every_part_of_what_is_read_has_its_place_and_every_string_is_a_part(document) -> None:
    asked = read(document)
    named = {part for turn in asked.conversation.turns for part in (*turn.content, *(c.arguments for c in turn.calls))}
    named |= {thought.text for turn in asked.conversation.turns for thought in turn.reasoning}
    named |= {part for tool in asked.conversation.tools for part in (tool.description, tool.schema) if part is not None}
    named |= set(asked.conversation.generation.stop)
    wanted = asked.conversation.generation.response_format
    named |= {part for part in (wanted.schema, wanted.description) if part is not None} if wanted is not None else set()
    assert named == {part.id for part in asked.parts}
    assert len(asked.parts) == len({part.id for part in asked.parts})
    leaves = "\0".join(leaf.text for part in asked.parts for leaf in part.leaves())
    assert all(text in leaves for text in said(document))


def said(value: Any) -> Iterator[str]:
    """Every text that a request has for a model, wherever it stands."""
    if isinstance(value, list):
        for each in value:
            yield from said(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name in ("text", "description", "bytes") and isinstance(each, str):
                yield each
            elif name in ("input", "json"):
                yield from (text for pair in each.items() for text in pair if isinstance(text, str))
            elif name not in ("requestMetadata", "additionalModelRequestFields"):
                yield from said(each)
