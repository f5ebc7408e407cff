"""Which doors does a process open? The gateway on the data listener, and what administers on the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringwall.compose.guardrails import StoredGuards
from ringwall.compose.installation import Installation
from ringwall.compose.running import close_running
from ringwall.dataplane.gateway.app import Gateway
from ringwall.dataplane.gateway.auth import CredentialDirectory
from ringwall.dataplane.gateway.fetch import HttpOutbound
from ringwall.dataplane.gateway.keysets import CachedKeySets
from ringwall.dataplane.gateway.seals import Seals
from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.dataplane.gateway.signatures import Signatures
from ringwall.dataplane.gateway.source import ForwardedHeader, Sources
from ringwall.engine.exchange import Exchange
from ringwall.engine.running import Running
from ringwall.model.guardrail import GuardrailCall, GuardrailOffice
from ringwall.model.identity import TrustedIssuer
from ringwall.model.ports import Directory
from ringwall.store.ledger.receipt import encode_receipt
from ringwall.store.ledger.writer import SegmentLedger

if TYPE_CHECKING:  # what administers is imported where it is made: commands that need none of it start faster
    from ringwall.controlplane.api.administration import Administration as Administration


async def make_administration(
    installation: Installation,
    ledger: SegmentLedger,
    running: Callable[[], Running],
    *,
    admin_url: str,
    serving: Callable[[], bool],
    embedded_issuer: bool,
) -> Administration:
    """The administration listener over an installation.

    Args:
        installation: Its stores.
        ledger: This process's ledger, started.
        running: The snapshot at any moment.
        admin_url: Root of the administration port.
        serving: False once the process is ending.
        embedded_issuer: Whether the embedded OIDC issuer is offered; off loopback it never is.
    """
    from ringwall.controlplane.api.administration import open_administration

    def directory(issuers: tuple[TrustedIssuer, ...]) -> tuple[Directory, Callable[[], Awaitable[None]]]:
        clock = installation.clock
        keysets = CachedKeySets(issuers, outbound=HttpOutbound(), clock=clock)
        found = CredentialDirectory(issuers, api_keys=installation.api_keys, keysets=keysets, clock=clock)
        return found, keysets.aclose

    return await open_administration(
        installation,
        ledger,
        lambda: running().plan,
        directory=directory,
        url=admin_url,
        serving=serving,
        embedded_issuer=embedded_issuer,
    )


@dataclass(frozen=True, slots=True)
class Door:
    """The data listener's application, and what must be closed with it."""

    gateway: Gateway
    keysets: CachedKeySets
    exchange: Exchange

    async def aclose(self, running: Running | None) -> None:
        """Close what it holds open."""
        await self.keysets.aclose()
        if running is not None:
            await close_running(running)


def make_door(
    installation: Installation,
    ledger: SegmentLedger,
    running: Callable[[], Running],
    *,
    issuers: tuple[TrustedIssuer, ...],
    proxies: tuple[str, ...] = (),
    forwarded_header: str = ForwardedHeader.X_FORWARDED_FOR,
) -> Door:
    """The gateway over an installation.

    Args:
        installation: Its stores.
        ledger: This process's ledger, started.
        running: The snapshot at any moment.
        issuers: Whose tokens are taken.
        proxies: Networks of named proxies.
        forwarded_header: What they write.
    """
    exchange = make_exchange(installation, ledger)
    directory, keysets = make_directory(installation, issuers)
    guards = StoredGuards(installation.guardrails, deadline_s=lambda: running().plan.limits.checkpoint_s)
    gateway = Gateway(
        exchange=exchange,
        running=running,
        directory=directory,
        signatures=Signatures(installation.api_keys, installation.clock),
        sources=Sources(proxies, ForwardedHeader(forwarded_header)),
        handles=SessionHandles(installation.keyring.derive("session-handle")),
        seals=Seals(installation.keyring.derive("reasoning-seal")),
        clock=installation.clock,
        encode_receipt=encode_receipt,
        guards=guards,
        office=_Office(installation, ledger, running, guards),
    )
    return Door(gateway, keysets, exchange)


class _Office:
    """Who administers guardrails; imported when the first of them is asked for."""

    def __init__(
        self, installation: Installation, ledger: SegmentLedger, running: Callable[[], Running], guards: StoredGuards
    ) -> None:
        self._installation = installation
        self._ledger = ledger
        self._running = running
        self._guards = guards
        self._made: GuardrailOffice | None = None

    async def answer(self, call: GuardrailCall) -> Mapping[str, object]:
        if self._made is None:
            from ringwall.controlplane.api.administration import make_changes
            from ringwall.controlplane.api.guardrails import Guardrails

            changes = make_changes(self._installation, self._ledger, lambda: self._running().plan.digest)
            self._made = Guardrails(stored=self._installation.guardrails, changes=changes, check=self._guards.check)
        return await self._made.answer(call)


def make_exchange(installation: Installation, ledger: SegmentLedger) -> Exchange:
    """The road over an installation."""
    return Exchange(
        ledger=ledger,
        sessions=installation.sessions,
        containment=installation.containment,
        reservations=installation.reservations,
        digests=installation.digests,
        payloads=installation.payloads,
        keys=installation.vault.keys,
        leases=installation.vault.leases,
        volumes=installation.volumes,
        clock=installation.clock,
    )


def make_directory(
    installation: Installation, issuers: tuple[TrustedIssuer, ...]
) -> tuple[CredentialDirectory, CachedKeySets]:
    """Who checks credentials, over an installation, and the key sets that must be closed with it."""
    keysets = CachedKeySets(issuers, outbound=HttpOutbound(), clock=installation.clock)
    clock = installation.clock
    return CredentialDirectory(issuers, api_keys=installation.api_keys, keysets=keysets, clock=clock), keysets
