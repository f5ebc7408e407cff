r"""How does a segment of the ledger stand on disk? Names, lines, the chain, and where a segment ends.

* One process writes one segment: `<data_dir>/ledger/segments/<start time UTC>-<random>.log`. Nothing in it is ever
  changed; a process that takes up the ledger begins a new one.
* A line is `<position> <chain head, hexadecimal> <record>\n`. The record's exact bytes (RFC 8785, so without a line
  feed) can be cut out of it.
* The chain: head(n) = SHA-256(head(n-1) || leaf hash of record n), from head(-1) = SHA-256(origin and a line feed). The
  origin holds the segment's name, so a segment cannot stand in for another.
* The writer holds an exclusive `flock` on its segment for as long as it lives: that tells a segment that still grows
  from one that was left torn by a kill.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ORIGIN = "ringwall.local/ledger/"
LOG = ".log"
OPENING = ".opening"
"""A segment whose START is not yet durable. It is not part of the ledger."""
CHECKPOINTS = ".checkpoints"

NAME = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{16}")
MAX_RECORD_BYTES = 8 * 1024 * 1024
MAX_LINE_BYTES = MAX_RECORD_BYTES + 128
_HEAD_HEX = 64
_HEAD = re.compile(r"[0-9a-f]{64}")
_TAIL_STEP_BYTES = 64 * 1024


def segments_folder(folder: Path) -> Path:
    """Where the segments of the ledger in `folder` stand."""
    return folder / "segments"


def new_name(now_us: int) -> str:
    """A name that no other segment has, sorting by the time of its start."""
    started = datetime.fromtimestamp(now_us // 1_000_000, UTC)
    return f"{started:%Y%m%dT%H%M%S}.{now_us % 1_000_000:06d}Z-{secrets.token_hex(8)}"


def names(folder: Path) -> tuple[str, ...]:
    """The names of all segments of the ledger in `folder`, by the time of their start."""
    try:
        found = os.listdir(segments_folder(folder))
    except FileNotFoundError:
        return ()
    stems = (each.removesuffix(LOG) for each in found if each.endswith(LOG))
    return tuple(sorted(stem for stem in stems if NAME.fullmatch(stem)))


def log_path(folder: Path, name: str) -> Path:
    """The file of a segment."""
    return segments_folder(folder) / (name + LOG)


def checkpoints_path(folder: Path, name: str) -> Path:
    """The file of a segment's signed checkpoints."""
    return segments_folder(folder) / (name + CHECKPOINTS)


def origin(name: str) -> str:
    """The first line of every checkpoint of this segment."""
    return ORIGIN + name


def genesis(name: str) -> bytes:
    """The head of a segment without records."""
    return hashlib.sha256(f"{origin(name)}\n".encode()).digest()


def advance(head: bytes, leaf: bytes) -> bytes:
    """The head after one more record."""
    return hashlib.sha256(head + leaf).digest()


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands in a segment, not yet checked against the chain.

    Attributes:
        position: The position that it claims.
        head: The chain's head that it claims.
        record: The record's bytes.
    """

    position: int
    head: bytes
    record: bytes


def split(raw: bytes) -> Line | None:
    """The fields of a line without its line feed, or None when it is not one. Exactly one spelling is accepted."""
    position, _, rest = raw.partition(b" ")
    head, blank, record = rest[:_HEAD_HEX], rest[_HEAD_HEX : _HEAD_HEX + 1], rest[_HEAD_HEX + 1 :]
    if not position.isdigit() or len(position) > 18 or blank != b" " or not record:
        return None
    if (position[:1] == b"0" and position != b"0") or head.strip(b"0123456789abcdef") or len(head) != _HEAD_HEX:
        return None
    return Line(int(position), bytes.fromhex(head.decode("ascii")), record)


def join(position: int, head: bytes, record: bytes) -> bytes:
    """The line of a record, with its line feed."""
    return b"%d %s %s\n" % (position, head.hex().encode("ascii"), record)


def raw_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, each with its line feed; the last may lack it, and one that is too long comes in pieces."""
    with path.open("rb", buffering=1 << 20) as file:
        while raw := file.readline(MAX_LINE_BYTES):
            yield raw


def is_live(path: Path) -> bool:
    """True when a process still holds the segment open for writing."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@dataclass(frozen=True, slots=True)
class End:
    """Where a segment ended when somebody looked: what a START record says of each earlier segment.

    Attributes:
        name: The segment.
        size: Bytes of its whole lines.
        records: How many records those are; -1 when its last whole line is not a line of a segment.
        head: The chain's head after them, hexadecimal; empty when its last whole line is not a line of a segment.
        live: True when another process was still writing it, so that it may go on.
        torn: Bytes that follow the last whole line: what a killed process was writing. 0 for a live segment.
        torn_digest: SHA-256 of those bytes, hexadecimal; empty when there are none.
    """

    name: str
    size: int
    records: int
    head: str
    live: bool
    torn: int
    torn_digest: str

    def encode(self) -> dict[str, object]:
        """As it stands in a START record."""
        return {
            "head": self.head,
            "live": self.live,
            "name": self.name,
            "records": self.records,
            "size": self.size,
            "torn": self.torn,
            "torn_digest": self.torn_digest,
        }

    @classmethod
    def decode(cls, value: object) -> End | None:
        """From a START record; None when it is not one."""
        if not isinstance(value, dict):
            return None
        kinds = {"head": str, "live": bool, "name": str, "records": int, "size": int, "torn": int, "torn_digest": str}
        if set(value) != set(kinds) or any(type(value[key]) is not kind for key, kind in kinds.items()):
            return None
        if value["head"] and not _HEAD.fullmatch(value["head"]):
            return None
        return cls(**value)


def find_end(folder: Path, name: str) -> End:
    """Where a segment ends now, from its tail alone; nothing is verified.

    Raises:
        OSError: It cannot be read.
    """
    path = log_path(folder, name)
    live = is_live(path)  # asked first: a writer that ends in between leaves whole lines
    with path.open("rb") as file:
        total = os.fstat(file.fileno()).st_size
        tail = b""
        start = total
        while start > 0 and len(tail) < 2 * MAX_LINE_BYTES and tail.count(b"\n") < 2:
            step = min(_TAIL_STEP_BYTES, start)
            start -= step
            tail = os.pread(file.fileno(), step, start) + tail
    whole, feed, torn = tail.rpartition(b"\n")
    line = split(whole.rpartition(b"\n")[2]) if feed else None
    return End(
        name=name,
        size=total - len(torn),
        records=-1 if line is None else line.position + 1,
        head="" if line is None else line.head.hex(),
        live=live,
        torn=0 if live else len(torn),
        torn_digest="" if live or not torn else hashlib.sha256(torn).hexdigest(),
    )
