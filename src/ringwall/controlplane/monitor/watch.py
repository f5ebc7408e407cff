"""What is going on? The monitor: follows the ledger, asks every detection, and answers what they raise.

1. One at a time: a lock beside the ledger. A second monitor waits until the first has ended.
2. Begin where the last one stood, and a little before it.
3. Finish what was found and not answered.
4. For ever: read what is new, show it to every detection, put findings on record, answer them.

* Nothing here stands in the way of a request: it reads files that gateways write anyway.
* What cannot be stored now is tried again, in its order, before anything newer is looked at.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ringwall.controlplane.monitor.cursor import REWIND_US, Cursor
from ringwall.controlplane.monitor.detection import Detection, Raised, Subjects
from ringwall.controlplane.monitor.response import Responder
from ringwall.controlplane.monitor.sighting import Sighting, read_sighting
from ringwall.controlplane.monitor.target import Sharing, Target
from ringwall.model.errors import InternalError
from ringwall.model.plan import MonitorPlan
from ringwall.model.ports import Clock
from ringwall.model.record import Outcome
from ringwall.store.findings import StoredFinding, StoredFindings
from ringwall.store.ledger.read import find
from ringwall.store.ledger.tail import Break, Tail, resume

_LOG = logging.getLogger("ringwall")
POLL_S = 0.05
"""Seconds between two looks at the ledger while nothing is new."""
RETRY_S = 1.0
"""Seconds before what failed is tried again, and between two tries for the lock."""
SAVE_US = 2_000_000
"""Microseconds after which the marks are kept again."""
AUDIT_US = 30_000_000
"""Microseconds after which ended segments are looked at again."""
LAG_US = 1_000_000
"""How far behind, in microseconds, is worth a line in the log."""
ADDRESS_US = 3600 * 1_000_000
"""How long an address of a key counts, microseconds."""
MAX_ADDRESSES = 64
"""Addresses that are remembered of a key."""
MAX_RELEASES = 1000
"""Releases that are remembered of a subject."""
LATE_US = 2_000_000
"""How long after a containment releases from before it are still counted, microseconds."""
RELEASES = frozenset({Outcome.RELEASES, Outcome.RELEASED})


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the monitor is behind.

    Attributes:
        behind_bytes: Bytes of the ledger that were not read yet.
        behind_us: Age of the newest record when it was read, microseconds.
        records: Records that were looked at since the start.
    """

    behind_bytes: int
    behind_us: int
    records: int


@dataclass(frozen=True, slots=True)
class _Late:
    finding: str
    first_us: int
    contained_us: int


class Monitor:
    """The monitor of one installation."""

    def __init__(
        self,
        *,
        ledger_folder: Path,
        state_folder: Path,
        detections: Sequence[Detection],
        findings: StoredFindings,
        responder: Responder,
        clock: Clock,
        plan: Callable[[], MonitorPlan],
    ) -> None:
        """Take what it needs; nothing is read before `run`.

        Args:
            ledger_folder: The ledger.
            state_folder: Where lock and marks stand.
            detections: The rules.
            findings: Where findings are put.
            responder: Answers them.
            clock: Time.
            plan: What it may do, at any moment.
        """
        self._folder = ledger_folder
        self._state = state_folder
        self._detections = detections
        self._findings = findings
        self._responder = responder
        self._clock = clock
        self._plan = plan
        self._cursor = Cursor(state_folder / "marks.json")
        self._tail: Tail | None = None
        self._todo: deque[Raised | Break] = deque()
        self._addresses: Subjects[dict[str, int]] = Subjects(dict)
        self._released: Subjects[deque[int]] = Subjects(lambda: deque(maxlen=MAX_RELEASES))
        self._late: dict[str, _Late] = {}
        self._audited_us = self._saved_us = self._lagged_us = 0
        self.lag = Lag(0, 0, 0)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                with _locked(self._state / "lock") as is_ours:  # 1
                    if is_ours:
                        await self._watch()
            except (InternalError, OSError) as error:  # a full disk, a database that is down: the lock is given up
                detail = error.detail if isinstance(error, InternalError) else type(error).__name__
                _LOG.warning("cause=<%s> | the monitor cannot go on at this moment, and tries again", detail)
            await asyncio.sleep(RETRY_S)

    async def _watch(self) -> None:
        """Watch until something fails; what was read and not answered yet is kept."""
        if self._tail is None:
            self._tail = await asyncio.to_thread(self._begin)  # 2
        tail = self._tail
        await self._finish()  # 3
        while True:
            has_more = await self._step(tail)  # 4
            await asyncio.sleep(0 if has_more else POLL_S)

    def _begin(self) -> Tail:
        """Where to begin. Blocks."""
        now_us = self._clock.now_us()
        marks = self._cursor.load(now_us)
        if marks is None:
            marks = resume(self._folder, now_us - REWIND_US)
            self._cursor.save(now_us, tuple(marks.values()))  # a restart begins here, too
        return Tail(self._folder, marks)

    async def _step(self, tail: Tail) -> bool:
        """Look once; True when there is more to read."""
        if self._late:
            await self._count_late()
        if not self._todo:
            self._todo.extend(await asyncio.to_thread(self._look, tail))
        while self._todo:
            await self._answer(self._todo[0])
            self._todo.popleft()
        now_us = self._clock.now_us()
        if now_us - self._saved_us > SAVE_US:
            # INVARIANT: marks are kept only after all that was raised before them is on record.
            await asyncio.to_thread(self._cursor.save, now_us, tail.state())
            self._saved_us = now_us
        return tail.behind_bytes > 0

    def _look(self, tail: Tail) -> Sequence[Raised | Break]:
        """Read what is new and ask every detection. Blocks; runs in a thread."""
        found: list[Raised | Break] = []
        newest_us = count = 0
        for each in tail.poll():
            if isinstance(each, Break):
                found.append(each)
                continue
            sighting = read_sighting(each.record)
            count += 1
            if sighting is None:
                continue
            newest_us = max(newest_us, sighting.time_us)
            self._take_note(sighting)
            for detection in self._detections:
                found += detection.see(sighting)
        now_us = self._clock.now_us()
        if now_us - self._audited_us > AUDIT_US:
            found += tail.audit()
            self._audited_us = now_us
        behind_us = max(0, now_us - newest_us) if newest_us else 0
        self.lag = Lag(tail.behind_bytes, behind_us, self.lag.records + count)
        if (behind_us > LAG_US or tail.behind_bytes) and now_us - self._lagged_us > AUDIT_US:
            _LOG.info(
                "behind_bytes=<%d>, behind_ms=<%d> | the monitor catches up", tail.behind_bytes, behind_us // 1000
            )
            self._lagged_us = now_us
        return found

    def _take_note(self, sighting: Sighting) -> None:
        """Remember from where a key is used, and what somebody got to read."""
        if sighting.key and sighting.source:
            seen = self._addresses.of(sighting.key)
            seen[sighting.source] = sighting.time_us
            if len(seen) > MAX_ADDRESSES:
                seen.pop(min(seen, key=seen.__getitem__))
        if sighting.outcome in RELEASES and sighting.subject:
            self._released.of(sighting.subject).append(sighting.time_us)

    def _sharing(self, key: str) -> Sharing:
        oldest = self._clock.now_us() - ADDRESS_US
        seen = [each for each in self._addresses.of(key).values() if each > oldest]
        return Sharing(key in self._plan().shared_keys, len(seen))

    async def _answer(self, raised: Raised | Break) -> None:
        """Put it on record, then act."""
        if isinstance(raised, Break):
            now_us = self._clock.now_us()
            finding = await asyncio.to_thread(self._add_break, raised, now_us)
            evidence: tuple[Sighting, ...] = ()
        else:
            finding = await asyncio.to_thread(self._add, raised)
            evidence = raised.evidence
        if finding is None:
            return
        _LOG.warning("finding=<%s>, detection=<%s> | %s", finding.id, finding.detection, finding.words)
        await self._respond(finding, evidence)

    async def _respond(self, finding: StoredFinding, evidence: tuple[Sighting, ...]) -> None:
        contained = await self._responder.respond(finding, Target(evidence, self._sharing))
        if contained and evidence:
            self._late[evidence[0].subject] = _Late(finding.id, finding.first_us, self._clock.now_us())
            await self._count_late()

    async def _count_late(self) -> None:
        """Say how much each contained subject got to read before it took effect."""
        now_us = self._clock.now_us()
        for subject, late in tuple(self._late.items()):
            got = sum(late.first_us <= each <= late.contained_us for each in self._released.of(subject))
            await asyncio.to_thread(self._findings.count_released, late.finding, got)
            if now_us - late.contained_us > LATE_US:
                del self._late[subject]

    async def _finish(self) -> None:
        """Answer what a killed monitor left pending, from the records that it named."""
        for finding in await asyncio.to_thread(self._findings.pending):
            evidence = await asyncio.to_thread(self._evidence, finding)
            await self._respond(finding, evidence)

    def _evidence(self, finding: StoredFinding) -> tuple[Sighting, ...]:
        entries = [find(self._folder, each) for each in finding.evidence]
        sightings = [read_sighting(each.record) for each in entries if each is not None]
        return tuple(each for each in sightings if each is not None)

    def _add(self, raised: Raised) -> StoredFinding | None:
        times = [each.time_us for each in raised.evidence]
        return self._findings.add(
            detection=raised.detection,
            severity=raised.severity,
            subject=raised.subject,
            words=raised.words,
            evidence=[each.id for each in raised.evidence],
            count=raised.count,
            first_us=min(times),
            last_us=max(times),
        )

    def _add_break(self, broken: Break, now_us: int) -> StoredFinding | None:
        return self._findings.add(
            detection="ledger_broken",
            severity="critical",
            subject=f"segment {broken.segment}",
            words=f'the ledger is "{broken.kind}" at position {broken.position} of segment "{broken.segment}"',
            evidence=(),
            count=1,
            first_us=now_us,
            last_us=now_us,
        )


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """True when the lock is ours for as long as this lasts."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
