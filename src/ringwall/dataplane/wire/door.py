"""What every protocol of models has in common: a request as it is read, and how an answer to it is written.

* A `Wire` is one protocol for one request: it reads the body into parts (law 9), and writes what the road came to in
  the protocol's own shapes. It decides nothing.
* `Said` is a refusal or a failure in words of no protocol; each protocol has a well-formed place for it, in the middle
  of a stream too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ringwall.model.content import Part, PartId
from ringwall.model.conversation import Answer, Conversation, Delta
from ringwall.model.verdict import DenyKind

EVENT_STREAM = b"text/event-stream; charset=utf-8"
Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request to a model as its door hands it on.

    Attributes:
        model: The model that is asked for.
        conversation: Its shape.
        parts: All its content.
        tool_results: Parts that answer a call, with the call's handle.
        streamed: Whether the answer is wanted as a stream.
        include_usage: Whether the stream is to end with the token count, where the protocol lets the client say.
        first_user_turn: The bytes of the first user turn, from which the session is derived.
    """

    model: str
    conversation: Conversation
    parts: tuple[Part, ...]
    tool_results: tuple[tuple[PartId, str], ...]
    streamed: bool
    include_usage: bool
    first_user_turn: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What everything that is written of one answer shares.

    Attributes:
        interaction: The name of the attempt, of which ids are made.
        request: What was asked.
        created: Seconds since 1970.
        seal: Binds what a provider signed to this caller and this workload; see `gateway.seals`.
        elapsed_ms: Milliseconds since the request was read.
    """

    interaction: str
    request: ModelRequest
    created: int
    seal: Callable[[str], str]
    elapsed_ms: Callable[[], int] = lambda: 0


@dataclass(frozen=True, slots=True)
class Said:
    """A refusal or a failure.

    Attributes:
        status: The HTTP status in protocols that follow HTTP.
        message: What to do, in words; holds no content.
        code: What it was.
        param: The field at fault, or None.
        control: The control that refused, or None.
        checkpoint: Where, or None.
        record: The record that says so, or None.
        kind: The kind of a refusal; None for a failure, or for a request that could not be read.
    """

    status: int
    message: str
    code: str
    param: str | None = None
    control: str | None = None
    checkpoint: str | None = None
    record: str | None = None
    kind: DenyKind | None = None


class Renderer(Protocol):
    """Writes one streamed answer. Everything that it returns goes out at once; it may be empty."""

    def begin(self) -> bytes:
        """Before anything came."""
        ...

    def render(self, delta: Delta) -> bytes:
        """What was released."""
        ...

    def end(self, receipt: str) -> bytes:
        """The stream has ended as it should; the receipt stands where the protocol has a place for it."""
        ...

    def error(self, said: Said) -> bytes:
        """The stream ends with this."""
        ...


class Wire(Protocol):
    """One protocol, for one request."""

    stream_type: bytes
    """The content type of its streams."""

    def parse(self, body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
        """Read a request.

        Args:
            body: The request's body.
            depth: The most levels of nesting.
            unseal: What a provider signed, from what its bearer was given; raises for anybody else's.

        Raises:
            CallerError: It cannot be read in one way only, or asks for something that no control can judge.
        """
        ...

    def answer(self, answer: Answer, head: Head) -> bytes:
        """A whole answer."""
        ...

    def renderer(self, head: Head) -> Renderer:
        """Writes a streamed answer."""
        ...

    def error(self, said: Said) -> tuple[int, bytes, Sequence[Header]]:
        """A refusal or a failure instead of an answer: status, body, further headers."""
        ...


def first_said(parts: Sequence[Part], turn: int | None) -> bytes:
    """What the turn with this number says, as bytes; a session without a handle is derived from it."""
    if turn is None:
        return b""
    prefix = f"turns/{turn}/"
    return "\0".join(str(part.value) for part in parts if part.id.startswith(prefix)).encode()
