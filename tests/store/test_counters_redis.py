"""Token buckets over Redis: as in the process, for many machines."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from ringwall.model.errors import InternalError
from ringwall.model.ports import Exhausted
from ringwall.model.verdict import Reservation
from ringwall.store.counters_redis import RedisReservations
from tests.services import redis_prefix

pytestmark = pytest.mark.redis


def of(bucket: str, amount: int, capacity: int = 10, refill: float = 0.001, unit: str = "requests") -> Reservation:
    return Reservation(bucket, amount, capacity, refill, unit)


@pytest.fixture
def place() -> Iterator[tuple[str, str]]:
    with redis_prefix() as found:
        yield found


def test_all_or_none_over_machines_and_settled_once(place: tuple[str, str]) -> None:
    async def run() -> None:
        url, prefix = place
        here, there = RedisReservations(url, prefix=prefix), RedisReservations(url, prefix=prefix)
        refused = await here.take([of("a", 5), of("b", 11)])
        assert isinstance(refused, Exhausted) and refused == Exhausted(of("b", 11), math.inf)
        tries: list[Any] = await asyncio.gather(*(each.take([of("a", 1)]) for each in (here, there) for _ in range(8)))
        assert len([each for each in tries if not isinstance(each, Exhausted)]) == 10
        assert isinstance(await here.take([of("c", 6), of("c", 6)]), Exhausted)
        taken: Any = await here.take([of("c", 5), of("c", 5, unit="tokens")])
        await taken.settle({"tokens": 2})
        await taken.settle({"tokens": 0})
        short = await there.take([of("c", 4, refill=2.0)])
        assert isinstance(short, Exhausted) and 0 < short.retry_after_s <= 0.5
        more: Any = await there.take([of("c", 3, unit="tokens")])
        await more.settle({"tokens": 8})
        debt = await here.take([of("c", 1, refill=1.0)])
        assert isinstance(debt, Exhausted) and 5 <= debt.retry_after_s <= 6
        assert not isinstance(await here.take([]), Exhausted)
        await here.close()
        await there.close()

    asyncio.run(run())


def test_a_bucket_refills_and_is_gone_when_full(place: tuple[str, str]) -> None:
    async def run() -> None:
        url, prefix = place
        counters = RedisReservations(url, prefix=prefix)
        taken: Any = await counters.take([of("slow", 4, refill=1.0), of("never", 4, refill=0.0)])
        with redis.Redis.from_url(url) as client:
            assert 4000 < client.pttl(f"{prefix}{{limits}}:slow") <= 5000
            assert client.ttl(f"{prefix}{{limits}}:never") == -1
            await taken.settle({"requests": 0})
            assert not client.exists(f"{prefix}{{limits}}:slow", f"{prefix}{{limits}}:never")
        assert not isinstance(await counters.take([of("quick", 10, refill=1e6)]), Exhausted)
        await asyncio.sleep(0.002)
        assert not isinstance(await counters.take([of("quick", 10, refill=1e6)]), Exhausted)
        with pytest.raises(InternalError):
            await counters.take([of("a", -1)])
        await counters.close()

    asyncio.run(run())
