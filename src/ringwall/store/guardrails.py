"""Which guardrails are there, in which versions, and which of them are enforced? Each belongs to one workload.

* `DRAFT` may be replaced; a numbered version never changes, and its number never comes again.
* The same token with the same words is the same request: it makes nothing twice. With other words it is a conflict.
* Requests ask a copy in memory, renewed when something changed; a workload sees its own rows and no others (law 10).
* A guardrail, or a version, that is enforced cannot be deleted.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from ringwall.model.errors import CallerError, InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.guardrail import DRAFT
from ringwall.model.ports import Clock
from ringwall.model.record import inert
from ringwall.store.database import Database, Snapshot, bump
from ringwall.store.tables import ENFORCED_GUARDRAILS, GUARDRAILS

MAX_GUARDRAILS = 100
"""Guardrails of one workload."""
MAX_VERSIONS = 20
"""Numbered versions of one guardrail that are there at a time."""
MAX_ENFORCED = 10
"""Enforced configurations of one workload."""
_ID_CHARS = string.ascii_lowercase + string.digits
_NAME = "guardrails"


@dataclass(frozen=True, slots=True)
class GuardrailRow:
    """One version of a guardrail.

    Attributes:
        id: Its id.
        version: `DRAFT` or a number.
        workload: Whose it is.
        definition: What it says, as canonical JSON.
        digest: SHA-256 of that, hexadecimal.
        description: Of this version.
        tags: As they were given.
        created_us: When this guardrail, or this version, was made.
        updated_us: When it was last changed.
    """

    id: str
    version: str
    workload: WorkloadId
    definition: str
    digest: str
    description: str | None
    tags: str
    created_us: int
    updated_us: int


@dataclass(frozen=True, slots=True)
class Enforced:
    """A guardrail that is enforced.

    Attributes:
        id: The configuration's id.
        workload: Whose requests.
        guardrail: Which guardrail.
        version: In which version.
        settings: What else was said, as JSON: the models.
        created_us: Since when.
        created_by: By whom.
        updated_us: When it was last changed.
        updated_by: By whom.
    """

    id: str
    workload: WorkloadId
    guardrail: str
    version: str
    settings: str
    created_us: int
    created_by: str
    updated_us: int
    updated_by: str


class StoredGuardrails:
    """Guardrails and enforced configurations, in the database and as a copy in memory."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """The copy is empty, and refuses, before the first `refresh`."""
        self._database = database
        self._clock = clock
        self._rows: Mapping[tuple[str, str, str], GuardrailRow] = {}
        self._enforced: Mapping[str, tuple[Enforced, ...]] = {}
        self._snapshot = Snapshot(database, _NAME, self._load)

    def refresh(self) -> None:
        """Renew the copy if something changed. Call it at least twice a second, off the event loop.

        Raises:
            InternalError: The database cannot be read. The old copy stays.
        """
        self._snapshot.refresh()

    def find(self, workload: WorkloadId, id: str, version: str) -> GuardrailRow | None:
        """A version of a guardrail of this workload, or None.

        Raises:
            InternalError: Nothing was ever read.
        """
        self._check_loaded()
        return self._rows.get((workload, id, version))

    def enforced(self, workload: WorkloadId) -> tuple[Enforced, ...]:
        """What is enforced for this workload.

        Raises:
            InternalError: Nothing was ever read.
        """
        self._check_loaded()
        return self._enforced.get(workload, ())

    def versions(self, workload: WorkloadId, id: str | None = None) -> tuple[GuardrailRow, ...]:
        """The drafts of a workload's guardrails, or all versions of one of them; oldest first."""
        self._check_loaded()
        own = [row for (owner, _, _), row in self._rows.items() if owner == workload]
        wanted = [row for row in own if (row.version == DRAFT if id is None else row.id == id)]
        return tuple(
            sorted(
                wanted, key=lambda row: (row.created_us, row.id, row.version != DRAFT, len(row.version), row.version)
            )
        )

    def create(
        self, workload: WorkloadId, definition: str, *, description: str | None, tags: str, by: str, token: str | None
    ) -> GuardrailRow:
        """Make a guardrail.

        Raises:
            CallerError: Too many, or the token was used for another.
        """
        token, said = _token("create", token), _digest(f"{definition}\0{tags}")
        with self._database.write() as connection:
            again = self._again(connection, workload, token, said)
            if again is not None:
                return again
            query = select(func.count()).select_from(GUARDRAILS)
            drafts = query.where(GUARDRAILS.c.workload == workload, GUARDRAILS.c.version == DRAFT)
            if connection.execute(drafts).scalar_one() >= MAX_GUARDRAILS:
                raise _too_many(f"a workload has at most {MAX_GUARDRAILS} guardrails")
            now_us = self._clock.now_us()
            id = "".join(secrets.choice(_ID_CHARS) for _ in range(12))
            row = GuardrailRow(id, DRAFT, workload, definition, _digest(definition), description, tags, now_us, now_us)
            self._insert(connection, row, by, token, said)
        self.refresh()
        return row

    def update(self, workload: WorkloadId, id: str, definition: str, *, description: str | None) -> GuardrailRow:
        """Replace the draft.

        Raises:
            CallerError: There is no such guardrail.
        """
        with self._database.write() as connection:
            self._draft(connection, workload, id)
            one = (GUARDRAILS.c.id == id) & (GUARDRAILS.c.version == DRAFT)
            values = {"definition": definition, "digest": _digest(definition), "description": description}
            now_us = self._clock.now_us()
            connection.execute(update(GUARDRAILS).where(one).values(**values, updated_us=now_us))
            bump(connection, _NAME)
            row = _row(self._draft(connection, workload, id))
        self.refresh()
        return row

    def add_version(
        self, workload: WorkloadId, id: str, *, description: str | None, by: str, token: str | None
    ) -> GuardrailRow:
        """Make the next version of the draft as it stands.

        Raises:
            CallerError: There is no such guardrail, it has too many versions, or the token was used for another.
        """
        token, said = _token(f"version:{id}", token), _digest(description or "")
        with self._database.write() as connection:
            draft = self._draft(connection, workload, id)
            again = self._again(connection, workload, token, said)
            if again is not None:
                return again
            count = select(func.count()).select_from(GUARDRAILS).where(GUARDRAILS.c.id == id)
            if connection.execute(count).scalar_one() > MAX_VERSIONS:
                raise _too_many(f"a guardrail has at most {MAX_VERSIONS} versions")
            number = draft.last_version + 1
            now_us = self._clock.now_us()
            row = GuardrailRow(
                id, str(number), workload, draft.definition, draft.digest, description, "[]", now_us, now_us
            )
            self._insert(connection, row, by, token, said)
            one = (GUARDRAILS.c.id == id) & (GUARDRAILS.c.version == DRAFT)
            connection.execute(update(GUARDRAILS).where(one).values(last_version=number))
        self.refresh()
        return row

    def delete(self, workload: WorkloadId, id: str, version: str | None) -> None:
        """Delete a numbered version, or (None) a guardrail with all its versions.

        Raises:
            CallerError: There is none, or it is enforced.
        """
        with self._database.write() as connection:
            self._draft(connection, workload, id)
            used = select(ENFORCED_GUARDRAILS.c.id).where(ENFORCED_GUARDRAILS.c.guardrail == id)
            one = GUARDRAILS.c.id == id
            if version is not None:
                used, one = (
                    used.where(ENFORCED_GUARDRAILS.c.version == version),
                    one & (GUARDRAILS.c.version == version),
                )
            if connection.execute(used).first() is not None:
                problem = "this guardrail is enforced; delete the enforced configuration first"
                raise CallerError(problem, code="guardrail_in_use", param="guardrailIdentifier")
            if not connection.execute(delete(GUARDRAILS).where(one)).rowcount:
                raise _missing("version")
            bump(connection, _NAME)
        self.refresh()

    def enforce(
        self, workload: WorkloadId, guardrail: str, version: str, settings: str, *, by: str, id: str | None
    ) -> Enforced:
        """Enforce a version for every request of a workload; with an id, change that configuration.

        Raises:
            CallerError: There is no such version or configuration, or there are too many.
        """
        now_us, by = self._clock.now_us(), inert(by)
        table = ENFORCED_GUARDRAILS
        with self._database.write() as connection:
            one = (GUARDRAILS.c.id == guardrail) & (GUARDRAILS.c.version == version)
            there = select(GUARDRAILS.c.id).where(one, GUARDRAILS.c.workload == workload)
            if connection.execute(there).first() is None:
                raise _missing("guardrail")
            own = connection.execute(select(table).where(table.c.workload == workload)).all()
            old = next((each for each in own if each.id == id), None)
            if id is not None and old is None:
                raise _missing("configuration")
            if id is None and len(own) >= MAX_ENFORCED:
                raise _too_many(f"a workload has at most {MAX_ENFORCED} enforced configurations")
            id = id or "".join(secrets.choice(_ID_CHARS) for _ in range(12))
            created_us, created_by = (now_us, by) if old is None else (old.created_us, old.created_by)
            made = Enforced(id, workload, guardrail, version, settings, created_us, created_by, now_us, by)
            connection.execute(delete(table).where(table.c.id == id))
            connection.execute(insert(table).values(asdict(made)))
            bump(connection, _NAME)
        self.refresh()
        return made

    def lift(self, workload: WorkloadId, id: str) -> None:
        """Enforce a configuration no longer.

        Raises:
            CallerError: There is none.
        """
        table = ENFORCED_GUARDRAILS
        with self._database.write() as connection:
            one = (table.c.id == id) & (table.c.workload == workload)
            if not connection.execute(delete(table).where(one)).rowcount:
                raise _missing("configuration")
            bump(connection, _NAME)
        self.refresh()

    def _draft(self, connection: Connection, workload: WorkloadId, id: str) -> Row[tuple[object, ...]]:
        one = (GUARDRAILS.c.id == id) & (GUARDRAILS.c.version == DRAFT) & (GUARDRAILS.c.workload == workload)
        found = connection.execute(select(GUARDRAILS).where(one)).first()
        if found is None:
            raise _missing("guardrail")
        return found

    def _again(self, connection: Connection, workload: WorkloadId, token: str | None, said: str) -> GuardrailRow | None:
        """What this token made before, or None."""
        if token is None:
            return None
        one = (GUARDRAILS.c.workload == workload) & (GUARDRAILS.c.token == token)
        found = connection.execute(select(GUARDRAILS).where(one)).first()
        if found is not None and found.token_digest != said:
            problem = "this clientRequestToken was used for another request"
            raise CallerError(problem, code="conflict", param="clientRequestToken")
        return None if found is None else _row(found)

    def _insert(self, connection: Connection, row: GuardrailRow, by: str, token: str | None, said: str) -> None:
        more = {"last_version": 0, "created_by": inert(by), "token": token, "token_digest": said}
        connection.execute(insert(GUARDRAILS).values(**asdict(row), **more))
        bump(connection, _NAME)

    def _load(self, connection: Connection) -> None:
        rows = [_row(each) for each in connection.execute(select(GUARDRAILS))]
        enforced: dict[str, tuple[Enforced, ...]] = {}
        table = ENFORCED_GUARDRAILS
        for each in connection.execute(select(table).order_by(table.c.created_us, table.c.id)):
            made = _enforcement(each)
            enforced[made.workload] = (*enforced.get(made.workload, ()), made)
        self._rows = {(row.workload, row.id, row.version): row for row in rows}
        self._enforced = enforced

    def _check_loaded(self) -> None:
        if not self._snapshot.loaded:
            raise InternalError("guardrails cannot be read", code="guardrails_unavailable")


def canonical(document: object) -> str:
    """A definition in the one way in which it is stored and digested."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def page(rows: Sequence[GuardrailRow], after: str, limit: int) -> tuple[Sequence[GuardrailRow], str]:
    """So many rows behind a token, and the token of those that follow; empty where none do.

    Raises:
        CallerError: The token is none of ours.
    """
    start = 0
    if after:
        start = next((n + 1 for n, row in enumerate(rows) if f"{row.id}-{row.version}" == after), 0)
        if not start:
            raise CallerError("the token names no page", code="invalid_guardrail", param="nextToken")
    found = rows[start : start + limit]
    more = start + limit < len(rows)
    return found, f"{found[-1].id}-{found[-1].version}" if more else ""


def _row(found: Row[tuple[object, ...]]) -> GuardrailRow:
    return GuardrailRow(**{field.name: getattr(found, field.name) for field in fields(GuardrailRow)})


def _enforcement(found: Row[tuple[object, ...]]) -> Enforced:
    return Enforced(*(getattr(found, field.name) for field in fields(Enforced)))


def _token(operation: str, token: str | None) -> str | None:
    return None if token is None else f"{operation}:{token}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _missing(what: str) -> CallerError:
    code = f"no_{what}"
    return CallerError(f"there is no such {what} here", code=code, status=404, param=f"{what}Identifier")


def _too_many(problem: str) -> CallerError:
    return CallerError(problem, code="quota_exceeded")
