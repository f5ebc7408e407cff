"""Which bytes does a record have? Those of `Record.encode`, written eight times as fast.

* `Record.encode` defines the bytes and needs the standard library only. This writes the same with msgspec: a record of
  a real decision takes 7 us instead of 55, and every request has several. A property test holds the two together.
* A record that has no canonical form (a key that is no string, a lone surrogate) fails its own caller only.
"""

from __future__ import annotations

import msgspec

from ringwall.model.errors import InternalError
from ringwall.model.record import Record

_ENCODER = msgspec.json.Encoder(order="sorted")


def encode(record: Record) -> bytes:
    """The record's bytes.

    Raises:
        InternalError: It has none. Nothing may take effect.
    """
    try:
        return _ENCODER.encode(record.fields())
    except (TypeError, ValueError, RecursionError) as error:
        detail = f'record "{record.id}": {type(error).__name__}'
        raise InternalError("a record cannot be written", code="record_unwritable", detail=detail) from error


def encode_plain(fields: dict[str, object]) -> bytes:
    """Fields without fractions as canonical JSON.

    Raises:
        ValueError: They have no canonical form.
    """
    return _ENCODER.encode(fields)
