"""Token buckets: all or none, never more than the capacity, and nothing forgotten that was used."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.errors import InternalError
from ringwall.model.ports import Exhausted
from ringwall.model.verdict import Reservation
from ringwall.store.counters import LocalReservations


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def now_us(self) -> int:
        return int(self.now * 1e6)


def of(bucket: str, amount: int, capacity: int = 10, refill: float = 1.0, unit: str = "requests") -> Reservation:
    return Reservation(bucket, amount, capacity, refill, unit)


def take(counters: LocalReservations, *reservations: Reservation) -> Any:
    return asyncio.run(counters.take(reservations))


def test_a_bucket_empties_and_refills() -> None:
    time = Time()
    counters = LocalReservations(time)
    for _ in range(10):
        assert not isinstance(take(counters, of("a", 1)), Exhausted)
    refused = take(counters, of("a", 2))
    assert refused == Exhausted(of("a", 2), 2.0)
    time.now += 2
    assert not isinstance(take(counters, of("a", 2)), Exhausted)
    time.now += 3600
    assert isinstance(take(counters, of("a", 11)), Exhausted)
    assert take(counters, of("a", 11)).retry_after_s == math.inf
    assert take(counters, of("z", 1, 5, 0.0)) and take(counters, of("z", 5, 5, 0.0)).retry_after_s == math.inf


def test_all_or_none() -> None:
    counters = LocalReservations(Time())
    refused = take(counters, of("a", 5), of("b", 11))
    assert isinstance(refused, Exhausted) and refused.reservation.bucket == "b"
    assert not isinstance(take(counters, of("a", 10)), Exhausted)
    assert isinstance(take(counters, of("c", 6), of("c", 6)), Exhausted)
    assert not isinstance(take(counters, of("c", 10)), Exhausted)


def test_settling_gives_back_takes_more_and_happens_once() -> None:
    counters = LocalReservations(Time())
    taken = take(counters, of("t", 10, unit="tokens"), of("r", 1))
    asyncio.run(taken.settle({"tokens": 4}))
    asyncio.run(taken.settle({"tokens": 0}))
    assert isinstance(take(counters, of("t", 7)), Exhausted)
    more = take(counters, of("t", 6, unit="tokens"))
    asyncio.run(more.settle({"tokens": 26}))
    assert take(counters, of("t", 1)).retry_after_s == 21.0
    assert isinstance(take(counters, of("r", 10)), Exhausted)


def test_a_plan_that_changes_a_limit_takes_hold_at_once() -> None:
    counters = LocalReservations(Time())
    take(counters, of("a", 1, 10))
    assert isinstance(take(counters, of("a", 4, 3)), Exhausted)
    assert not isinstance(take(counters, of("a", 3, 3)), Exhausted)


def test_only_full_buckets_are_forgotten_and_a_flood_empties_nobody() -> None:
    time = Time()
    counters = LocalReservations(time, max_buckets=8)
    take(counters, of("used", 10, refill=0.001))
    for number in range(7):
        take(counters, of(f"flood{number}", 1))
    with pytest.raises(InternalError) as raised:
        take(counters, of("one more", 1))
    assert raised.value.code == "counters_full"
    time.now += 2
    for number in range(50):
        take(counters, of(f"later{number}", 1))
        time.now += 1.5
        assert len(counters) <= 8
    assert isinstance(take(counters, of("used", 5, refill=0.001)), Exhausted)


def test_making_room_for_the_second_never_loses_the_first() -> None:
    counters = LocalReservations(Time(), max_buckets=1)
    assert not isinstance(take(counters, of("a", 10), of("b", 1)), Exhausted)
    assert isinstance(take(counters, of("a", 1)), Exhausted)


def test_a_reservation_that_makes_no_sense_is_refused() -> None:
    for bad in (of("a", -1), of("a", 1, 0), of("a", 1, 1, -1.0), of("a", 1, 1, math.nan), of("a", 1, 1, math.inf)):
        with pytest.raises(InternalError):
            take(LocalReservations(Time()), bad)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 5), st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12)), max_size=4)))
)
def test_no_more_is_ever_taken_than_capacity_and_refill_allow(
    steps: list[tuple[float, list[tuple[str, int]]]],
) -> None:
    time = Time()
    counters = LocalReservations(time)
    taken = dict.fromkeys("abc", 0)
    for passes, wanted in steps:
        time.now += passes
        if not isinstance(take(counters, *(of(bucket, amount) for bucket, amount in wanted)), Exhausted):
            for bucket, amount in wanted:
                taken[bucket] += amount
        for amount in taken.values():
            assert amount <= 10 + (time.now - 1000.0) * 1.0 + 1e-6
