"""What every provider's protocol has in common: where a request goes, how it is written, how an answer is read.

* An `UpstreamWire` is one protocol. It holds no connection and decides nothing; `gateway.upstream` brings the bytes.
* An `EventReader` is one streamed answer. It knows when the provider said that this is all: a stream that ends before
  is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from ringwall.model.conversation import Answer, Delta
from ringwall.model.features import Feature
from ringwall.model.upstreams import Invocation


class EventReader(Protocol):
    """Reads one streamed answer."""

    ended: bool
    """Whether the provider said that this is all. Nothing that comes after is read."""

    def read(self, event: bytes) -> Iterator[Delta]:
        """What one event says.

        Args:
            event: The data of a server-sent event.

        Raises:
            UpstreamError: It cannot be read whole, or does not belong there.
        """
        ...

    def close(self) -> None:
        """The connection has ended without `ended`.

        Raises:
            UpstreamError: The answer is not whole, unless the protocol ends its streams in this way.
        """
        ...


class UpstreamWire(Protocol):
    """One protocol of a provider."""

    carries: frozenset[Feature]
    """What it has a place for."""
    embedding: UpstreamWire | None
    """The same provider, asked for vectors; None where nobody here speaks to it about them."""

    def path(self, model: str, *, streamed: bool) -> str:
        """What is asked for below the root of the API; begins with a slash, percent-encoded."""
        ...

    def headers(self, secret: str) -> Mapping[str, str]:
        """The headers that carry the credential (none for an empty one) and the protocol's version."""
        ...

    def encode(self, invocation: Invocation, *, streamed: bool) -> bytes:
        """The body to send, from the judged invocation and nothing else (law 9)."""
        ...

    def parse(self, data: bytes) -> Answer:
        """A whole answer.

        Raises:
            UpstreamError: It cannot be read whole.
        """
        ...

    def reader(self) -> EventReader:
        """Reads a streamed answer."""
        ...
