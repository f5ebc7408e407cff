"""The payloads of AWS's binary event stream, read without trust in its checksums."""

from __future__ import annotations

from collections.abc import Iterator


def payloads(data: bytes) -> Iterator[bytes]:
    """The payload of every message; what is no whole message ends it."""
    while len(data) >= 16:
        total, headers = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
        if not 16 + headers <= total <= len(data):
            return
        yield data[12 + headers : total - 4]
        data = data[total:]
