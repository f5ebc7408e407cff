"""Was the ledger tampered with? Holds all segments to the chain, to each other and to everything that was signed.

* Found is every edit, removal, insertion, duplication, reordering and truncation of what a signature covers: stored
  checkpoints, START records of later segments, and the receipts and outside anchors that are given.
* What cannot be excluded is said in words (`Report.limits`), never passed over.
* A ledger that is being written can be verified: what was stored first is read last.
* Memory is bounded: segments and checkpoints are streamed; kept are a line, the receipts and the open streams.
"""

from __future__ import annotations

import heapq
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from ringwall.model.ports import Receipt
from ringwall.model.record import inert
from ringwall.store.ledger import checkpoint as checkpoints
from ringwall.store.ledger import segment
from ringwall.store.ledger.receipt import check_receipt
from ringwall.store.ledger.report import Coverage, Finding, FindingKind, Mark, Report
from ringwall.store.ledger.segment import End
from ringwall.store.ledger.walk import Streams, Walk, read_record, stored_marks, walk

_ALWAYS = (
    "whoever holds the signing key could have written another ledger from the start; only receipts and anchors kept "
    "elsewhere would contradict it",
    "that a record tells the truth about what happened is not something that a chain can show",
)


def verify(folder: Path, public_key: bytes, receipts: Iterable[Receipt] = (), anchors: Iterable[str] = ()) -> Report:
    """Verify the ledger in `folder`.

    1. List the segments and read what their START records say of earlier ones.
    2. Check the receipts and anchors themselves, and sort them by segment.
    3. Walk each segment, against its stored checkpoints, the STARTs, the receipts and the anchors.
    4. Name the segments that somebody vouches for and that are gone.
    5. Say what cannot be excluded.

    Args:
        folder: The ledger's folder, `<data_dir>/ledger`.
        public_key: The 32 bytes of the key that signs checkpoints.
        receipts: Receipts that callers hold.
        anchors: Signed checkpoints that were kept elsewhere, as notes.

    Raises:
        OSError: A file cannot be read.
    """
    return _Verification(folder, public_key).run(receipts, anchors)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the START of a later segment says of an earlier one."""

    by: str
    end: End


class _Verification:
    def __init__(self, folder: Path, public_key: bytes) -> None:
        self._folder = folder
        self._key = public_key
        self._findings: list[Finding] = []
        self._notes: list[str] = []
        self._limits: list[str] = []
        self._coverage: list[Coverage] = []
        self._claims: dict[str, dict[End, _Claim]] = defaultdict(dict)
        self._marks: dict[str, list[Mark]] = defaultdict(list)
        self._receipts: dict[str, dict[int, list[Receipt]]] = defaultdict(lambda: defaultdict(list))
        self._vouched: set[str] = set()
        self._streams = Streams()

    def run(self, receipts: Iterable[Receipt], anchors: Iterable[str]) -> Report:
        names = segment.names(self._folder)  # 1
        for name in names:
            self._read_start(name)
        for receipt in receipts:  # 2
            self._take_receipt(receipt)
        for anchor in anchors:
            self._take_anchor(anchor)
        for name in names:  # 3
            self._walk(name)
        self._find_removed(names)  # 4
        self._say_limits(names)  # 5
        return Report(
            records=sum(each.records for each in self._coverage),
            coverage=tuple(self._coverage),
            findings=tuple(self._findings),
            interrupted=tuple(self._streams.open.values()),
            notes=tuple(self._notes),
            limits=tuple(self._limits),
        )

    def _read_start(self, name: str) -> None:
        raw = next(segment.raw_lines(segment.log_path(self._folder, name)), b"")
        line = segment.split(raw.removesuffix(b"\n"))
        fields = "" if line is None else read_record(line.record)
        decision = {} if isinstance(fields, str) else fields["decision"]
        ends = decision.get("segments") if isinstance(decision, dict) else None
        for value in ends if isinstance(ends, list) else ():
            end = End.decode(value)
            if end is not None and segment.NAME.fullmatch(end.name):
                self._claims[end.name].setdefault(end, _Claim(name, end))
        abandoned = decision.get("abandoned") if isinstance(decision, dict) else None
        if isinstance(abandoned, dict):
            what, why, where = (inert(str(abandoned.get(key))) for key in ("name", "reason", "acknowledged"))
            self._notes.append(
                f'segment "{what}" was abandoned after "{why}"; its records from position {where} on were refused '
                "and took no effect"
            )

    def _take_receipt(self, receipt: Receipt) -> None:
        found = check_receipt(receipt, self._key)
        if isinstance(found, str):
            words = f"this receipt proves nothing: {found}"
            self._findings.append(Finding(FindingKind.UNSIGNED, "", None, receipt.record, words))
            return
        self._vouched.add(found.segment)
        self._receipts[found.segment][receipt.position].append(receipt)
        self._marks[found.segment].append(Mark(found.size, found.head, f'the receipt of record "{receipt.record}"'))

    def _take_anchor(self, anchor: str) -> None:
        signed = checkpoints.parse(anchor)
        if signed is None or not checkpoints.verify(signed, self._key):
            words = "this anchor is not a checkpoint that this key signed"
            self._findings.append(Finding(FindingKind.UNSIGNED, "", None, "", words))
            return
        found = signed.checkpoint
        self._vouched.add(found.segment)
        self._marks[found.segment].append(Mark(found.size, found.head, "an anchor"))

    def _walk(self, name: str) -> None:
        claims = tuple(self._claims[name].values())
        live = segment.is_live(segment.log_path(self._folder, name))
        stored = _size_of(segment.checkpoints_path(self._folder, name))  # before the segment itself is read
        marks = self._marks[name] + [
            Mark(each.end.records, bytes.fromhex(each.end.head), f'the start of segment "{each.by}"', each.end.size)
            for each in claims
            if each.end.head
        ]
        problems: list[Finding] = []
        sources = [iter(sorted(marks, key=attrgetter("size")))]
        if stored:
            sources.append(stored_marks(self._folder, name, self._key, stored, problems))
        merged = heapq.merge(*sources, key=attrgetter("size"))
        done = walk(self._folder, name, merged, self._receipts[name], self._streams, live)
        if stored is None or (done.records and not done.vouched and not problems and done.finding is None):
            words = "its checkpoints are not there, and every segment has one for its start"
            problems.append(Finding(FindingKind.REMOVED, name, None, "", words))
        if done.finding is None and not live:
            done.finding = self._hold_to_end(name, done, claims)
        self._findings += [done.finding] if done.finding is not None else []
        self._findings += problems
        self._coverage.append(Coverage(name, done.records, done.vouched, live))

    def _hold_to_end(self, name: str, done: Walk, claims: Sequence[_Claim]) -> Finding | None:
        """A segment that had ended when a later one started must still end there, torn bytes and all."""
        for claim in claims:
            end = claim.end
            if end.live:
                continue
            if (done.size, done.torn, done.torn_digest) != (end.size, end.torn, end.torn_digest):
                words = (
                    f'the start of segment "{claim.by}" says that it ended after {end.records} records and {end.torn} '
                    f"torn bytes; now there are {done.records} records and {done.torn} torn bytes"
                )
                return Finding(FindingKind.APPENDED, name, max(end.records, 0), "", words)
        if done.torn:
            stated = "as a later start states" if any(not claim.end.live for claim in claims) else "stated by no start"
            self._notes.append(
                f'segment "{name}" ends in {done.torn} torn bytes, {stated}: its process was killed while writing'
            )
        return None

    def _find_removed(self, names: Sequence[str]) -> None:
        there = set(names)
        for name in sorted((set(self._claims) | self._vouched) - there):
            by = [f'the start of segment "{claim.by}"' for claim in self._claims[name].values()]
            by += [mark.by for mark in self._marks[name]]
            words = f"{by[0]} vouches for this segment, and it is not there"
            self._findings.append(Finding(FindingKind.REMOVED, name, None, "", words))
            there.add(name)
        for path in sorted(segment.segments_folder(self._folder).glob("*" + segment.CHECKPOINTS)):
            name = path.name.removesuffix(segment.CHECKPOINTS)
            if name not in there and segment.NAME.fullmatch(name):
                self._take_orphan(name)

    def _take_orphan(self, name: str) -> None:
        """Checkpoints without their segment: a kill while opening leaves one for the START alone, and never more."""
        limit = _size_of(segment.checkpoints_path(self._folder, name)) or 0
        sizes = [mark.size for mark in stored_marks(self._folder, name, self._key, limit, self._findings)]
        if max(sizes, default=0) > 1:
            words = f"a stored checkpoint vouches for {max(sizes)} records of this segment, and it is not there"
            self._findings.append(Finding(FindingKind.REMOVED, name, None, "", words))
        else:
            self._notes.append(f'segment "{name}" was never opened: its process was killed before it took records')

    def _say_limits(self, names: Sequence[str]) -> None:
        for each in self._coverage:
            if each.vouched < each.records:
                self._limits.append(
                    f'in segment "{each.segment}" records from position {each.vouched} to {each.records - 1} stand '
                    "after the last signature: whoever could write the file could have changed, added or cut them"
                )
        newest = max((name for name in names if self._marks[name]), default="")
        after = f'"{newest}"' if newest else "the last one here"
        self._limits.append(
            f"segments newer than {after} could have been removed whole, and records after a segment's last stored "
            "checkpoint cut off: only a receipt or an anchor kept elsewhere would show it"
        )
        if self._streams.overflowed:
            self._limits.append("there are more open streams than are kept; not all of them are named")
        self._limits += _ALWAYS


def _size_of(path: Path) -> int | None:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return None
