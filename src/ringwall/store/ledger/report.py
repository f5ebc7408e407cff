"""What did verifying the ledger find? The words of its report.

* A finding is something that no crash explains. A note is something that one does. A limit is what cannot be excluded.
* Each finding names the first bad record of its segment; what stands after it there is vouched for by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

INTERRUPTED = "interrupted, extent unknown"


class FindingKind(StrEnum):
    """What is wrong."""

    UNREADABLE = "unreadable"
    """A line that is not a line of a segment."""
    MISPLACED = "misplaced"
    """A record removed, inserted, duplicated or moved: its position is not the next one."""
    EDITED = "edited"
    """The chain does not lead to this line."""
    NOT_CANONICAL = "not_canonical"
    """A record that is not version 1 in canonical JSON."""
    CONTRADICTED = "contradicted"
    """The chain is whole but leads elsewhere than was vouched for: rewritten without the key."""
    TRUNCATED = "truncated"
    """More records were vouched for than are there."""
    APPENDED = "appended"
    """Something was added after the segment had ended."""
    REMOVED = "removed"
    """A segment, or its checkpoints, that somebody vouched for is not there."""
    UNSIGNED = "unsigned"
    """A checkpoint, receipt or anchor that the key did not sign."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that no crash explains.

    Attributes:
        kind: What is wrong.
        segment: Where; empty when no segment can be named.
        position: The first bad record's position, or None where it is about no single record.
        record: Its id, or empty when it cannot be read or is not there.
        detail: In words.
    """

    kind: FindingKind
    segment: str
    position: int | None
    record: str
    detail: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a segment is vouched for.

    Attributes:
        segment: The segment.
        records: How many records were read and found whole.
        vouched: How many of them a signature covers.
        live: True while a process writes it.
    """

    segment: str
    records: int
    vouched: int
    live: bool


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A stream that was opened and never closed: nobody knows how much of it was released.

    Attributes:
        segment: Where its opening stands.
        position: Its position there.
        record: The opening's id.
        live: True while a process writes the segment: the stream may still run.
    """

    segment: str
    position: int
    record: str
    live: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What verifying came to.

    Attributes:
        records: How many records were read and found whole.
        coverage: Segment by segment.
        findings: What no crash explains; empty means green.
        interrupted: Streams that read "interrupted, extent unknown".
        notes: What was seen and is explained: torn tails, abandoned segments.
        limits: What cannot be excluded, in words.
    """

    records: int
    coverage: tuple[Coverage, ...]
    findings: tuple[Finding, ...]
    interrupted: tuple[Interrupted, ...]
    notes: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def is_green(self) -> bool:
        """True when nothing was found that no crash explains."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Mark:
    """What must be true once so many records of a segment were read.

    Attributes:
        size: How many records.
        head: The chain's head then.
        by: Who vouches for it, in words.
        offset: Bytes read by then, where the voucher says so.
    """

    size: int
    head: bytes
    by: str
    offset: int | None = None
