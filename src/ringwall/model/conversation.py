"""What is said to a model and what it answers, in words of no protocol.

A door turns bytes into a `Conversation`; an upstream turns the judged `Conversation` into the bytes that it sends.
Neither sees the other's protocol, and nothing else travels (law 9).

* Every free string stands in a `Part` and is named here by its id. What remains (names, call ids, enumerations,
  numbers) matches a closed grammar, checked by `NAME` and by the door.
* Ids of tool calls are Ringwall's own handles on the side of the caller; the upstream's ids never reach him (law 10).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ringwall.model.content import Part, PartId, by_id

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""The closed grammar of tool, schema and participant names."""
SEAL = re.compile(r"[A-Za-z0-9+/_-]{1,65536}={0,2}")
"""The closed grammar of a seal."""


class Role(StrEnum):
    """Who a turn claims to speak for."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Finish(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model proposes.

    Attributes:
        id: The call's handle.
        name: The tool's name.
        arguments: The part that holds the arguments, a JSON object.
    """

    id: str
    name: str
    arguments: PartId


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What a model says to itself before it answers.

    Attributes:
        text: The part that holds it.
        seal: What the provider signed it with, and wants to have back with it; base64, or empty. Nobody here can read
            more than its grammar, so it stands for this text alone: where the text is edited, the seal is dropped.
    """

    text: PartId
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message.

    Attributes:
        role: Whom it claims to speak for.
        content: Its parts, in order.
        calls: The tool calls that it proposes (role assistant).
        answers: The handle of the call that it answers (role tool).
        name: The participant's name, if the caller gave one.
        refusal: The part that holds the model's refusal, if it refused (role assistant).
        reasoning: What the model said to itself before (role assistant).
        failed: True when the tool says that it failed (role tool).
    """

    role: Role
    content: tuple[PartId, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    answers: str | None = None
    name: str | None = None
    refusal: PartId | None = None
    reasoning: tuple[Reasoning, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool that the caller offers to the model: its description and schema are content like any other."""

    name: str
    description: PartId | None
    schema: PartId | None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The form in which the answer is asked for.

    Attributes:
        kind: `text`, `json_object` or `json_schema`.
        name: The schema's name.
        schema: The part that holds the schema.
        description: The part that holds its description.
        strict: Whether the model must follow it exactly.
    """

    kind: str
    name: str | None = None
    schema: PartId | None = None
    description: PartId | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether the model must call a tool: `none`, `auto`, `required`, or `named` with the tool's name."""

    kind: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """How the answer is to be drawn. None leaves it to the upstream.

    Attributes:
        max_tokens: The most tokens that one choice may have.
        choices: How many answers are drawn for one prompt.
        stop: Parts with the texts at which the model stops.
        reasoning_tokens: The most tokens that it may reason with; 0 asks for none.
        reasoning_adaptive: True when the model is to say for itself how long it reasons.
        (the others carry the field's usual names and ranges)
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    choices: int = 1
    stop: tuple[PartId, ...] = ()
    reasoning_effort: str | None = None
    reasoning_tokens: int | None = None
    reasoning_adaptive: bool = False
    verbosity: str | None = None
    response_format: ResponseFormat | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None


@dataclass(frozen=True, slots=True)
class Embedding:
    """Vectors are asked for instead of words, one for each turn.

    Attributes:
        dimensions: How many numbers each is to have; None leaves it to the model.
    """

    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A whole request to a model: its turns, the tools on offer, and how to answer.

    Attributes:
        turns: What was said.
        tools: What the model may call.
        generation: How the answer is drawn.
        embedding: Set where nothing is to be answered, but vectors of the turns are asked for.
    """

    turns: tuple[Turn, ...]
    tools: tuple[ToolDefinition, ...] = ()
    generation: Generation = Generation()
    embedding: Embedding | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the upstream says it counted; None where it said nothing."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers: its text, the calls it proposes, why it stopped, and what it said to itself before."""

    index: int
    content: tuple[PartId, ...]
    calls: tuple[ToolCall, ...]
    finish: Finish
    refusal: PartId | None = None
    reasoning: tuple[Reasoning, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, with the parts that its choices name.

    Attributes:
        choices: The answers.
        parts: What they say.
        usage: Tokens, as the upstream counted them.
        vectors: Numbers instead of words, one vector for each turn of the request.
    """

    choices: tuple[Choice, ...]
    parts: tuple[Part, ...]
    usage: Usage | None = None
    vectors: tuple[tuple[float, ...], ...] = ()

    def by_id(self) -> Mapping[PartId, Part]:
        """The parts by their ids."""
        return by_id(self.parts)


class TextKind(StrEnum):
    """What a streamed text is, besides the answer itself."""

    CONTENT = "content"
    REFUSAL = "refusal"
    REASONING = "reasoning"


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A few more characters of a choice's text."""

    index: int
    text: str
    kind: TextKind = TextKind.CONTENT


@dataclass(frozen=True, slots=True)
class Sealed:
    """The seal of the reasoning that came just before; see `Reasoning`."""

    index: int
    seal: str


@dataclass(frozen=True, slots=True)
class CallDelta:
    """A few more characters of the arguments of a proposed call. Id and name stand in the first of a call."""

    index: int
    call: int
    arguments: str
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A choice has ended."""

    index: int
    finish: Finish


@dataclass(frozen=True, slots=True)
class Counted:
    """The upstream's count of tokens, usually last."""

    usage: Usage


Delta = TextDelta | Sealed | CallDelta | Finished | Counted
"""One event of a streamed answer."""
