"""Sessions: what was committed is remembered, and of two who are as fast one is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from ringwall.model.errors import InternalError
from ringwall.model.interaction import SessionKey
from ringwall.model.labels import Confidentiality, Labels, Trust
from ringwall.model.session import Event
from ringwall.store.database import Database
from ringwall.store.sessions import DatabaseSessions

KEY = SessionKey("ses_a")
SECRET = Labels(Confidentiality.RESTRICTED, Trust.UNTRUSTED)


@pytest.fixture
def sessions(database: Database, own_clock: Any) -> Iterator[DatabaseSessions]:
    made = DatabaseSessions(database, own_clock, ttl_s=60, max_events=4)
    made.start()
    yield made
    made.close()


def test_what_was_committed_is_loaded(sessions: DatabaseSessions) -> None:
    async def run() -> None:
        empty = await sessions.load(KEY)
        assert (empty.version, empty.events) == (0, ())
        first = empty.having((Event("tool_proposed", 'caf\u00e9 "x"', "rec_1"),), SECRET)
        assert await sessions.commit(first, 0)
        assert await sessions.load(KEY) == first
        second = first.having((Event("tool_called", "c1", "rec_2"),), Labels())
        assert await sessions.commit(second, 1)
        assert await sessions.load(KEY) == second
        assert (await sessions.load(SessionKey("ses_b"))).version == 0

    asyncio.run(run())


def test_of_many_who_commit_the_same_version_one_wins(
    sessions: DatabaseSessions, database: Database, own_clock: Any
) -> None:
    other = DatabaseSessions(database, own_clock)
    other.start()

    async def run() -> None:
        for version in range(3):
            state = await sessions.load(KEY)
            assert state.version == version
            following = state.having((), SECRET)
            tries = [each.commit(following, version) for each in (sessions, other) for _ in range(5)]
            assert sorted(await asyncio.gather(*tries)) == [False] * 9 + [True]

    asyncio.run(run())
    other.close()


def test_a_session_ends_and_starts_anew(sessions: DatabaseSessions, own_clock: Any, database: Database) -> None:
    async def run() -> None:
        state = (await sessions.load(KEY)).having((Event("a", "b", "c"),), SECRET)
        assert await sessions.commit(state, 0)
        own_clock.pass_s(59)
        assert (await sessions.load(KEY)).version == 1
        own_clock.pass_s(1)
        assert (await sessions.load(KEY)).version == 0
        assert not await sessions.commit(state.having((), SECRET), 1)
        assert await sessions.commit(state, 0)
        own_clock.pass_s(61)
        assert await sessions.commit(replace(state, key=SessionKey("ses_other")), 0)

    asyncio.run(run())
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM sessions")).scalar() == 1  # the old one was swept


def test_too_many_events_or_a_version_that_does_not_rise_are_refused(sessions: DatabaseSessions) -> None:
    async def run() -> None:
        state = await sessions.load(KEY)
        with pytest.raises(InternalError) as raised:
            await sessions.commit(state.having((Event("a", "b", "c"),) * 5, SECRET), 0)
        assert raised.value.code == "session_full"
        with pytest.raises(InternalError):
            await sessions.commit(state, 0)

    asyncio.run(run())


def test_a_damaged_row_refuses_its_session_and_no_other(sessions: DatabaseSessions, database: Database) -> None:
    async def run() -> None:
        assert await sessions.commit((await sessions.load(KEY)).having((), SECRET), 0)
        with database.write() as connection:
            connection.execute(text("UPDATE sessions SET events = '{'"))
        broken, fine = await asyncio.gather(
            sessions.load(KEY), sessions.load(SessionKey("ses_b")), return_exceptions=True
        )
        assert isinstance(broken, InternalError) and not isinstance(fine, BaseException)

    asyncio.run(run())


def test_a_lost_database_and_a_closed_store_refuse(sessions: DatabaseSessions, database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("DROP TABLE sessions"))

    async def run(code: str) -> None:
        with pytest.raises(InternalError) as raised:
            await sessions.load(KEY)
        assert raised.value.code == code

    asyncio.run(run("database_unavailable"))
    sessions.close()
    asyncio.run(run("sessions_unavailable"))
