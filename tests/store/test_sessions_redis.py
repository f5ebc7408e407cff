"""Sessions over Redis: as in the database, for many machines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import redis

from ringwall.model.errors import InternalError
from ringwall.model.interaction import SessionKey
from ringwall.model.labels import Confidentiality, Labels, Trust
from ringwall.model.session import Event
from ringwall.store.sessions_redis import RedisSessions
from tests.services import redis_prefix

pytestmark = pytest.mark.redis
KEY = SessionKey("ses_a")
SECRET = Labels(Confidentiality.RESTRICTED, Trust.UNTRUSTED)


@pytest.fixture
def place() -> Iterator[tuple[str, str]]:
    with redis_prefix() as found:
        yield found


def test_what_was_committed_is_loaded_and_of_many_one_wins(place: tuple[str, str]) -> None:
    async def run() -> None:
        url, prefix = place
        here, there = RedisSessions(url, prefix=prefix), RedisSessions(url, prefix=prefix)
        await here.start()
        for version in range(3):
            state = await there.load(KEY)
            assert state.version == version
            following = state.having((Event("tool_proposed", "caf\u00e9", f"rec_{version}"),), SECRET)
            tries = [each.commit(following, version) for each in (here, there) for _ in range(5)]
            assert sorted(await asyncio.gather(*tries)) == [False] * 9 + [True]
            assert await here.load(KEY) == following
        await here.close()
        await there.close()

    asyncio.run(run())


def test_a_session_expires_and_a_long_or_damaged_one_is_refused(place: tuple[str, str]) -> None:
    async def run() -> None:
        url, prefix = place
        sessions = RedisSessions(url, prefix=prefix, ttl_s=60, max_events=2)
        state = (await sessions.load(KEY)).having((), SECRET)
        assert await sessions.commit(state, 0)
        with redis.Redis.from_url(url) as client:
            assert 0 < client.ttl(f"{prefix}{KEY}") <= 60
            client.hset(f"{prefix}{KEY}", "events", "{")
        for refused in (
            sessions.load(KEY),
            sessions.commit(state, 1),
            sessions.commit(state.having((Event("a", "b", "c"),) * 3, SECRET), 1),
        ):
            with pytest.raises(InternalError):
                await refused
        await sessions.close()

    asyncio.run(run())


def test_a_server_that_may_forget_is_refused(place: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        sessions = RedisSessions(place[0], prefix=place[1])

        async def forgetful(_: str) -> dict[str, object]:
            return {"maxmemory": 1 << 20, "maxmemory_policy": "allkeys-lru"}

        monkeypatch.setattr(sessions._redis, "info", forgetful)
        with pytest.raises(InternalError, match="forget"):
            await sessions.start()
        await sessions.close()

    asyncio.run(run())
