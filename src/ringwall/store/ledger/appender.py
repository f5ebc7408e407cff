"""How do bytes reach one segment? A segment that this process opened and alone may write.

* Opening is all or nothing: the START record and the checkpoint that signs it are durable before the segment has its
  name. So every segment of the ledger begins with a whole START, and one without a checkpoint was tampered with.
* A failed or short write, or a failed fsync, ends a segment for good: after a failed fsync the kernel may have dropped
  the pages and report success the next time. The writer closes it and opens another.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ringwall.model.ports import Clock, Signer
from ringwall.model.record import Outcome, Record, RecordKind, inert, leaf_hash, new_record_id
from ringwall.store.ledger import checkpoint as checkpoints
from ringwall.store.ledger import merkle, segment
from ringwall.store.ledger.checkpoint import Checkpoint
from ringwall.store.ledger.encoding import encode

_CREATE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A segment of this process that may not be continued.

    Attributes:
        name: The segment.
        acknowledged: How many of its records were durable; what stands after them took no effect.
        reason: What failed, as an errno name.
    """

    name: str
    acknowledged: int
    reason: str


@dataclass(frozen=True, slots=True)
class Start:
    """What a START record tells besides the segments that were found.

    Attributes:
        plan: Digest of the plan in force; may be empty.
        abandoned: The segment that this one replaces, or None.
    """

    plan: str = ""
    abandoned: Abandoned | None = None

    def record(self, now_us: int, ends: Sequence[segment.End]) -> Record:
        """The record."""
        decision: dict[str, object] = {"segments": [end.encode() for end in ends]}
        if self.abandoned is not None:
            decision["abandoned"] = {
                "acknowledged": self.abandoned.acknowledged,
                "name": self.abandoned.name,
                "reason": inert(self.abandoned.reason),
            }
        kind, outcome = RecordKind.START, Outcome.DONE
        return Record(id=new_record_id(), kind=kind, time_us=now_us, outcome=outcome, plan=self.plan, decision=decision)


@dataclass(frozen=True, slots=True)
class Signed:
    """A batch that was signed.

    Attributes:
        note: The checkpoint.
        first: Position of the batch's first record.
        tree: The levels of the batch's Merkle tree; the first level is the leaves.
    """

    note: str
    first: int
    tree: list[Sequence[bytes]]


class Appender:
    """One open segment. Used by one thread at a time."""

    __slots__ = ("_head", "_last_leaf", "_log", "_notes", "_signed", "_signer", "_size", "name")

    def __init__(self, name: str, log: int, notes: int, signer: Signer) -> None:
        self.name = name
        self._log = log
        self._notes = notes
        self._signer = signer
        self._size = 0
        self._signed = 0
        self._head = segment.genesis(name)
        self._last_leaf = b""

    @property
    def size(self) -> int:
        """How many records are durable."""
        return self._size

    def append(self, bodies: Sequence[bytes], *, sign: bool) -> Signed | None:
        """Write records and make them durable, in one write and one fsync.

        Args:
            bodies: The records' bytes.
            sign: Whether a checkpoint is due.

        Raises:
            OSError: Nobody knows what is on the disk. The segment must be abandoned.
        """
        first, head = self._size, self._head
        lines, leaves = [], []
        for position, body in enumerate(bodies, first):
            leaf = leaf_hash(body)
            head = segment.advance(head, leaf)
            leaves.append(leaf)
            lines.append(segment.join(position, head, body))
        _write(self._log, b"".join(lines))
        os.fdatasync(self._log)
        self._size, self._head, self._last_leaf = first + len(leaves), head, leaves[-1]
        return self._sign(first, leaves) if sign else None

    def _sign(self, first: int, leaves: Sequence[bytes]) -> Signed:
        tree = merkle.levels(leaves)
        note = checkpoints.sign(Checkpoint(self.name, self._size, self._head, first, tree[-1][0]), self._signer)
        # Not synced: after a power cut the last checkpoints may be missing here, while their receipts stay good.
        _write(self._notes, note.encode())
        self._signed = self._size
        return Signed(note, first, tree)

    def sync_checkpoints(self) -> None:
        """Make the checkpoints durable too."""
        os.fdatasync(self._notes)

    def finish(self) -> None:
        """Sign what no checkpoint covers yet, and close.

        Raises:
            OSError: The last checkpoint may be missing; the records are there.
        """
        try:
            if self._signed < self._size:
                self._sign(self._size - 1, (self._last_leaf,))
            self.sync_checkpoints()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close without another byte."""
        os.close(self._log)
        os.close(self._notes)


def open_segment(
    folder: Path, signer: Signer, clock: Clock, start: Start, bodies: Sequence[bytes] = (), *, sign: bool = False
) -> tuple[Appender, Signed | None]:
    """Begin a segment, with its first batch if there is one.

    1. Find where every earlier segment ends.
    2. Write a START record that says so, and its signed checkpoint, under names that nobody reads yet.
    3. Write the first batch too, so that a nearly full disk is not filled with segments that hold a START alone.
    4. Make all durable, then give the segment its name.

    Raises:
        OSError: It could not be made durable. Nothing was added to the ledger.
    """
    segments = segment.segments_folder(folder)
    segments.mkdir(mode=0o700, parents=True, exist_ok=True)
    ends = [segment.find_end(folder, each) for each in segment.names(folder)]  # 1
    now_us = clock.now_us()
    name = segment.new_name(now_us)
    opening = segments / (name + segment.OPENING)
    notes_path = segment.checkpoints_path(folder, name)
    made: list[int] = []
    is_named = is_open = False
    try:
        made.append(os.open(opening, _CREATE, _MODE))
        made.append(os.open(notes_path, _CREATE, _MODE))
        fcntl.flock(made[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        appender = Appender(name, made[0], made[1], signer)
        opener = encode(start.record(now_us, ends))
        if len(opener) > segment.MAX_RECORD_BYTES:
            raise OSError(errno.E2BIG, "too many segments")
        appender.append([opener], sign=True)  # 2
        signed = appender.append(bodies, sign=sign) if bodies else None  # 3
        appender.sync_checkpoints()  # 4
        opening.rename(segment.log_path(folder, name))
        is_named = True
        _sync_folder(segments)
        is_open = True
    finally:
        if not is_open:
            for descriptor in made:
                os.close(descriptor)
        if not is_named:
            for path in (opening, notes_path)[: len(made)]:
                path.unlink(missing_ok=True)
    return appender, signed


def reason_of(error: OSError) -> str:
    """The errno's name: it says what failed without naming a path."""
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def _write(descriptor: int, content: bytes) -> None:
    written = os.write(descriptor, content)
    if written != len(content):
        raise OSError(errno.ENOSPC, "short write")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
