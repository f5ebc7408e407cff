"""The shape of a request to OpenAI's Responses API, closed: what the door reads, field by field.

Bounds stand here too; `ringwall.dataplane.wire.openai_responses_fields` says why a field is judged, inert or refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ringwall.dataplane.wire.openai_types import MAX_MESSAGES, MAX_TOOLS, ObjectFormat, TextFormat

MAX_BLOCKS = 10_000


class Struct(msgspec.Struct, forbid_unknown_fields=True):
    """A closed object: an unknown field is an error."""


_Nothing = Annotated[list[object], msgspec.Meta(max_length=0)] | None


class InputText(Struct, tag_field="type", tag="input_text"):
    text: str
    prompt_cache_breakpoint: object = None  # inert


class InputImage(Struct, tag_field="type", tag="input_image"):
    image_url: str
    detail: Literal["auto", "low", "high", "original"] | None = None
    file_id: None = None
    prompt_cache_breakpoint: object = None  # inert


class OutputText(Struct, tag_field="type", tag="output_text"):
    text: str
    annotations: _Nothing = None
    logprobs: _Nothing = None


class OutputRefusal(Struct, tag_field="type", tag="refusal"):
    refusal: str


Block = InputText | InputImage | OutputText | OutputRefusal


class Message(Struct, tag_field="type", tag="message"):
    role: Literal["user", "assistant", "system", "developer"]
    content: str | Annotated[list[Block], msgspec.Meta(max_length=MAX_BLOCKS)]
    id: object = None  # inert
    status: object = None  # inert
    phase: object = None  # inert


class Direct(Struct, tag_field="type", tag="direct"):
    pass


class FunctionCall(Struct, tag_field="type", tag="function_call", rename={"is_async": "async"}):
    call_id: str
    name: str
    arguments: str
    caller: Direct | None = None
    namespace: None = None
    is_async: Literal[False] | None = None
    id: object = None  # inert
    status: object = None  # inert


class FunctionOutput(Struct, tag_field="type", tag="function_call_output"):
    call_id: str
    output: str | Annotated[list[InputText | InputImage], msgspec.Meta(max_length=MAX_BLOCKS)]
    caller: Direct | None = None
    namespace: None = None
    name: object = None  # inert
    id: object = None  # inert
    status: object = None  # inert


class SummaryText(Struct, tag_field="type", tag="summary_text"):
    text: str


class ReasoningText(Struct, tag_field="type", tag="reasoning_text"):
    text: str


class ReasoningItem(Struct, tag_field="type", tag="reasoning"):
    summary: list[SummaryText]
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None
    id: object = None  # inert
    status: object = None  # inert


Item = Message | FunctionCall | FunctionOutput | ReasoningItem


class Function(Struct, tag_field="type", tag="function", rename={"is_async": "async"}):
    name: str
    parameters: dict[str, object] | None = None
    strict: bool | None = None
    description: str | None = None
    defer_loading: Literal[False] | None = None
    allowed_callers: list[Literal["direct"]] | None = None
    output_schema: None = None
    is_async: Literal[False] | None = None


class NamedChoice(Struct, tag_field="type", tag="function"):
    name: str


class SchemaFormat(Struct, tag_field="type", tag="json_schema"):
    name: str
    schema: dict[str, object]
    description: str | None = None
    strict: bool | None = None


class TextConfig(Struct):
    format: TextFormat | ObjectFormat | SchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(Struct):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: object = None  # inert
    generate_summary: object = None  # inert


class StreamOptions(Struct):
    include_obfuscation: object = None  # inert


_Unit = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Two = Annotated[float, msgspec.Meta(ge=0, le=2)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]


class Request(Struct):
    model: str
    input: str | Annotated[list[Item], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    store: bool | None = None
    include: list[Literal["reasoning.encrypted_content"]] | None = None
    max_output_tokens: _Count | None = None
    temperature: _Two | None = None
    top_p: _Unit | None = None
    reasoning: Reasoning | None = None
    text: TextConfig | None = None
    tools: Annotated[list[Function], msgspec.Meta(max_length=MAX_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
