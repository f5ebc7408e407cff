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
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The data of every event that is complete now.

        Raises:
            BrokenStreamError: An event is larger than the limit.
        """
        data = self._rest + data
        # A carriage return at the very end may be the first half of CRLF: it waits for what follows.
        waits = data.endswith(b"\r")
        lines = (data[:-1] if waits else data).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + (b"\r" if waits else b"")
        if self._size + len(self._rest) > self._limit:
            raise BrokenStreamError(f'an event has more than "{self._limit}" bytes')
        events = []
        for line in lines:
            if line:
                self._take(line)
            elif self._data:
                events.append(b"\n".join(self._data))
                self._data, self._size = [], 0
        return events

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._size += len(value)
            if self._size > self._limit:
                raise BrokenStreamError(f'an event has more than "{self._limit}" bytes')
            self._data.append(value)


def encode(data: bytes) -> bytes:
    """One event with this data, which must hold no line break."""
    return b"data: " + data + b"\n\n"
