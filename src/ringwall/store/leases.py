"""Which leases were taken, for whom, and which of them live? The record from which every one of them is ended.

* A lease is on record before its credential exists, so that none is ever left behind by a process that died.
* It is marked as ended after its credential is gone, never before. Nothing is deleted.
* Secrets stand here as SHA-256: 256 random bits need no slow hash.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Row, insert, select, update

from ringwall.model.vault import LeaseRow
from ringwall.store.database import Database
from ringwall.store.tables import LEASES

MAX_LISTED = 1000
"""Leases that a listing holds at most, newest first."""


class StoredLeases:
    """The record of leases that the vault asks for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: LeaseRow) -> None:
        """Put a lease on record, durably."""
        with self._database.write() as connection:
            connection.execute(
                insert(LEASES).values(
                    id=row.id,
                    credential=row.credential,
                    kind=row.kind,
                    secret_sha256=row.secret_sha256,
                    principal=row.principal,
                    workload=row.workload,
                    session=row.session,
                    scopes=json.dumps(row.scopes),
                    created_us=row.created_us,
                    expires_us=row.expires_us,
                )
            )

    def end(self, lease: str, *, by: str, now_us: int) -> bool:
        """Mark a lease as ended; False when it was before."""
        one = update(LEASES).where(LEASES.c.id == lease, LEASES.c.ended_us.is_(None))
        with self._database.write() as connection:
            return bool(connection.execute(one.values(ended_us=now_us, ended_by=by)).rowcount)

    def living(self) -> Sequence[LeaseRow]:
        """Every lease that was not ended, expired ones too."""
        with self._database.read() as connection:
            return [_lease(each) for each in connection.execute(select(LEASES).where(LEASES.c.ended_us.is_(None)))]

    def get(self, lease: str) -> LeaseRow | None:
        """The lease of this id."""
        with self._database.read() as connection:
            found = connection.execute(select(LEASES).where(LEASES.c.id == lease)).first()
        return None if found is None else _lease(found)

    def list_all(self) -> Sequence[LeaseRow]:
        """Leases, newest first, at most `MAX_LISTED`."""
        query = select(LEASES).order_by(LEASES.c.created_us.desc(), LEASES.c.id).limit(MAX_LISTED)
        with self._database.read() as connection:
            return [_lease(each) for each in connection.execute(query)]


def _lease(row: Row[tuple[object, ...]]) -> LeaseRow:
    return LeaseRow(
        id=row.id,
        credential=row.credential,
        kind=row.kind,
        secret_sha256=bytes(row.secret_sha256),
        principal=row.principal,
        workload=row.workload,
        session=row.session,
        scopes=tuple(json.loads(row.scopes)),
        created_us=row.created_us,
        expires_us=row.expires_us,
        ended_us=row.ended_us,
        ended_by=row.ended_by,
    )
