"""Who answers behind us? Ports to providers of models and to servers of tools, and what goes there and comes back.

What is sent is encoded from the judged invocation and nothing else (law 9); what comes back is content like any other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ringwall.model.content import Json, Part
from ringwall.model.conversation import Answer, Conversation, Delta
from ringwall.model.facts import Destination
from ringwall.model.features import Feature
from ringwall.model.tools import Tool


@dataclass(frozen=True, slots=True)
class Invocation:
    """A judged request on its way to a model.

    Attributes:
        conversation: Its shape.
        parts: The judged (and edited) content.
        model: The upstream's name of the model.
        trace: `traceparent` to send on, or empty.
        max_output_tokens: The most tokens that one choice may have.
    """

    conversation: Conversation
    parts: tuple[Part, ...]
    model: str
    trace: str
    max_output_tokens: int


class Upstream(Protocol):
    """A provider of models. What it sends is encoded from the judged invocation and nothing else (law 9)."""

    def destination(self, model: str, *, embeds: bool = False) -> Destination:
        """Where the bytes of an invocation of this model would go; `embeds` where vectors are asked for."""
        ...

    def carries(self, model: str) -> frozenset[Feature]:
        """What it has a place for; a conversation that needs more is not sent."""
        ...

    async def complete(self, invocation: Invocation) -> Answer:
        """The whole answer.

        Raises:
            UpstreamError: It refused, failed, was late, or answered something that cannot be read whole.
        """
        ...

    def stream(self, invocation: Invocation) -> AsyncIterator[Delta]:
        """The answer as it comes. Closing the iterator cancels the call.

        Raises:
            UpstreamError: As for `complete`; also when the stream breaks off.
        """
        ...

    async def close(self) -> None:
        """Let go of what is open."""
        ...


@dataclass(frozen=True, slots=True)
class ToolInvocation:
    """A judged tool call on its way to the server of the tool.

    Attributes:
        tool: The tool, as the plan has it.
        arguments: The judged (and edited) arguments.
        trace: `traceparent` to send on, or empty.
        context: What the server is told besides, never a part of the arguments: a leased credential.
    """

    tool: Tool
    arguments: Mapping[str, Json]
    trace: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool returned.

    Attributes:
        parts: Its texts (`result/content/<n>`) and its structured content (`result/structured`), of origin TOOL.
        failed: True when the tool itself says that it failed; its parts then say why.
    """

    parts: tuple[Part, ...]
    failed: bool = False


class ToolServer(Protocol):
    """A server of tools. What it is sent is encoded from the judged invocation and nothing else (law 9)."""

    def destination(self) -> Destination:
        """Where the bytes of a call would go."""
        ...

    async def call(self, invocation: ToolInvocation) -> ToolAnswer:
        """What the tool returned.

        Raises:
            UpstreamError: The server refused, failed, was late, serves another tool under this name than the plan has,
                or returned something that cannot be read whole.
        """
        ...

    async def close(self) -> None:
        """Let go of what is open."""
        ...
