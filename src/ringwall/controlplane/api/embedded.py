"""How does one machine get people without an identity provider? The embedded issuer, over the installation's stores.

* Its signing keys stand sealed in `<data_dir>/issuer/keys.sealed`; a key is replaced when it is `ROTATE_DAYS` old, at a
  start. Its second factors are sealed with the keyring.
* Groups become roles: `administrators` administers, a group named like a workload uses that workload, `users` uses
  every workload. The two words keep their meaning even if a workload is called so.
* The names under which it signed stand in `<data_dir>/issuer/names`, newest last, so that a command beside the gateway
  knows whose tokens are out there.
* That a person used a code to enrol, and that one logged in, is durable in the ledger before it takes effect.
* While no administrator is enrolled, a start makes a one-time code for the first one. There is no default password.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ringwall.controlplane.api.callers import ADMINISTRATOR
from ringwall.controlplane.api.changes import PROCESS, TOKEN_S, Author, Changes
from ringwall.controlplane.api.views import is_enrolled
from ringwall.controlplane.issuer.signing import ALGORITHM, SigningKeys
from ringwall.model.errors import InternalError, RingwallError
from ringwall.model.identity import TrustedIssuer
from ringwall.model.interaction import Principal, PrincipalKind
from ringwall.model.ports import Clock
from ringwall.store.users import User, Users
from ringwall.vault.keys import Keyring

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

AUDIENCE = "ringwall"
"""For whom tokens of the embedded issuer are meant: both listeners of this installation."""
CLIENT = "ringwall-cli"
ADMINISTRATORS = "administrators"
EVERYBODY = "users"
USER_ROLE = "user"
FIRST_CODE_S = 3600
"""How long the first administrator's code works."""
ROTATE_DAYS = 90
MAX_NAMES = 8
RECORD_S = 10.0
"""Seconds for a record of a login to become durable."""
PATH = "/issuer"


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """What the first administrator needs, to be shown on the terminal and nowhere else.

    Attributes:
        url: The page.
        username: The name to log in with.
        code: To be typed in there, once.
        expires_us: When it dies.
    """

    url: str
    username: str
    code: str
    expires_us: int


class KeyringSeal:
    """The issuer's `Seal`, with the installation's keyring."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, secret: bytes, binding: bytes) -> bytes:
        """See `Seal`."""
        return self._keyring.seal("totp", secret, binding)

    def open(self, sealed: bytes, binding: bytes) -> bytes:
        """See `Seal`."""
        return self._keyring.unseal("totp", sealed, binding)


class RecordedUsers:
    """The issuer's `Users`: the stored ones, with a record before an enrolment and a login take effect."""

    def __init__(self, users: Users, note: Callable[[str, User], None]) -> None:
        """Take the store.

        Args:
            users: The stored users.
            note: Makes it durable that this is about to be done; called in a thread, raises when it cannot.
        """
        self._users = users
        self._note = note

    def check_password(self, username: str, password: str) -> tuple[str, User | None]:
        return self._users.check_password(username, password)

    def accept_totp_step(self, subject: str, step: int) -> str:
        return self._users.accept_totp_step(subject, step)

    def fail(self, subject: str) -> None:
        self._users.fail(subject)

    def succeed(self, subject: str) -> None:
        """Both factors were right: recorded, then the failures are forgotten."""
        user = self._users.by_subject(subject)
        if user is None or user.is_disabled:
            raise InternalError("this account was taken away", code="no_account")
        self._note("user.login", user)
        self._users.succeed(subject)

    def peek_code(self, code: str, purpose: str) -> User | None:
        return self._users.peek_code(code, purpose)

    def consume_code(self, code: str, purpose: str) -> User | None:
        """Recorded, then the code is used up."""
        user = self._users.peek_code(code, purpose)
        if user is None:
            return None
        self._note("user.enrol", user)
        return self._users.consume_code(code, purpose)

    def set_password(self, subject: str, password: str) -> None:
        self._users.set_password(subject, password)

    def set_totp(self, subject: str, sealed: bytes, *, step: int) -> None:
        self._users.set_totp(subject, sealed, step=step)


class EmbeddedIssuer:
    """The embedded issuer of one installation."""

    def __init__(
        self,
        folder: Path,
        *,
        keyring: Keyring,
        users: Users,
        changes: Changes,
        clock: Clock,
        admin_url: str,
        workloads: Iterable[str],
    ) -> None:
        """Take up its keys, or make them.

        Args:
            folder: `<data_dir>/issuer`; made if absent.
            keyring: Seals its keys and second factors.
            users: The people.
            changes: Records what they do.
            clock: Time.
            admin_url: Root of the administration listener.
            workloads: The workloads that `users` may use.

        Raises:
            InternalError: Its keys cannot be read or kept.
        """
        self.name = f"{admin_url}{PATH}"
        self.enrol_url = f"{self.name}/enrol"
        self._users = users
        self._changes = changes
        self._clock = clock
        self._seal = KeyringSeal(keyring)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._keys = _load_keys(folder / "keys.sealed", keyring, clock)
            _add_name(folder / "names", self.name)
        except OSError as error:
            raise InternalError("the issuer's keys cannot be kept", code="issuer_keys", detail=str(error)) from error
        self.trusted = TrustedIssuer(
            issuer=self.name,
            audiences=frozenset({AUDIENCE}),
            jwks=json.dumps(self._keys.jwks()),
            algorithms=frozenset({ALGORITHM}),
            clients=frozenset({CLIENT}),
            roles=group_roles(workloads),
            max_lifetime_s=TOKEN_S,
        )

    def routes(self) -> Sequence[BaseRoute]:
        """Its pages, and its description where RFC 8414 looks for it. Called in the event loop."""
        from starlette.requests import Request
        from starlette.responses import JSONResponse, Response
        from starlette.routing import Mount, Route

        from ringwall.controlplane.issuer import pages
        from ringwall.controlplane.issuer.app import Issuer
        from ringwall.controlplane.issuer.protocol import IssuerSettings, metadata

        loop = asyncio.get_running_loop()

        def note(action: str, user: User) -> None:
            by = Author(Principal(self.name, user.subject, PrincipalKind.PERSON, verified=True))
            _wait(self._changes.note(by, action, "user", user.username), loop)

        settings = IssuerSettings(self.name, AUDIENCE, token_s=TOKEN_S)
        users = RecordedUsers(self._users, note)
        issuer = Issuer(settings, users=users, keys=self._keys, seal=self._seal, clock=self._clock)

        async def refuse(_: Request, error: Exception) -> Response:
            known = error if isinstance(error, RingwallError) else InternalError("this does not work", code="unknown")
            return pages.message("Not now", known.public, known.status)

        issuer.app.add_exception_handler(RingwallError, refuse)

        async def describe(_: Request) -> Response:
            return JSONResponse(metadata(settings))

        return (Route(f"/.well-known/oauth-authorization-server{PATH}", describe), Mount(PATH, app=issuer.app))

    async def first_administrator(self) -> EnrolmentCode | None:
        """A code for the first administrator; None when one is enrolled.

        Raises:
            InternalError: It could not be recorded or stored.
        """
        everybody = await asyncio.to_thread(self._users.list_all)
        administrators = [each for each in everybody if ADMINISTRATORS in each.groups and not each.is_disabled]
        if any(is_enrolled(each) for each in administrators):
            return None
        taken = {each.username for each in everybody}
        open_one = min(administrators, key=lambda each: each.created_us, default=None)
        free = next(name for name in _first_names() if name not in taken)
        made = await self._changes.invite(
            Author(PROCESS),
            open_one.username if open_one is not None else free,
            groups=(ADMINISTRATORS, EVERYBODY),
            lifetime_s=FIRST_CODE_S,
            renew=open_one is not None,
        )
        return EnrolmentCode(self.enrol_url, made.user.username, made.code, made.expires_us)


def group_roles(workloads: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Which roles the groups of the embedded issuer's people stand for."""
    names = [str(name) for name in workloads]
    roles = {name: frozenset({f"{name}/{USER_ROLE}"}) for name in names}
    roles[EVERYBODY] = frozenset(f"{name}/{USER_ROLE}" for name in names)
    roles[ADMINISTRATORS] = frozenset({ADMINISTRATOR})
    return roles


def issuer_names(folder: Path) -> tuple[str, ...]:
    """The names under which the embedded issuer of this folder signed, newest last; none when it never did."""
    try:
        lines = (folder / "names").read_text("utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise InternalError("the issuer's names cannot be read", code="issuer_names", detail=str(error)) from error
    return tuple(line for line in lines if line and " " not in line)


def _add_name(path: Path, name: str) -> None:
    names = [each for each in issuer_names(path.parent) if each != name]
    _replace(path, "".join(f"{each}\n" for each in [*names, name][-MAX_NAMES:]).encode())


def _load_keys(path: Path, keyring: Keyring, clock: Clock) -> SigningKeys:
    """The signing keys: taken up, replaced when old, or made. Of two processes that make them at once, one wins."""
    purpose, context = "issuer-keys", b"issuer signing keys"
    if not path.exists():
        _replace(path, keyring.seal(purpose, SigningKeys(clock).export().encode(), context), unless_there=True)
    keys = SigningKeys(clock, keyring.unseal(purpose, path.read_bytes(), context).decode())
    age_s = clock.now_us() / 1_000_000 - path.stat().st_mtime
    if age_s > ROTATE_DAYS * 86_400:
        keys.rotate(TOKEN_S)
        _replace(path, keyring.seal(purpose, keys.export().encode(), context))
    return keys


def _replace(path: Path, content: bytes, *, unless_there: bool = False) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    staged = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if unless_there:
            with suppress(FileExistsError):
                os.link(staged, path)
        else:
            os.replace(staged, path)
    finally:
        staged.unlink(missing_ok=True)


def _first_names() -> Iterable[str]:
    yield "admin"
    number = 2
    while True:
        yield f"admin{number}"
        number += 1


def _wait(done: Awaitable[None], loop: asyncio.AbstractEventLoop) -> None:
    """Wait in a thread for something of the event loop."""

    async def run() -> None:
        await done

    try:
        asyncio.run_coroutine_threadsafe(run(), loop).result(RECORD_S)
    except TimeoutError as error:
        raise InternalError("a login could not be recorded in time", code="ledger_unavailable") from error
