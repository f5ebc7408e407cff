"""What a wire is given besides an answer."""

from __future__ import annotations

from ringwall.dataplane.wire.door import Head, ModelRequest
from ringwall.model.content import Part
from ringwall.model.conversation import Conversation


def head(
    model: str = "m",
    *,
    include_usage: bool = False,
    conversation: Conversation | None = None,
    parts: tuple[Part, ...] = (),
) -> Head:
    asked = ModelRequest(model, conversation or Conversation(()), parts, (), True, include_usage, b"")
    return Head("req_1", asked, 5, lambda seal: f"bound.{seal}")
