"""How much of something limited is left, on all machines together? The port `Reservations` over Redis or Valkey.

* One script looks at all buckets and takes from all or none. Time is the server's, so clocks of machines do not matter.
* A bucket expires when it would be full again: an unknown bucket and a full one are the same, so nothing is forgotten
  that was used, and nothing is kept that was not.
* All buckets share one hash tag, so that a cluster keeps them on one node and the script sees them all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ringwall.model.errors import InternalError
from ringwall.model.ports import Exhausted, Taken
from ringwall.model.verdict import Reservation
from ringwall.store.counters import check, wait_s
from ringwall.store.redis_client import connect, translated

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LEVEL = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local function level_of(key, capacity, refill)
  local stored = redis.call('HMGET', key, 'level', 'at')
  if not stored[1] then return capacity end
  local passed = math.max(0, now - tonumber(stored[2]))
  return math.min(capacity, tonumber(stored[1]) + passed * refill)
end
local function keep(key, level, capacity, refill)
  if level >= capacity then redis.call('DEL', key) return end
  redis.call('HSET', key, 'level', string.format('%.6f', level), 'at', string.format('%.6f', now))
  if refill > 0 then
    redis.call('PEXPIRE', key, string.format('%.0f', math.min(1e15, (capacity - level) / refill * 1000 + 1000)))
  else
    redis.call('PERSIST', key)
  end
end
"""

_TAKE = (
    _LEVEL
    + """
local levels = {}
for i, key in ipairs(KEYS) do
  local amount, capacity, refill = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  levels[i] = level_of(key, capacity, refill)
  if levels[i] < amount then return {i, string.format('%.6f', levels[i])} end
end
for i, key in ipairs(KEYS) do
  keep(key, levels[i] - tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i]))
end
return {0, ''}
"""
)

_GIVE = (
    _LEVEL
    + """
for i, key in ipairs(KEYS) do
  local amount, capacity, refill = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  keep(key, math.min(capacity, level_of(key, capacity, refill) + amount), capacity, refill)
end
return 0
"""
)


class RedisReservations:
    """Port `Reservations` over Redis. Belongs to the event loop that uses it first."""

    def __init__(self, url: str, *, prefix: str = "ringwall:") -> None:
        """Connect when first asked.

        Args:
            url: `redis://` or `rediss://`.
            prefix: Keeps installations apart that share a server.

        Raises:
            ConfigError: The extra `redis` is not installed, or this is no URL.
        """
        self._redis: Redis = connect(url)
        self._take = self._redis.register_script(_TAKE)
        self._give = self._redis.register_script(_GIVE)
        self._prefix = prefix + "{limits}:"

    async def close(self) -> None:
        """Let go of all connections."""
        await self._redis.aclose()

    async def take(self, reservations: Sequence[Reservation]) -> Taken | Exhausted:
        """See port `Reservations`."""
        wanted: dict[str, list[Reservation]] = {}
        for each in reservations:
            check(each)
            wanted.setdefault(each.bucket, []).append(each)
        if wanted:
            rows = [(named[-1], sum(each.amount for each in named)) for named in wanted.values()]
            with translated():
                index, level = await self._take(*self._call(rows))
            if index:
                return _first_that_fails(list(wanted.values())[index - 1], float(level))
        return _Held(self, tuple(reservations))

    async def give(self, rows: Sequence[tuple[Reservation, int]]) -> None:
        """Give back to buckets, or take more where an amount is negative; a bucket may go into debt."""
        with translated():
            for row in rows:  # one by one: two may be of the same bucket
                await self._give(*self._call([row]))

    def _call(self, rows: Sequence[tuple[Reservation, int]]) -> tuple[list[str], list[str]]:
        keys = [self._prefix + reservation.bucket for reservation, _ in rows]
        values = [(amount, each.capacity, f"{each.refill_per_s:.9f}") for each, amount in rows]
        return keys, [str(value) for row in values for value in row]


class _Held:
    """What was taken together; settled at most once."""

    __slots__ = ("_counters", "_open")

    def __init__(self, counters: RedisReservations, reservations: tuple[Reservation, ...]) -> None:
        self._counters = counters
        self._open = reservations

    async def settle(self, used: Mapping[str, int]) -> None:
        """See port `Taken`."""
        reservations, self._open = self._open, ()
        await self._counters.give([(each, each.amount - used[each.unit]) for each in reservations if each.unit in used])


def _first_that_fails(named: Sequence[Reservation], level: float) -> Exhausted:
    needed = 0
    for each in named:
        needed += each.amount
        if needed > level:
            return Exhausted(each, wait_s(each, level, needed))
    raise InternalError("limits cannot be read", code="counters_damaged", detail=f'level "{math.floor(level)}"')
