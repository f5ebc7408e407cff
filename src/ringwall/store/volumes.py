"""How much has left for which destination? The port `Volumes`: counted in memory, shared through the database.

* Bytes are counted by the minute and by flow (workload, principal, destination). What is counted holds at once in this
  process; `refresh`, off the event loop, writes it down and reads what other processes wrote, so that they hold it too
  within one refresh. No question on the hot path asks the database.
* A total is what the database had at the last look, and what this process has counted since and not yet written.
* What a process counted after its last refresh is lost with a kill; the ledger's closing record is not written then
  either, and reads `interrupted, extent unknown`.
* A database that cannot be reached stops nobody: this process goes on counting, and says how old its view is.
* Flows are bounded, and only one that has sent something is kept: nobody fills the table with refusals.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, select

from ringwall.model.errors import InternalError
from ringwall.model.facts import TRAFFIC_KEPT_S, TRAFFIC_SLOT_S, Traffic
from ringwall.model.ports import Clock
from ringwall.model.verdict import Allowance
from ringwall.model.volumes import Flow
from ringwall.store.database import Database, insert_or
from ringwall.store.tables import VOLUMES

MAX_FLOWS = 20_000
OVERLAP_SLOTS = 5
"""Slots before the last look that are read again: another process may have written them late."""
SWEEP_EVERY_S = 600.0


@dataclass(slots=True)
class _Counted:
    """One flow: bytes by slot, as the database has them, and those that it does not have yet."""

    flow: Flow | None
    written: dict[int, int] = field(default_factory=dict)
    fresh: dict[int, int] = field(default_factory=dict)

    def since(self, slot: int) -> int:
        return sum(size for each in (self.written, self.fresh) for at, size in each.items() if at >= slot)


class StoredVolumes:
    """Port `Volumes`."""

    def __init__(self, database: Database, clock: Clock, *, max_flows: int = MAX_FLOWS) -> None:
        """Nothing is known before the first `refresh`."""
        self._database = database
        self._clock = clock
        self._max_flows = max_flows
        self._flows: dict[str, _Counted] = {}
        self._seen = float("-inf")
        self._read_from: int | None = None
        self._swept = float("-inf")
        # Held for as long as it takes to add two numbers; never while anything is written or read.
        self._lock = threading.Lock()

    def traffic(self, flow: Flow) -> Traffic:
        """See port `Volumes`."""
        if self._read_from is None:
            raise InternalError("nobody knows yet what has left", code="volumes_unread")
        now_s = self._clock.now_us() / 1_000_000
        totals: dict[int, int] = {}
        with self._lock:
            counted = self._flows.get(_key(flow))
            for each in (counted.written, counted.fresh) if counted is not None else ():
                for slot, size in each.items():
                    totals[slot] = totals.get(slot, 0) + size
        oldest = _slot(now_s - TRAFFIC_KEPT_S)
        slots = tuple((now_s - slot * TRAFFIC_SLOT_S, totals[slot]) for slot in sorted(totals) if slot >= oldest)
        return Traffic(slots, self._clock.monotonic() - self._seen)

    def take(self, flow: Flow, amount: int, allowances: Sequence[Allowance]) -> Allowance | None:
        """See port `Volumes`."""
        now_s = self._clock.now_us() / 1_000_000
        name = _key(flow)
        with self._lock:
            counted = self._flows.get(name)
            for each in allowances:
                sent = counted.since(_slot(now_s - each.window_s)) if counted is not None else 0
                if sent + amount > each.limit_bytes:
                    return each
            if amount and counted is None:
                self._make_room(now_s)
                counted = self._flows[name] = _Counted(flow)
            if amount and counted is not None:
                counted.flow = flow
                slot = _slot(now_s)
                counted.fresh[slot] = counted.fresh.get(slot, 0) + amount
        return None

    def refresh(self) -> None:
        """Write what is new and read what others wrote. Call it about twice a second, off the event loop.

        Raises:
            InternalError: The database cannot be used. What is counted is kept, and written the next time.
        """
        asked, now_s = self._clock.monotonic(), self._clock.now_us() / 1_000_000
        self._write(now_s)
        oldest = _slot(now_s - TRAFFIC_KEPT_S)
        since = oldest if self._read_from is None else max(oldest, self._read_from)
        with self._database.read() as connection:
            query = select(VOLUMES.c.flow, VOLUMES.c.slot, VOLUMES.c.bytes).where(VOLUMES.c.slot >= since)
            rows = connection.execute(query).all()
        with self._lock:
            for name, slot, size in rows:
                self._flows.setdefault(name, _Counted(None)).written[slot] = size
        self._read_from = _slot(now_s) - OVERLAP_SLOTS
        self._seen = asked

    def _write(self, now_s: float) -> None:
        with self._lock:
            new = {name: (each.flow, dict(each.fresh)) for name, each in self._flows.items() if each.fresh}
        sweeps = self._clock.monotonic() - self._swept >= SWEEP_EVERY_S
        if not new and not sweeps:
            return
        with self._database.write(durable=False) as connection:
            for name in sorted(new):  # one order for everybody: two processes never wait for each other in a circle
                flow, sizes = new[name]
                if flow is not None:
                    _add(connection, name, flow, sizes)
            if sweeps:
                connection.execute(delete(VOLUMES).where(VOLUMES.c.slot < _slot(now_s - TRAFFIC_KEPT_S)))
        with self._lock:
            for name, (_, sizes) in new.items():
                self._move(self._flows[name], sizes)
            if sweeps:
                self._forget(now_s)
        if sweeps:
            self._swept = self._clock.monotonic()

    def _move(self, counted: _Counted, sizes: Mapping[int, int]) -> None:
        """What was written is now the database's: until the next look, its total is at least that much larger."""
        for slot, size in sizes.items():
            counted.written[slot] = counted.written.get(slot, 0) + size
            left = counted.fresh[slot] - size
            if left:
                counted.fresh[slot] = left
            else:
                del counted.fresh[slot]

    def _forget(self, now_s: float) -> None:
        """Let go of slots that no window reaches any more, and of flows that have no other."""
        oldest = _slot(now_s - TRAFFIC_KEPT_S)
        for name, counted in list(self._flows.items()):
            for slot in [each for each in counted.written if each < oldest]:
                del counted.written[slot]
            if not (counted.written or counted.fresh):
                del self._flows[name]

    def _make_room(self, now_s: float) -> None:
        if len(self._flows) >= self._max_flows:
            self._forget(now_s)
        if len(self._flows) >= self._max_flows:
            detail = f"{self._max_flows} flows"
            raise InternalError("too many destinations are in use", code="volumes_full", detail=detail)


def _add(connection: Connection, name: str, flow: Flow, sizes: Mapping[int, int]) -> None:
    for slot, size in sorted(sizes.items()):
        row = {"flow": name, "slot": slot, "workload": flow.workload, "destination": flow.destination, "bytes": size}
        more = {"bytes": VOLUMES.c.bytes + size}
        made = insert_or(connection, VOLUMES).values(row)
        connection.execute(made.on_conflict_do_update(index_elements=[VOLUMES.c.flow, VOLUMES.c.slot], set_=more))


def _slot(at_s: float) -> int:
    return int(at_s // TRAFFIC_SLOT_S)


def _key(flow: Flow) -> str:
    """One name for a flow; each field says how long it is, so that no two flows are spelled alike."""
    pieces = (flow.workload, flow.principal, flow.destination)
    return hashlib.sha256(
        "".join(f"{len(each)}:{each}" for each in pieces).encode("utf-8", "surrogatepass")
    ).hexdigest()
