"""OpenAI's embeddings: texts in, vectors out. Every text is judged like anything else that a person sends.

Which field is judged, inert or refused stands here, for there are few; a test walks the `openai` package's types.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import msgspec

from ringwall.dataplane.wire.door import EVENT_STREAM, Head, Header, ModelRequest, Renderer, Said, first_said
from ringwall.dataplane.wire.openai_answer import StreamRenderer, render_error
from ringwall.dataplane.wire.reading import MODEL, Fields, Handling, Parts, checked, read_as, read_object
from ringwall.model.content import Origin
from ringwall.model.conversation import Answer, Conversation, Embedding, Role, Turn
from ringwall.model.errors import CallerError

MAX_TEXTS = 2048
FIELDS = {
    "model": Handling.JUDGED,
    "input": Handling.JUDGED,
    "dimensions": Handling.JUDGED,
    "encoding_format": Handling.JUDGED,
    "user": Handling.INERT,
}
_UNREAD = Fields({}, inert=frozenset({"user"}))
_ENCODER = msgspec.json.Encoder()


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    input: str | Annotated[list[str | int | list[int]], msgspec.Meta(min_length=1, max_length=MAX_TEXTS)]
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=65_536)] | None = None
    encoding_format: Literal["float", "base64"] | None = None


class OpenAIEmbeddings:
    """Implements `Wire` for embeddings; it has no streams."""

    stream_type = EVENT_STREAM

    def __init__(self) -> None:
        """Numbers are written as such, until the request says otherwise."""
        self._packed = False

    def parse(self, body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
        """See `Wire`."""
        asked = read_as(read_object(body, depth=depth), _Request, _UNREAD)
        checked(MODEL, asked.model, "model")
        self._packed = asked.encoding_format == "base64"
        parts, turns = Parts(), []
        for number, text in enumerate([asked.input] if isinstance(asked.input, str) else asked.input):
            if not isinstance(text, str):
                problem = "token ids are refused: no control can read them; send texts"
                raise CallerError(problem, code="unsupported_field", param="input")
            turns.append(Turn(Role.USER, (parts.text(f"turns/{number}/content/0", Origin.PERSON, text),)))
        conversation = Conversation(tuple(turns), embedding=Embedding(asked.dimensions))
        return ModelRequest(asked.model, conversation, tuple(parts.all), (), False, False, first_said(parts.all, 0))

    def answer(self, answer: Answer, head: Head) -> bytes:
        """A list of `embedding` objects."""
        rows = [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if self._packed else vector}
            for index, vector in enumerate(answer.vectors)
        ]
        tokens = answer.usage.input_tokens if answer.usage is not None else 0
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return _ENCODER.encode({"object": "list", "data": rows, "model": head.request.model, "usage": usage})

    def renderer(self, head: Head) -> Renderer:
        """There are no streams of vectors; a request cannot ask for one."""
        return StreamRenderer(head)

    def error(self, said: Said) -> tuple[int, bytes, Sequence[Header]]:
        """An `error` object."""
        return said.status, render_error(said), ()


def _packed(vector: Sequence[float]) -> str:
    """Little-endian numbers of four bytes, in base64: what stock clients ask for."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
