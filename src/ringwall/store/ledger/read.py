"""What stands in the ledger? Its records as they are, for `ringwall explain` and everything else that reads.

* Reading never verifies: whoever wants to know whether a record can be trusted asks `verify`.
* A live writer and a torn tail are no error: what is not a whole line yet is not read.
* Memory is bounded by one line, and by the records of the one interaction that was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringwall.model.record import RecordId, RecordKind
from ringwall.store.ledger import segment

MAX_INTERACTION_RECORDS = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A record and where it stands.

    Attributes:
        segment: The segment's name.
        position: Its position there.
        head: The chain's head after it, as the line claims.
        record: The record's exact bytes.
    """

    segment: str
    position: int
    head: bytes
    record: bytes

    def fields(self) -> dict[str, Any]:
        """The record's fields, by their names in version 1.

        Raises:
            ValueError: The bytes are not a JSON object.
        """
        found = json.loads(self.record)
        if not isinstance(found, dict):
            raise ValueError(f'record {self.position} of segment "{self.segment}" is not an object')
        return found


def entries(folder: Path, *, containing: bytes = b"") -> Iterator[Entry]:
    """Every record of every segment, in the order of segments and positions.

    Args:
        folder: The ledger's folder.
        containing: Only lines that hold these bytes: a cheap sieve ahead of parsing.
    """
    for name in segment.names(folder):
        for raw in segment.raw_lines(segment.log_path(folder, name)):
            if containing not in raw or not raw.endswith(b"\n"):
                continue
            line = segment.split(raw[:-1])
            if line is not None:
                yield Entry(name, line.position, line.head, line.record)


def find(folder: Path, record: RecordId | str) -> Entry | None:
    """The record of this id, or None when the ledger has none."""
    for entry in entries(folder, containing=f'"id":{json.dumps(record)}'.encode()):
        if _fields(entry).get("id") == record:
            return entry
    return None


def of_interaction(folder: Path, interaction: str) -> tuple[Entry, ...]:
    """All records of one interaction, in the order in which they were made durable.

    An interaction lives in one process, and a process writes one segment at a time: the order is that of the segments.
    """
    found = []
    for entry in entries(folder, containing=f'"interaction":{json.dumps(interaction)}'.encode()):
        if _fields(entry).get("interaction") == interaction:
            found.append(entry)
            if len(found) >= MAX_INTERACTION_RECORDS:
                break
    return tuple(found)


def is_unacknowledged(folder: Path, entry: Entry) -> bool:
    """True when a later START says that this record's commit was refused: it stands here, but took no effect."""
    kind = f'"kind":"{RecordKind.START}"'.encode()
    for start in entries(folder, containing=kind):
        decision = _fields(start).get("decision")
        abandoned = decision.get("abandoned") if start.position == 0 and isinstance(decision, dict) else None
        if isinstance(abandoned, dict) and abandoned.get("name") == entry.segment:
            acknowledged = abandoned.get("acknowledged")
            return isinstance(acknowledged, int) and entry.position >= acknowledged
    return False


def _fields(entry: Entry) -> dict[str, Any]:
    try:
        return entry.fields()
    except (ValueError, RecursionError):
        return {}
