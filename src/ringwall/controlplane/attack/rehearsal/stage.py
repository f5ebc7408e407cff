"""Where is it played? A configuration with a workload for every subset of the steps, and one for the way out.

* A control of a step that is off is `off`, with reason and end; one of a step that is on is `enforce`, also where it is
  not due yet, with the settings that an operator of this shop would write.
* People come with access tokens of one issuer: the insider's vouches for a second factor, the outsider's does not.
* Networks are those that a declared proxy on this machine names: the shop's own one is allowed.
* Monitors belong to a gateway and not to a workload: subsets with step 10 and those without are played at two.
* The way out knows three steps only (8, 9, 10), and a tool server has one way out: see `Way`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ringwall.model.framework import ControlId

AT_EGRESS = (8, 9, 10)
"""The steps that stand at the egress door."""
OWN_NETWORK, FOREIGN_NETWORK = "10.", "198.18."
ISSUER, AUDIENCE = "https://people.rehearsal", "https://gateway.rehearsal"
CLERK, VISITOR = "clerk", "visitor"
JWKS = "people.jwks.json"
REASON = "rehearsal"
LEASES = ControlId("identity_data.credential_lease")
NO_MODEL = f'''
@id("a_visitor_uses_no_model")
forbid (principal in Ringwall::Role::"{VISITOR}", action == Ringwall::Action::"invoke_model", resource);
'''
"""The model that the outsider's account may not use."""


@dataclass(frozen=True, slots=True)
class Way:
    """A tool server's kind: which steps change what it holds and how it gets out.

    Attributes:
        steps: Those of 6, 8, 9 and 10 that are on.
    """

    steps: tuple[int, ...]

    @classmethod
    def of(cls, on: Iterable[int]) -> Way:
        """The kind that serves a subset."""
        return cls(tuple(step for step in on if step in (6, *AT_EGRESS)))

    @property
    def server(self) -> str:
        """The name of its tool server."""
        return _named("shop", self.steps)

    @property
    def exit(self) -> str:
        """The workload for which it goes out."""
        return _named("way", [step for step in self.steps if step in AT_EGRESS])

    @property
    def is_leased(self) -> bool:
        """True when it holds nothing by itself: each call brings a credential."""
        return 6 in self.steps


@dataclass(frozen=True, slots=True)
class Stage:
    """What is the same for every subset.

    Attributes:
        controls: The step of every control that is built.
        until: When everything that is off ends.
        canaries: Values that nobody has an honest reason to read.
        rules: What is true of the shop's answers.
        sources: Tools whose answers may be told.
    """

    controls: Mapping[ControlId, int]
    until: date
    canaries: Sequence[str]
    rules: Sequence[str] = ()
    sources: Sequence[str] = ()

    def gateway(self, subsets: Iterable[tuple[int, ...]], servers: Mapping[str, str], *, contains: bool) -> str:
        """The configuration of a gateway.

        Args:
            subsets: What is played at it.
            servers: The address of each tool server, by name.
            contains: Whether its monitor contains: step 10.
        """
        played = list(subsets)
        names = [workload(on) for on in played]
        parts = [
            f'[organisation]\nname = "rehearsal"\npolicies = ["storefront.cedar"]\n'
            '[listen]\nproxies = ["127.0.0.1/32"]\n'
            f"[monitor]\ncontain = {str(contains).lower()}\nresponses_per_minute = 600",
            f'[issuers.people]\nissuer = "{ISSUER}"\naudiences = ["{AUDIENCE}"]\njwks_file = "{JWKS}"\n'
            f'roles = {{ clerks = ["{CLERK}"], visitors = ["{VISITOR}"] }}\nworkloads = {json.dumps(names)}',
            self._settings(),
            *(
                f'[tool_servers.{name}]\nurl = "{url}"\nprivate = true\ndefinitions = "storefront.tools.json"'
                for name, url in sorted(servers.items())
            ),
        ]
        for name in (name for name, on in zip(names, played, strict=True) if 6 in on):
            parts += [
                f'[credentials.{kind}-{name}]\nkind = "sqlite"\ndatabase = "sealed/{name}.db"\n'
                f'tables = {json.dumps(tables)}\nworkloads = ["{name}"]'
                for kind, tables in _TABLES.items()
            ]
        parts += [self._workload(name, on, Way.of(on).server) for name, on in zip(names, played, strict=True)]
        return "\n".join(parts) + "\n"

    def egress(self, exits: Iterable[tuple[int, ...]]) -> str:
        """The configuration of the egress proxy: a workload for each kind of way out."""
        head = (
            '[organisation]\nname = "rehearsal"\n[egress]\nprivate = ["127.0.0.0/8"]\n'
            f'[controls."identity_data.canary"]\n{self._canaries()}'
        )
        kinds = sorted({Way.of(on).exit: tuple(s for s in on if s in AT_EGRESS) for on in exits}.items())
        return "\n".join([head, *(self._workload(name, on, "") for name, on in kinds)]) + "\n"

    def _workload(self, name: str, on: tuple[int, ...], server: str) -> str:
        tools = f'tool_servers = ["{server}"]\n' if server else ""
        lines = [
            f'[workloads.{name}]\nowner = "rehearsal"\nuse_case = "acts"\nrehearsal = true\n{tools}'
            'models = { "rehearsal/compromised" = "builtin" }'
        ]
        lines.append(f"[workloads.{name}.controls]")  # a line for each: hundreds of workloads stand in one file
        off = f'mode = "off", reason = "{REASON}", until = {self.until}'
        for control, step in sorted(self.controls.items()):
            said = 'mode = "enforce"' if step in on else off
            if step in on and server and control == LEASES:
                said += f', tools = {{ search_products = "catalog-{name}", query = "records-{name}" }}'
            lines.append(f'"{control}" = {{ {said} }}')
        return "\n".join(lines)

    def _settings(self) -> str:
        """What an operator of this shop would write, for every workload."""
        leave = f'reason = "{REASON}"\nuntil = {self.until}'
        sources = ", ".join(f'{name} = "source"' for name in self.sources)
        written = {
            "identity_data.data_encryption": 'sealed_columns = ["card_number"]',
            "infrastructure.network_origin": f'allow = ["{OWN_NETWORK}0.0.0/8"]\n{leave}',
            "application.contextual_grounding": f"sanctioned = {{ {sources} }}\n{leave}",
            "application.automated_reasoning": f"rules = {json.dumps(list(self.rules))}",
            "identity_data.canary": self._canaries(),
        }
        return "\n".join(f'[controls."{control}"]\n{text}' for control, text in written.items())

    def _canaries(self) -> str:
        return f"values = {json.dumps(list(self.canaries))}"


_CATALOG = ("products", "reviews", "supplier_pages")
_TABLES = {"catalog": _CATALOG, "records": (*_CATALOG, "customers", "orders", "payments")}


def workload(on: Iterable[int]) -> str:
    """The name of a subset's workload."""
    return _named("on", on)


def _named(head: str, steps: Iterable[int]) -> str:
    return "-".join([head, *map(str, steps)])
