"""Bytes <-> messages of AWS's binary event stream (`application/vnd.amazon.eventstream`), with bounds.

A message is: total length, length of headers, CRC-32 of these two; headers; payload; CRC-32 of all before. Lengths and
checksums are 32 bits, big-endian.

* Read strictly: both checksums, both lengths, no header twice, no type of header that is not known, no name or string
  that is not UTF-8. Lengths are believed only after the checksum over them.
* A stream may be cut anywhere; what has not come whole is held, never more than one message.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

MAX_HEADER_BYTES = 128 * 1024
MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
"""The most that one payload may have here; the protocol itself lets it have 24 MiB."""

_PRELUDE = struct.Struct(">III")
_LENGTHS = struct.Struct(">II")
_CRC = struct.Struct(">I")
_LENGTH = struct.Struct(">H")
_STRING = 7
_MAX_STRING = 2**15 - 1
_NUMBERS = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_TIMESTAMP, _BYTES, _UUID = 8, 6, 9
_FRAME = _PRELUDE.size + _CRC.size
"""Bytes of a message besides its headers and payload."""

HeaderValue = str | int | bool | bytes


class BrokenEventStreamError(ValueError):
    """The bytes are no event stream, or go past a bound."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        headers: Their names and values; timestamps are milliseconds, UUIDs 16 bytes.
        payload: What it carries.
    """

    headers: Mapping[str, HeaderValue]
    payload: bytes


def encode(headers: Iterable[tuple[str, str]], payload: bytes) -> bytes:
    """One message. All headers are strings, as in every stream of Amazon Bedrock.

    Raises:
        ValueError: A name or a value is longer than the protocol has room for.
    """
    return _framed(_encoded(headers), payload)


def encode_event(kind: str, payload: bytes) -> bytes:
    """An event with a JSON payload."""
    return _framed(_event_head(kind), payload)


def encode_exception(kind: str, payload: bytes) -> bytes:
    """The exception with which a stream ends, with a JSON payload."""
    headers = ((":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception"))
    return encode(headers, payload)


@lru_cache(maxsize=64)
def _event_head(kind: str) -> bytes:
    """The headers of an event of this kind: a stream has a handful of kinds and thousands of events."""
    return _encoded(((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")))


def _encoded(headers: Iterable[tuple[str, str]]) -> bytes:
    pieces: list[bytes] = []
    for name, value in headers:
        raw_name, raw_value = name.encode(), value.encode()
        if not 0 < len(raw_name) < 256 or len(raw_value) > _MAX_STRING:
            raise ValueError("a header is too long")
        pieces += (bytes((len(raw_name),)), raw_name, bytes((_STRING,)), _LENGTH.pack(len(raw_value)), raw_value)
    return b"".join(pieces)


def _framed(head: bytes, payload: bytes) -> bytes:
    lengths = _LENGTHS.pack(_FRAME + len(head) + len(payload), len(head))
    crc = zlib.crc32(lengths)
    message = b"".join((lengths, _CRC.pack(crc), head, payload))
    return message + _CRC.pack(zlib.crc32(message))


class EventStreamDecoder:
    """Takes bytes as they come, gives whole messages."""

    def __init__(self, *, max_payload_bytes: int = MAX_PAYLOAD_BYTES, max_header_bytes: int = MAX_HEADER_BYTES) -> None:
        """Start before the first message."""
        self._max_payload = max_payload_bytes
        self._max_header = max_header_bytes
        self._held = bytearray()
        self._lengths: tuple[int, int] | None = None

    @property
    def is_between(self) -> bool:
        """True when every byte that came belongs to a whole message: a stream may end here."""
        return not self._held

    def feed(self, data: bytes) -> list[Message]:
        """Every message that is complete now.

        Raises:
            BrokenEventStreamError: The bytes are no event stream. Nothing can be read after that.
        """
        self._held += data
        found = []
        start = 0
        while True:
            if self._lengths is None:
                if len(self._held) - start < _PRELUDE.size:
                    break
                self._lengths = self._prelude(start)
            total, head = self._lengths
            if len(self._held) - start < total:
                break
            found.append(_message(bytes(self._held[start : start + total]), head))
            start += total
            self._lengths = None
        del self._held[:start]  # once, however many messages came together
        return found

    def _prelude(self, start: int) -> tuple[int, int]:
        """Both lengths of the message that begins here."""
        total, head, crc = _PRELUDE.unpack_from(self._held, start)
        if zlib.crc32(self._held[start : start + 8]) != crc:
            raise BrokenEventStreamError("the checksum over the lengths is wrong")
        if head > self._max_header or not head <= total - _FRAME <= head + self._max_payload:
            raise BrokenEventStreamError("a message has impossible lengths")
        return total, head


def _message(data: bytes, head: int) -> Message:
    if zlib.crc32(data[: -_CRC.size]) != _CRC.unpack(data[-_CRC.size :])[0]:
        raise BrokenEventStreamError("the checksum over a message is wrong")
    end = _PRELUDE.size + head
    try:
        headers = _headers(data[_PRELUDE.size : end])
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise BrokenEventStreamError("a header cannot be read") from error
    return Message(headers, data[end : -_CRC.size])


def _headers(data: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    place = 0
    while place < len(data):
        raw_name, place = _taken(data, place + 1, data[place])
        name = raw_name.decode()
        if not name or name in headers:
            raise BrokenEventStreamError("a header has no name, or stands twice")
        headers[name], place = _value(data, place + 1, data[place])
    return headers


def _value(data: bytes, place: int, kind: int) -> tuple[HeaderValue, int]:
    """The value of this type that stands here, and where it ends."""
    if kind in (0, 1):
        return kind == 0, place
    if kind in _NUMBERS or kind == _TIMESTAMP:
        form = _NUMBERS.get(kind, _NUMBERS[5])
        number: int = form.unpack_from(data, place)[0]
        return number, place + form.size
    if kind in (_BYTES, _STRING):
        (length,) = _LENGTH.unpack_from(data, place)
        raw, end = _taken(data, place + _LENGTH.size, length)
        return (raw.decode() if kind == _STRING else raw), end
    if kind == _UUID:
        return _taken(data, place, 16)
    raise BrokenEventStreamError("a header has a type that is not known")


def _taken(data: bytes, place: int, length: int) -> tuple[bytes, int]:
    end = place + length
    if end > len(data):
        raise IndexError
    return data[place:end], end
