"""An issuer in memory: users, a clock, and a client that calls the application without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pyotp
from argon2 import PasswordHasher

from ringwall.controlplane.issuer.accounts import STEP_S, digest
from ringwall.controlplane.issuer.app import Issuer
from ringwall.controlplane.issuer.login import HttpAnswer
from ringwall.controlplane.issuer.protocol import CLI, Client, IssuerSettings
from ringwall.controlplane.issuer.signing import SigningKeys
from ringwall.model.errors import CallerError
from ringwall.model.identity import User

NOW = 1_800_000_000
AT = "http://127.0.0.1:8081/issuer"
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CONSOLE = Client("ringwall-console", frozenset({"https://ringwall.example/console/callback"}))


class FakeClock:
    def __init__(self) -> None:
        self.now_s = float(NOW)

    def now_us(self) -> int:
        return int(self.now_s * 1_000_000)

    def monotonic(self) -> float:
        return self.now_s


class MemoryUsers:
    """Port `Users` in memory."""

    def __init__(self, *users: User) -> None:
        self.by_name = {user.username: user for user in users}
        self.codes: dict[bytes, frozenset[str]] = {}

    def _change(self, subject: str, **change: Any) -> None:
        user = next(each for each in self.by_name.values() if each.subject == subject)
        self.by_name[user.username] = replace(user, **change)

    def _of(self, subject: str) -> User:
        return next(each for each in self.by_name.values() if each.subject == subject)

    def get(self, username: str) -> User | None:
        return self.by_name.get(username)

    def is_enrolment_open(self, code_sha256: bytes) -> bool:
        return code_sha256 in self.codes

    def enrol(
        self, code_sha256: bytes, *, username: str, password_hash: str, totp_secret: str, totp_step: int
    ) -> User | None:
        if username in self.by_name:
            raise CallerError("this username is taken", code="enrolment_refused", param="username")
        groups = self.codes.pop(code_sha256, None)
        if groups is None:
            return None
        user = User(f"usr_{len(self.by_name)}", username, password_hash, totp_secret, totp_step, groups)
        self.by_name[username] = user
        return user

    def take_totp_step(self, subject: str, step: int) -> bool:
        if step <= self._of(subject).totp_step:
            return False
        self._change(subject, totp_step=step)
        return True

    def failed(self, subject: str, *, lock_from: int, locked_until_us: int) -> None:
        failures = self._of(subject).failures + 1
        self._change(subject, failures=failures)
        if failures >= lock_from:
            self._change(subject, locked_until_us=locked_until_us)

    def succeeded(self, subject: str) -> None:
        self._change(subject, failures=0, locked_until_us=0)


def totp(now_s: float, secret: str = SECRET) -> str:
    return pyotp.TOTP(secret).at(int(now_s))


def alice() -> User:
    return User("usr_alice", "alice", FAST.hash(PASSWORD), SECRET, 0, frozenset({"admins"}))


class Scene:
    """An issuer with Alice enrolled, and the `Http` that talks to it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.users = MemoryUsers(alice())
        self.users.codes[digest("one-time-code")] = frozenset({"admins"})
        self.keys = SigningKeys(self.clock)
        self.settings = IssuerSettings(AT, "ringwall", (CLI, CONSOLE))
        self.issuer = Issuer(self.settings, users=self.users, keys=self.keys, clock=self.clock, hasher=FAST)

    def code(self) -> str:
        """Digits that were not used yet."""
        self.clock.now_s += STEP_S
        return totp(self.clock.now_s)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        return await self._call("GET", url, b"", headers or {})

    async def post_form(
        self, url: str, fields: Mapping[str, str] | list[tuple[str, str]], headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return await self._call("POST", url, urlencode(fields).encode(), {**kind, **(headers or {})})

    async def _call(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        parts = urlsplit(url)
        sent = [{"type": "http.request", "body": body, "more_body": False}]
        found: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return sent.pop(0) if sent else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            found.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": parts.path.removeprefix("/issuer"), "raw_path": parts.path.encode(), "root_path": "",
            "query_string": parts.query.encode(), "server": ("127.0.0.1", 8081), "client": ("127.0.0.1", 5),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        await self.issuer.app(scope, receive, send)  # type: ignore[arg-type]
        start = found[0]
        return HttpAnswer(
            start["status"],
            b"".join(each.get("body", b"") for each in found[1:]),
            {name.decode(): value.decode() for name, value in start["headers"]},
        )


def play(coroutine: Any) -> Any:
    return asyncio.run(coroutine)
