"""A provider with Anthropic's Messages API, made of the `anthropic` package's own types."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

from anthropic import types as t
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming

from tests.provider import Asked, cut
from tests.providers.said import Call, event
from tests.providers.typed import must_conform

KIND = "anthropic"
ROOT = "/v1"
SIGNATURE = "c2lnbmF0dXJl"


def check(asked: Asked) -> None:
    """A request must be one that the package could have made, with its headers."""
    headers = dict(asked.headers)
    assert asked.line == "POST /v1/messages HTTP/1.1"
    assert headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in headers
    check_body(asked.json)


def check_body(body: dict) -> None:
    must_conform(body, MessageCreateParamsStreaming if body.get("stream") else MessageCreateParamsNonStreaming)
    for message in body["messages"]:
        kinds = [block["type"] for block in message["content"]]
        results = [kind == "tool_result" for kind in kinds]
        assert results == sorted(results, reverse=True), "tool results come first"
    roles = [message["role"] for message in body["messages"]]
    assert all(one != other for one, other in pairwise(roles))


def credential(asked: Asked) -> str:
    return dict(asked.headers).get("x-api-key", "")


def streams(asked: Asked) -> bool:
    return bool(asked.json.get("stream"))


def usage() -> t.Usage:
    return t.Usage(
        input_tokens=3,
        output_tokens=5,
        cache_read_input_tokens=2,
        cache_creation_input_tokens=1,
        output_tokens_details={"thinking_tokens": 1},
    )


def message(content: Sequence[t.ContentBlock], stop: t.StopReason | None, counts: t.Usage | None = None) -> t.Message:
    return t.Message(
        id="msg_theirs",
        content=list(content),
        model="theirs",
        role="assistant",
        stop_reason=stop,
        type="message",
        usage=counts or usage(),
    )


def answer(text: str | None, calls: Sequence[Call] = (), reasoning: str = "") -> bytes:
    blocks: list[t.ContentBlock] = []
    if reasoning:
        blocks.append(t.ThinkingBlock(type="thinking", thinking=reasoning, signature=SIGNATURE))
        blocks.append(t.RedactedThinkingBlock(type="redacted_thinking", data="theirs"))
    if text is not None:
        blocks.append(t.TextBlock(type="text", text=text))
    for name, given in calls:
        blocks.append(t.ToolUseBlock(type="tool_use", id="toolu_theirs", name=name, input=given))
    return message(blocks, "tool_use" if calls else "end_turn").model_dump_json().encode()


def stream(text: str | None, calls: Sequence[Call] = (), reasoning: str = "") -> list[bytes]:
    found: list[object] = [
        t.RawMessageStartEvent(type="message_start", message=message([], None)),
        {"type": "ping"},
    ]
    index = 0

    def block(start: t.ContentBlock, deltas: Sequence[t.RawContentBlockDelta]) -> None:
        nonlocal index
        found.append(t.RawContentBlockStartEvent(type="content_block_start", index=index, content_block=start))
        for delta in deltas:
            found.append(t.RawContentBlockDeltaEvent(type="content_block_delta", index=index, delta=delta))
        found.append(t.RawContentBlockStopEvent(type="content_block_stop", index=index))
        index += 1

    if reasoning:
        pieces = [t.ThinkingDelta(type="thinking_delta", thinking=each) for each in cut(reasoning, 5)]
        sign = t.SignatureDelta(type="signature_delta", signature=SIGNATURE)
        block(t.ThinkingBlock(type="thinking", thinking="", signature=""), [*pieces, sign])
        block(t.RedactedThinkingBlock(type="redacted_thinking", data="theirs"), [])
    if text is not None:
        block(t.TextBlock(type="text", text=""), [t.TextDelta(type="text_delta", text=each) for each in cut(text, 7)])
    for name, given in calls:
        pieces = [
            t.InputJSONDelta(type="input_json_delta", partial_json=each) for each in ["", *cut(json.dumps(given), 4)]
        ]
        block(t.ToolUseBlock(type="tool_use", id="toolu_theirs", name=name, input={}), pieces)
    found.append(
        t.RawMessageDeltaEvent.model_validate(
            {
                "type": "message_delta",
                "delta": {"stop_reason": "tool_use" if calls else "end_turn"},
                "usage": {"output_tokens": 5},
            }
        )
    )
    found.append(t.RawMessageStopEvent(type="message_stop"))
    return [event(each, name=True) for each in found]


def error(kind: str = "overloaded_error") -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": "theirs"}}).encode()
