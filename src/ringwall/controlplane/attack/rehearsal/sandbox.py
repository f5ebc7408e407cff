"""How is somebody's own workload rehearsed? A copy of its configuration, in which nothing reaches anything real.

* Kept as it is: name, use case, phase, policies, the organisation's and the workload's settings, tools as declared.
* Replaced: models by the built-in compromised one, tool servers by stand-ins on this machine, issuers by one of ours,
  databases of leases by an empty one, networks in front by this machine. Other workloads and upstreams are left out.
* Steps that are off in a play are off with reason and end; those that are on stand as the plan has them, `observe`
  included: a rehearsal shows what is, not what could be.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ringwall.controlplane.attack.rehearsal import stage
from ringwall.model.framework import ControlId
from ringwall.model.plan import Mode, PlannedControl, WorkloadPlan

MODEL = "rehearsal/compromised"
POLICIES = "rehearsal.cedar"
"""Where it stands that the outsider's account may not use the model."""
STAND_IN_DATABASE = "stand-in.db"
ALLOWLIST = ControlId("infrastructure.egress_allowlist")
ORIGIN = ControlId("infrastructure.network_origin")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What is copied, and what of it has a step.

    Attributes:
        values: The configuration as it was read.
        folder: Where it stands; files that it names are beside it.
        plan: The workload as planned.
        steps: The step of each control.
        roles: Roles of whoever plays the insider.
        until: When everything that is off ends.
    """

    values: Mapping[str, Any]
    folder: Path
    plan: WorkloadPlan
    steps: Mapping[str, int]
    roles: tuple[str, ...]
    until: date

    @property
    def on(self) -> tuple[int, ...]:
        """The steps that the plan has, as it is configured."""
        return tuple(sorted({self.steps[each.id] for each in self._planned() if each.mode is not Mode.OFF}))

    def subsets(self) -> tuple[tuple[int, ...], ...]:
        """What is played: nothing, each step alone, all but one, and the plan as it is."""
        alone = [(step,) for step in self.on]
        but_one = [tuple(step for step in self.on if step != left) for left in self.on]
        return tuple(dict.fromkeys([(), *alone, *but_one, self.on]))

    def configuration(self, on: tuple[int, ...], servers: Mapping[str, str]) -> dict[str, Any]:
        """The copy, as the values of a TOML document.

        Args:
            on: The steps that are on.
            servers: The address of the stand-in of each tool server.
        """
        kept: dict[str, Any] = copy.deepcopy({key: self.values[key] for key in _KEPT if key in self.values})
        organisation = kept.setdefault("organisation", {})
        organisation["policies"] = [*self._absolute(organisation.get("policies", [])), POLICIES]
        for settings in kept.get("controls", {}).values():
            self._files(settings)
        monitor = {**self.values.get("monitor", {}), "enabled": True, "responses_per_minute": 600}
        monitor["contain"] = monitor.get("contain", True) and 10 in on
        name = self.plan.workload.id
        roles = {"staff": list(self.roles), "visitors": [stage.VISITOR]}
        return {
            **kept,
            "listen": {"proxies": ["127.0.0.1/32"]},
            "monitor": monitor,
            "egress": {"private": ["127.0.0.0/8"]},
            "issuers": {
                "people": {
                    "issuer": stage.ISSUER,
                    "audiences": [stage.AUDIENCE],
                    "jwks_file": stage.JWKS,
                    "workloads": [name],
                    "roles": roles,
                }
            },
            "tool_servers": {each: self._server(each, servers[each]) for each in self.plan.tool_servers},
            "credentials": self._credentials(),
            "workloads": {name: self._workload(on)},
        }

    def _planned(self) -> tuple[PlannedControl, ...]:
        return tuple(each for each in self.plan.controls if each.id in self.steps)

    def _server(self, name: str, url: str) -> dict[str, Any]:
        own = self.values["tool_servers"][name]
        kept = {key: own[key] for key in ("account", "connect_s", "read_s", "total_s") if key in own}
        return {**kept, "url": url, "private": True, "definitions": self._path(own["definitions"])}

    def _credentials(self) -> dict[str, Any]:
        """Leases of an empty file: stand-ins need none, and no database of anybody's is reached."""
        name = self.plan.workload.id
        lent = {key: each for key, each in self.values.get("credentials", {}).items() if name in each["workloads"]}
        made = {"kind": "sqlite", "database": STAND_IN_DATABASE, "tables": ["stand_in"], "workloads": [name]}
        return {
            key: {**made, **({"minutes": each["minutes"]} if "minutes" in each else {})} for key, each in lent.items()
        }

    def _workload(self, on: tuple[int, ...]) -> dict[str, Any]:
        name = self.plan.workload.id
        own: dict[str, Any] = copy.deepcopy(self.values["workloads"][name])
        for key in ("path_prefix", "payload_days"):
            own.pop(key, None)
        own |= {"rehearsal": True, "models": {MODEL: "builtin"}}
        if own.get("policies"):
            own["policies"] = self._absolute(own["policies"])
        if own.get("tools"):
            own["tools"] = self._path(own["tools"])
        settings: dict[str, Any] = own.setdefault("controls", {})
        for each in settings.values():
            self._files(each)
        for planned in self._planned():
            if self.steps[planned.id] not in on:
                settings[planned.id] = {"mode": "off", "reason": stage.REASON, "until": self.until}
            elif planned.id == ALLOWLIST and "destinations" in settings.get(planned.id, {}):
                # Stand-ins are where the real servers are not; the destinations that were listed stay as they were.
                listed = settings[planned.id]
                listed["destinations"] = list(dict.fromkeys([*listed["destinations"], "@upstreams"]))
                settings[planned.id] = {"reason": stage.REASON, "until": self.until, **listed}
        return own

    def _files(self, settings: dict[str, Any]) -> None:
        """Files that settings name stand where they stood."""
        for key, value in settings.items():
            if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
                settings[key] = [self._path(each) if (self.folder / each).is_file() else each for each in value]

    def _absolute(self, names: list[str]) -> list[str]:
        return [self._path(each) for each in names]

    def _path(self, name: str) -> str:
        return str((self.folder / name).absolute())


_KEPT = ("organisation", "limits", "controls")
