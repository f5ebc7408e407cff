"""Is this the person? Password and second factor, both or nothing.

* The store keeps password hashes (Argon2id), counts failures and locks accounts; every attempt costs the same there,
  whoever is named. Hashes are computed in a thread, few at a time: each takes tens of megabytes on purpose.
* A code of the second factor (RFC 6238) is taken once: its time step must be later than the last one taken.
* The shared secret of a second factor is sealed before it reaches the store, bound to its subject.
* Enrolling takes a one-time code; a person chooses the password and proves the second factor in the same step. What
  breaks off halfway leaves an account that nobody can use, never one with a single factor.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyotp
import segno

from ringwall.controlplane.issuer.sealing import Seal
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.ports import Clock

STEP_S = 30
DRIFT_STEPS = 1
"""Steps by which a clock may differ, either way."""
MIN_PASSWORD_CHARS = 12
MAX_PASSWORD_CHARS = 256
AT_ONCE = 2
"""Password hashes that are computed at the same time."""
ENROL = "enrol"
"""What an enrolment code is for."""
GOOD = "good"
"""How the store calls an attempt that was right."""

_CODE = re.compile(r"[0-9]{6}")


class Person(Protocol):
    """A user, as far as the issuer cares."""

    @property
    def subject(self) -> str:
        """The stable name in tokens; never the username, which may change hands."""
        ...

    @property
    def username(self) -> str:
        """What the person types."""
        ...

    @property
    def groups(self) -> Sequence[str]:
        """Group names, which the organisation maps to roles."""
        ...

    @property
    def totp_sealed(self) -> bytes | None:
        """The sealed secret of the second factor, or None before it was enrolled."""
        ...


class Users(Protocol):
    """The people known to the issuer. Every method may block; the issuer calls them in a thread."""

    def check_password(self, username: str, password: str) -> tuple[str, Person | None]:
        """`good` and the person; anything else and None. Counts failures and honours locks."""
        ...

    def accept_totp_step(self, subject: str, step: int) -> str:
        """`good` if this step is later than any taken before; it is taken now, atomically."""
        ...

    def fail(self, subject: str) -> None:
        """Count a failure of the second factor."""
        ...

    def succeed(self, subject: str) -> None:
        """Forget the failures."""
        ...

    def peek_code(self, code: str, purpose: str) -> Person | None:
        """Whose open one-time code this is."""
        ...

    def consume_code(self, code: str, purpose: str) -> Person | None:
        """As `peek_code`, and the code is used up, atomically."""
        ...

    def set_password(self, subject: str, password: str) -> None:
        """Replace the password. Raises CallerError for one that cannot be."""
        ...

    def set_totp(self, subject: str, sealed: bytes, *, step: int) -> None:
        """Replace the second factor; the code of this step was used to prove it."""
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """A person who proved who they are.

    Attributes:
        person: Who.
        at_s: When, whole seconds since 1970-01-01 UTC.
        session: A fresh, unguessable session id (`sid`).
    """

    person: Person
    at_s: int
    session: str


class Accounts:
    """Enrols people and checks them."""

    def __init__(self, users: Users, clock: Clock, seal: Seal) -> None:
        self._users = users
        self._clock = clock
        self._seal = seal
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def log_in(self, username: str, password: str, code: str) -> Login | None:
        """The login, or None; never why not.

        1. The password; the store hashes in any case, and counts.
        2. The second factor; without one nobody logs in.
        3. Its code must not have been used; only then are failures forgotten.
        """
        async with self._at_once:  # 1
            attempt, person = await asyncio.to_thread(self._users.check_password, username, password)
        if attempt != GOOD or person is None:
            return None
        now_s = self._clock.now_us() // 1_000_000
        secret = self._open(person)  # 2
        step = None if secret is None else matching_step(secret, code, now_s)
        if step is None or await asyncio.to_thread(self._users.accept_totp_step, person.subject, step) != GOOD:  # 3
            await asyncio.to_thread(self._users.fail, person.subject)
            return None
        await asyncio.to_thread(self._users.succeed, person.subject)
        return Login(person, now_s, secrets.token_urlsafe(24))

    def _open(self, person: Person) -> str | None:
        if person.totp_sealed is None:
            return None
        try:
            return self._seal.open(person.totp_sealed, _bound(person)).decode("ascii")
        except InternalError:
            return None  # sealed under another key, or somebody else's: not this person's factor

    async def enrolling(self, code: str) -> Person | None:
        """Whose open enrolment code this is."""
        return await asyncio.to_thread(self._users.peek_code, code, ENROL)

    async def enrol(self, code: str, password: str, totp_secret: str, totp_code: str) -> None:
        """Use up a one-time code: from now on its person logs in with this password and second factor.

        1. Everything that the person can mend is checked first; then the code stays open.
        2. The code is used up, and what it allows is stored.

        Raises:
            CallerError: What was given cannot be taken; says what to change.
        """
        person = await self.enrolling(code)  # 1
        if person is None:
            raise _refused("this enrolment code is not valid any more; ask for a new one", "code")
        if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS or person.username in password.lower():
            raise _refused(
                f"a password has at least {MIN_PASSWORD_CHARS} characters and does not hold the username", "password"
            )
        step = matching_step(totp_secret, totp_code, self._clock.now_us() // 1_000_000)
        if step is None:
            raise _refused("the six digits do not match; check the clock of your device and try the next ones", "totp")
        sealed = self._seal.seal(totp_secret.encode("ascii"), _bound(person))
        if await asyncio.to_thread(self._users.consume_code, code, ENROL) is None:  # 2
            raise _refused("this enrolment code is not valid any more; ask for a new one", "code")
        async with self._at_once:
            await asyncio.to_thread(self._users.set_password, person.subject, password)
        await asyncio.to_thread(self._users.set_totp, person.subject, sealed, step=step)


def _bound(person: Person) -> bytes:
    """What a sealed second factor is bound to: it opens for no other subject."""
    return b"totp:" + person.subject.encode()


def new_totp_secret() -> str:
    """A fresh shared secret, 160 random bits, base32."""
    return pyotp.random_base32(32)


def matching_step(secret: str, code: str, now_s: int) -> int | None:
    """The time step whose code this is, within the drift allowed; None for none. Compares in constant time."""
    if not _CODE.fullmatch(code):
        return None
    totp = pyotp.TOTP(secret, interval=STEP_S)
    current = now_s // STEP_S
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step), code):
            found = step
    return found


def totp_picture(secret: str, username: str, issuer_name: str) -> str:
    """The secret as a QR code: an inline SVG without scripts, styles or links."""
    uri = pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=username, issuer_name=issuer_name)
    return str(segno.make(uri, error="m").svg_inline(scale=4, dark="#000", light="#fff", omitsize=False))


def _refused(public: str, param: str) -> CallerError:
    return CallerError(public, code="enrolment_refused", param=param)
