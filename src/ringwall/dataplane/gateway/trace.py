"""W3C trace context: whose trace does a request belong to? (W3C Trace Context, level 1)

A valid `traceparent` is carried on with a new parent id; anything else begins a new trace. `tracestate` is free text of
others and does not travel.
"""

from __future__ import annotations

import re

from ringwall.model.names import random_hex

_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def carry_on(header: str | None) -> str:
    """The `traceparent` to send on."""
    match = _PARENT.fullmatch(header) if header is not None else None
    if match is None or set(match[1]) == {"0"} or set(match[2]) == {"0"}:
        return f"00-{random_hex(16)}-{random_hex(8)}-01"
    return f"00-{match[1]}-{random_hex(8)}-{match[3]}"
