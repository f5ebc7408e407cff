"""An issuer in memory: users, a clock, and a client that calls the application without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pyotp

from ringwall.controlplane.issuer.accounts import STEP_S
from ringwall.controlplane.issuer.app import Issuer
from ringwall.controlplane.issuer.login import HttpAnswer
from ringwall.controlplane.issuer.protocol import CLI, Client, IssuerSettings
from ringwall.controlplane.issuer.sealing import AesGcmSeal
from ringwall.controlplane.issuer.signing import SigningKeys

NOW = 1_800_000_000
AT = "http://127.0.0.1:8081/issuer"
SEAL = AesGcmSeal(bytes(range(32)))
LOCK_FROM, LOCK_S = 5, 900
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


@dataclass(frozen=True)
class MemoryUser:
    subject: str
    username: str
    groups: tuple[str, ...]
    totp_sealed: bytes | None = None
    password: str | None = None
    step: int = -1
    failures: int = 0
    locked_until_us: int = 0


class MemoryUsers:
    """`Users` in memory, with the rules of the stored ones."""

    def __init__(self, clock: FakeClock, *users: MemoryUser) -> None:
        self.clock = clock
        self.by_subject = {user.subject: user for user in users}
        self.codes: dict[tuple[str, str], str] = {}

    def named(self, username: str) -> MemoryUser | None:
        return next((user for user in self.by_subject.values() if user.username == username), None)

    def change(self, subject: str, **change: Any) -> None:
        self.by_subject[subject] = replace(self.by_subject[subject], **change)

    def check_password(self, username: str, password: str) -> tuple[str, MemoryUser | None]:
        user = self.named(username)
        if user is None:
            return "unknown", None
        if user.locked_until_us > self.clock.now_us():
            return "locked", None
        if user.password is None or user.password != password:
            self.fail(user.subject)
            return "wrong", None
        return "good", user

    def accept_totp_step(self, subject: str, step: int) -> str:
        if step <= self.by_subject[subject].step:
            return "replayed"
        self.change(subject, step=step)
        return "good"

    def fail(self, subject: str) -> None:
        failures = self.by_subject[subject].failures + 1
        self.change(subject, failures=failures)
        if failures >= LOCK_FROM:
            self.change(subject, locked_until_us=self.clock.now_us() + LOCK_S * 1_000_000)

    def succeed(self, subject: str) -> None:
        self.change(subject, failures=0, locked_until_us=0)

    def peek_code(self, code: str, purpose: str) -> MemoryUser | None:
        subject = self.codes.get((code, purpose))
        return None if subject is None else self.by_subject[subject]

    def consume_code(self, code: str, purpose: str) -> MemoryUser | None:
        subject = self.codes.pop((code, purpose), None)
        return None if subject is None else self.by_subject[subject]

    def set_password(self, subject: str, password: str) -> None:
        self.change(subject, password=password)

    def set_totp(self, subject: str, sealed: bytes, *, step: int) -> None:
        self.change(subject, totp_sealed=sealed, step=step)


def people(clock: FakeClock) -> MemoryUsers:
    """Alice, enrolled, and Bob, who has a one-time code."""
    sealed = SEAL.seal(SECRET.encode(), b"totp:usr_alice")
    users = MemoryUsers(
        clock,
        MemoryUser("usr_alice", "alice", ("admins",), sealed, PASSWORD),
        MemoryUser("usr_bob", "bob", ("staff",)),
    )
    users.codes["one-time-code", "enrol"] = "usr_bob"
    users.codes["reset-code", "reset"] = "usr_alice"
    return users


def totp(now_s: float, secret: str = SECRET) -> str:
    return pyotp.TOTP(secret).at(int(now_s))


class Scene:
    """An issuer with Alice enrolled, and the `Http` that talks to it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.users = people(self.clock)
        self.keys = SigningKeys(self.clock)
        self.settings = IssuerSettings(AT, "ringwall", (CLI, CONSOLE))
        self.issuer = Issuer(self.settings, users=self.users, keys=self.keys, seal=SEAL, clock=self.clock)

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
