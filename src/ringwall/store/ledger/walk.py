"""Is one segment whole? Reads it once, line by line, and holds it to everything that anybody vouched for.

* The walk ends at the first bad record: the chain says nothing about what follows.
* Memory is bounded by one line, the receipts at hand and the streams that are open.
* A record is canonical when RFC 8785 would write the same bytes. The fast encoder does for ASCII and whole
  numbers; the rest goes to the `rfc8785` package, which is slower by far.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rfc8785

from ringwall.model.ports import Receipt
from ringwall.model.record import VERSION, RecordKind, inert, leaf_hash
from ringwall.store.ledger import checkpoint as checkpoints
from ringwall.store.ledger import segment
from ringwall.store.ledger.encoding import encode_plain
from ringwall.store.ledger.report import Finding, FindingKind, Interrupted, Mark

MAX_OPEN_STREAMS = 100_000
_MAX_SAFE_INTEGER = 2**53 - 1
_FIELDS = frozenset(
    "action cause checkpoint content decision effect id interaction kind outcome plan principal resource session "
    "source time_us trace v workload".split()
)


class Streams:
    """Which streams were opened and not closed, over all segments."""

    def __init__(self) -> None:
        self.open: dict[str, Interrupted] = {}
        self.overflowed = False

    def see(self, name: str, position: int, record: Mapping[str, Any], live: bool) -> None:
        """Take note of an opening or a closing."""
        kind, interaction = record["kind"], record["interaction"]
        if kind == RecordKind.CLOSING:
            self.open.pop(interaction, None)
        elif kind == RecordKind.OPENING:
            if len(self.open) < MAX_OPEN_STREAMS:
                self.open[interaction] = Interrupted(name, position, inert(record["id"]), live)
            else:
                self.overflowed = True


@dataclass(slots=True)
class Walk:
    """How far a walk came.

    Attributes:
        records: How many records were found whole.
        size: Bytes of their lines.
        torn: How many bytes stand after the last whole line.
        torn_digest: SHA-256 of those, hexadecimal; empty for none.
        vouched: How many records a mark that holds covers.
        finding: Why the walk ended early, or None.
        start: The fields of the first record.
    """

    records: int = 0
    size: int = 0
    torn: int = 0
    torn_digest: str = ""
    vouched: int = 0
    finding: Finding | None = None
    start: dict[str, Any] = field(default_factory=dict)


def walk(
    folder: Path,
    name: str,
    marks: Iterable[Mark],
    receipts: Mapping[int, Sequence[Receipt]],
    streams: Streams,
    live: bool,
) -> Walk:
    """Read a segment and hold it to marks and receipts.

    Args:
        folder: The ledger's folder.
        name: The segment.
        marks: What was vouched for, by rising size; read lazily.
        receipts: Receipts that verified, by position.
        streams: Takes note of openings and closings.
        live: Whether a process writes the segment now.
    """
    done = Walk()
    head = segment.genesis(name)
    ahead = iter(marks)
    mark = next(ahead, None)
    for raw in segment.raw_lines(segment.log_path(folder, name)):
        if not raw.endswith(b"\n") and len(raw) < segment.MAX_LINE_BYTES:
            done.torn, done.torn_digest = len(raw), hashlib.sha256(raw).hexdigest()
            break
        checked = _check_line(name, raw, done.records, head, receipts)
        if isinstance(checked, Finding):
            done.finding = checked
            return done
        head, fields = checked
        if done.records == 0:
            done.start = fields
        streams.see(name, done.records, fields, live)
        done.records += 1
        done.size += len(raw)
        while mark is not None and mark.size == done.records:
            if mark.head != head or mark.offset not in (None, done.size):
                done.finding = _contradicted(name, mark, done)
                return done
            done.vouched = done.records
            mark = next(ahead, None)
    done.finding = _truncated(name, mark, ahead, done)
    return done


def _check_line(
    name: str, raw: bytes, position: int, head: bytes, receipts: Mapping[int, Sequence[Receipt]]
) -> tuple[bytes, dict[str, Any]] | Finding:
    line = segment.split(raw[:-1])
    if line is None:
        return Finding(FindingKind.UNREADABLE, name, position, "", "this is not a line of a segment")
    fields = read_record(line.record)
    record = "" if isinstance(fields, str) else inert(fields["id"])
    if line.position != position:
        words = f"position {line.position} stands where {position} is due"
        return Finding(FindingKind.MISPLACED, name, position, record, words)
    leaf = leaf_hash(line.record)
    after = segment.advance(head, leaf)
    for receipt in receipts.get(position, ()):
        if receipt.leaf != leaf or receipt.record != record:
            words = f'the receipt of record "{receipt.record}" vouches for other bytes here'
            return Finding(FindingKind.CONTRADICTED, name, position, record, words)
    if after != line.head:
        words = "the chain does not lead here: this record was changed, or put in another's place"
        return Finding(FindingKind.EDITED, name, position, record, words)
    if isinstance(fields, str):
        return Finding(FindingKind.NOT_CANONICAL, name, position, "", fields)
    if (fields["kind"] == RecordKind.START) != (position == 0):
        words = "a segment begins with a start record, and has no other"
        return Finding(FindingKind.MISPLACED, name, position, record, words)
    return after, fields


def _contradicted(name: str, mark: Mark, done: Walk) -> Finding:
    words = (
        f"{mark.by} vouches for another content of the first {mark.size} records; "
        f"the change lies between positions {done.vouched} and {mark.size - 1}"
    )
    return Finding(FindingKind.CONTRADICTED, name, done.vouched, "", words)


def _truncated(name: str, mark: Mark | None, ahead: Iterator[Mark], done: Walk) -> Finding | None:
    if mark is None:
        return None
    if mark.size <= done.records:  # a mark that was passed: the vouchers are out of order
        words = f"{mark.by} vouches for {mark.size} records after one for {done.vouched}"
        return Finding(FindingKind.CONTRADICTED, name, done.vouched, "", words)
    for later in ahead:
        mark = later if later.size > mark.size else mark
    words = f"{mark.by} vouches for {mark.size} records; the segment ends after {done.records}"
    return Finding(FindingKind.TRUNCATED, name, done.records, "", words)


def read_record(body: bytes) -> dict[str, Any] | str:
    """The fields of a record of version 1, or in words why it is none."""
    is_plain = body.isascii()

    def whole(digits: str) -> int:
        nonlocal is_plain
        number = int(digits)
        is_plain = is_plain and -_MAX_SAFE_INTEGER <= number <= _MAX_SAFE_INTEGER
        return number

    def fraction(digits: str) -> float:
        nonlocal is_plain
        is_plain = False
        return float(digits)

    try:
        fields = json.loads(body, parse_int=whole, parse_float=fraction)
        written = encode_plain(fields) if is_plain else rfc8785.dumps(fields)
    except (ValueError, TypeError, RecursionError):
        return "the record is not JSON that RFC 8785 can write"
    if written != body:
        return "the record is not in canonical form"
    if not isinstance(fields, dict) or set(fields) != _FIELDS or fields["v"] != VERSION:
        return "the record does not have the fields of version 1"
    if not all(isinstance(fields[key], str) for key in ("id", "kind", "interaction")):
        return "the record has a field of the wrong type"
    return fields


def stored_marks(folder: Path, name: str, public_key: bytes, limit: int, problems: list[Finding]) -> Iterator[Mark]:
    """The checkpoints that are stored beside a segment, as marks, read as they are needed.

    Args:
        folder: The ledger's folder.
        name: The segment.
        public_key: Who must have signed them.
        limit: Bytes of the file to read: what was there before the segment was read, so that both fit together.
        problems: Takes what is wrong with them; the marks end there.
    """
    count = 0
    with segment.checkpoints_path(folder, name).open("rb") as file:
        while file.tell() < limit:
            raw = b"".join(file.readline(1024) for _ in range(checkpoints.LINES))
            if file.tell() > limit or raw.count(b"\n") < checkpoints.LINES:
                return  # torn by a kill, or still being written
            signed = checkpoints.parse(raw.decode("utf-8", "replace"))
            if signed is None or signed.checkpoint.segment != name or not checkpoints.verify(signed, public_key):
                words = f"stored checkpoint {count} was not signed by this key for this segment"
                problems.append(Finding(FindingKind.UNSIGNED, name, None, "", words))
                return
            count += 1
            yield Mark(signed.checkpoint.size, signed.checkpoint.head, "a stored checkpoint")
