"""What an upstream with Google's `generateContent` is sent, and what is read of its answer.

* Sent: system and developer turns are the system instruction. Results of tools name the tool and not the call: they
  stand in the order of the calls. Earlier reasoning is left out: its place here is the provider's own.
* Read: texts, thoughts, proposed calls, why it stopped, counts. A part of any other kind (code that the provider ran,
  files, its own tools) is refused, and so is an answer that its search or its browser grounded.
* A stream has no end of its own: it is whole when each candidate has said why it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

import msgspec

from ringwall.dataplane.wire.answers import (
    MAX_CALLS,
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
    ToolDefinition,
    Turn,
    Usage,
)
from ringwall.model.errors import UpstreamError
from ringwall.model.features import Feature
from ringwall.model.upstreams import Invocation

_Piece = dict[str, object]


class Gemini:
    """Implements `UpstreamWire` for `models/*:generateContent`."""

    carries = frozenset(
        {
            Feature.TOOLS,
            Feature.TOOL_RESULTS,
            Feature.TOOL_CHOICE,
            Feature.NAMED_TOOL,
            Feature.IMAGES,
            Feature.REFUSALS,
            Feature.LAST_WORD,
            Feature.CHOICES,
            Feature.SEED,
            Feature.PENALTIES,
            Feature.SAMPLING,
            Feature.HEAT,
            Feature.TOP_K,
            Feature.STOPS,
            Feature.JSON_OBJECT,
            Feature.JSON_SCHEMA,
            Feature.EFFORT,
            Feature.REASONING_BUDGET,
            Feature.NO_REASONING,
        }
    )

    def path(self, model: str, *, streamed: bool) -> str:
        name = model if "/" in model else f"models/{model}"
        ask = "streamGenerateContent?alt=sse" if streamed else "generateContent"
        return f"/{quote(name, safe='/')}:{ask}"

    def headers(self, secret: str) -> Mapping[str, str]:
        return {"x-goog-api-key": secret} if secret else {}

    def encode(self, invocation: Invocation, *, streamed: bool) -> bytes:
        parts = {part.id: part for part in invocation.parts}
        conversation = invocation.conversation
        generation = conversation.generation
        body: dict[str, object] = {
            "contents": _contents(conversation.turns, parts),
            "generationConfig": _config(generation, parts, invocation.max_output_tokens),
        }
        system = [
            piece
            for turn in conversation.turns
            if turn.role in (Role.SYSTEM, Role.DEVELOPER)
            for piece in _pieces(turn.content, parts)
        ]
        if system:
            body["systemInstruction"] = {"parts": system}
        if conversation.tools:
            body["tools"] = [{"functionDeclarations": [_tool(tool, parts) for tool in conversation.tools]}]
        choice = generation.tool_choice
        if choice is not None:
            calling: dict[str, object] = {"mode": _MODES[choice.kind]}
            if choice.name is not None:
                calling["allowedFunctionNames"] = [choice.name]
            body["toolConfig"] = {"functionCallingConfig": calling}
        return msgspec.json.encode(body)

    def parse(self, data: bytes) -> Answer:
        body = _decode(data)
        parts: list[Part] = []
        if _is_blocked(body):
            choices: tuple[Choice, ...] = (choice_of(0, parts, text=None, finish=Finish.CONTENT_FILTER),)
        elif not body.candidates:
            raise UpstreamError("the model's answer is empty", code="upstream_broken", detail="no candidates")
        else:
            choices = tuple(_choice(index, each, parts) for index, each in enumerate(body.candidates))
        return Answer(choices, tuple(parts), _usage(body.usage))

    def reader(self) -> CandidateReader:
        return CandidateReader()


_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}


def _contents(turns: Sequence[Turn], parts: Mapping[PartId, Part]) -> list[dict[str, object]]:
    """The turns as contents; results of one round of calls are one content."""
    contents: list[dict[str, object]] = []
    names: dict[str, str] = {}
    results: list[_Piece] = []
    for turn in turns:
        names.update((call.id, call.name) for call in turn.calls)
        if turn.role is Role.TOOL:
            if not results:
                contents.append({"role": "user", "parts": results})
            results.append(_result(turn, names.get(turn.answers or "", ""), parts))
            continue
        if turn.role in (Role.SYSTEM, Role.DEVELOPER):
            continue
        results = []
        pieces = _pieces(turn.content if turn.refusal is None else (*turn.content, turn.refusal), parts)
        for call in turn.calls:
            pieces.append({"functionCall": {"name": call.name, "args": thaw(parts[call.arguments].value)}})
        if pieces:
            contents.append({"role": "model" if turn.role is Role.ASSISTANT else "user", "parts": pieces})
    return contents


def _result(turn: Turn, name: str, parts: Mapping[PartId, Part]) -> _Piece:
    said = [thaw(parts[part].value) for part in turn.content]
    response = {"error" if turn.failed else "output": said[0] if len(said) == 1 else said}
    return {"functionResponse": {"name": name, "response": response}}


def _pieces(content: Sequence[PartId], parts: Mapping[PartId, Part]) -> list[_Piece]:
    pieces: list[_Piece] = []
    for each in content:
        part = parts[each]
        if part.media.startswith("image/"):
            pieces.append({"inlineData": {"mimeType": part.media, "data": part.text}})
        elif part.as_text:
            pieces.append({"text": part.as_text})
    return pieces


def _tool(tool: ToolDefinition, parts: Mapping[PartId, Part]) -> dict[str, object]:
    found: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        found["description"] = parts[tool.description].text
    schema = thaw(parts[tool.schema].value) if tool.schema is not None else None
    if schema:
        found["parametersJsonSchema"] = schema
    return found


def _config(generation: Generation, parts: Mapping[PartId, Part], limit: int) -> dict[str, object]:
    given = {
        "maxOutputTokens": limit,
        "temperature": generation.temperature,
        "topP": generation.top_p,
        "topK": generation.top_k,
        "frequencyPenalty": generation.frequency_penalty,
        "presencePenalty": generation.presence_penalty,
        "seed": generation.seed,
        "candidateCount": generation.choices if generation.choices != 1 else None,
        "stopSequences": [parts[part].text for part in generation.stop] or None,
        "thinkingConfig": _thinking(generation),
    }
    config: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    wanted = generation.response_format
    if wanted is not None and wanted.kind != "text":
        config["responseMimeType"] = "application/json"
        if wanted.schema is not None:
            config["responseJsonSchema"] = thaw(parts[wanted.schema].value)
    return config


def _thinking(generation: Generation) -> dict[str, object] | None:
    effort, budget = generation.reasoning_effort, generation.reasoning_tokens
    if effort == "none" or budget == 0:
        return {"thinkingBudget": 0}
    found: dict[str, object] = {}
    if effort is not None:
        found["thinkingLevel"] = effort.upper()
    if budget is not None:
        found["thinkingBudget"] = budget
    return {**found, "includeThoughts": True} if found else None


class _Call(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    args: msgspec.Raw = msgspec.Raw(b"{}")
    id: str = ""


class _Part(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A part with anything else in it is refused: it is content that nobody here reads."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _Call | None = None
    part_metadata: object = None


class _Content(msgspec.Struct):
    parts: list[_Part] = []


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    index: int = 0
    grounding_metadata: object = None
    url_context_metadata: object = None


class _Counts(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Body(msgspec.Struct):
    candidates: list[_Candidate] = []
    usage: _Counts | None = msgspec.field(name="usageMetadata", default=None)
    feedback: _Feedback | None = msgspec.field(name="promptFeedback", default=None)


_BODY = msgspec.json.Decoder(_Body)
_FINISH = {
    "STOP": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"), Finish.CONTENT_FILTER
    ),
}


def _decode(data: bytes) -> _Body:
    body = decode_answer(_BODY, data)
    if len(body.candidates) > MAX_CHOICES:
        raise UpstreamError("the model's answer has too many choices", code="upstream_broken")
    if any(each.grounding_metadata is not None or each.url_context_metadata is not None for each in body.candidates):
        raise broken("grounded by the provider's own tools")
    return body


def _is_blocked(body: _Body) -> bool:
    return not body.candidates and body.feedback is not None and body.feedback.block_reason is not None


def _choice(index: int, candidate: _Candidate, parts: list[Part]) -> Choice:
    pieces = candidate.content.parts if candidate.content is not None else []
    texts = [each.text for each in pieces if each.text is not None and not each.thought]
    calls = [each.function_call for each in pieces if each.function_call is not None]
    finish = finish_of(candidate.finish_reason, _FINISH)
    return choice_of(
        index,
        parts,
        text="".join(texts) if texts else None,
        finish=Finish.TOOL_CALLS if calls and finish is Finish.STOP else finish,
        calls=[(name_of(call.name), arguments_of(bytes(call.args))) for call in calls],
        reasoning=[(each.text, "") for each in pieces if each.text is not None and each.thought],
    )


def _usage(counts: _Counts | None) -> Usage | None:
    if counts is None:
        return None
    thought = counts.thoughts_token_count or 0
    given = (
        counts.prompt_token_count or 0,
        counts.tool_use_prompt_token_count or 0,
        counts.candidates_token_count or 0,
        thought,
    )
    if any(count < 0 for count in given):
        raise broken("bad count of tokens")
    return usage_of(given[0] + given[1], given[2] + thought, counts.cached_content_token_count, thought)


class CandidateReader:
    """Implements `EventReader`: each event is an answer with a few more parts."""

    def __init__(self) -> None:
        """Start before the first candidate."""
        self.ended = False
        self._calls: dict[int, int] = {}
        self._begun: set[int] = set()
        self._finished: set[int] = set()

    def read(self, event: bytes) -> Iterator[Delta]:
        body = _decode(event)
        if _is_blocked(body):
            self._begun.add(0)
            self._finished.add(0)
            yield Finished(0, Finish.CONTENT_FILTER)
        for candidate in body.candidates:
            if not 0 <= candidate.index < MAX_CHOICES:
                raise broken("bad index")
            self._begun.add(candidate.index)
            for piece in candidate.content.parts if candidate.content is not None else ():
                yield from self._piece(candidate.index, piece)
            if candidate.finish_reason is not None:
                finish = finish_of(candidate.finish_reason, _FINISH)
                is_call = finish is Finish.STOP and candidate.index in self._calls
                self._finished.add(candidate.index)
                yield Finished(candidate.index, Finish.TOOL_CALLS if is_call else finish)
        usage = _usage(body.usage)
        if usage is not None and self._finished:
            yield Counted(usage)

    def close(self) -> None:
        if not self._finished or self._begun != self._finished:
            raise broke_off("no finishReason")

    def _piece(self, index: int, piece: _Part) -> Iterator[Delta]:
        if piece.text:
            yield TextDelta(index, piece.text, TextKind.REASONING if piece.thought else TextKind.CONTENT)
        if piece.function_call is not None:
            number = self._calls.get(index, 0)
            if number >= MAX_CALLS:
                raise broken("too many calls")
            self._calls[index] = number + 1
            call = piece.function_call
            yield CallDelta(index, number, bytes(call.args).decode(), None, name_of(call.name))
