"""A provider with Mistral's chat completions, made of the `mistralai` package's own types."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from mistralai.client import models as t

from tests.provider import DONE, Asked, cut
from tests.providers.said import Call, event

KIND = "mistral"
ROOT = "/v1"
COMMON = {"id": "theirs", "model": "theirs", "created": 1}
USAGE = {"prompt_tokens": 6, "completion_tokens": 5, "total_tokens": 11, "prompt_tokens_details": {"cached_tokens": 2}}


def check(asked: Asked) -> None:
    """A request must be one that the package could have made."""
    assert asked.line == "POST /v1/chat/completions HTTP/1.1"
    check_body(asked.json)


def check_body(body: dict) -> None:
    """What the types do not know is lost when they are written out again."""
    kind = t.ChatCompletionStreamRequest if body.get("stream") else t.ChatCompletionRequest
    written = kind.model_validate(body).model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert written == body
    for message in body["messages"]:
        for name in [message.get("tool_call_id"), *(call["id"] for call in message.get("tool_calls", ()))]:
            assert name is None or re.fullmatch(r"[A-Za-z0-9]{9}", name)


def credential(asked: Asked) -> str:
    return dict(asked.headers).get("authorization", "").removeprefix("Bearer ")


def streams(asked: Asked) -> bool:
    return bool(asked.json.get("stream"))


def thinking(text: str) -> dict:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}], "closed": True}


def proposed(calls: Sequence[Call]) -> list[dict]:
    return [
        {"id": "theirs000", "index": n, "function": {"name": name, "arguments": json.dumps(given)}}
        for n, (name, given) in enumerate(calls)
    ]


def answer(text: str | None, calls: Sequence[Call] = (), reasoning: str = "") -> bytes:
    content: object = text
    if reasoning:
        content = [thinking(reasoning), *([{"type": "text", "text": text}] if text is not None else [])]
    message = {"role": "assistant", "content": content, "tool_calls": proposed(calls) or None}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    made = t.ChatCompletionResponse.model_validate(
        {**COMMON, "object": "chat.completion", "usage": USAGE, "choices": [choice]}
    )
    return made.model_dump_json(by_alias=True, exclude_unset=True).encode()


def chunk(delta: dict, finish: str | None = None, **more: object) -> bytes:
    body = {**COMMON, "object": "chat.completion.chunk", **more}
    made = t.CompletionChunk.model_validate(
        {**body, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    )
    return event(made, by_alias=True, exclude_unset=True)


def stream(text: str | None, calls: Sequence[Call] = (), reasoning: str = "") -> list[bytes]:
    found = [chunk({"role": "assistant", "content": ""})]
    found += [chunk({"content": [thinking(each)]}) for each in cut(reasoning, 5)]
    found += [chunk({"content": each}) for each in cut(text or "", 7)]
    last: dict = {"content": ""}
    if calls:
        last["tool_calls"] = proposed(calls)
    found.append(chunk(last, "tool_calls" if calls else "stop", usage=USAGE))
    return [*found, DONE]
