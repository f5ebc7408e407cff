from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from ringwall.model.conversation import Generation, ResponseFormat, Role, ToolCall, ToolChoice, ToolDefinition, Turn
from ringwall.model.features import HARMLESS, Feature, features
from tests.dataplane.wire.conversations import asks, invocations, part

PARTS = (part("t", "x"), part("i", "AAAA", "image/png"), part("j", {"a": 1}))
USER = Turn(Role.USER, ("t",))


def needed(*turns: Turn, **more) -> set[Feature]:
    made = asks(*(turns or (USER,)), parts=PARTS, **more)
    return set(features(made.conversation, made.parts))


def test_text_needs_nothing():
    assert needed(Turn(Role.SYSTEM, ("t",)), Turn(Role.DEVELOPER, ("t",)), USER) == set()
    harmless = Generation(max_tokens=5, parallel_tool_calls=True, tool_choice=ToolChoice("auto"), presence_penalty=0)
    assert needed(generation=replace(harmless, response_format=ResponseFormat("text"))) == set()


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ((Turn(Role.USER, ("i",)),), {Feature.IMAGES}),
        ((Turn(Role.SYSTEM, ("i",)), USER), {Feature.OTHER_IMAGES}),
        ((Turn(Role.USER, ("t",), name="ada"),), {Feature.NAMES}),
        ((Turn(Role.ASSISTANT, refusal="t"), USER), {Feature.REFUSALS}),
        ((USER, Turn(Role.ASSISTANT, ("t",))), {Feature.LAST_WORD}),
        (
            (Turn(Role.TOOL, ("i",), answers="c"), USER),
            {Feature.TOOL_RESULTS, Feature.LOST_CALLS, Feature.RESULT_IMAGES},
        ),
        (
            (Turn(Role.ASSISTANT, calls=(ToolCall("c", "f", "j"),)), Turn(Role.TOOL, ("t",), answers="c")),
            {Feature.TOOLS, Feature.TOOL_RESULTS},
        ),
    ],
)  # fmt: skip
def test_what_turns_need(turns, expected):
    assert needed(*turns) == expected


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        (Generation(choices=2), {Feature.CHOICES}),
        (Generation(seed=0), {Feature.SEED}),
        (Generation(frequency_penalty=0.1), {Feature.PENALTIES}),
        (Generation(top_k=1), {Feature.TOP_K}),
        (Generation(top_p=0.1), {Feature.SAMPLING}),
        (Generation(temperature=1.5), {Feature.SAMPLING, Feature.HEAT}),
        (Generation(stop=("t",)), {Feature.STOPS}),
        (Generation(verbosity="low"), {Feature.VERBOSITY}),
        (Generation(parallel_tool_calls=False), {Feature.SINGLE_CALLS}),
        (Generation(tool_choice=ToolChoice("none")), {Feature.TOOL_CHOICE}),
        (Generation(tool_choice=ToolChoice("named", "f")), {Feature.NAMED_TOOL}),
        (Generation(reasoning_effort="none"), {Feature.NO_REASONING}),
        (Generation(reasoning_effort="high"), {Feature.EFFORT}),
        (Generation(reasoning_effort="minimal"), {Feature.EFFORT_EXTREMES}),
        (Generation(reasoning_tokens=0), {Feature.NO_REASONING}),
        (Generation(reasoning_tokens=9), {Feature.REASONING_BUDGET}),
        (Generation(response_format=ResponseFormat("json_object")), {Feature.JSON_OBJECT}),
        (Generation(response_format=ResponseFormat("json_schema", "n")), {Feature.JSON_OBJECT}),
        (
            Generation(response_format=ResponseFormat("json_schema", "n", "j", "t")),
            {Feature.JSON_SCHEMA, Feature.SCHEMA_DESCRIPTION},
        ),
    ],
)
def test_what_a_way_to_answer_needs(generation, expected):
    assert needed(generation=generation) == expected


def test_what_tools_need():
    assert needed(tools=(ToolDefinition("f", None, None),)) == {Feature.TOOLS}
    assert needed(tools=(ToolDefinition("f", None, None, True),)) == {Feature.TOOLS, Feature.STRICT_TOOLS}


@settings(max_examples=100)
@given(invocations())
def test_a_conversation_with_more_in_it_needs_no_less(invocation):
    whole = features(invocation.conversation, invocation.parts)
    plain = replace(invocation.conversation, generation=Generation(), tools=())
    assert features(plain, invocation.parts) <= whole


def test_what_is_harmless_says_why():
    assert all(reason for reason in HARMLESS.values())
