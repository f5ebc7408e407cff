"""Embeddings of an OpenAI-compatible provider: what it is sent, and which numbers come back."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ringwall.dataplane.wire.upstream import EventReader, UpstreamWire
from ringwall.model.content import by_id
from ringwall.model.conversation import Answer, Usage
from ringwall.model.errors import UpstreamError
from ringwall.model.features import Feature
from ringwall.model.upstreams import Invocation

MAX_DIMENSIONS = 65_536
MAX_NUMBER = 3.4e38
"""What fits into the four bytes in which clients ask for numbers."""
MAX_COUNT = 2**40
"""The largest count of tokens that is believed."""


class OpenAIEmbeddingsUpstream:
    """Implements `UpstreamWire` for `POST /embeddings`; it has no streams."""

    embedding: UpstreamWire | None = None
    carries = frozenset({Feature.EMBEDDINGS, Feature.DIMENSIONS})

    def __init__(self, dimensions_field: str = "dimensions") -> None:
        """Say what the provider calls the size of a vector."""
        self._dimensions = dimensions_field

    def path(self, model: str, *, streamed: bool) -> str:
        return "/embeddings"

    def headers(self, secret: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {secret}"} if secret else {}

    def encode(self, invocation: Invocation, *, streamed: bool) -> bytes:
        parts, conversation = by_id(invocation.parts), invocation.conversation
        texts = ["".join(parts[part].as_text for part in turn.content) for turn in conversation.turns]
        body: dict[str, object] = {"model": invocation.model, "input": texts, "encoding_format": "float"}
        if conversation.embedding is not None and conversation.embedding.dimensions is not None:
            body[self._dimensions] = conversation.embedding.dimensions
        return msgspec.json.encode(body)

    def parse(self, data: bytes) -> Answer:
        """The vectors, in the order of what was sent."""
        try:
            body = _DECODER.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _broken(type(error).__name__) from error
        rows = sorted(body.data, key=lambda row: row.index)
        if not rows or [row.index for row in rows] != list(range(len(rows))):
            raise _broken("not one vector for each text")
        if any(
            not 0 < len(row.embedding) <= MAX_DIMENSIONS or max(map(abs, row.embedding)) > MAX_NUMBER for row in rows
        ):
            raise _broken("numbers that are none")
        usage = None
        if body.usage is not None and 0 <= body.usage.prompt_tokens <= MAX_COUNT:
            usage = Usage(body.usage.prompt_tokens, 0)
        return Answer((), (), usage, tuple(tuple(row.embedding) for row in rows))

    def reader(self) -> EventReader:
        """There are no streams of vectors."""
        raise UpstreamError("embeddings are not streamed", code="upstream_broken")


class _Row(msgspec.Struct):
    index: int
    embedding: list[float]


class _Usage(msgspec.Struct):
    prompt_tokens: int


class _Body(msgspec.Struct):
    data: list[_Row]
    usage: _Usage | None = None


_DECODER = msgspec.json.Decoder(_Body)


def _broken(detail: str) -> UpstreamError:
    return UpstreamError("the model's answer cannot be read", code="upstream_broken", detail=detail)
