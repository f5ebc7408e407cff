"""What makes up the administration listener? The API, the embedded issuer and the health routes, over the stores.

* The embedded issuer is for one machine: off loopback it is never offered, whatever is asked for.
* What only some requests need is imported when the first of them comes.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ringwall.controlplane.api.app import Api, Asgi, Front
from ringwall.controlplane.api.callers import Callers, is_loopback
from ringwall.controlplane.api.changes import Changes
from ringwall.controlplane.api.embedded import EmbeddedIssuer, EnrolmentCode, issuer_names
from ringwall.controlplane.api.office import Office
from ringwall.model.identity import TrustedIssuer
from ringwall.model.plan import Plan
from ringwall.model.ports import Clock, Directory, Ledger, Signer
from ringwall.store.api_keys import StoredApiKeys
from ringwall.store.containment import StoredContainment
from ringwall.store.findings import StoredFindings
from ringwall.store.ledger.writer import SegmentLedger
from ringwall.store.users import Users
from ringwall.vault.keys import Keyring
from ringwall.vault.opened import Vault

MakeDirectory = Callable[[tuple[TrustedIssuer, ...]], tuple[Directory, Callable[[], Awaitable[None]]]]
"""Makes what checks the tokens of these issuers, and says how to close it."""


class Stores(Protocol):
    """An opened installation, as far as administration needs it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def keyring(self) -> Keyring: ...
    @property
    def api_keys(self) -> StoredApiKeys: ...
    @property
    def containment(self) -> StoredContainment: ...
    @property
    def findings(self) -> StoredFindings: ...
    @property
    def users(self) -> Users: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def issuer_folder(self) -> Path: ...
    @property
    def ledger_folder(self) -> Path: ...
    @property
    def ledger_key(self) -> Signer: ...


@dataclass(frozen=True, slots=True)
class Administration:
    """The administration listener's application.

    Attributes:
        app: The ASGI application.
        url: Its root.
        process_token: A token for it, valid for this process on loopback.
        issuers: The embedded issuer, when it is offered, for the data listener to trust.
        enrolment_code: For the first administrator, while there is none; to be shown on the terminal only.
        aclose: Closes what it holds open.
    """

    app: Asgi
    url: str
    process_token: str
    issuers: tuple[TrustedIssuer, ...]
    enrolment_code: EnrolmentCode | None
    aclose: Callable[[], Awaitable[None]]


def make_changes(stores: Stores, ledger: Ledger, plan: Callable[[], str]) -> Changes:
    """What administration changes, each change recorded in this ledger.

    Args:
        stores: The installation.
        ledger: Where it is recorded.
        plan: Digest of the plan in force.
    """
    return Changes(
        ledger=ledger,
        api_keys=stores.api_keys,
        containment=stores.containment,
        users=stores.users,
        leases=stores.vault.leases,
        clock=stores.clock,
        plan=plan,
        issuers=lambda: issuer_names(stores.issuer_folder),
    )


async def open_administration(
    stores: Stores,
    ledger: SegmentLedger,
    plan: Callable[[], Plan],
    *,
    directory: MakeDirectory,
    url: str,
    serving: Callable[[], bool],
    embedded_issuer: bool,
    names: tuple[str, ...] = (),
) -> Administration:
    """Make it, with a code for the first administrator if there is none.

    Args:
        stores: The installation.
        ledger: This process's ledger, started.
        plan: The plan in force at any moment.
        directory: Makes what checks access tokens.
        url: Root of the listener.
        serving: False once the process is ending.
        embedded_issuer: Whether the embedded issuer is asked for.
        names: Host names of the listener, besides its addresses and `localhost`.

    Raises:
        InternalError: A store, the ledger or the issuer's keys cannot be used.
    """
    changes = make_changes(stores, ledger, lambda: plan().digest)
    embedded = _embedded(stores, changes, url, plan()) if embedded_issuer else None
    own = () if embedded is None else (embedded.trusted,)
    checks, aclose = directory((*plan().issuers, *own))
    token = secrets.token_urlsafe(32)
    enrol_url = "" if embedded is None else embedded.enrol_url
    office = Office(
        changes=changes,
        api_keys=stores.api_keys,
        containment=stores.containment,
        findings=stores.findings,
        users=stores.users,
        ledger=ledger,
        ledger_folder=stores.ledger_folder,
        signer=stores.ledger_key,
        plan=plan,
        serving=serving,
        enrol_url=enrol_url,
    )
    code = None if embedded is None else await embedded.first_administrator()
    callers = Callers(directory=checks, containment=stores.containment, process_token=token)
    front = Front(api=Api(office, callers), rest=lambda: _rest(office, embedded), names=names)
    return Administration(front, url, token, own, code, aclose)


def _embedded(stores: Stores, changes: Changes, url: str, plan: Plan) -> EmbeddedIssuer | None:
    """The embedded issuer, on loopback."""
    if not is_loopback(urlsplit(url).hostname or ""):
        return None
    return EmbeddedIssuer(
        stores.issuer_folder,
        keyring=stores.keyring,
        users=stores.users,
        changes=changes,
        clock=stores.clock,
        admin_url=url,
        workloads=plan.workloads,
    )


def _rest(office: Office, embedded: EmbeddedIssuer | None) -> Asgi:
    """The health routes, and the issuer's pages."""
    from starlette.applications import Starlette

    from ringwall.controlplane.api import health

    def problem() -> str:
        if not office.serving():
            return "ending"
        return f"ledger: {office.ledger.failure}" if office.ledger.failure else ""

    return Starlette(routes=[*health.routes(problem), *(() if embedded is None else embedded.routes())])
