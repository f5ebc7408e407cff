"""What an upstream with Cohere's chat (v2) is sent, and what is read of its answer.

* Sent: its own names (`p`, `k`, `stop_sequences`, `REQUIRED`); system and developer turns are system messages.
* Read: texts, thinking and the plan for its tools as reasoning, proposed calls, why it stopped, counts. Citations and
  ids are dropped; items and events of other kinds (`debug`, which repeats the prompt) are refused.
* A stream ends with `message-end`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from ringwall.dataplane.wire.answers import (
    MAX_BLOCKS,
    arguments_of,
    broke_off,
    broken,
    choice_of,
    decode,
    decode_answer,
    finish_of,
    name_of,
    reported,
    usage_of,
)
from ringwall.dataplane.wire.openai_upstream import function
from ringwall.model.content import Part, PartId, thaw
from ringwall.model.conversation import (
    Answer,
    CallDelta,
    Counted,
    Delta,
    Finish,
    Finished,
    Generation,
    Role,
    TextDelta,
    TextKind,
    ToolDefinition,
    Turn,
    Usage,
)
from ringwall.model.features import Feature
from ringwall.model.upstreams import Invocation


class Cohere:
    """Implements `UpstreamWire` for `POST /v2/chat`."""

    carries = frozenset(
        {
            Feature.TOOLS,
            Feature.TOOL_RESULTS,
            Feature.LOST_CALLS,
            Feature.TOOL_CHOICE,
            Feature.IMAGES,
            Feature.REFUSALS,
            Feature.SEED,
            Feature.PENALTIES,
            Feature.SAMPLING,
            Feature.TOP_K,
            Feature.STOPS,
            Feature.JSON_OBJECT,
            Feature.JSON_SCHEMA,
            Feature.REASONING_BUDGET,
            Feature.NO_REASONING,
        }
    )

    def path(self, model: str, *, streamed: bool) -> str:
        return "/chat"

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
            "stream": streamed,
            **_generation(conversation.generation, parts),
        }
        if conversation.tools:
            body["tools"] = [_tool(tool, parts) for tool in conversation.tools]
        return msgspec.json.encode(body)

    def parse(self, data: bytes) -> Answer:
        body = decode_answer(_BODY, data)
        _refuse_failure(body.finish_reason)
        message = body.message
        parts: list[Part] = []
        texts = [each.text for each in message.content or () if isinstance(each, _Text)]
        thoughts = [each.thinking for each in message.content or () if isinstance(each, _Thinking)]
        if message.tool_plan:
            thoughts.append(message.tool_plan)
        calls = [each.function for each in message.tool_calls or ()]
        choice = choice_of(
            0,
            parts,
            text="".join(texts) if texts else None,
            finish=finish_of(body.finish_reason, _FINISH),
            calls=[(name_of(each.name), arguments_of(each.arguments)) for each in calls],
            reasoning=[(each, "") for each in thoughts],
        )
        return Answer((choice,), tuple(parts), _usage(body.usage))

    def reader(self) -> CohereReader:
        return CohereReader()


def _message(turn: Turn, parts: Mapping[PartId, Part]) -> dict[str, object] | None:
    """A turn as a message; None for one in which nobody said anything, which the provider does not take."""
    role = Role.SYSTEM if turn.role is Role.DEVELOPER else turn.role
    said = (*turn.content, *((turn.refusal,) if turn.refusal is not None else ()))
    pieces = [_piece(parts[part]) for part in said if parts[part].as_text]
    message: dict[str, object] = {"role": role}
    if pieces or turn.role is Role.TOOL:
        only = pieces[0] if len(pieces) == 1 else {}
        message["content"] = only["text"] if only.get("type") == "text" else pieces or ""
    elif not turn.calls:
        return None
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


def _tool(tool: ToolDefinition, parts: Mapping[PartId, Part]) -> dict[str, object]:
    schema = thaw(parts[tool.schema].value) if tool.schema is not None else {}
    found: dict[str, object] = {"name": tool.name, "parameters": schema or {"type": "object", "properties": {}}}
    if tool.description is not None:
        found["description"] = parts[tool.description].text
    return {"type": "function", "function": found}


def _generation(generation: Generation, parts: Mapping[PartId, Part]) -> dict[str, object]:
    thinking: dict[str, object] | None = None
    if generation.reasoning_effort == "none" or generation.reasoning_tokens == 0:
        thinking = {"type": "disabled"}
    elif generation.reasoning_tokens is not None:
        thinking = {"type": "enabled", "token_budget": generation.reasoning_tokens}
    wanted = generation.response_format
    form: dict[str, object] | None = None
    if wanted is not None and wanted.kind != "text":
        form = {"type": "json_object"}
        if wanted.schema is not None:
            form = {**form, "json_schema": thaw(parts[wanted.schema].value)}
    choice = generation.tool_choice
    given = {
        "temperature": generation.temperature,
        "p": generation.top_p,
        "k": generation.top_k,
        "frequency_penalty": generation.frequency_penalty,
        "presence_penalty": generation.presence_penalty,
        "seed": generation.seed,
        "stop_sequences": [parts[part].text for part in generation.stop] or None,
        "tool_choice": choice.kind.upper() if choice is not None and choice.kind != "auto" else None,
        "thinking": thinking,
        "response_format": form,
    }
    return {name: value for name, value in given.items() if value is not None}


class _Text(msgspec.Struct, tag="text"):
    text: str


class _Thinking(msgspec.Struct, tag="thinking"):
    thinking: str


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    function: _Function


class _Message(msgspec.Struct):
    content: list[_Text | _Thinking] | None = None
    tool_calls: list[_Call] | None = None
    tool_plan: str | None = None


class _Tokens(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None


class _Usage(msgspec.Struct):
    tokens: _Tokens | None = None
    cached_tokens: float | None = None


class _Body(msgspec.Struct):
    message: _Message
    finish_reason: str
    usage: _Usage | None = None


_BODY = msgspec.json.Decoder(_Body)
_FINISH = {
    "COMPLETE": Finish.STOP,
    "STOP_SEQUENCE": Finish.STOP_SEQUENCE,
    "MAX_TOKENS": Finish.LENGTH,
    "TOOL_CALL": Finish.TOOL_CALLS,
}


def _refuse_failure(reason: str | None) -> None:
    if reason in ("ERROR", "TIMEOUT"):
        raise reported("finish_reason of a failure")


def _usage(usage: _Usage | None) -> Usage | None:
    """Counts, which this provider writes as numbers with a point."""
    if usage is None or usage.tokens is None:
        return None
    counts = (usage.tokens.input_tokens or 0, usage.tokens.output_tokens or 0, usage.cached_tokens or 0)
    if not all(float(count).is_integer() for count in counts):
        raise broken("bad count of tokens")
    return usage_of(int(counts[0]), int(counts[1]), int(counts[2]))


class _SaidText(msgspec.Struct, frozen=True):
    text: str | None = None
    thinking: str | None = None
    type: str | None = None


class _SaidContent(msgspec.Struct, frozen=True):
    content: _SaidText = _SaidText()


class _SaidCall(msgspec.Struct):
    tool_calls: _Call


class _SaidPlan(msgspec.Struct, frozen=True):
    tool_plan: str = ""


class _ContentDelta(msgspec.Struct, frozen=True):
    message: _SaidContent = _SaidContent()


class _CallChange(msgspec.Struct):
    message: _SaidCall


class _PlanChange(msgspec.Struct, frozen=True):
    message: _SaidPlan = _SaidPlan()


class _Start(msgspec.Struct, tag="message-start"):
    pass


class _Content(msgspec.Struct, tag="content-start"):
    delta: _ContentDelta = _ContentDelta()


class _MoreContent(msgspec.Struct, tag="content-delta"):
    delta: _ContentDelta = _ContentDelta()


class _ContentEnd(msgspec.Struct, tag="content-end"):
    pass


class _Plan(msgspec.Struct, tag="tool-plan-delta"):
    delta: _PlanChange = _PlanChange()


class _CallStart(msgspec.Struct, tag="tool-call-start"):
    delta: _CallChange
    index: int = 0


class _MoreCall(msgspec.Struct, tag="tool-call-delta"):
    delta: _CallChange
    index: int = 0


class _CallEnd(msgspec.Struct, tag="tool-call-end"):
    pass


class _Citation(msgspec.Struct, tag="citation-start"):
    pass


class _CitationEnd(msgspec.Struct, tag="citation-end"):
    pass


class _Ended(msgspec.Struct):
    finish_reason: str | None = None
    usage: _Usage | None = None
    error: object = None


class _End(msgspec.Struct, tag="message-end"):
    delta: _Ended


_EVENT = msgspec.json.Decoder(
    _Start | _Content | _MoreContent | _ContentEnd | _Plan | _CallStart | _MoreCall | _CallEnd
    | _Citation | _CitationEnd | _End
)  # fmt: skip


class CohereReader:
    """Implements `EventReader`."""

    def __init__(self) -> None:
        """Start before the message."""
        self.ended = False

    def read(self, event: bytes) -> Iterator[Delta]:
        found = decode(_EVENT, event)
        match found:
            case _Content(delta=delta) | _MoreContent(delta=delta):
                said = delta.message.content
                if said.type not in (None, "text", "thinking"):
                    raise broken("content of another kind")
                if said.thinking:
                    yield TextDelta(0, said.thinking, TextKind.REASONING)
                if said.text:
                    yield TextDelta(0, said.text)
            case _Plan(delta=plan):
                if plan.message.tool_plan:
                    yield TextDelta(0, plan.message.tool_plan, TextKind.REASONING)
            case _CallStart(delta=change, index=index) | _MoreCall(delta=change, index=index):
                if not 0 <= index < MAX_BLOCKS:
                    raise broken("bad index")
                made = change.message.tool_calls.function
                name = name_of(made.name) if isinstance(found, _CallStart) else None
                yield CallDelta(0, index, made.arguments or "", None, name)
            case _End(delta=end):
                if end.error is not None:
                    raise reported()
                _refuse_failure(end.finish_reason)
                yield Finished(0, finish_of(end.finish_reason, _FINISH))
                usage = _usage(end.usage)
                if usage is not None:
                    yield Counted(usage)
                self.ended = True

    def close(self) -> None:
        raise broke_off("no message-end")
