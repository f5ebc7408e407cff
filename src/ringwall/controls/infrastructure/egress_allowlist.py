"""May bytes leave for this destination? Only if scheme, host and port stand together on the list.

* An entry is `scheme://host` or `scheme://host:port`; `https` means 443 and `http` 80 where no port is written. A host
  is exact, or `*.suffix` for any name below the suffix, but not the suffix itself. `builtin:` is a model in here.
* Configuration puts the upstreams of the workload's own routes here, and `builtin:` only for a rehearsal; the catalog's
  list is empty, so a workload without routes reaches nothing.
* Hosts are compared as bytes, in lower case ASCII: a name that only looks like one on the list is another name. An
  address matches only itself, never a suffix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from ringwall.model.control import Control, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Destination
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

BUILTIN = "builtin:"
_PORTS = {"https": 443, "http": 80}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ENTRY = re.compile(
    rf"(?P<scheme>https?)://(?P<any>\*\.)?(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressAllowlistSettings(Settings):
    """What a workload may set."""

    destinations: tuple[str, ...] = setting(
        Stricter.SUBSET, "Where bytes may go: https://host, https://host:port, https://*.suffix, or builtin:."
    )


class EgressAllowlist(Control):
    """Judges a destination against the workload's list."""

    id = ControlId("infrastructure.egress_allowlist")
    settings_type = EgressAllowlistSettings
    checkpoints = frozenset({Checkpoint.EGRESS})
    needs = frozenset({Destination})

    def __init__(self, settings: EgressAllowlistSettings) -> None:
        self._builtin = BUILTIN in settings.destinations
        read = [_read(each) for each in settings.destinations if each != BUILTIN]
        self._exact = frozenset((scheme, host, port) for scheme, host, port, below in read if not below)
        self._below = tuple((scheme, f".{host}", port) for scheme, host, port, below in read if below)

    async def examine(self, vantage: Vantage) -> Verdict:
        """Allow what is listed; nothing else."""
        to = vantage.facts[Destination]
        if to.scheme == "builtin":
            is_listed = self._builtin and to.host == ""
        else:
            is_listed = (to.scheme, to.host.strip("[]"), to.port) in self._exact or self._is_below(to)
        if is_listed:
            return Allow(vantage.everything)
        return Deny(
            vantage.everything,
            "destination_not_listed",
            "this application may not send anything to that destination; ask its owner",
            DenyKind.FORBIDDEN,
            (Evidence("destination_not_listed"),),
        )

    def _is_below(self, to: Destination) -> bool:
        if not to.host.isascii() or _is_address(to.host):
            return False
        return any(
            to.scheme == scheme and to.port == port and to.host.endswith(suffix) and len(to.host) > len(suffix)
            for scheme, suffix, port in self._below
        )


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _read(entry: str) -> tuple[str, str, int, bool]:
    match = _ENTRY.fullmatch(entry)
    below = match is not None and match["any"] is not None
    # A wildcard needs a suffix of two labels, the last of which is no number: `*.com` and `*.0.0.1` say too much.
    if match is None or (below and not re.fullmatch(r".+\.[a-z][a-z0-9-]*", match["host"])):
        raise ConfigError(
            f'not a destination: "{entry}"', hint="https://host, https://host:port or https://*.a.example"
        )
    port = int(match["port"] or _PORTS[match["scheme"]])
    if not 0 < port < 65_536:
        raise ConfigError(f'no such port in destination "{entry}"')
    return match["scheme"], match["host"].strip("[]"), port, below


CONTROL = EgressAllowlist
