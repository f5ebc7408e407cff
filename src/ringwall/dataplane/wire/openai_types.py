"""The shape of an OpenAI chat request, closed: what the door reads, field by field. An unknown field is an error.

Bounds stand here too; `ringwall.dataplane.wire.openai_fields` says why a field is judged, inert or refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

MAX_MESSAGES = 10_000
MAX_TOOLS = 128
MAX_CHOICES = 16
MAX_STOPS = 16


class Struct(msgspec.Struct, forbid_unknown_fields=True):
    """A closed object: an unknown field is an error."""


class TextPart(Struct, tag_field="type", tag="text"):
    text: str
    prompt_cache_breakpoint: object = None  # inert


class RefusalPart(Struct, tag_field="type", tag="refusal"):
    refusal: str


class ImageUrl(Struct):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(Struct, tag_field="type", tag="image_url"):
    image_url: ImageUrl
    prompt_cache_breakpoint: object = None  # inert


Content = str | list[TextPart | RefusalPart | ImagePart] | None


class Function(Struct):
    name: str
    arguments: str


class Call(Struct):
    id: str
    function: Function
    type: Literal["function"] = "function"


class System(Struct, tag_field="role", tag="system"):
    content: Content
    name: str | None = None


class Developer(Struct, tag_field="role", tag="developer"):
    content: Content
    name: str | None = None


class User(Struct, tag_field="role", tag="user"):
    content: Content
    name: str | None = None


class Assistant(Struct, tag_field="role", tag="assistant"):
    content: Content = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None
    # An answer that a client sends back has these too; empty they say nothing.
    audio: None = None
    function_call: None = None
    annotations: Annotated[list[object], msgspec.Meta(max_length=0)] | None = None


class Tool(Struct, tag_field="role", tag="tool"):
    content: Content
    tool_call_id: str


Message = System | Developer | User | Assistant | Tool


class FunctionDefinition(Struct):
    name: str
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None


class ToolDefinition(Struct):
    function: FunctionDefinition
    type: Literal["function"] = "function"


class JsonSchema(Struct):
    name: str
    description: str | None = None
    schema: dict[str, object] | None = None
    strict: bool | None = None


class TextFormat(Struct, tag_field="type", tag="text"):
    pass


class ObjectFormat(Struct, tag_field="type", tag="json_object"):
    pass


class SchemaFormat(Struct, tag_field="type", tag="json_schema"):
    json_schema: JsonSchema


class Named(Struct):
    name: str


class NamedChoice(Struct):
    function: Named
    type: Literal["function"] = "function"


class StreamOptions(Struct):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


_Unit = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Two = Annotated[float, msgspec.Meta(ge=0, le=2)]
_Penalty = Annotated[float, msgspec.Meta(ge=-2, le=2)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
_Seed = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Request(Struct):
    messages: Annotated[list[Message], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    model: str
    n: Annotated[int, msgspec.Meta(ge=1, le=MAX_CHOICES)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: _Count | None = None
    max_completion_tokens: _Count | None = None
    temperature: _Two | None = None
    top_p: _Unit | None = None
    frequency_penalty: _Penalty | None = None
    presence_penalty: _Penalty | None = None
    seed: _Seed | None = None
    stop: str | Annotated[list[str], msgspec.Meta(max_length=MAX_STOPS)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    response_format: TextFormat | ObjectFormat | SchemaFormat | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    tools: Annotated[list[ToolDefinition], msgspec.Meta(max_length=MAX_TOOLS)] | None = None
    parallel_tool_calls: bool | None = None
    # Inert: taken and dropped.
    metadata: object = None
    user: object = None
    safety_identifier: object = None
    prompt_cache_key: object = None
    prompt_cache_options: object = None
    prompt_cache_retention: object = None
    service_tier: object = None
