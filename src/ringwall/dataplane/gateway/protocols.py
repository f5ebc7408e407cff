"""Which protocol is spoken at which path? One table for all doors to models.

A path that is none of them is refused in the protocol that it looks most like, so that every client can read why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ringwall.dataplane.wire.anthropic_answer import AnthropicMessages
from ringwall.dataplane.wire.door import Wire
from ringwall.dataplane.wire.openai_answer import OpenAIChat
from ringwall.dataplane.wire.openai_responses import OpenAIResponses

MODELS = "/v1/models"
COUNT = "/v1/messages/count_tokens"

_WIRES: Mapping[str, Callable[[], Wire]] = {
    "/v1/chat/completions": OpenAIChat,
    "/v1/responses": OpenAIResponses,
    "/v1/messages": AnthropicMessages,
}
_TOLD: Mapping[str, Callable[[], Wire]] = {**_WIRES, COUNT: AnthropicMessages}
SPOKEN = tuple(_WIRES)
"""The paths, for who asks for another."""


def is_door(path: str) -> bool:
    """Whether a protocol is spoken there; the path is without the workload's prefix."""
    return path in _WIRES


def wire_of(path: str) -> Wire:
    """The protocol that is spoken there, or in which a refusal is told; the path may have a workload's prefix."""
    for end, wire in _TOLD.items():
        if path.endswith(end):
            return wire()
    return OpenAIChat()
