"""An administration over real stores in a folder, called without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ringwall.compose import read_plan
from ringwall.controlplane.api.administration import Administration, make_changes, open_administration
from ringwall.controlplane.api.changes import Changes
from ringwall.model.facts import Identity
from ringwall.model.identity import TrustedIssuer
from ringwall.model.interaction import ANONYMOUS, Actor, Principal, PrincipalKind
from ringwall.model.plan import Plan
from ringwall.model.ports import Directory
from ringwall.store.api_keys import StoredApiKeys
from ringwall.store.column_keys import StoredColumnKeys
from ringwall.store.containment import StoredContainment
from ringwall.store.database import open_database
from ringwall.store.findings import StoredFindings
from ringwall.store.leases import StoredLeases
from ringwall.store.ledger.writer import SegmentLedger
from ringwall.store.users import Users
from ringwall.vault.keys import Keyring, load_ledger_key
from ringwall.vault.opened import Vault
from ringwall.vault.root import RootKey, default_path, from_file
from tests.fakes import FixedClock

URL = "http://127.0.0.1:8081"
ISSUER = "https://id.example"
ADA = Principal(
    ISSUER, "ada", PrincipalKind.PERSON, frozenset({"administrator"}), verified=True, methods=frozenset({"mfa"})
)
TOKENS: dict[str, tuple[Principal, Identity]] = {}


def token(name: str, principal: Principal, **kw: Any) -> str:
    """A credential that the directory below takes for this principal."""
    said = {"verified": True, "methods": principal.methods, "credential": "access_token", "key": f"jti-{name}", **kw}
    TOKENS[name] = (principal, Identity(**said))
    return name


ADMIN = token("admin", ADA)
NO_MFA = token("no-mfa", replace(ADA, methods=frozenset({"pwd"})))
NO_ADMIN = token("no-admin", replace(ADA, roles=frozenset({"rehearsal/user", "rehearsal/administrator"})))
SERVICE = token("service", replace(ADA, kind=PrincipalKind.SERVICE))
AGENT = token("agent", replace(ADA, chain=(Actor(ISSUER, "helper"),)))
API_KEY = token("api-key", ADA, credential="api_key")
DATA_TOKEN = token("data-process", ADA, credential="process_token")
FORGED = token("forged", replace(ADA, verified=False), verified=False, problem="bad_signature")
UNAVAILABLE = token("unavailable", ANONYMOUS, verified=False, problem="keys_unavailable")


class FakeDirectory:
    async def identify(self, credential: str | None) -> tuple[Principal, Identity]:
        return TOKENS.get(credential or "", (ANONYMOUS, Identity(verified=False, problem="malformed")))


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Place:
    """The stores of an installation."""

    folder: Path
    clock: FixedClock = field(default_factory=FixedClock)
    serves: bool = True

    def __post_init__(self) -> None:
        self.runner = asyncio.Runner()
        root: RootKey = from_file(
            default_path(self.folder.parent / f"{self.folder.name}-cfg", self.folder), self.folder
        )
        self.keyring = Keyring(root)
        self.ledger_folder = self.folder / "ledger"
        self.issuer_folder = self.folder / "issuer"
        self.ledger_key = load_ledger_key(self.ledger_folder, self.keyring)
        self.database = open_database(self.folder / "ringwall.db")
        self.api_keys = StoredApiKeys(self.database, self.clock, sealer=self.keyring)
        self.containment = StoredContainment(self.database, self.clock)
        self.findings = StoredFindings(self.database, self.clock)
        self.users = Users(self.database, self.clock)
        stores = (StoredColumnKeys(self.database, self.clock), StoredLeases(self.database))
        self.vault = Vault(self.keyring, self.folder.parent / "shares", stores, self.clock, str)
        self.containment.refresh()
        self.api_keys.refresh()
        self.ledger = SegmentLedger(self.ledger_folder, self.ledger_key, self.clock)
        self.ledger.start()
        self.plan: Plan = replace(read_plan(None)[0], version=3)

    def changes(self) -> Changes:
        return make_changes(self, self.ledger, lambda: self.plan.digest)

    async def administration(self, **kw: Any) -> Administration:
        def directory(issuers: tuple[TrustedIssuer, ...]) -> tuple[Directory, Callable[[], Coroutine[Any, Any, None]]]:
            return FakeDirectory(), _nothing

        terms = {"url": URL, "serving": lambda: self.serves, "embedded_issuer": True, **kw}
        return await open_administration(self, self.ledger, lambda: self.plan, directory=directory, **terms)

    def close(self) -> None:
        self.ledger.close()
        self.vault.close()
        self.database.close()
        self.runner.close()


async def _nothing() -> None:
    return None


class Desk:
    """An administration, and calls of it."""

    def __init__(self, place: Place, **kw: Any) -> None:
        self.place = place
        self.administration = place.runner.run(place.administration(**kw))

    def call(
        self,
        path: str,
        *,
        method: str = "GET",
        token: str | None = ADMIN,
        body: bytes | Mapping[str, Any] | None = None,
        headers: list[tuple[str, str]] | None = None,
        host: str | None = "127.0.0.1:8081",
        peer: str = "127.0.0.1",
        query: str = "",
        prefix: str = "/api/v1",
    ) -> Reply:
        sent = [] if host is None else [(b"host", host.encode("latin-1"))]
        sent += [] if token is None else [(b"authorization", f"Bearer {token}".encode("latin-1"))]
        if body is not None:
            method = "POST" if method == "GET" else method
            sent += [] if any(name == "content-type" for name, _ in headers or []) else [
                (b"content-type", b"application/json")
            ]  # fmt: skip
        sent += [(name.encode(), value.encode("latin-1")) for name, value in headers or []]
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(dict(body)).encode()
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": prefix + path, "raw_path": (prefix + path).encode(), "root_path": "", "headers": sent,
            "query_string": query.encode(), "client": (peer, 5), "server": ("127.0.0.1", 8081),
        }  # fmt: skip
        return self.place.runner.run(send(self.administration.app, scope, data))


async def send(app: Any, scope: dict[str, Any], body: bytes) -> Reply:
    pieces = [body[at : at + 50_000] for at in range(0, len(body), 50_000)] or [b""]
    inbox = [{"type": "http.request", "body": each, "more_body": True} for each in pieces]
    inbox[-1]["more_body"] = False
    found: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return inbox.pop(0) if inbox else {"type": "http.disconnect"}

    async def take(message: dict[str, Any]) -> None:
        found.append(message)

    await app(scope, receive, take)
    headers = {name.decode(): value.decode("latin-1") for name, value in found[0]["headers"]}
    return Reply(found[0]["status"], headers, b"".join(each.get("body", b"") for each in found[1:]))
