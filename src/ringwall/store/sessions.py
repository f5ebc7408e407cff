"""What do tasks remember? The port `Sessions` in the database, behind one thread.

* Compare-and-set by version: of two who change the same version, one is told that another was faster.
* Queued loads and commits are carried out together, in one transaction: under load they share its cost.
* A commit is answered once it would survive the death of this process. On SQLite this connection does not fsync each
  commit: after a power cut the last moments of sessions may be missing, when every process that knew them is dead too.
* Events are bounded. A session that would have more is refused: forgetting the oldest would forget what a control must
  know. It ends after `ttl_s` without a commit, and then starts anew with version 0.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Connection, delete, select, update

from ringwall.model.errors import InternalError, RingwallError
from ringwall.model.interaction import SessionKey
from ringwall.model.labels import BEST, Confidentiality, Labels, Trust
from ringwall.model.ports import Clock
from ringwall.model.session import Event, SessionState
from ringwall.store.database import Database, insert_or
from ringwall.store.tables import SESSIONS

TTL_S = 24 * 3600
MAX_EVENTS = 4096
MAX_BATCH = 256
_SWEEP_EVERY_S = 60.0
_SWEEP_ROWS = 1000


class DatabaseSessions:
    """Port `Sessions` over SQLite or PostgreSQL."""

    def __init__(self, database: Database, clock: Clock, *, ttl_s: int = TTL_S, max_events: int = MAX_EVENTS) -> None:
        """Take no calls before `start`.

        Args:
            database: Where the rows stand.
            clock: For expiry.
            ttl_s: How long a session lives after its last commit.
            max_events: The most events that a session may have.
        """
        self._database = database
        self._clock = clock
        self._ttl_us = ttl_s * 1_000_000
        self._max_events = max_events
        self._queue: SimpleQueue[_Call | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._accepts = False
        self._swept = float("-inf")
        self._thread = threading.Thread(target=self._run, name="ringwall-sessions", daemon=True)

    def start(self) -> None:
        """Take calls from now on."""
        self._accepts = True
        self._thread.start()

    def close(self) -> None:
        """Carry out what is queued, and end."""
        with self._gate:
            was_open, self._accepts = self._accepts, False
        if was_open:
            self._queue.put(None)
            self._thread.join()

    async def load(self, key: SessionKey) -> SessionState:
        """See port `Sessions`."""
        found = await self._ask(key, lambda connection: self._load(connection, key), writes=False)
        if not isinstance(found, SessionState):
            raise _unavailable()
        return found

    async def commit(self, state: SessionState, expected: int) -> bool:
        """See port `Sessions`.

        Raises:
            InternalError: The store cannot be written, or the session has too many events.
        """
        if len(state.events) > self._max_events:
            raise InternalError("this session is too long", code="session_full", detail=f"{len(state.events)} events")
        if state.version <= expected:
            raise InternalError("a session's version rises", code="session_version")
        return bool(
            await self._ask(state.key, lambda connection: self._commit(connection, state, expected), writes=True)
        )

    async def _ask(self, key: SessionKey, work: Callable[[Connection], object], *, writes: bool) -> object:
        loop = asyncio.get_running_loop()
        call = _Call(key, work, writes, loop, loop.create_future())
        with self._gate:
            if not self._accepts:
                raise _unavailable()
            self._queue.put(call)
        return await call.future

    # What follows runs in the thread.

    def _run(self) -> None:
        calls: list[_Call] = []
        try:
            goes_on = True
            while goes_on:
                goes_on = self._gather(calls)
                if calls:
                    _wake(calls, self._carry_out(calls))
                    calls.clear()
        finally:  # INVARIANT: whatever ends this thread, nobody waits for it afterwards
            with self._gate:
                self._accepts = False
            with suppress(Empty):
                while True:
                    left = self._queue.get_nowait()
                    if left is not None:
                        calls.append(left)
            _wake(calls, [_unavailable()] * len(calls))

    def _gather(self, calls: list[_Call]) -> bool:
        call = self._queue.get()
        while call is not None:
            calls.append(call)
            if len(calls) >= MAX_BATCH:
                return True
            try:
                call = self._queue.get_nowait()
            except Empty:
                return True
        return False

    def _carry_out(self, calls: list[_Call]) -> list[object]:
        # One order for everybody: two processes that lock the same rows cannot wait for each other in a circle.
        calls.sort(key=attrgetter("key"))
        try:
            if not any(call.writes for call in calls):
                with self._database.read() as connection:
                    return [_attempt(call, connection) for call in calls]
            with self._database.write(durable=False) as connection:
                results = [_attempt(call, connection) for call in calls]
                self._sweep(connection)
        except RingwallError as error:
            return [InternalError(error.public, code=error.code, detail=error.detail)] * len(calls)
        return results

    def _load(self, connection: Connection, key: SessionKey) -> SessionState:
        alive = (SESSIONS.c.key == key) & (SESSIONS.c.expires_us > self._clock.now_us())
        row = connection.execute(select(SESSIONS).where(alive)).first()
        if row is None:
            return SessionState(key, labels=BEST)
        return SessionState(
            key, row.version, Labels(Confidentiality(row.confidentiality), Trust(row.trust)), decode_events(row.events)
        )

    def _commit(self, connection: Connection, state: SessionState, expected: int) -> bool:
        now_us = self._clock.now_us()
        values: dict[str, Any] = {
            "version": state.version,
            "confidentiality": int(state.labels.confidentiality),
            "trust": int(state.labels.trust),
            "events": encode_events(state.events),
            "expires_us": now_us + self._ttl_us,
        }
        one = SESSIONS.c.key == state.key
        if expected:
            same = one & (SESSIONS.c.version == expected) & (SESSIONS.c.expires_us > now_us)
            return connection.execute(update(SESSIONS).where(same).values(values)).rowcount == 1
        connection.execute(delete(SESSIONS).where(one & (SESSIONS.c.expires_us <= now_us)))
        first = insert_or(connection, SESSIONS).values(key=state.key, **values)
        made = first.on_conflict_do_nothing().returning(SESSIONS.c.key)
        return connection.execute(made).first() is not None

    def _sweep(self, connection: Connection) -> None:
        """Remove some of what has expired, now and then."""
        now = self._clock.monotonic()
        if now - self._swept >= _SWEEP_EVERY_S:
            self._swept = now
            old = select(SESSIONS.c.key).where(SESSIONS.c.expires_us <= self._clock.now_us()).limit(_SWEEP_ROWS)
            connection.execute(delete(SESSIONS).where(SESSIONS.c.key.in_(old)))


class _Call:
    """One call on its way: what to do, and whom to wake."""

    __slots__ = ("future", "key", "loop", "work", "writes")

    def __init__(
        self,
        key: SessionKey,
        work: Callable[[Connection], object],
        writes: bool,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[object],
    ) -> None:
        self.key = key
        self.work = work
        self.writes = writes
        self.loop = loop
        self.future = future


def _attempt(call: _Call, connection: Connection) -> object:
    try:
        return call.work(connection)
    except (ValueError, TypeError) as error:  # a row that nobody here wrote: its session is refused, the others not
        return InternalError("this session cannot be read", code="session_damaged", detail=type(error).__name__)


def encode_events(events: Sequence[Event]) -> str:
    """Events as JSON text."""
    return json.dumps([[event.kind, event.subject, event.record] for event in events], separators=(",", ":"))


def decode_events(text: str) -> tuple[Event, ...]:
    """Events from JSON text."""
    return tuple(Event(kind, subject, record) for kind, subject, record in json.loads(text))


def _wake(calls: Sequence[_Call], results: Sequence[object]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[object], object]]] = {}
    for call, result in zip(calls, results, strict=True):
        by_loop.setdefault(call.loop, []).append((call.future, result))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: Sequence[tuple[asyncio.Future[object], object]]) -> None:
    for future, result in settled:
        if future.done():
            continue
        if isinstance(result, RingwallError):
            future.set_exception(result)
        else:
            future.set_result(result)


def _unavailable() -> InternalError:
    return InternalError("sessions cannot be used", code="sessions_unavailable")
