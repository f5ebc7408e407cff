"""Bytes of a server-sent event stream -> the data of its events (WHATWG HTML, section 9.2), with bounds.

Only `data` matters to the protocols spoken here; comments, ids, names and retry times are dropped.
"""

from __future__ import annotations

MAX_EVENT_BYTES = 4 * 1024 * 1024


class BrokenStreamError(ValueError):
    """The stream is not one of server-sent events, or an event is too large."""


class SseDecoder:
    """Takes bytes as they come, gives the data of whole events."""

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        """Start before the first event."""
        self._limit = max_event_bytes
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._size = 0
        self._after_return = False

    def feed(self, data: bytes) -> list[bytes]:
        """The data of every event that is complete now.

        Raises:
            BrokenStreamError: An event is larger than the limit.
        """
        if self._after_return and data.startswith(b"\n"):
            data = data[1:]  # the second half of a CRLF whose first half has ended the line
            self._after_return = False
        if not data:
            return []
        self._after_return = data.endswith(b"\r")
        first, *lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        events: list[bytes] = []
        self._hold(first)
        for line in lines:
            self._end_line(events)
            self._hold(line)
        return events

    def _hold(self, piece: bytes) -> None:
        """Keep a piece of a line that has not ended. Pieces are joined once, however many there are."""
        if piece:
            self._line.append(piece)
            self._grow(len(piece))

    def _end_line(self, events: list[bytes]) -> None:
        line = b"".join(self._line)
        self._line.clear()
        if line:
            self._size -= len(line)
            self._take(line)
        elif self._data:
            events.append(b"\n".join(self._data))
            self._data, self._size = [], 0

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._grow(len(value) + 1)
            self._data.append(value)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            raise BrokenStreamError(f'an event has more than "{self._limit}" bytes')


def encode(data: bytes) -> bytes:
    """One event with this data, which must hold no line break."""
    return b"data: " + data + b"\n\n"
