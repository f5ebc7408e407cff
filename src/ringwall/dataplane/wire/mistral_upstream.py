"""What an upstream with Mistral's chat completions is sent, and what is read of its answer. Like OpenAI's, but:

* Ids of calls are nine letters and digits: ours are turned into such, the same in call and result.
* There is no developer role and no field for a refusal; the limit is `max_tokens`, the seed `random_seed`; an image is
  a plain URL; to call some tool is `any`.
* Content comes as text or as chunks. Thinking is reasoning; chunks of other kinds, and messages that the provider's own
  tools exchanged, are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import msgspec

from ringwall.dataplane.wire.answers import (
    MAX_CHOICES,
    arguments_of,
    broken,
    choice_of,
    decode_answer,
    finish_of,
    name_of,
    usage_of,
)
from ringwall.dataplane.wire.openai_embeddings_upstream import OpenAIEmbeddingsUpstream
from ringwall.dataplane.wire.openai_upstream import ChunkReader
from ringwall.dataplane.wire.upstream import UpstreamWire
from ringwall.model.content import Part, PartId, thaw
from ringwall.model.conversation import (
    Answer,
    CallDelta,
    Choice,
    Counted,
    Delta,
    Finish,
    Finished,
    Generation,
    ResponseFormat,
    Role,
    TextDelta,
    TextKind,
    ToolDefinition,
    Turn,
    Usage,
)
from ringwall.model.errors import UpstreamError
from ringwall.model.features import Feature
from ringwall.model.upstreams import Invocation


class Mistral:
    """Implements `UpstreamWire` for `POST /chat/completions` of Mistral."""

    embedding: UpstreamWire | None = OpenAIEmbeddingsUpstream("output_dimension")
    carries = frozenset(
        {
            Feature.EMBEDDINGS,
            Feature.DIMENSIONS,
            Feature.TOOLS,
            Feature.TOOL_RESULTS,
            Feature.STRICT_TOOLS,
            Feature.LOST_CALLS,
            Feature.TOOL_CHOICE,
            Feature.NAMED_TOOL,
            Feature.SINGLE_CALLS,
            Feature.IMAGES,
            Feature.REFUSALS,
            Feature.CHOICES,
            Feature.SEED,
            Feature.PENALTIES,
            Feature.SAMPLING,
            Feature.TOP_K,
            Feature.STOPS,
            Feature.JSON_OBJECT,
            Feature.JSON_SCHEMA,
            Feature.SCHEMA_DESCRIPTION,
            Feature.EFFORT,
            Feature.EFFORT_EXTREMES,
            Feature.NO_REASONING,
        }
    )

    def path(self, model: str, *, streamed: bool) -> str:
        return "/chat/completions"

    def headers(self, secret: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {secret}"} if secret else {}

    def encode(self, invocation: Invocation, *, streamed: bool) -> bytes:
        parts = {part.id: part for part in invocation.parts}
        conversation = invocation.conversation
        messages = (_message(turn, parts) for turn in conversation.turns)
        body: dict[str, object] = {
            "model": invocation.model,
            "messages": [message for message in messages if message is not None],
            "max_tokens": invocation.max_output_tokens,
            **_generation(conversation.generation, parts),
        }
        if conversation.tools:
            body["tools"] = [_tool(tool, parts) for tool in conversation.tools]
        if streamed:
            body["stream"] = True
        return msgspec.json.encode(body)

    def parse(self, data: bytes) -> Answer:
        body = _decode(data)
        if not body.choices:
            raise UpstreamError("the model's answer is empty", code="upstream_broken", detail="no choices")
        parts: list[Part] = []
        choices = tuple(_choice(index, each, parts) for index, each in enumerate(body.choices))
        return Answer(choices, tuple(parts), _usage(body.usage))

    def reader(self) -> ChunkReader:
        return ChunkReader(_event)


def short_id(handle: str) -> str:
    """The handle of a call as nine letters and digits."""
    number, letters = int.from_bytes(hashlib.sha256(handle.encode()).digest(), "big"), ""
    for _ in range(9):
        number, digit = divmod(number, len(_DIGITS))
        letters += _DIGITS[digit]
    return letters


_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _message(turn: Turn, parts: Mapping[PartId, Part]) -> dict[str, object] | None:
    """A turn as a message; None for one in which the model said nothing, which the provider does not take."""
    role = Role.SYSTEM if turn.role is Role.DEVELOPER else turn.role
    pieces = [_piece(parts[part]) for part in (*turn.content, *((turn.refusal,) if turn.refusal is not None else ()))]
    content: object = pieces
    if not pieces:
        content = ""
    elif len(pieces) == 1 and pieces[0]["type"] == "text":
        content = pieces[0]["text"]
    message: dict[str, object] = {"role": role, "content": content}
    if turn.answers is not None:
        message["tool_call_id"] = short_id(turn.answers)
    if turn.calls:
        message["tool_calls"] = [
            {
                "id": short_id(call.id),
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": msgspec.json.encode(thaw(parts[call.arguments].value)).decode(),
                },
            }
            for call in turn.calls
        ]
    return None if role is Role.ASSISTANT and not content and not turn.calls else message


def _piece(part: Part) -> dict[str, object]:
    if part.media.startswith("image/"):
        return {"type": "image_url", "image_url": f"data:{part.media};base64,{part.text}"}
    return {"type": "text", "text": part.as_text}


def _tool(tool: ToolDefinition, parts: Mapping[PartId, Part]) -> dict[str, object]:
    schema = thaw(parts[tool.schema].value) if tool.schema is not None else {}
    function: dict[str, object] = {"name": tool.name, "parameters": schema or {"type": "object", "properties": {}}}
    if tool.description is not None:
        function["description"] = parts[tool.description].text
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _generation(generation: Generation, parts: Mapping[PartId, Part]) -> dict[str, object]:
    choice = generation.tool_choice
    tool_choice: object = None
    if choice is not None:
        named = {"type": "function", "function": {"name": choice.name}}
        tool_choice = named if choice.name is not None else {"required": "any"}.get(choice.kind, choice.kind)
    given = {
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "top_k": generation.top_k,
        "frequency_penalty": generation.frequency_penalty,
        "presence_penalty": generation.presence_penalty,
        "random_seed": generation.seed,
        "n": generation.choices if generation.choices != 1 else None,
        "stop": [parts[part].text for part in generation.stop] or None,
        "parallel_tool_calls": generation.parallel_tool_calls,
        "reasoning_effort": "none" if generation.reasoning_tokens == 0 else generation.reasoning_effort,
        "tool_choice": tool_choice,
        "response_format": _format(generation.response_format, parts),
    }
    return {name: value for name, value in given.items() if value is not None}


def _format(wanted: ResponseFormat | None, parts: Mapping[PartId, Part]) -> dict[str, object] | None:
    if wanted is None or wanted.kind == "text":
        return None
    if wanted.schema is None and wanted.description is None:
        return {"type": "json_object"}
    shape = thaw(parts[wanted.schema].value) if wanted.schema is not None else {"type": "object"}
    schema: dict[str, object] = {"name": wanted.name or "answer", "schema": shape}
    if wanted.description is not None:
        schema["description"] = parts[wanted.description].text
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}


class _Text(msgspec.Struct, tag="text"):
    text: str


class _Thinking(msgspec.Struct, tag="thinking"):
    thinking: list[_Text]


_Content = str | list[_Text | _Thinking] | None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b'""')


class _Call(msgspec.Struct):
    function: _Function
    index: int | None = None


class _Message(msgspec.Struct):
    content: _Content = None
    tool_calls: list[_Call] | None = None
    tool_call_id: object = None


class _Choice(msgspec.Struct):
    index: int = 0
    message: _Message | None = None
    delta: _Message | None = None
    messages: object = None
    finish_reason: str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None


_BODY = msgspec.json.Decoder(_Body)
_FINISH = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "model_length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
}


def _decode(data: bytes) -> _Body:
    body = decode_answer(_BODY, data)
    if len(body.choices) > MAX_CHOICES:
        raise UpstreamError("the model's answer has too many choices", code="upstream_broken")
    for choice in body.choices:
        said = choice.message or choice.delta
        if choice.messages is not None or (said is not None and said.tool_call_id is not None):
            raise broken("messages of the provider's own tools")
    return body


def _said(content: _Content) -> Iterator[tuple[str, TextKind]]:
    """The texts of a content, in their order."""
    if content is None:
        return
    if isinstance(content, str):
        yield content, TextKind.CONTENT
        return
    for chunk in content:
        if isinstance(chunk, _Text):
            yield chunk.text, TextKind.CONTENT
        else:
            yield "".join(each.text for each in chunk.thinking), TextKind.REASONING


def _arguments(call: _Call) -> str:
    """Arguments come as JSON in a string, or as an object."""
    given = bytes(call.function.arguments)
    try:
        return msgspec.json.decode(given, type=str) if given.startswith(b'"') else given.decode()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise broken(type(error).__name__) from error


def _choice(index: int, choice: _Choice, parts: list[Part]) -> Choice:
    message = choice.message
    if message is None:
        raise broken("unknown form of choice")
    said = list(_said(message.content))
    texts = [text for text, kind in said if kind is TextKind.CONTENT]
    return choice_of(
        index,
        parts,
        text="".join(texts) if texts else None,
        finish=finish_of(choice.finish_reason, _FINISH),
        calls=[(name_of(each.function.name), arguments_of(_arguments(each))) for each in message.tool_calls or ()],
        reasoning=[(text, "") for text, kind in said if kind is TextKind.REASONING],
    )


def _usage(usage: _Usage | None) -> Usage | None:
    if usage is None:
        return None
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details is not None else 0
    return usage_of(usage.prompt_tokens, usage.completion_tokens, cached)


def _event(data: bytes) -> Iterator[Delta]:
    body = _decode(data)
    for choice in body.choices:
        if not 0 <= choice.index < MAX_CHOICES:
            raise broken("bad index")
        if choice.delta is not None:
            for text, kind in _said(choice.delta.content):
                if text:
                    yield TextDelta(choice.index, text, kind)
            for number, call in enumerate(choice.delta.tool_calls or ()):
                place = call.index if call.index is not None else number
                yield CallDelta(choice.index, place, _arguments(call), None, call.function.name)
        if choice.finish_reason is not None:
            yield Finished(choice.index, finish_of(choice.finish_reason, _FINISH))
    usage = _usage(body.usage)
    if usage is not None:
        yield Counted(usage)
