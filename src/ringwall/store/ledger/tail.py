"""What is new in the ledger? Follows the segments of every process of an installation as they grow.

* The files are all that binds it to a gateway: it asks no database, and no gateway waits for it.
* It passes on whole lines only, and only while the chain leads to them. Where it does not, that is a `Break`; nothing
  behind it in that segment is believed any more.
* Where it stands can be kept (`state`) and taken up again: nothing is missed and nothing is passed on twice.
* Memory is bounded: a segment costs one small entry, a poll reads at most `MAX_POLL_BYTES`.
* Signatures are not checked here: `verify` does that. Whoever can write the folder can write a chain that fits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ringwall.model.record import leaf_hash
from ringwall.store.ledger import segment
from ringwall.store.ledger.report import FindingKind

MAX_POLL_BYTES = 4 * 1024 * 1024
"""Bytes that one poll reads at most, besides the rest of a line that is longer."""
LIST_S = 1.0
"""Seconds after which the folder is listed anew even if its time of change is the same: such times are coarse."""
REST_S = 5.0
"""Seconds without growth after which a segment is asked whether anybody still writes it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one segment was read.

    Attributes:
        name: The segment.
        offset: Bytes of it.
        records: Records in them.
        head: The chain's head after them.
        broken: True when what follows is not believed.
    """

    name: str
    offset: int
    records: int
    head: bytes
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A record whose chain fits.

    Attributes:
        segment: Where it stands.
        position: At which position.
        record: Its bytes.
    """

    segment: str
    position: int
    record: bytes


@dataclass(frozen=True, slots=True)
class Break:
    """A segment that is not what it was, or does not fit together.

    Attributes:
        kind: What is wrong.
        segment: Where.
        position: The first record that is not believed.
    """

    kind: FindingKind
    segment: str
    position: int


class Tail:
    """Follows a ledger. Used by one thread at a time."""

    def __init__(self, folder: Path, marks: Mapping[str, Mark] | None = None) -> None:
        """Take up where `marks` say; without any, at the beginning of every segment."""
        self._folder = folder
        self._marks: dict[str, Mark] = dict(marks or {})
        self._growing: dict[str, float] = dict.fromkeys(self._marks, 0.0)
        self._listed = float("-inf")
        self._changed_ns = -1
        self.behind_bytes = 0

    def state(self) -> tuple[Mark, ...]:
        """Where it stands, to be kept."""
        return tuple(self._marks.values())

    def poll(self) -> Sequence[Seen | Break]:
        """What is new since the last poll, at most `MAX_POLL_BYTES` of it. Blocks for a moment.

        Raises:
            OSError: A file of the ledger cannot be read. Nothing of it is passed over.
        """
        found: list[Seen | Break] = []
        self._look_for_segments(found)
        left = MAX_POLL_BYTES
        self.behind_bytes = 0
        now = time.monotonic()
        for name in sorted(self._growing):
            path = segment.log_path(self._folder, name)
            mark = self._marks[name]
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                self._break(found, FindingKind.REMOVED, mark)
                continue
            if size < mark.offset:
                self._break(found, FindingKind.TRUNCATED, mark)
            elif size > mark.offset and left > 0:
                self._growing[name] = now
                left -= self._read(path, mark, left, found)
                self.behind_bytes += max(0, size - self._marks[name].offset)
            elif size > mark.offset:
                self.behind_bytes += size - mark.offset
            elif now - self._growing.get(name, now) > REST_S and not segment.is_live(path):
                self._growing.pop(name, None)  # whole, and nobody writes it
        return found

    def audit(self) -> Sequence[Break]:
        """Hold segments that have ended to what was read of them: none may shrink, grow or be gone."""
        found: list[Seen | Break] = []
        for name, mark in tuple(self._marks.items()):
            if name in self._growing or mark.broken:
                continue
            try:
                size = segment.log_path(self._folder, name).stat().st_size
            except FileNotFoundError:
                self._break(found, FindingKind.REMOVED, mark)
                continue
            if size < mark.offset:
                self._break(found, FindingKind.TRUNCATED, mark)
            elif size > mark.offset:
                self._growing[name] = time.monotonic()  # it is read, and the chain says what it is
        return [each for each in found if isinstance(each, Break)]

    def _look_for_segments(self, found: list[Seen | Break]) -> None:
        now = time.monotonic()
        try:
            changed_ns = segment.segments_folder(self._folder).stat().st_mtime_ns
        except FileNotFoundError:
            changed_ns = -1
        if changed_ns == self._changed_ns and now - self._listed < LIST_S:
            return
        self._changed_ns, self._listed = changed_ns, now
        names = frozenset(segment.names(self._folder))
        for name in names - self._marks.keys():
            self._marks[name] = Mark(name, 0, 0, segment.genesis(name))
            self._growing[name] = now
        for name in self._marks.keys() - names:
            if not self._marks[name].broken:
                self._break(found, FindingKind.REMOVED, self._marks[name])

    def _read(self, path: Path, mark: Mark, limit: int, found: list[Seen | Break]) -> int:
        """Read whole lines from where the mark stands; how many bytes were read."""
        with path.open("rb") as file:
            raw = os.pread(file.fileno(), limit, mark.offset)
            if b"\n" not in raw and len(raw) == limit:  # one line that is longer than that
                raw = os.pread(file.fileno(), segment.MAX_LINE_BYTES, mark.offset)
        whole, feed, rest = raw.rpartition(b"\n")
        if not feed:
            if len(raw) >= segment.MAX_LINE_BYTES:
                self._break(found, FindingKind.UNREADABLE, mark)
            elif not segment.is_live(path):
                self._growing.pop(mark.name, None)  # the torn end of a process that was killed
            return len(raw)
        offset, records, head = mark.offset, mark.records, mark.head
        for each in whole.split(b"\n"):
            line = segment.split(each)
            kind = None
            if line is None:
                kind = FindingKind.UNREADABLE
            elif line.position != records:
                kind = FindingKind.MISPLACED
            elif segment.advance(head, leaf_hash(line.record)) != line.head:
                kind = FindingKind.EDITED
            if kind is not None or line is None:
                self._break(found, kind or FindingKind.UNREADABLE, Mark(mark.name, offset, records, head))
                return len(raw)
            found.append(Seen(mark.name, records, line.record))
            offset, records, head = offset + len(each) + 1, records + 1, line.head
        self._marks[mark.name] = Mark(mark.name, offset, records, head)
        return len(raw) - len(rest)

    def _break(self, found: list[Seen | Break], kind: FindingKind, mark: Mark) -> None:
        found.append(Break(kind, mark.name, mark.records))
        self._marks[mark.name] = replace(mark, broken=True)
        self._growing.pop(mark.name, None)


def resume(folder: Path, since_us: int) -> dict[str, Mark]:
    """Marks for a ledger that nobody has followed yet: segments that ended before a moment count as read.

    Args:
        folder: The ledger's folder.
        since_us: The moment, microseconds since 1970-01-01 UTC.

    Raises:
        OSError: A segment cannot be read.
    """
    marks = {}
    for name in segment.names(folder):
        path = segment.log_path(folder, name)
        if path.stat().st_mtime_ns // 1000 >= since_us or segment.is_live(path):
            continue
        end = segment.find_end(folder, name)
        if end.head:
            marks[name] = Mark(name, end.size, end.records, bytes.fromhex(end.head))
    return marks
