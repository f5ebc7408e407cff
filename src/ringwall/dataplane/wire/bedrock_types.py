"""The shape of a request to Amazon Bedrock's Converse, closed: what the door reads, field by field.

A union of Bedrock's is an object with exactly one member; the reader sees to that. Bounds stand here too;
`ringwall.dataplane.wire.bedrock_fields` says why a field is judged, inert or refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ringwall.dataplane.wire.anthropic_types import ThinkingAdaptive, ThinkingOff, ThinkingOn

MAX_MESSAGES = 10_000
MAX_BLOCKS = 10_000
MAX_TOOLS = 128
MAX_STOPS = 64


class Struct(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A closed object: an unknown field is an error."""


class Bytes(Struct):
    bytes: str


class Image(Struct):
    format: Literal["png", "jpeg", "gif", "webp"]
    source: Bytes


class GuardText(Struct):
    text: str
    qualifiers: (
        Annotated[list[Literal["grounding_source", "query", "guard_content"]], msgspec.Meta(max_length=3)] | None
    ) = None


class Guard(Struct):
    text: GuardText | None = None
    image: Image | None = None


class ToolUse(Struct):
    tool_use_id: str
    name: str
    input: dict[str, object]


class ResultBlock(Struct):
    text: str | None = None
    json: object = None
    image: Image | None = None


class ToolResult(Struct):
    tool_use_id: str
    content: Annotated[list[ResultBlock], msgspec.Meta(max_length=MAX_BLOCKS)]
    status: Literal["success", "error"] | None = None


class ReasoningText(Struct):
    text: str
    signature: str | None = None


class Reasoned(Struct):
    reasoning_text: ReasoningText


class Block(Struct):
    text: str | None = None
    image: Image | None = None
    tool_use: ToolUse | None = None
    tool_result: ToolResult | None = None
    guard_content: Guard | None = None
    reasoning_content: Reasoned | None = None
    cache_point: dict[str, object] | None = None  # inert


class Message(Struct):
    role: Literal["user", "assistant", "system"]
    content: Annotated[list[Block], msgspec.Meta(max_length=MAX_BLOCKS)]


class SystemBlock(Struct):
    text: str | None = None
    guard_content: Guard | None = None
    cache_point: dict[str, object] | None = None  # inert


_Unit = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
_Stops = Annotated[list[str], msgspec.Meta(max_length=MAX_STOPS)]
_Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Inference(Struct):
    max_tokens: _Count | None = None
    temperature: _Unit | None = None
    top_p: _Unit | None = None
    stop_sequences: _Stops | None = None


class InputSchema(Struct):
    json: dict[str, object]


class ToolSpec(Struct):
    name: str
    input_schema: InputSchema
    description: str | None = None
    strict: bool | None = None


class ToolEntry(Struct):
    tool_spec: ToolSpec | None = None
    cache_point: dict[str, object] | None = None  # inert


class Nothing(Struct):
    pass


class Named(Struct):
    name: str


class Choice(Struct):
    auto: Nothing | None = None
    any: Nothing | None = None
    tool: Named | None = None


class ToolConfig(Struct):
    tools: Annotated[list[ToolEntry], msgspec.Meta(max_length=MAX_TOOLS)] = []
    tool_choice: Choice | None = None


class JsonSchema(Struct):
    schema: str
    name: str | None = None
    description: str | None = None


class Structure(Struct):
    json_schema: JsonSchema


class TextFormat(Struct):
    type: Literal["json_schema"]
    structure: Structure


class OutputConfig(Struct):
    text_format: TextFormat | None = None
    effort: _Effort | None = None


class NovaInference(Struct):
    top_k: _Count | None = None


class NovaReasoning(Struct):
    type: Literal["enabled", "disabled"]
    max_reasoning_effort: Literal["low", "medium", "high"] | None = None


class Additional(Struct, rename=None):
    """What models take besides, by the names that their own protocols have for it."""

    top_k: _Count | None = None
    thinking: ThinkingOn | ThinkingAdaptive | ThinkingOff | None = None
    reasoning_effort: _Effort | None = None
    inferenceConfig: NovaInference | None = None
    reasoningConfig: NovaReasoning | None = None


class Request(Struct):
    messages: Annotated[list[Message], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    system: Annotated[list[SystemBlock], msgspec.Meta(max_length=MAX_BLOCKS)] | None = None
    inference_config: Inference | None = None
    tool_config: ToolConfig | None = None
    output_config: OutputConfig | None = None
    additional_model_request_fields: Additional | None = None
