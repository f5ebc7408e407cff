"""How much of something limited is left? The port `Reservations`: token buckets in this process.

* A bucket holds at most `capacity` and refills evenly; one that nobody used is full. Its state is two numbers.
* All or none: the amounts of one bucket that is named twice add up, and nothing is taken anywhere if one bucket holds
  too little.
* Settling gives back what was reserved and not used, or takes what was used beyond it: a bucket may go into debt by
  what was really used, which then delays the next.
* The number of buckets is bounded. Only a full one can be forgotten, since a new one is full: nobody empties a bucket
  by flooding the table, and nobody fills one. When all are in use, whoever needs a new one is refused.
* No lock: everything happens between two awaits of one event loop.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ringwall.model.errors import InternalError
from ringwall.model.ports import Clock, Exhausted, Taken
from ringwall.model.verdict import Reservation

MAX_BUCKETS = 100_000
_EVICT_TRIES = 64
"""Buckets that are looked at to make room for one."""


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float
    capacity: int
    refill_per_s: float

    def settle_to(self, now: float, capacity: int, refill_per_s: float) -> None:
        """Bring the level up to now; a plan may have changed size and refill since."""
        if now > self.at:
            self.level = min(float(self.capacity), self.level + (now - self.at) * self.refill_per_s)
            self.at = now
        if capacity != self.capacity:
            self.level = min(self.level, float(capacity)) if capacity < self.capacity else self.level
            self.capacity = capacity
        self.refill_per_s = refill_per_s

    def is_full(self, now: float) -> bool:
        return self.level + (now - self.at) * self.refill_per_s >= self.capacity


class LocalReservations:
    """Port `Reservations` for one process."""

    def __init__(self, clock: Clock, *, max_buckets: int = MAX_BUCKETS) -> None:
        self._clock = clock
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    async def take(self, reservations: Sequence[Reservation]) -> Taken | Exhausted:
        """See port `Reservations`."""
        now = self._clock.monotonic()
        wanted: dict[str, tuple[_Bucket, int]] = {}
        for each in reservations:
            check(each)
            bucket, already = wanted.get(each.bucket) or (self._bucket(each, now), 0)
            if bucket.level < already + each.amount:
                return Exhausted(each, wait_s(each, bucket.level, already + each.amount))
            wanted[each.bucket] = (bucket, already + each.amount)
        for name, (bucket, amount) in wanted.items():
            bucket.level -= amount
            self._buckets[name] = bucket  # making room for the last one may have forgotten the first: it was full
        return _Held(self, tuple(reservations))

    def give(self, reservation: Reservation, amount: int) -> None:
        """Give back to a bucket, or take more where `amount` is negative; a bucket may go into debt."""
        bucket = self._bucket(reservation, self._clock.monotonic())
        bucket.level = min(float(bucket.capacity), bucket.level + amount)

    def _bucket(self, reservation: Reservation, now: float) -> _Bucket:
        found = self._buckets.get(reservation.bucket)
        if found is None:
            if len(self._buckets) >= self._max_buckets:
                self._make_room(now)
            level = float(reservation.capacity)
            found = _Bucket(level, now, reservation.capacity, reservation.refill_per_s)
            self._buckets[reservation.bucket] = found
            return found
        self._buckets.move_to_end(reservation.bucket)
        found.settle_to(now, reservation.capacity, reservation.refill_per_s)
        return found

    def _make_room(self, now: float) -> None:
        """Forget full buckets among those that were not used for longest."""
        for _ in range(min(_EVICT_TRIES, len(self._buckets))):
            name = next(iter(self._buckets))
            if self._buckets[name].is_full(now):
                del self._buckets[name]
                return
            self._buckets.move_to_end(name)  # INVARIANT: what was taken from is never forgotten
        raise InternalError("too many limits are in use", code="counters_full", detail=f"{self._max_buckets} buckets")


class _Held:
    """What was taken together; settled at most once."""

    __slots__ = ("_counters", "_open")

    def __init__(self, counters: LocalReservations, reservations: tuple[Reservation, ...]) -> None:
        self._counters = counters
        self._open = reservations

    async def settle(self, used: Mapping[str, int]) -> None:
        """See port `Taken`."""
        reservations, self._open = self._open, ()
        for each in reservations:
            if each.unit in used:
                self._counters.give(each, each.amount - used[each.unit])


def check(reservation: Reservation) -> None:
    """Refuse a reservation that no bucket can make sense of.

    Raises:
        InternalError: A control reserved something impossible.
    """
    sound = reservation.amount >= 0 and reservation.capacity > 0 and 0 <= reservation.refill_per_s < math.inf
    if not sound:
        raise InternalError("a limit makes no sense", code="bad_reservation", detail=f'bucket "{reservation.bucket}"')


def wait_s(reservation: Reservation, level: float, needed: int) -> float:
    """Seconds until a bucket at this level would hold so much; infinite when it never will."""
    if needed > reservation.capacity or reservation.refill_per_s <= 0:
        return math.inf
    return (needed - level) / reservation.refill_per_s
