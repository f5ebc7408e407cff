"""A provider with Cohere's chat (v2), made of the `cohere` package's own types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cohere import types as t
from cohere.v2 import types as v2
from pydantic import BaseModel, TypeAdapter

from tests.provider import Asked, cut
from tests.providers.said import Call, event, strictly

KIND = "cohere"
ROOT = "/v2"
_PLAIN = {
    "model": str, "max_tokens": int, "stream": bool, "temperature": float, "p": float, "k": int, "seed": int,
    "frequency_penalty": float, "presence_penalty": float, "stop_sequences": list[str],
}  # fmt: skip
_TYPED = {
    "messages": list[t.ChatMessageV2], "tools": list[t.ToolV2], "response_format": t.ResponseFormatV2,
    "thinking": t.Thinking,
}  # fmt: skip


def check(asked: Asked) -> None:
    """A request must be one that the package could have made."""
    assert asked.line == "POST /v2/chat HTTP/1.1"
    check_body(asked.json)


def check_body(body: dict) -> None:
    assert body.keys() <= {*_PLAIN, *_TYPED, "tool_choice"}
    for name, value in body.items():
        if name in _PLAIN:
            TypeAdapter(_PLAIN[name]).validate_python(value, strict=True)
        elif name in _TYPED:
            read = TypeAdapter(_TYPED[name]).validate_python(value)
            for each in read if isinstance(read, list) else [read]:
                strictly(each)
    assert body.get("tool_choice", "NONE") in ("NONE", "REQUIRED")


def credential(asked: Asked) -> str:
    return dict(asked.headers).get("authorization", "").removeprefix("Bearer ")


def streams(asked: Asked) -> bool:
    return bool(asked.json["stream"])


def usage() -> Mapping[str, object]:
    return {
        "billed_units": {"input_tokens": 6.0, "output_tokens": 5.0},
        "tokens": {"input_tokens": 6.0, "output_tokens": 5.0},
        "cached_tokens": 2.0,
    }


def answer(text: str | None, calls: Sequence[Call] = (), reasoning: str = "") -> bytes:
    content: list[dict] = [{"type": "thinking", "thinking": reasoning}] if reasoning else []
    if text is not None:
        content.append({"type": "text", "text": text})
    made = v2.V2ChatResponse.model_validate(
        {
            "id": "theirs",
            "finish_reason": "TOOL_CALL" if calls else "COMPLETE",
            "usage": usage(),
            "message": {
                "role": "assistant",
                "content": content or None,
                "citations": [{"text": "theirs", "start": 0, "end": 1}],
                "tool_calls": [
                    {"id": "theirs", "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
                    for name, given in calls
                ]
                or None,
            },
        }
    )
    strictly(made)
    return made.model_dump_json(exclude_none=True).encode()


def said(kind: str, message: dict | None = None, **more: object) -> bytes:
    body: dict = {"type": kind, **more}
    if message is not None:
        body["delta"] = {"message": message}
    made = TypeAdapter(v2.V2ChatStreamResponse).validate_python(body)
    assert isinstance(made, BaseModel)
    strictly(made)
    return event(made, name=True, exclude_none=True)


def stream(text: str | None, calls: Sequence[Call] = (), reasoning: str = "") -> list[bytes]:
    found = [said("message-start", {"role": "assistant"}, id="theirs")]
    for index, (kind, whole) in enumerate((("thinking", reasoning), ("text", text or ""))):
        if whole:
            found.append(said("content-start", {"content": {"type": kind, kind: ""}}, index=index))
            found += [said("content-delta", {"content": {kind: each}}, index=index) for each in cut(whole, 7)]
            found.append(said("content-end", index=index))
    if text:
        citation = {"citations": {"text": "theirs", "start": 0, "end": 1}}
        found += [said("citation-start", citation, index=0), said("citation-end", index=0)]
    for index, (name, given) in enumerate(calls):
        call = {"id": "theirs", "type": "function", "function": {"name": name, "arguments": ""}}
        found.append(said("tool-call-start", {"tool_calls": call}, index=index))
        for each in cut(json.dumps(given), 4):
            found.append(said("tool-call-delta", {"tool_calls": {"function": {"arguments": each}}}, index=index))
        found.append(said("tool-call-end", index=index))
    end = {"finish_reason": "TOOL_CALL" if calls else "COMPLETE", "usage": usage()}
    return [*found, said("message-end", None, id="theirs", delta=end)]
