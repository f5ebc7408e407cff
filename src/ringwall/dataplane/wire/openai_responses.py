"""OpenAI's Responses API: what its clients read, in the protocol's own shapes (what they say:
`openai_responses_request`).

* Ids are ours, made of the interaction; the provider's stay with the provider. Nothing is kept: an id opens nothing.
* A stream that is refused or fails ends with `response.failed`, which says why; the stock client raises it.
* What is more than the protocol stands under `ringwall`, which stock clients ignore.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from ringwall.dataplane.wire.door import EVENT_STREAM, Head, Header, ModelRequest, Renderer, Said
from ringwall.dataplane.wire.openai_answer import render_error
from ringwall.dataplane.wire.openai_responses_request import parse_request
from ringwall.dataplane.wire.openai_responses_shapes import (
    function_call,
    message,
    output_text,
    reasoning,
    refusal,
    response,
)
from ringwall.dataplane.wire.openai_responses_stream import StreamRenderer
from ringwall.dataplane.wire.openai_upstream import compact_arguments
from ringwall.model.content import Part, PartId
from ringwall.model.conversation import Answer, Choice

_ENCODER = msgspec.json.Encoder()


class OpenAIResponses:
    """Implements `Wire` for the Responses API."""

    stream_type = EVENT_STREAM

    def parse(self, body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
        """See `Wire`."""
        return parse_request(body, depth=depth, unseal=unseal)

    def answer(self, answer: Answer, head: Head) -> bytes:
        """A `response` object: the first choice, of which the protocol has one."""
        choice = answer.choices[0]
        output = list(_output(choice, answer.by_id(), head))
        return _ENCODER.encode(response(head, output, choice.finish, answer.usage))

    def renderer(self, head: Head) -> Renderer:
        """Events of a response."""
        return StreamRenderer(head)

    def error(self, said: Said) -> tuple[int, bytes, Sequence[Header]]:
        """An `error` object."""
        return said.status, render_error(said), ()


def _output(choice: Choice, parts: Mapping[PartId, Part], head: Head) -> Iterator[dict[str, object]]:
    number = 0
    for thought in choice.reasoning:
        yield reasoning(head, number, parts[thought.text].text, head.seal(thought.seal) if thought.seal else None)
        number += 1
    content = [output_text(parts[part].text) for part in choice.content]
    if choice.refusal is not None:
        content.append(refusal(parts[choice.refusal].text))
    if content:
        yield message(head, number, content)
        number += 1
    for call in choice.calls:
        yield function_call(head, number, call.id, call.name, compact_arguments(parts[call.arguments]))
        number += 1
