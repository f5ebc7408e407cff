"""Which protocol is spoken at which path? One table for all doors to models.

* Paths are matched as they came, percent-encoded: an ARN is one segment of an address of Amazon Bedrock, whatever
  slashes it holds, and is decoded only after the path was split.
* A path that is none of them is refused in the protocol that it looks most like, so that every client can read why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from ringwall.dataplane.gateway.http import JSON_BODY
from ringwall.dataplane.wire.anthropic_answer import AnthropicMessages
from ringwall.dataplane.wire.bedrock_converse import BedrockConverse
from ringwall.dataplane.wire.bedrock_invoke import BedrockInvoke
from ringwall.dataplane.wire.door import Wire
from ringwall.dataplane.wire.openai_answer import OpenAIChat
from ringwall.dataplane.wire.openai_embeddings import OpenAIEmbeddings
from ringwall.dataplane.wire.openai_responses import OpenAIResponses

MODELS = "/v1/models"
COUNT = "/v1/messages/count_tokens"

_WIRES: Mapping[str, Callable[[], Wire]] = {
    "/v1/chat/completions": OpenAIChat,
    "/v1/embeddings": OpenAIEmbeddings,
    "/v1/responses": OpenAIResponses,
    "/v1/messages": AnthropicMessages,
}
_TOLD: Mapping[str, Callable[[], Wire]] = {**_WIRES, COUNT: AnthropicMessages}
_CONVERSE = ("converse", "converse-stream")
_INVOKE = ("invoke", "invoke-with-response-stream")
SPOKEN = (*_WIRES, *(f"/model/<model>/{each}" for each in (*_CONVERSE, *_INVOKE)))
"""The paths, for who asks for another."""

_BEDROCK = re.compile(rf"/model/([^/]+)/({'|'.join((*_CONVERSE, *_INVOKE))})")
_LIKE_BEDROCK = re.compile(r"/(?:model|guardrails?|guardrail-checks|enforcedGuardrailsConfiguration)(?:/|$)")
_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_INVOKE_BODY = JSON_BODY | {"application/octet-stream"}
_UNNAMED = _INVOKE_BODY | {""}
"""A body of InvokeModel is JSON; boto3 says nothing of its type unless it is told to."""


def is_door(path: str) -> bool:
    """Whether a protocol is spoken there; the path is without the workload's prefix."""
    return path in _WIRES or _BEDROCK.fullmatch(path) is not None


def body_kinds(path: str, headers: Mapping[str, str]) -> frozenset[str]:
    """The content types that a body may have there, the empty one for none; no prefix of a workload in the path."""
    match = _BEDROCK.fullmatch(path)
    if match is None or match[2] not in _INVOKE:
        return JSON_BODY
    # A page of another site can have a browser send what has no type, but not together with a credential of its choice.
    return _UNNAMED if "authorization" in headers else _INVOKE_BODY


def wire_of(path: str, headers: Mapping[str, str] | None = None) -> Wire:
    """The protocol that is spoken there, or in which a refusal is told.

    Args:
        path: The path as it came; it may have a workload's prefix.
        headers: Lower-case names to values, for a protocol that asks for things there.
    """
    for end, wire in _TOLD.items():
        if path.endswith(end):
            return wire()
    like = _LIKE_BEDROCK.search(path)
    if like is None:
        return OpenAIChat()
    match = _BEDROCK.fullmatch(path, like.start())
    if match is None:
        return BedrockConverse("", {}, streamed=False)
    model, operation = _decoded(match[1]), match[2]
    kind = BedrockConverse if operation in _CONVERSE else BedrockInvoke
    return kind(model, headers or {}, streamed=operation in (_CONVERSE[1], _INVOKE[1]))


def _decoded(segment: str) -> str:
    """What a segment of a path says; empty where that cannot be told, and empty names nothing."""
    if not _ENCODED.fullmatch(segment):
        return ""
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return ""
