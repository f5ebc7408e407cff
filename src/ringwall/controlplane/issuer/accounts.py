"""Is this the person? Password and second factor, both or nothing.

* Passwords are hashed with Argon2id (RFC 9106) in a thread, few at a time: each takes 64 MiB on purpose.
* Every attempt costs the same, whoever is named and whatever is wrong, and gets the same answer. Attempts on a locked
  account are not looked at, and do not prolong the lock.
* A code of the second factor (RFC 6238) is taken once: its time step must be later than the last one taken.
* Length is what makes a password (NIST SP 800-63B): 12 characters at least, any characters, no rules of composition.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ringwall.model.errors import CallerError
from ringwall.model.identity import User
from ringwall.model.ports import Clock, Users

STEP_S = 30
DRIFT_STEPS = 1
"""Steps by which a clock may differ, either way."""
LOCK_FROM = 5
"""Failures after which an account is locked."""
LOCK_S = 900
MIN_PASSWORD_CHARS = 12
MAX_PASSWORD_CHARS = 256
AT_ONCE = 2
"""Password hashes that are computed at the same time."""

USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,62}")
_CODE = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Login:
    """A person who proved who they are.

    Attributes:
        user: Who.
        at_s: When, whole seconds since 1970-01-01 UTC.
        session: A fresh, unguessable session id (`sid`).
    """

    user: User
    at_s: int
    session: str


class Accounts:
    """Enrols people and checks them."""

    def __init__(self, users: Users, clock: Clock, hasher: PasswordHasher | None = None) -> None:
        self._users = users
        self._clock = clock
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
        self._at_once = asyncio.Semaphore(AT_ONCE)
        # What unknown names are checked against, so that they take as long as known ones.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))

    async def log_in(self, username: str, password: str, code: str) -> Login | None:
        """The login, or None; never why not.

        1. Find the user; hash the password in any case.
        2. A locked or disabled account is refused without a count.
        3. Both factors must be right.
        4. The code must not have been used; only then are failures forgotten.
        """
        user = await asyncio.to_thread(self._users.get, username) if USERNAME.fullmatch(username) else None  # 1
        password = password if len(password) <= MAX_PASSWORD_CHARS else ""
        is_password = await self._verify(self._nobody if user is None else user.password_hash, password)
        now_us = self._clock.now_us()
        if user is None or user.disabled or now_us < user.locked_until_us:  # 2
            return None
        step = matching_step(user.totp_secret, code, now_us // 1_000_000)  # 3
        if not (
            is_password and step is not None and await asyncio.to_thread(self._users.take_totp_step, user.subject, step)
        ):  # 4
            await asyncio.to_thread(
                self._users.failed,
                user.subject,
                lock_from=LOCK_FROM,
                locked_until_us=now_us + LOCK_S * 1_000_000,
            )
            return None
        await asyncio.to_thread(self._users.succeeded, user.subject)
        return Login(user, now_us // 1_000_000, secrets.token_urlsafe(24))

    async def _verify(self, stored: str, password: str) -> bool:
        async with self._at_once:
            try:
                return await asyncio.to_thread(self._hasher.verify, stored, password)
            except (VerificationError, InvalidHashError):
                return False

    async def is_enrolment_open(self, code: str) -> bool:
        """True when this one-time code may still be used."""
        return await asyncio.to_thread(self._users.is_enrolment_open, digest(code))

    async def enrol(self, code: str, username: str, password: str, totp_secret: str, totp_code: str) -> User:
        """Use up a one-time code: from now on this person logs in with this password and second factor.

        Raises:
            CallerError: What was given cannot be taken; says what to change. The code stays open.
        """
        if not USERNAME.fullmatch(username):
            raise _refused("a username has 2 to 63 small letters, digits, dots, hyphens or underscores", "username")
        if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS or username in password.lower():
            raise _refused(
                f"a password has at least {MIN_PASSWORD_CHARS} characters and does not hold the username", "password"
            )
        step = matching_step(totp_secret, totp_code, self._clock.now_us() // 1_000_000)
        if step is None:
            raise _refused("the six digits do not match; check the clock of your device and try the next ones", "totp")
        async with self._at_once:
            password_hash = await asyncio.to_thread(self._hasher.hash, password)
        user = await asyncio.to_thread(
            self._users.enrol,
            digest(code),
            username=username,
            password_hash=password_hash,
            totp_secret=totp_secret,
            totp_step=step,
        )
        if user is None:
            raise _refused("this enrolment code is not valid any more; ask for a new one", "code")
        return user


def digest(code: str) -> bytes:
    """SHA-256 of a one-time code: what is stored of it."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()


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
