"""What an OpenAI-compatible upstream is sent, and what is read of its answer.

* Sent: JSON encoded from the judged invocation. Nothing of the caller's bytes, headers or names travels on (law 9).
* Read: texts, proposed calls, finish reasons and counts. Every string becomes a part, matches a closed grammar, or is
  dropped: ids, fingerprints, tiers, annotations, reasoning, log probabilities.
* An answer that cannot be read whole is the upstream's fault and nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from ringwall.dataplane.wire.answers import (
    MAX_CHOICES,
    arguments_of,
    broke_off,
    broken,
    choice_of,
    decode_answer,
    finish_of,
    name_of,
    usage_of,
)
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
    Role,
    TextDelta,
    TextKind,
    Turn,
    Usage,
)
from ringwall.model.errors import UpstreamError
from ringwall.model.features import Feature
from ringwall.model.upstreams import Invocation


class OpenAI:
    """Implements `UpstreamWire` for any OpenAI-compatible URL."""

    carries = frozenset(Feature) - {
        Feature.TOP_K,
        Feature.REASONING_BUDGET,
        Feature.RESULT_IMAGES,
        Feature.OTHER_IMAGES,
    }

    def __init__(self, limit_field: str = "max_completion_tokens") -> None:
        """Say what the upstream calls the limit of tokens."""
        self._limit_field = limit_field

    def path(self, model: str, *, streamed: bool) -> str:
        return "/chat/completions"

    def headers(self, secret: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {secret}"} if secret else {}

    def encode(self, invocation: Invocation, *, streamed: bool) -> bytes:
        return encode_request(invocation, streamed=streamed, limit_field=self._limit_field)

    def parse(self, data: bytes) -> Answer:
        return parse_answer(data)

    def reader(self) -> ChunkReader:
        return ChunkReader(parse_event)


class ChunkReader:
    """Implements `EventReader` for streams that `[DONE]` ends."""

    def __init__(self, parse: Callable[[bytes], Iterator[Delta]]) -> None:
        """Say how an event is read."""
        self._parse = parse
        self.ended = False

    def read(self, event: bytes) -> Iterator[Delta]:
        if event == b"[DONE]":
            self.ended = True
            return
        yield from self._parse(event)

    def close(self) -> None:
        raise broke_off("no [DONE]")


def encode_request(invocation: Invocation, *, streamed: bool, limit_field: str = "max_completion_tokens") -> bytes:
    """The body for `POST /chat/completions`.

    Args:
        invocation: The judged request.
        streamed: Whether the answer is to come as a stream.
        limit_field: What the upstream calls the limit of tokens.
    """
    parts = {part.id: part for part in invocation.parts}
    generation = invocation.conversation.generation
    body: dict[str, object] = {
        "model": invocation.model,
        "messages": [_message(turn, parts) for turn in invocation.conversation.turns],
        limit_field: invocation.max_output_tokens,
    }
    body.update(_generation(generation, parts))
    if invocation.conversation.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": _given(
                    name=tool.name,
                    description=parts[tool.description].text if tool.description is not None else None,
                    parameters=thaw(parts[tool.schema].value) if tool.schema is not None else None,
                    strict=tool.strict,
                ),
            }
            for tool in invocation.conversation.tools
        ]
    if streamed:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return msgspec.json.encode(body)


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _message(turn: Turn, parts: Mapping[PartId, Part]) -> dict[str, object]:
    message: dict[str, object] = {"role": turn.role}
    content = [parts[part] for part in turn.content]
    if len(content) == 1 and not content[0].media.startswith("image/"):
        message["content"] = content[0].as_text
    elif content:
        message["content"] = [_piece(part) for part in content]
    elif turn.role is not Role.ASSISTANT:
        message["content"] = ""
    if turn.name is not None:
        message["name"] = turn.name
    if turn.refusal is not None:
        message["refusal"] = parts[turn.refusal].text
    if turn.answers is not None:
        message["tool_call_id"] = turn.answers
    if turn.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": function(call.name, parts[call.arguments])}
            for call in turn.calls
        ]
    return message


def _piece(part: Part) -> dict[str, object]:
    if part.media.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{part.media};base64,{part.text}"}}
    return {"type": "text", "text": part.as_text}


def function(name: str, arguments: Part) -> dict[str, object]:
    """A proposed call's `function` object."""
    return {"name": name, "arguments": compact_arguments(arguments)}


def compact_arguments(arguments: Part) -> str:
    """Arguments of a call as compact JSON in a string."""
    return msgspec.json.encode(thaw(arguments.value)).decode()


def _generation(generation: Generation, parts: Mapping[PartId, Part]) -> dict[str, object]:
    body = _given(
        temperature=generation.temperature,
        top_p=generation.top_p,
        frequency_penalty=generation.frequency_penalty,
        presence_penalty=generation.presence_penalty,
        seed=generation.seed,
        reasoning_effort="none" if generation.reasoning_tokens == 0 else generation.reasoning_effort,
        verbosity=generation.verbosity,
        parallel_tool_calls=generation.parallel_tool_calls,
    )
    if generation.choices != 1:
        body["n"] = generation.choices
    if generation.stop:
        body["stop"] = [parts[part].text for part in generation.stop]
    if generation.tool_choice is not None:
        choice = generation.tool_choice
        named = {"type": "function", "function": {"name": choice.name}}
        body["tool_choice"] = named if choice.name is not None else choice.kind
    if generation.response_format is not None:
        wanted = generation.response_format
        body["response_format"] = {"type": wanted.kind}
        if wanted.kind == "json_schema":
            schema = _given(
                name=wanted.name,
                description=parts[wanted.description].text if wanted.description is not None else None,
                schema=thaw(parts[wanted.schema].value) if wanted.schema is not None else None,
                strict=wanted.strict,
            )
            body["response_format"] = {"type": wanted.kind, "json_schema": schema}
    return body


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    function: _Function
    index: int = 0


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    function_call: object = None


class _Choice(msgspec.Struct):
    index: int = 0
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None


_DECODER = msgspec.json.Decoder(_Body)
_FINISH = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
}


def _decode(data: bytes) -> _Body:
    body = decode_answer(_DECODER, data)
    if len(body.choices) > MAX_CHOICES:
        raise UpstreamError("the model's answer has too many choices", code="upstream_broken")
    return body


def parse_answer(data: bytes) -> Answer:
    """The whole answer.

    Raises:
        UpstreamError: It cannot be read whole.
    """
    body = _decode(data)
    if not body.choices:
        raise UpstreamError("the model's answer is empty", code="upstream_broken", detail="no choices")
    parts: list[Part] = []
    choices = tuple(_choice(index, choice, parts) for index, choice in enumerate(body.choices))
    return Answer(choices, tuple(parts), _usage(body.usage))


def _choice(index: int, choice: _Choice, parts: list[Part]) -> Choice:
    message = choice.message
    if message is None or message.function_call is not None:
        raise broken("unknown form of choice")
    return choice_of(
        index,
        parts,
        text=message.content,
        finish=finish_of(choice.finish_reason, _FINISH),
        calls=[
            (name_of(each.function.name), arguments_of(each.function.arguments)) for each in message.tool_calls or ()
        ],
        refusal=message.refusal,
    )


def _usage(usage: _Usage | None) -> Usage | None:
    if usage is None:
        return None
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    reasoning = usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else 0
    return usage_of(usage.prompt_tokens, usage.completion_tokens, cached, reasoning)


def parse_event(data: bytes) -> Iterator[Delta]:
    """One event of a streamed answer.

    Raises:
        UpstreamError: It cannot be read whole.
    """
    body = _decode(data)
    for choice in body.choices:
        if not 0 <= choice.index < MAX_CHOICES:
            raise broken("bad index")
        delta = choice.delta
        if delta is not None:
            if delta.function_call is not None:
                raise broken("function_call")
            if delta.content:
                yield TextDelta(choice.index, delta.content)
            if delta.refusal:
                yield TextDelta(choice.index, delta.refusal, TextKind.REFUSAL)
            for call in delta.tool_calls or ():
                yield CallDelta(choice.index, call.index, call.function.arguments or "", None, call.function.name)
        if choice.finish_reason is not None:
            yield Finished(choice.index, finish_of(choice.finish_reason, _FINISH))
    usage = _usage(body.usage)
    if usage is not None:
        yield Counted(usage)
