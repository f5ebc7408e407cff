"""The shape of a request to Anthropic's Messages API, closed: what the door reads, field by field.

Bounds stand here too; `ringwall.dataplane.wire.anthropic_fields` says why a field is judged, inert or refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

MAX_MESSAGES = 10_000
MAX_BLOCKS = 10_000
MAX_TOOLS = 128
MAX_STOPS = 16


class Struct(msgspec.Struct, forbid_unknown_fields=True):
    """A closed object: an unknown field is an error."""


_Nothing = Annotated[list[object], msgspec.Meta(max_length=0)] | None


class Text(Struct, tag_field="type", tag="text"):
    text: str
    cache_control: object = None  # inert
    citations: _Nothing = None


class Base64Source(Struct, tag_field="type", tag="base64"):
    media_type: str
    data: str


class Image(Struct, tag_field="type", tag="image"):
    source: Base64Source
    cache_control: object = None  # inert


class Direct(Struct, tag_field="type", tag="direct"):
    pass


class ToolUse(Struct, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: dict[str, object]
    caller: Direct | None = None
    cache_control: object = None  # inert
    toolset_name: None = None


class ToolResult(Struct, tag_field="type", tag="tool_result"):
    tool_use_id: str
    content: str | Annotated[list[Text | Image], msgspec.Meta(max_length=MAX_BLOCKS)] | None = None
    is_error: bool | None = None
    cache_control: object = None  # inert
    toolset_name: None = None


class Thinking(Struct, tag_field="type", tag="thinking"):
    thinking: str
    signature: str


class User(Struct, tag_field="role", tag="user"):
    content: str | Annotated[list[Text | Image | ToolResult], msgspec.Meta(max_length=MAX_BLOCKS)]


class Assistant(Struct, tag_field="role", tag="assistant"):
    content: str | Annotated[list[Text | Thinking | ToolUse], msgspec.Meta(max_length=MAX_BLOCKS)]


class System(Struct, tag_field="role", tag="system"):
    content: str | Annotated[list[Text], msgspec.Meta(max_length=MAX_BLOCKS)]


Message = User | Assistant | System


class Tool(Struct):
    name: str
    input_schema: dict[str, object]
    type: Literal["custom"] | None = None
    description: str | None = None
    strict: bool | None = None
    eager_input_streaming: object = None  # inert
    cache_control: object = None  # inert
    defer_loading: Literal[False] | None = None
    allowed_callers: list[Literal["direct"]] | None = None
    input_examples: _Nothing = None


class AutoChoice(Struct, tag_field="type", tag="auto"):
    disable_parallel_tool_use: bool | None = None


class AnyChoice(Struct, tag_field="type", tag="any"):
    disable_parallel_tool_use: bool | None = None


class NoChoice(Struct, tag_field="type", tag="none"):
    pass


class NamedChoice(Struct, tag_field="type", tag="tool"):
    name: str
    disable_parallel_tool_use: bool | None = None


class ThinkingOn(Struct, tag_field="type", tag="enabled"):
    budget_tokens: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
    display: object = None  # inert


class ThinkingAdaptive(Struct, tag_field="type", tag="adaptive"):
    display: object = None  # inert


class ThinkingOff(Struct, tag_field="type", tag="disabled"):
    pass


class SchemaFormat(Struct, tag_field="type", tag="json_schema"):
    schema: dict[str, object]


class OutputConfig(Struct):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: SchemaFormat | None = None


_Unit = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]


class Prompt(Struct):
    """What `count_tokens` takes, and every request has."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    model: str
    system: str | Annotated[list[Text], msgspec.Meta(max_length=MAX_BLOCKS)] | None = None
    tools: Annotated[list[Tool], msgspec.Meta(max_length=MAX_TOOLS)] | None = None
    tool_choice: AutoChoice | AnyChoice | NoChoice | NamedChoice | None = None
    thinking: ThinkingOn | ThinkingAdaptive | ThinkingOff | None = None
    output_config: OutputConfig | None = None


class Request(Prompt, kw_only=True):
    max_tokens: _Count
    stream: bool | None = None
    stop_sequences: Annotated[list[str], msgspec.Meta(max_length=MAX_STOPS)] | None = None
    temperature: _Unit | None = None
    top_p: _Unit | None = None
    top_k: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] | None = None
