"""What is an egress proxy made of? The road over an installation, and one way to destinations for each plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringwall.compose.doors import make_directory, make_exchange
from ringwall.compose.installation import Installation
from ringwall.dataplane.egress.network import Network, Resolve, resolve
from ringwall.dataplane.egress.proxy import EgressProxy
from ringwall.dataplane.gateway.keysets import CachedKeySets
from ringwall.engine.running import Running
from ringwall.model.identity import TrustedIssuer
from ringwall.model.plan import EgressPlan
from ringwall.store.ledger.receipt import encode_receipt
from ringwall.store.ledger.writer import SegmentLedger


@dataclass(frozen=True, slots=True)
class EgressDoor:
    """The proxy, and what must be closed with it."""

    proxy: EgressProxy
    keysets: CachedKeySets

    async def aclose(self) -> None:
        """Close what it holds open."""
        await self.keysets.aclose()


def make_egress(
    installation: Installation,
    ledger: SegmentLedger,
    running: Callable[[], Running],
    *,
    issuers: tuple[TrustedIssuer, ...],
    head_s: float,
    resolver: Resolve = resolve,
) -> EgressDoor:
    """The egress proxy over an installation.

    Args:
        installation: Its stores.
        ledger: This process's ledger, started.
        running: The snapshot at any moment.
        issuers: Whose tokens are taken.
        head_s: Seconds in which the head of a request must have come.
        resolver: Who is asked for addresses.
    """
    directory, keysets = make_directory(installation, issuers)
    networks: dict[EgressPlan, Network] = {}

    def network(snapshot: Running) -> Network:
        plan = snapshot.plan.egress
        if plan not in networks:
            networks.clear()  # only the plan that runs
            networks[plan] = Network(plan.private, connect_s=plan.connect_s, resolver=resolver)
        return networks[plan]

    proxy = EgressProxy(
        exchange=make_exchange(installation, ledger),
        running=running,
        directory=directory,
        clock=installation.clock,
        encode_receipt=encode_receipt,
        head_s=head_s,
        network=network,
    )
    return EgressDoor(proxy, keysets)
