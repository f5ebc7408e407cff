"""Answers and arguments with the form that they must have, and with another."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from ringwall.controls.application.output_schema import CONTROL, MAX_KEPT, OutputSchema
from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Refused
from ringwall.engine.streamed import Streaming, stream
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.control import SettingFile
from ringwall.model.conversation import (
    Conversation,
    Generation,
    ResponseFormat,
    TextDelta,
    ToolDefinition,
)
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Facts, Proposed
from ringwall.model.interaction import Action, Checkpoint, Interaction, Resource, Vantage
from ringwall.model.tools import OWN, Tool
from ringwall.model.verdict import Allow
from tests.controls.judging import build, code, judge, vantage
from tests.fakes import Road, ScriptedUpstream, attempt, rule, seat, text_part

SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "integer"}},
    "required": ["total"],
    "additionalProperties": False,
}
GOOD, OFF = '{"total": 3}', '{"total": "3"}'
FILE = SettingFile("answer.json", json.dumps(SCHEMA))
TOOL = Tool("refund", OWN, "", freeze({"type": "object", "properties": {"cents": {"type": "integer"}}}))
ANY: OutputSchema = build(CONTROL)


def asking(kind: str = "json_schema", schema: object = SCHEMA) -> Interaction:
    """A request that asks for a form, and offers a tool."""
    parts = (
        Part(PartId("format/schema"), Origin.TOOL, freeze(schema), JSON),
        Part(PartId("tools/0/schema"), Origin.TOOL, freeze({"type": "object", "required": ["q"]}), JSON),
    )
    tools = (ToolDefinition("search", None, parts[1].id), ToolDefinition("plain", None, None))
    asked = ResponseFormat(kind, "answer", parts[0].id if kind == "json_schema" else None)
    conversation = Conversation((), tools, Generation(response_format=asked if kind else None))
    return replace(vantage().interaction, parts=parts, conversation=conversation)


def answered(*said: str, interaction: Interaction | None = None, more: tuple[Part, ...] = ()) -> Vantage:
    parts = tuple(Part(PartId(f"choices/{number}/content/0"), Origin.MODEL, text) for number, text in enumerate(said))
    return Vantage(Checkpoint.RESPONSE, interaction or asking(), (*parts, *more), Facts())


def called(tool: str, arguments: object, interaction: Interaction | None = None) -> Vantage:
    part = Part(PartId("choices/0/calls/0/arguments"), Origin.MODEL, freeze(arguments), JSON)
    facts = Facts((Proposed({part.id: tool}),))
    return Vantage(Checkpoint.RESPONSE, interaction or asking(""), (part,), facts)


def test_answer_off_schema_refused() -> None:
    assert code(ANY, answered(OFF)) == "answer_off_schema"
    assert code(ANY, answered(GOOD)) is None


@pytest.mark.parametrize(
    "text",
    ["", " ", "three", '{"total": 3', '{"total": 3} ', '{"total": 3, "total": 4}', '{"total": NaN}', "[3]",
     '```json\n{"total": 3}\n```', '{"total": 3}{"total": 3}', '{"total": 3, "x": 1}'],
)  # fmt: skip
def test_whatever_is_not_exactly_it_is_refused(text: str) -> None:
    wanted = None if text == '{"total": 3} ' else "answer_off_schema"
    assert code(ANY, answered(text)) == wanted


def test_every_choice_must_have_the_form() -> None:
    assert code(ANY, answered(GOOD, GOOD)) is None
    verdict = judge(ANY, answered(GOOD, OFF))
    assert [each.place.part for each in verdict.evidence if each.place] == ["choices/1/content/0"]


def test_a_refusal_and_an_answer_of_calls_alone_need_no_form() -> None:
    refusal = Part(PartId("choices/0/refusal"), Origin.MODEL, "I will not.")
    assert code(ANY, answered(more=(refusal,))) is None
    assert code(ANY, replace(called("plain", {}), interaction=asking())) is None
    assert code(ANY, answered()) == "answer_off_schema"
    assert (
        code(ANY, answered("", more=(Part(PartId("choices/0/calls/0/arguments"), Origin.MODEL, freeze({}), JSON),)))
        is None
    )


def test_any_object_is_enough_where_any_is_asked_for() -> None:
    assert code(ANY, answered("{}", interaction=asking("json_object"))) is None
    assert code(ANY, answered("[]", interaction=asking("json_object"))) == "answer_off_schema"


@pytest.mark.parametrize("kind", ["", "text"])
def test_ordinary_answers_are_left_untouched(kind: str) -> None:
    plain = asking(kind)
    assert not ANY.needs_whole(plain)
    assert judge(ANY, answered("Hello there.", interaction=plain)) == Allow(frozenset({PartId("choices/0/content/0")}))
    without = replace(plain, conversation=None)
    assert judge(ANY, answered("Hello there.", interaction=without)) == Allow(
        frozenset({PartId("choices/0/content/0")})
    )


def test_the_plan_may_set_a_form_for_every_answer() -> None:
    strict = build(CONTROL, answers=(FILE,))
    assert strict.needs_whole(asking(""))
    assert code(strict, answered(OFF, interaction=asking(""))) == "answer_off_schema"
    assert code(strict, answered(GOOD, interaction=asking(""))) is None
    both = asking(schema={"properties": {"total": {"maximum": 2}}})
    assert code(strict, answered(GOOD, interaction=both)) == "answer_off_schema"


def test_the_form_of_a_request_may_be_left_to_the_request() -> None:
    lenient = build(CONTROL, requested=False)
    assert not lenient.needs_whole(asking())
    assert code(lenient, answered(OFF)) is None


def test_arguments_off_schema_refused() -> None:
    assert code(ANY, called("search", {})) == "arguments_off_schema"
    assert code(ANY, called("search", {"q": 1})) is None
    assert code(ANY, called("plain", {})) is None
    assert code(ANY, called("unknown", {})) is None
    assert code(build(CONTROL, arguments=False), called("search", {})) is None


def test_the_tool_of_the_plan_goes_before_the_one_that_is_offered() -> None:
    own = build(CONTROL, {"tools": (replace(TOOL, name="search"),)})
    assert code(own, called("search", {})) is None
    assert code(own, called("search", {"cents": "x", "q": 1})) == "arguments_off_schema"


def test_a_call_that_is_made_is_held_to_the_plan() -> None:
    control = build(CONTROL, {"tools": (TOOL,)})
    part = Part(PartId("arguments"), Origin.MODEL, freeze({"cents": "x"}), JSON)
    made = replace(vantage().interaction, action=Action.CALL, resource=Resource("tool", "refund"))
    seen = Vantage(Checkpoint.TOOL_CALL, made, (part,), Facts())
    assert code(control, seen) == "arguments_off_schema"
    assert code(control, replace(seen, parts=(replace(part, value=freeze({"cents": 1})),))) is None
    assert code(control, replace(seen, interaction=vantage().interaction)) is None


HOSTILE = {"$ref": "https://evil.example/schema.json"}


def test_a_schema_that_cannot_be_checked_is_refused_before_anything_is_sent() -> None:
    asked = asking(schema=HOSTILE)
    assert code(ANY, Vantage(Checkpoint.INBOUND, asked, asked.parts, Facts())) == "unusable_schema"
    assert code(ANY, answered(GOOD, interaction=asked)) == "unusable_schema"
    fine = asking()
    assert code(ANY, Vantage(Checkpoint.INBOUND, fine, fine.parts, Facts())) is None
    missing = replace(fine, parts=())
    assert code(ANY, Vantage(Checkpoint.INBOUND, missing, (), Facts())) == "unusable_schema"


def test_a_tool_whose_schema_cannot_be_checked_is_refused_when_it_is_called() -> None:
    asked = asking("")
    parts = (asked.parts[0], replace(asked.parts[1], value=freeze(HOSTILE)))
    assert code(ANY, called("search", {"q": 1}, replace(asked, parts=parts))) == "unusable_schema"


def test_what_would_take_too_long_is_refused() -> None:
    value: object = {"b": 1}
    for _ in range(40):
        value = {"a": value, "b": 1}
    asked = asking(schema={"properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "required": ["b"]})
    assert code(ANY, answered(json.dumps(value), interaction=asked)) == "too_costly"


def test_compiled_schemas_are_kept_up_to_a_bound_and_hostile_ones_are_not() -> None:
    control = build(CONTROL)
    for number in range(MAX_KEPT + 5):
        assert code(control, answered("1", interaction=asking(schema={"const": 1, "title": str(number)}))) is None
    assert len(control._kept) == MAX_KEPT
    code(control, answered("1", interaction=asking(schema=HOSTILE)))
    assert len(control._kept) == MAX_KEPT
    assert code(control, answered("2", interaction=asking(schema={"const": 1, "title": "20"}))) == "answer_off_schema"


@pytest.mark.parametrize("text", ["no JSON", json.dumps(HOSTILE), "[]"])
def test_a_file_that_is_no_schema_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"answer\.json"):
        build(CONTROL, answers=(SettingFile("answer.json", text),))
    if text != "no JSON":
        with pytest.raises(ConfigError, match="refund"):
            build(CONTROL, {"tools": (replace(TOOL, schema=freeze(json.loads(text))),)})


def streamed(text: str, asked: Interaction) -> tuple[object, str]:
    """How a stream of an answer ends, and what came of it."""
    others = frozenset(Checkpoint)
    road = Road(Chain([seat(ANY), seat(rule("any", checkpoints=others))]), ScriptedUpstream(text=text))

    async def run() -> tuple[object, str]:
        made = attempt(text_part("hi"))
        conversation = replace(made.interaction.conversation, generation=asked.conversation.generation)
        made = replace(made, interaction=replace(made.interaction, conversation=conversation, parts=(
            *made.interaction.parts, *asked.parts)))  # fmt: skip
        outcome = await stream(road.exchange, road.running, made)
        if not isinstance(outcome, Streaming):
            return outcome, ""
        said = [each.text async for each in outcome.events if isinstance(each, TextDelta)]
        return outcome.buffered, "".join(said)

    return asyncio.run(run())


def test_a_stream_is_buffered_only_where_a_form_is_due() -> None:
    assert streamed(GOOD, asking()) == (("application.output_schema",), GOOD)
    outcome, said = streamed(OFF, asking())
    assert isinstance(outcome, Refused) and outcome.cause.code == "answer_off_schema" and said == ""
    assert streamed("Hello there.", asking("text"))[0] == ()
