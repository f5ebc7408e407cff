"""Does the request come from a network from which this workload may be reached?

* The address is that of the caller after named proxies were counted off; nothing that a caller can write decides it.
* Refused wins over allowed; what is in neither list is refused. Names are never looked up: a list holds networks.
* An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is judged as the IPv4 address that it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from ringwall.model.control import Control, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Source
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOriginSettings(Settings):
    """What a workload may set."""

    allow: tuple[str, ...] = setting(Stricter.SUBSET, "Networks from which requests are taken, in CIDR notation.")
    deny: tuple[str, ...] = setting(
        Stricter.SUPERSET, "Networks from which requests are refused, even if they are allowed as part of a larger one."
    )
    encrypted: bool = setting(
        Stricter.TRUE, "Whether a request from beyond this machine must have come over TLS on its last hop."
    )


class NetworkOrigin(Control):
    """Judges the caller's address against the workload's networks."""

    id = ControlId("infrastructure.network_origin")
    settings_type = NetworkOriginSettings
    checkpoints = frozenset({Checkpoint.INBOUND})
    needs = frozenset({Source})

    def __init__(self, settings: NetworkOriginSettings) -> None:
        self._allow = _networks("allow", settings.allow)
        self._deny = _networks("deny", settings.deny)
        self._encrypted = settings.encrypted

    async def examine(self, vantage: Vantage) -> Verdict:
        """Refused networks first, then the allowed ones, then the last hop."""
        source = vantage.facts[Source]
        address = _plain(source.address)
        if any(address in network for network in self._deny):
            return _deny(vantage, "network_denied", "requests from your network are refused by this application")
        if not any(address in network for network in self._allow):
            return _deny(vantage, "network_not_allowed", "this application cannot be reached from your network")
        if self._encrypted and not source.encrypted and not _plain(source.peer).is_loopback:
            return _deny(vantage, "not_encrypted", "this application is reached over TLS only; use https")
        return Allow(vantage.everything)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _networks(name: str, written: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    found = []
    for each in written:
        try:
            network = ip_network(each)
        except ValueError as error:
            raise ConfigError(f'not a network in CIDR notation: "{each}"', hint=f"setting {name}") from error
        if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
            # Absent on purpose: such a network would never match, since mapped addresses are judged as IPv4.
            raise ConfigError(f'write this network as IPv4: "{each}"', hint=f"setting {name}")
        found.append(network)
    return tuple(found)


def _deny(vantage: Vantage, code: str, remedy: str) -> Deny:
    return Deny(vantage.everything, code, remedy, DenyKind.FORBIDDEN, (Evidence(code),))


CONTROL = NetworkOrigin
