"""What the fakes of all providers share."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from types import ModuleType

from pydantic import BaseModel

from tests.provider import Asked, Behaviour, http
from tests.provider import stream as streamed

Call = tuple[str, dict]
"""A proposed call: the tool's name and its arguments."""


def event(body: object, *, name: bool = False, **dump: object) -> bytes:
    """A server-sent event with this data, and its type as the event's name where a protocol has names."""
    found = body if isinstance(body, dict) else body.model_dump(mode="json", **dump)  # type: ignore[attr-defined]
    head = f"event: {found['type']}\n".encode() if name else b""
    return head + b"data: " + json.dumps(found).encode() + b"\n\n"


def strictly(model: BaseModel) -> None:
    """Nothing in it that its type does not know, at any depth."""
    assert not model.model_extra, model.model_extra
    for name in type(model).model_fields:
        value = getattr(model, name)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, BaseModel):
                strictly(each)


def says(fake: ModuleType, text: str | None, calls: Sequence[Call] = (), reasoning: str = "") -> Behaviour:
    """An ordinary answer of this provider, as a stream where one was asked for; the request must be one of its own."""

    def behave(sock: socket.socket, asked: Asked) -> None:
        try:
            fake.check(asked)
        except (AssertionError, ValueError) as error:
            http(json.dumps({"message": repr(error)}).encode(), "400 Bad Request")(sock, asked)
            raise
        if fake.streams(asked):
            streamed(*fake.stream(text, calls, reasoning))(sock, asked)
        else:
            http(fake.answer(text, calls, reasoning))(sock, asked)

    return behave
