"""Amazon Bedrock's Converse and ConverseStream, for stock AWS clients.

What is read of a request stands in `bedrock_request`, what is answered in `bedrock_answer`, how refusals are told in
`bedrock_errors`. Model and kind of answer stand in the path, not in the body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from ringwall.dataplane.wire.bedrock_answer import Event, Events, message_of, usage_of
from ringwall.dataplane.wire.bedrock_errors import render_error, render_error_event
from ringwall.dataplane.wire.bedrock_request import parse_converse, refuse_headers
from ringwall.dataplane.wire.door import Head, Header, ModelRequest, Renderer, Said
from ringwall.dataplane.wire.eventstream import encode_event
from ringwall.dataplane.wire.reading import read_object
from ringwall.model.conversation import Answer, Delta

AWS_EVENT_STREAM = b"application/vnd.amazon.eventstream"
_ENCODER = msgspec.json.Encoder()


class BedrockConverse:
    """Implements `Wire` for Converse, and for ConverseStream."""

    stream_type = AWS_EVENT_STREAM

    def __init__(self, model: str, headers: Mapping[str, str], *, streamed: bool) -> None:
        """Take what stands outside the body.

        Args:
            model: What the path names, decoded.
            headers: Lower-case names to values.
            streamed: Whether the path asks for a stream.
        """
        self._model = model
        self._headers = headers
        self._streamed = streamed

    def parse(self, body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
        """See `Wire`."""
        refuse_headers(self._headers)
        document = read_object(body, depth=depth)
        return parse_converse(document, model=self._model, streamed=self._streamed, unseal=unseal)

    def answer(self, answer: Answer, head: Head) -> bytes:
        """What Converse answers."""
        metrics = {"latencyMs": head.elapsed_ms()}
        return _ENCODER.encode({**message_of(answer, head), "usage": usage_of(answer.usage), "metrics": metrics})

    def renderer(self, head: Head) -> Renderer:
        """Messages of an event stream."""
        return StreamRenderer(head)

    def error(self, said: Said) -> tuple[int, bytes, Sequence[Header]]:
        """An exception."""
        return render_error(said)


class StreamRenderer:
    """Implements `Renderer`: each event is a message of its own kind."""

    def __init__(self, head: Head) -> None:
        """Begin with no block."""
        self._events = Events(head)

    def begin(self) -> bytes:
        return _encoded(self._events.begin())

    def render(self, delta: Delta) -> bytes:
        return _encoded(self._events.take(delta))

    def end(self, receipt: str) -> bytes:
        return _encoded(self._events.end(receipt))

    def error(self, said: Said) -> bytes:
        return render_error_event(said)


def _encoded(events: Iterable[Event]) -> bytes:
    return b"".join(encode_event(kind, _ENCODER.encode(payload)) for kind, payload in events)
