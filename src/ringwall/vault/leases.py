"""Which credential may this principal use, until when? Leases: for one call, given back after it, dead in minutes.

* On record first: a lease stands in the store before its credential exists, and is marked as ended after that is gone.
  Whoever starts after a process that died ends what it left.
* The secret is 256 random bits behind a name; it stands in the store as SHA-256, and in no record, log or error.
* A lease is for one principal, one workload, one credential. The call context, which the gateway signs for each call,
  says for whom: see `context`.
* Databases are waited for in threads of their own: one that does not answer keeps nothing else waiting.
* Containment ends leases at once: those of the principal, of whoever acts for him, of the workload and of the session.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from ringwall.model.errors import InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal, SessionKey
from ringwall.model.plan import CredentialPlan
from ringwall.model.ports import Clock
from ringwall.model.scopes import scope
from ringwall.model.vault import LEASE, Lease, LeaseRow
from ringwall.model.verdict import Grant
from ringwall.vault.broker_process import SqliteLeases
from ringwall.vault.context import CallContext, sign
from ringwall.vault.postgres import PostgresLeases

_LOG = logging.getLogger("ringwall")
P = ParamSpec("P")
T = TypeVar("T")
THREADS = 8
"""Leases that are made or ended at a time."""
SECRET_BYTES = 32
MAX_LEASES = 1024
"""Leases that live at a time."""
SWEEP_S = 5.0
"""Seconds between two looks at what other processes left behind."""


class LeaseStore(Protocol):
    """Where leases are on record."""

    def add(self, row: LeaseRow) -> None:
        """Put a lease on record, durably."""
        ...

    def end(self, lease: str, *, by: str, now_us: int) -> bool:
        """Mark a lease as ended; False when it was before."""
        ...

    def living(self) -> Sequence[LeaseRow]:
        """Every lease that was not ended."""
        ...

    def get(self, lease: str) -> LeaseRow | None:
        """The lease of this id."""
        ...


class Kind(Protocol):
    """How leases of one kind of credential come and go. Blocking; called off the event loop."""

    def open(self, row: LeaseRow, secret: str) -> str:
        """Make the credential; its address."""
        ...

    def close(self, row: LeaseRow) -> None:
        """Take it away; nothing happens when it is gone."""
        ...

    def stop(self) -> None:
        """Let go of everything."""
        ...


class CredentialLeases:
    """The port `Leases`."""

    def __init__(self, store: LeaseStore, clock: Clock, key: bytes, reveal: Callable[[str], str]) -> None:
        """Nothing can be leased before `configure`.

        Args:
            store: Where leases are on record.
            clock: Time.
            key: With which call contexts are signed.
            reveal: Reads a secret from where the configuration names it.
        """
        self._store = store
        self._clock = clock
        self._key = key
        self._reveal = reveal
        self._credentials: Mapping[str, CredentialPlan] = {}
        self._kinds: Mapping[str, Kind] = {}
        self._live: dict[str, LeaseRow] = {}
        self._threads = ThreadPoolExecutor(THREADS, "leases")
        self._contained: frozenset[str] = frozenset()
        self._swept = float("-inf")

    def configure(self, credentials: Mapping[str, CredentialPlan]) -> None:
        """Take the credentials of a plan. When they changed, leases of files end with their broker. Blocks a moment."""
        if credentials == self._credentials and self._kinds:
            return
        before, self._credentials = self._kinds, dict(credentials)

        def of(kind: str) -> dict[str, CredentialPlan]:
            return {name: each for name, each in credentials.items() if each.kind == kind}

        self._kinds = {
            "sqlite": SqliteLeases(self._key, of("sqlite")),
            "postgres": PostgresLeases(of("postgres"), self._reveal),
        }
        for each in before.values():
            each.stop()

    async def take(self, grant: Grant, *, principal: Principal, workload: WorkloadId, session: SessionKey) -> Lease:
        """See port `Leases`.

        1. The credential is configured, and lent to this workload.
        2. The lease is on record.
        3. Its credential is made; when that fails, what there is of it is taken away.
        """
        planned = self._credentials.get(grant.subject) if grant.kind == LEASE else None  # 1
        if planned is None or workload not in planned.workloads:
            raise InternalError("this credential cannot be leased here", code="no_credential")
        if len(self._live) >= MAX_LEASES:
            raise InternalError("too many leases live at this moment", code="too_many_leases")
        row, secret = self._new(planned, principal, workload, session)
        kind = self._kinds[planned.kind]
        self._live[row.id] = row
        try:
            await self._apart(self._store.add, row)  # 2
            address = await self._apart(kind.open, row, secret)  # 3
        except InternalError:
            with suppress(InternalError):  # then the sweep does it
                await self._apart(self._end, row, "failed")
            raise
        except asyncio.CancelledError:
            self._live.pop(row.id, None)  # it may be made yet: it stands on record, and the sweep takes it away
            raise
        if row.id not in self._live:  # contained while it was made
            await self._apart(kind.close, row)
            raise InternalError("this lease was revoked", code="lease_revoked")
        context = CallContext(row.id, row.principal, row.workload, row.credential, row.expires_us)
        return Lease(row.id, secret, row.expires_us, address, sign(self._key, context))

    async def give_back(self, lease: str) -> None:
        """See port `Leases`."""
        row = self._live.get(lease) or await self._apart(self._store.get, lease)
        if row is not None and row.ended_us is None:
            await self._apart(self._end, row, "given_back")

    async def revoke(self, scopes: Sequence[str]) -> int:
        """See port `Leases`."""
        return await self._apart(self.end_concerned, scopes)

    def end_concerned(self, scopes: Sequence[str]) -> int:
        """End every lease that one of these scopes concerns; how many. Blocks.

        Raises:
            InternalError: Some could not be ended.
        """
        wanted = frozenset(scopes)
        rows = {each.id: each for each in (*self._store.living(), *self._live.values()) if wanted & set(each.scopes)}
        return self._end_all(rows.values(), "revoked") if rows else 0

    def tend(self, contained: frozenset[str]) -> None:
        """End what containment concerns and what has expired. Call it with each refresh, off the event loop.

        Args:
            contained: Every scope that is contained at this moment.

        Raises:
            InternalError: Some could not be ended. The next call tries again.
        """
        if contained - self._contained or any(contained & set(each.scopes) for each in tuple(self._live.values())):
            count = self.end_concerned(tuple(contained))
            if count:
                _LOG.info("leases=<%d> | ended because somebody was contained", count)
        self._contained = contained
        moment, now_us = self._clock.monotonic(), self._clock.now_us()
        if moment - self._swept >= SWEEP_S or any(each.expires_us <= now_us for each in tuple(self._live.values())):
            self.sweep()
            self._swept = moment

    def sweep(self) -> int:
        """End every lease that has expired, those of processes that died too; how many. Blocks.

        Raises:
            InternalError: Some could not be ended.
        """
        now_us = self._clock.now_us()
        rows = [each for each in self._store.living() if each.expires_us <= now_us]
        return self._end_all(rows, "expired") if rows else 0

    def stop(self) -> None:
        """End what this process leased, and the broker. What cannot be ended now is swept by whoever comes next."""
        try:
            self._end_all(tuple(self._live.values()), "given_back")
        except InternalError as error:
            _LOG.warning("code=<%s> | a lease could not be ended: %s", error.code, error.detail)
        for each in self._kinds.values():
            each.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _apart(self, work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """What blocks, in a thread of ours."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args, **more))

    def _new(
        self, planned: CredentialPlan, principal: Principal, workload: WorkloadId, session: SessionKey
    ) -> tuple[LeaseRow, str]:
        name = secrets.token_hex(16)
        secret = f"rwl_{name}_{secrets.token_urlsafe(SECRET_BYTES)}"
        now_us = self._clock.now_us()
        scopes = [scope("principal", principal.name), scope("workload", workload), scope("session", session)]
        scopes += [scope("agent", f"{actor.issuer} {actor.subject}") for actor in principal.chain]
        row = LeaseRow(
            id=name,
            credential=planned.name,
            kind=planned.kind,
            secret_sha256=hashlib.sha256(secret.encode()).digest(),
            principal=principal.name,
            workload=workload,
            session=session,
            scopes=tuple(scopes),
            created_us=now_us,
            expires_us=now_us + planned.minutes * 60_000_000,
        )
        return row, secret

    def _end(self, row: LeaseRow, by: str) -> bool:
        """End one; False when it was ended before, or is not ours to end.

        A file's lease is known to the broker of the process that took it, until its clock ends it everywhere. A role
        can be ended by every process whose configuration reaches its server.
        """
        own = row.id in self._live or by == "expired" if row.kind == "sqlite" else row.credential in self._credentials
        if not own:
            return False
        if row.credential in self._credentials:
            self._kinds[row.kind].close(row)
        self._live.pop(row.id, None)
        return self._store.end(row.id, by=by, now_us=self._clock.now_us())

    def _end_all(self, rows: Iterable[LeaseRow], by: str) -> int:
        ended, failed = 0, None
        for row in tuple(rows):
            try:
                ended += self._end(row, by)
            except InternalError as error:
                failed = error  # the others first
        if failed is not None:
            raise failed
        return ended
