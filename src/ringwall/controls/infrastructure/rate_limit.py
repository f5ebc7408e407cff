"""How much may this principal, this workload and this address ask for? Token buckets, taken as reservations.

* The verdict is Allow with reservations; the exchange takes all of them or none, and refuses when one is exhausted.
* Three scopes, each in requests and in model tokens: the principal, the workload, and the address (an IPv6 address
  counts as its network, since a caller has a whole one to choose from).
* A bucket's name puts the only free text last, so that no two scopes can be spelled alike. A claimed principal never
  draws on the bucket of a verified one: a forged token cannot exhaust somebody else.
* What asks for more than a whole bucket can never be served: it is refused at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

from ringwall.model.control import Control, Settings, Stricter, setting
from ringwall.model.facts import Demand, Source
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Reservation, Verdict

_PER_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitSettings(Settings):
    """What a workload may set. A bucket holds one minute's worth and refills evenly."""

    principal_requests: int = setting(Stricter.LOWER, "Requests of one principal.", unit="per minute", least=1)
    principal_tokens: int = setting(Stricter.LOWER, "Model tokens of one principal.", unit="per minute", least=1)
    workload_requests: int = setting(Stricter.LOWER, "Requests of the whole workload.", unit="per minute", least=1)
    workload_tokens: int = setting(Stricter.LOWER, "Model tokens of the whole workload.", unit="per minute", least=1)
    address_requests: int = setting(Stricter.LOWER, "Requests from one address.", unit="per minute", least=1)
    address_tokens: int = setting(Stricter.LOWER, "Model tokens from one address.", unit="per minute", least=1)
    ipv6_prefix: int = setting(
        Stricter.LOWER, "How much of an IPv6 address names the caller's network.", unit="bits", least=32
    )


class RateLimit(Control):
    """Reserves one request, and the tokens that it may use, in every bucket that it concerns."""

    id = ControlId("infrastructure.rate_limit")
    settings_type = RateLimitSettings
    checkpoints = frozenset({Checkpoint.INBOUND})
    needs = frozenset({Source})

    def __init__(self, settings: RateLimitSettings) -> None:
        self._prefix = settings.ipv6_prefix
        self._requests = (settings.principal_requests, settings.workload_requests, settings.address_requests)
        self._tokens = (settings.principal_tokens, settings.workload_tokens, settings.address_tokens)

    async def examine(self, vantage: Vantage) -> Verdict:
        """Allow with reservations, or Deny when they could never be met."""
        interaction = vantage.interaction
        principal, workload = interaction.principal, interaction.workload
        standing = "verified" if principal.verified else "claimed"
        network = _network(vantage.facts[Source].address, self._prefix)
        scopes = (
            f"principal:{workload}:{standing}:{principal.name}",
            f"workload:{workload}",
            f"address:{workload}:{network}",
        )
        demands = [("requests", 1, self._requests)]
        if interaction.action is Action.INVOKE:
            demand = vantage.facts[Demand]
            demands.append(("tokens", demand.input_tokens + demand.output_tokens, self._tokens))
        reservations = []
        for unit, amount, capacities in demands:
            for scope, capacity in zip(scopes, capacities, strict=True):
                if amount > capacity:
                    return _too_much(vantage)
                bucket = f"rate:{unit}:{scope}"
                reservations.append(Reservation(bucket, amount, capacity, capacity / _PER_MINUTE, unit))
        return Allow(vantage.everything, reservations=tuple(reservations))


def _network(address: IPv4Address | IPv6Address, prefix: int) -> str:
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(ip_network((int(address), prefix), strict=False)) if mapped is None else str(mapped)
    return str(address)


def _too_much(vantage: Vantage) -> Deny:
    return Deny(
        vantage.everything,
        "demand_exceeds_limit",
        "this request asks for more tokens than a whole minute's share; shorten it or lower its maximum of tokens",
        DenyKind.EXHAUSTED,
        (Evidence("demand_exceeds_limit"),),
    )


CONTROL = RateLimit
