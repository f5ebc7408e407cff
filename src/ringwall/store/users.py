"""Who are the people of the embedded issuer? Their passwords, second factors, groups and one-time codes.

* A password is stored as Argon2id. Whether a user is unknown, disabled, locked or gave a wrong password, the same work
  is done; `Attempt` tells the issuer, who tells the caller nothing.
* After `FREE_FAILURES` failures in a row an account is locked, twice as long with each further one, up to an hour. A
  wrong TOTP code counts as a failure too. A lock is never told apart from a wrong password.
* A TOTP step is taken once: a code that was seen over a shoulder is worth nothing (RFC 6238, section 5.2).
* An enrolment code is 128 random bits, stored as SHA-256, for one purpose, used once, and dies by itself.
* The TOTP secret arrives sealed and leaves sealed: the key is the issuer's affair.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from ringwall.model.errors import CallerError
from ringwall.model.ports import Clock
from ringwall.store.database import Database
from ringwall.store.tables import ENROLMENT_CODES, USERS

USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
MIN_PASSWORD_CHARS = 12
MAX_PASSWORD_CHARS = 1024
FREE_FAILURES = 5
FIRST_LOCK_S = 30
LONGEST_LOCK_S = 3600
CODE_BYTES = 16
_NEVER_STEP = -1


class Attempt(StrEnum):
    """How an attempt to prove oneself ended. For records and operators; a caller learns only whether it was `GOOD`."""

    GOOD = "good"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    LOCKED = "locked"
    DISABLED = "disabled"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class User:
    """A person whom the embedded issuer knows.

    Attributes:
        subject: The stable, meaningless name that stands in tokens.
        username: What the person types.
        groups: Names that the organisation maps to roles.
        created_us: Since when.
        has_password: Whether a password was set.
        totp_sealed: The sealed TOTP secret; None before a second factor was enrolled.
        is_disabled: True when nobody may log in as this user.
    """

    subject: str
    username: str
    groups: tuple[str, ...]
    created_us: int
    has_password: bool
    totp_sealed: bytes | None
    is_disabled: bool


class Users:
    """The users' table. Every call is one transaction and blocks; a password check takes tens of milliseconds."""

    def __init__(self, database: Database, clock: Clock, hasher: PasswordHasher | None = None) -> None:
        """Take a hasher of other cost only in tests."""
        self._database = database
        self._clock = clock
        self._hasher = hasher or PasswordHasher()  # argon2-cffi's default: RFC 9106, second recommended option
        self._decoy = _decoy(self._hasher)

    def create(self, username: str, *, groups: Iterable[str] = (), password: str | None = None) -> User:
        """Make a user; without a password only an enrolment code lets this person in.

        Raises:
            CallerError: A name or password that cannot be, or a username that is taken.
        """
        wanted = tuple(sorted(set(groups)))
        if not USERNAME.fullmatch(username):
            raise CallerError("a username is 1 to 64 of a-z 0-9 . _ @ -", code="bad_username", param="username")
        if not all(GROUP.fullmatch(each) for each in wanted):
            raise CallerError("a group is 1 to 128 letters, digits or . _ : / -", code="bad_group", param="groups")
        hashed = None if password is None else self._hash(password)
        user = User("usr_" + secrets.token_hex(12), username, wanted, self._clock.now_us(), bool(hashed), None, False)
        with self._database.write() as connection:
            if connection.execute(select(USERS.c.subject).where(USERS.c.username == username)).first() is not None:
                raise CallerError("this username is taken", code="username_taken", status=409, param="username")
            connection.execute(
                insert(USERS).values(
                    subject=user.subject,
                    username=username,
                    password_hash=hashed,
                    totp_step=_NEVER_STEP,
                    groups=json.dumps(wanted),
                    created_us=user.created_us,
                    failures=0,
                    locked_until_us=0,
                )
            )
        return user

    def get(self, username: str) -> User | None:
        """The user of this name, or None."""
        return self._one(USERS.c.username == username) if USERNAME.fullmatch(username) else None

    def by_subject(self, subject: str) -> User | None:
        """The user of this subject, or None."""
        return self._one(USERS.c.subject == subject)

    def list_all(self) -> tuple[User, ...]:
        """All users, by name."""
        with self._database.read() as connection:
            return tuple(_user(row) for row in connection.execute(select(USERS).order_by(USERS.c.username)))

    def check_password(self, username: str, password: str) -> tuple[Attempt, User | None]:
        """Whether this password is the user's; counts a failure, forgets nothing.

        1. Take the row and do the same work whatever it says.
        2. A lock or a disabled account beats a right password.
        3. Count a failure. A success ends the count only in `succeed`, after the second factor.
        """
        known = username if USERNAME.fullmatch(username) else ""  # 1
        with self._database.read() as connection:
            row = connection.execute(select(USERS).where(USERS.c.username == known)).first()
        matches = self._verify(row, password)
        if row is None:
            return Attempt.UNKNOWN, None
        if row.disabled_us is not None:  # 2
            return Attempt.DISABLED, None
        if row.locked_until_us > self._clock.now_us():
            return Attempt.LOCKED, None
        if not matches:  # 3
            self.fail(row.subject)
            return Attempt.WRONG, None
        return Attempt.GOOD, _user(row)

    def accept_totp_step(self, subject: str, step: int) -> Attempt:
        """Take a TOTP time step whose code was right: once, and none that is older than one taken before."""
        one = (USERS.c.subject == subject) & (USERS.c.totp_step < step) & USERS.c.disabled_us.is_(None)
        with self._database.write() as connection:
            fresh = connection.execute(update(USERS).where(one).values(totp_step=step)).rowcount == 1
        return Attempt.GOOD if fresh else Attempt.REPLAYED

    def is_locked(self, subject: str) -> bool:
        """True while failures keep this account shut."""
        with self._database.read() as connection:
            until = connection.execute(select(USERS.c.locked_until_us).where(USERS.c.subject == subject)).scalar()
        return until is not None and until > self._clock.now_us()

    def fail(self, subject: str) -> None:
        """Count a failure, of password or second factor."""
        with self._database.write() as connection:
            counted = update(USERS).where(USERS.c.subject == subject).values(failures=USERS.c.failures + 1)
            connection.execute(counted)
            failures = connection.execute(select(USERS.c.failures).where(USERS.c.subject == subject)).scalar()
            if failures is not None and failures >= FREE_FAILURES:
                lock_s = min(FIRST_LOCK_S << min(failures - FREE_FAILURES, 16), LONGEST_LOCK_S)
                until = self._clock.now_us() + lock_s * 1_000_000
                connection.execute(update(USERS).where(USERS.c.subject == subject).values(locked_until_us=until))

    def succeed(self, subject: str) -> None:
        """Forget the failures: every factor was right."""
        self._set(subject, failures=0, locked_until_us=0)

    def set_password(self, subject: str, password: str) -> None:
        """Replace the password.

        Raises:
            CallerError: Too short or too long, or no such user.
        """
        self._set(subject, password_hash=self._hash(password))

    def set_totp(self, subject: str, sealed: bytes, *, step: int) -> None:
        """Enrol a second factor, proven by the code of this step, which may not be used again."""
        self._set(subject, totp_sealed=sealed, totp_step=step)

    def clear_totp(self, subject: str) -> None:
        """Take the second factor away, for a person who lost it; the next login enrols another by a code."""
        self._set(subject, totp_sealed=None, totp_step=_NEVER_STEP)

    def set_groups(self, subject: str, groups: Iterable[str]) -> None:
        """Replace the groups."""
        wanted = sorted(set(groups))
        if not all(GROUP.fullmatch(each) for each in wanted):
            raise CallerError("a group is 1 to 128 letters, digits or . _ : / -", code="bad_group", param="groups")
        self._set(subject, groups=json.dumps(wanted))

    def disable(self, subject: str) -> None:
        """Nobody may log in as this user any more."""
        self._set(subject, disabled_us=self._clock.now_us())

    def enable(self, subject: str) -> None:
        """Undo `disable`."""
        self._set(subject, disabled_us=None)

    def new_code(self, subject: str, purpose: str, *, lifetime_s: int) -> str:
        """A one-time code, shown once. Earlier codes of this user for this purpose die.

        Args:
            subject: For whom.
            purpose: What it is good for: `enrol`, `reset`.
            lifetime_s: How long it works.
        """
        code = secrets.token_urlsafe(CODE_BYTES)
        now_us = self._clock.now_us()
        earlier = (ENROLMENT_CODES.c.subject == subject) & (ENROLMENT_CODES.c.purpose == purpose)
        with self._database.write() as connection:
            _require(connection, subject)
            unused = earlier & ENROLMENT_CODES.c.used_us.is_(None)
            connection.execute(update(ENROLMENT_CODES).where(unused).values(used_us=now_us))
            connection.execute(
                insert(ENROLMENT_CODES).values(
                    code_sha256=_code_digest(code),
                    subject=subject,
                    purpose=purpose,
                    created_us=now_us,
                    expires_us=now_us + lifetime_s * 1_000_000,
                )
            )
        return code

    def peek_code(self, code: str, purpose: str) -> User | None:
        """Whose unused code this is, without using it; None when it is nobody's."""
        with self._database.read() as connection:
            subject = connection.execute(select(ENROLMENT_CODES.c.subject).where(self._usable(code, purpose))).scalar()
        user = None if subject is None else self.by_subject(subject)
        return None if user is None or user.is_disabled else user

    def consume_code(self, code: str, purpose: str) -> User | None:
        """Use a code: of two who present it at once, one gets the user and the other None."""
        statement = update(ENROLMENT_CODES).where(self._usable(code, purpose)).values(used_us=self._clock.now_us())
        with self._database.write() as connection:
            subject = connection.execute(statement.returning(ENROLMENT_CODES.c.subject)).scalar()
        user = None if subject is None else self.by_subject(subject)
        return None if user is None or user.is_disabled else user

    def _usable(self, code: str, purpose: str) -> ColumnElement[bool]:
        table = ENROLMENT_CODES.c
        right = (table.code_sha256 == _code_digest(code)) & (table.purpose == purpose)
        return right & table.used_us.is_(None) & (table.expires_us > self._clock.now_us())

    def _one(self, which: ColumnElement[bool]) -> User | None:
        with self._database.read() as connection:
            row = connection.execute(select(USERS).where(which)).first()
        return None if row is None else _user(row)

    def _set(self, subject: str, **values: object) -> None:
        with self._database.write() as connection:
            if connection.execute(update(USERS).where(USERS.c.subject == subject).values(**values)).rowcount != 1:
                raise CallerError("there is no such user", code="unknown_user", status=404, param="subject")

    def _hash(self, password: str) -> str:
        if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
            words = f"a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters"
            raise CallerError(words, code="bad_password", param="password")
        return self._hasher.hash(_password_bytes(password))

    def _verify(self, row: Row[tuple[object, ...]] | None, password: str) -> bool:
        stored = None if row is None else row.password_hash
        try:
            self._hasher.verify(stored or self._decoy, _password_bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None and len(password) <= MAX_PASSWORD_CHARS


def _decoy(hasher: PasswordHasher) -> str:
    """A hash that no password has, of the cost of a real one; nothing is computed to make it."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode("ascii")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"


def _user(row: Row[tuple[object, ...]]) -> User:
    return User(
        subject=row.subject,
        username=row.username,
        groups=tuple(json.loads(row.groups)),
        created_us=row.created_us,
        has_password=row.password_hash is not None,
        totp_sealed=None if row.totp_sealed is None else bytes(row.totp_sealed),
        is_disabled=row.disabled_us is not None,
    )


def _require(connection: Connection, subject: str) -> None:
    if connection.execute(select(USERS.c.subject).where(USERS.c.subject == subject)).first() is None:
        raise CallerError("there is no such user", code="unknown_user", status=404, param="subject")


def _password_bytes(password: str) -> bytes:
    # The same password typed on two keyboards: NIST SP 800-63B, section 5.1.1.2, asks for NFKC.
    return unicodedata.normalize("NFKC", password[:MAX_PASSWORD_CHARS]).encode("utf-8", "surrogatepass")


def _code_digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
