"""Which API keys are there? Made, listed, revoked; found without a query on the hot path.

* A key is `rw_<id>_<secret>`. The secret is 256 random bits, shown once and stored as its SHA-256: nobody guesses 256
  bits, so a slow hash would add nothing but latency. (A password is another matter: see `users`.)
* `find` reads a copy in memory, as old as the last `refresh`; a copy that is too old answers nobody, so that a revoked
  key cannot live on when the database is lost.
* A key is for named workloads, never for all.
* A key may have an AWS access key besides: an id like `RWKA...` and a secret of 240 random bits, with which stock AWS
  clients sign. Whoever verifies a signature needs the secret itself, so it is stored sealed under the installation's
  root key, bound to this key; it dies with the key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Row, func, insert, select, update

from ringwall.model.errors import CallerError, InternalError
from ringwall.model.framework import WORKLOAD_ID
from ringwall.model.identity import ROLE, ApiKeyRow
from ringwall.model.interaction import PrincipalKind
from ringwall.model.ports import Clock, Sealer
from ringwall.model.record import inert
from ringwall.store.database import Database, Snapshot, bump
from ringwall.store.tables import API_KEYS

SECRET_BYTES = 32
ACCESS_KEY_PREFIX = "RWKA"
"""What access key ids begin with; none of AWS's own do."""
ACCESS_KEY_BYTES, SECRET_ACCESS_KEY_BYTES = 10, 30
"""Random bytes of an id (16 characters of base32) and of a secret (40 of base64), as long as AWS's own."""
_PURPOSE = "aws-secret"
MAX_NAME_CHARS = 256
MAX_AGE_S = 60.0
"""How old the copy may be before `find` refuses: HOUSE 5, `revocation_grace`."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What an administrator sees of a key; the secret is gone.

    Attributes:
        row: What checking a credential needs.
        name: What people call it.
        created_us: When it was made.
        created_by: Who made it.
        revoked_us: When it was revoked, or None.
        revoked_by: Who revoked it, or None.
    """

    row: ApiKeyRow
    name: str
    created_us: int
    created_by: str
    revoked_us: int | None
    revoked_by: str | None


class StoredApiKeys:
    """Port `ApiKeys`, and what administration does to keys."""

    def __init__(
        self, database: Database, clock: Clock, *, sealer: Sealer | None = None, max_age_s: float = MAX_AGE_S
    ) -> None:
        """The copy is empty, and refuses, before the first `refresh`. Without a sealer no key has an access key."""
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._max_age_s = max_age_s
        self._rows: dict[str, ApiKeyRow] = {}
        self._access_keys: dict[str, ApiKeyRow] = {}
        self._process: dict[str, ApiKeyRow] = {}
        self._seen = float("-inf")
        self._snapshot = Snapshot(database, "api_keys", self._load)

    def find(self, key_id: str) -> ApiKeyRow | None:
        """See port `ApiKeys`."""
        return self._process.get(key_id) or self._copy(self._rows).get(key_id)

    def find_access_key(self, access_key_id: str) -> ApiKeyRow | None:
        """See port `ApiKeys`."""
        own = (row for row in self._process.values() if row.access_key_id and row.access_key_id == access_key_id)
        return next(own, None) or self._copy(self._access_keys).get(access_key_id)

    def secret_access_key(self, row: ApiKeyRow) -> str:
        """See port `ApiKeys`."""
        return self._sealing().unseal(_PURPOSE, row.sealed_secret, _context(row)).decode("ascii")

    def _copy(self, rows: dict[str, ApiKeyRow]) -> dict[str, ApiKeyRow]:
        if self._clock.monotonic() - self._seen > self._max_age_s:
            raise InternalError("API keys cannot be checked", code="keys_unavailable", detail="the copy is too old")
        return rows

    def _sealing(self) -> Sealer:
        if self._sealer is None:
            raise InternalError("access keys cannot be kept here", code="keys_unavailable", detail="no sealer")
        return self._sealer

    def refresh(self) -> None:
        """Renew the copy if a key changed. Call it at least twice a second, off the event loop.

        Raises:
            InternalError: The database cannot be read. The old copy stays, and ages.
        """
        asked = self._clock.monotonic()
        self._snapshot.refresh()
        self._seen = asked

    def create(
        self,
        name: str,
        *,
        subject: str,
        workloads: Iterable[str],
        created_by: str,
        kind: PrincipalKind = PrincipalKind.SERVICE,
        roles: Iterable[str] = (),
        lifetime_s: int | None = None,
        aws: bool = False,
    ) -> tuple[str, ApiKey]:
        """Make a key; the text of it is in the answer and nowhere else.

        Args:
            name: What people call it.
            subject: Whose key it is.
            workloads: For which it may be used; at least one.
            created_by: Who makes it.
            kind: What sort of principal holds it.
            roles: Qualified roles of the holder.
            lifetime_s: How long it works; None for until it is revoked.
            aws: Whether it has an AWS access key too; `secret_access_key` tells its secret.

        Raises:
            CallerError: A name, workload or role that cannot be.
        """
        row, text = _make(subject, kind, roles, workloads, self._expiry(lifetime_s))
        row = self._with_access_key(row) if aws else row
        _check_name(name, "name")
        now_us = self._clock.now_us()
        with self._database.write() as connection:
            connection.execute(
                insert(API_KEYS).values(
                    id=row.id,
                    secret_sha256=row.secret_sha256,
                    name=name,
                    subject=subject,
                    kind=kind.value,
                    roles=json.dumps(sorted(row.roles)),
                    workloads=json.dumps(sorted(row.workloads)),
                    created_us=now_us,
                    created_by=inert(created_by),
                    expires_us=row.expires_us,
                    access_key_id=row.access_key_id or None,
                    sealed_secret=row.sealed_secret or None,
                )
            )
            bump(connection, "api_keys")
        self.refresh()
        return text, ApiKey(row, name, now_us, inert(created_by), None, None)

    def create_process_token(self, *, subject: str, workloads: Iterable[str], roles: Iterable[str] = ()) -> str:
        """A token that is valid for this process alone, on loopback alone; it is never stored.

        It has an AWS access key where there is a sealer; `access_key_of` tells it.
        """
        row, text = _make(subject, PrincipalKind.PERSON, roles, workloads, None, process=True)
        row = row if self._sealer is None else self._with_access_key(row)
        self._process = {**self._process, row.id: row}
        return text

    def access_key_of(self, text: str) -> tuple[str, str]:
        """The AWS access key of whoever holds this key: id and secret, or two empty strings where it has none.

        Raises:
            InternalError: The keys cannot be read, or the secret cannot be unsealed.
        """
        _, _, rest = text.partition("_")
        identifier, _, secret = rest.partition("_")
        row = self.find(identifier)
        digest = hashlib.sha256(secret.encode()).digest()
        if row is None or not row.access_key_id or not secrets.compare_digest(digest, row.secret_sha256):
            return "", ""
        return row.access_key_id, self.secret_access_key(row)

    def revoke(self, key_id: str, *, by: str) -> bool:
        """Take a key back for good; False when there is no such key or it was revoked before."""
        statement = update(API_KEYS).where(API_KEYS.c.id == key_id, API_KEYS.c.revoked_us.is_(None))
        with self._database.write() as connection:
            done = connection.execute(statement.values(revoked_us=self._clock.now_us(), revoked_by=inert(by))).rowcount
            if done:
                bump(connection, "api_keys")
        self.refresh()
        return bool(done)

    def list_all(self) -> tuple[ApiKey, ...]:
        """Every key that was ever made, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_us, API_KEYS.c.id)).all()
        return tuple(
            ApiKey(_row(each), each.name, each.created_us, each.created_by, each.revoked_us, each.revoked_by)
            for each in rows
        )

    def count(self) -> int:
        """How many keys there are that were not revoked."""
        query = select(func.count()).select_from(API_KEYS).where(API_KEYS.c.revoked_us.is_(None))
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def _load(self, connection: Connection) -> None:
        self._rows = {each.id: _row(each) for each in connection.execute(select(API_KEYS))}
        self._access_keys = {row.access_key_id: row for row in self._rows.values() if row.access_key_id}

    def _with_access_key(self, row: ApiKeyRow) -> ApiKeyRow:
        """The key with an AWS access key, made now."""
        identifier = ACCESS_KEY_PREFIX + base64.b32encode(secrets.token_bytes(ACCESS_KEY_BYTES)).decode("ascii")
        secret = base64.b64encode(secrets.token_bytes(SECRET_ACCESS_KEY_BYTES))
        row = replace(row, access_key_id=identifier)
        return replace(row, sealed_secret=self._sealing().seal(_PURPOSE, secret, _context(row)))

    def _expiry(self, lifetime_s: int | None) -> int | None:
        if lifetime_s is None:
            return None
        if lifetime_s <= 0:
            raise CallerError("a key lives longer than that", code="bad_lifetime", param="lifetime_s")
        return self._clock.now_us() + lifetime_s * 1_000_000


def _make(
    subject: str,
    kind: PrincipalKind,
    roles: Iterable[str],
    workloads: Iterable[str],
    expires_us: int | None,
    *,
    process: bool = False,
) -> tuple[ApiKeyRow, str]:
    held, used = frozenset(roles), frozenset(workloads)
    _check_name(subject, "subject")
    if not used or not all(WORKLOAD_ID.fullmatch(each) for each in used):
        raise CallerError("a key is for one or more workloads, by their ids", code="bad_workload", param="workloads")
    if not all(ROLE.fullmatch(each) for each in held):
        raise CallerError('a role is spelled "name" or "workload/name"', code="bad_role", param="roles")
    identifier, secret = secrets.token_hex(6), secrets.token_urlsafe(SECRET_BYTES)
    digest = hashlib.sha256(secret.encode("ascii")).digest()
    return ApiKeyRow(
        identifier, digest, subject, kind, held, used, expires_us, process=process
    ), f"rw_{identifier}_{secret}"


def _row(found: Row[tuple[object, ...]]) -> ApiKeyRow:
    return ApiKeyRow(
        id=found.id,
        secret_sha256=bytes(found.secret_sha256),
        subject=found.subject,
        kind=PrincipalKind(found.kind),
        roles=frozenset(json.loads(found.roles)),
        workloads=frozenset(json.loads(found.workloads)),
        expires_us=found.expires_us,
        revoked=found.revoked_us is not None,
        access_key_id=found.access_key_id or "",
        sealed_secret=bytes(found.sealed_secret or b""),
    )


def _context(row: ApiKeyRow) -> bytes:
    """What a secret is sealed for: this key and this access key id."""
    return f"{row.id} {row.access_key_id}".encode()


def _check_name(name: str, field: str) -> None:
    if not name.strip() or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise CallerError(f"a {field} has 1 to {MAX_NAME_CHARS} printable characters", code="bad_name", param=field)
