"""A provider with Google's `generateContent`, made of the `google-genai` package's own types."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from google.genai import types as t

from tests.provider import Asked, cut
from tests.providers.said import Call, event

KIND = "gemini"
ROOT = "/v1beta"


def check(asked: Asked) -> None:
    """A request must be one that the package could have made."""
    root = "POST /v1beta/models/theirs-1:"
    assert asked.line in (
        f"{root}generateContent HTTP/1.1", f"{root}streamGenerateContent?alt=sse HTTP/1.1",
    )  # fmt: skip
    assert "authorization" not in dict(asked.headers)
    check_body(asked.json)


def check_body(body: dict) -> None:
    """The package's types are closed: what they do not know is refused."""
    kinds = {"systemInstruction": t.Content, "generationConfig": t.GenerationConfig, "toolConfig": t.ToolConfig}
    assert body.keys() <= {*kinds, "contents", "tools"}
    for name, kind in kinds.items():
        if name in body:
            kind.model_validate(body[name])
    for content in body["contents"]:
        read = t.Content.model_validate(content)
        assert read.role in ("user", "model")
        for part in read.parts:
            assert len(part.model_fields_set) == 1
            if part.function_response is not None:
                assert part.function_response.name
            if part.inline_data is not None:
                assert base64.b64encode(part.inline_data.data)
    for tool in body.get("tools", ()):
        t.Tool.model_validate(tool)


def credential(asked: Asked) -> str:
    return dict(asked.headers).get("x-goog-api-key", "")


def streams(asked: Asked) -> bool:
    return "streamGenerateContent" in asked.line


def response(parts: Sequence[t.Part], finish: t.FinishReason | None, *, counted: bool = True) -> dict:
    made = t.GenerateContentResponse(
        candidates=[t.Candidate(content=t.Content(role="model", parts=list(parts)), finish_reason=finish, index=0)],
        model_version="theirs",
        response_id="theirs",
        usage_metadata=t.GenerateContentResponseUsageMetadata(
            prompt_token_count=6, candidates_token_count=4, thoughts_token_count=1, cached_content_token_count=2
        )
        if counted
        else None,
    )
    return made.model_dump(mode="json", by_alias=True, exclude_none=True)


def pieces(text: str | None, calls: Sequence[Call], reasoning: str, size: int) -> list[t.Part]:
    found = [t.Part(text=each, thought=True) for each in cut(reasoning, size)]
    found += [t.Part(text=each, thought_signature=b"theirs") for each in cut(text or "", size)]
    return found + [t.Part(function_call=t.FunctionCall(name=name, args=given, id="theirs")) for name, given in calls]


def answer(text: str | None, calls: Sequence[Call] = (), reasoning: str = "") -> bytes:
    return json.dumps(response(pieces(text, calls, reasoning, 1000), t.FinishReason.STOP)).encode()


def stream(text: str | None, calls: Sequence[Call] = (), reasoning: str = "") -> list[bytes]:
    *first, last = pieces(text, calls, reasoning, 7)
    return [
        *(event(response([each], None, counted=False)) for each in first),
        event(response([last], t.FinishReason.STOP)),
    ]
