"""What serves requests under a plan? Controls, chains, upstreams, tool servers: a snapshot, made whole or not at all.

* A control is found by its id (`ringwall.controls.<layer>.<name>`), only when its catalog entry says that it is built;
  it gets the ports that its constructor names, and no others.
* Whatever cannot be used (a credential, a policy, a setting) is an error here, before anything is served.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringwall.catalog.load import load_catalog
from ringwall.compose.installation import SystemClock
from ringwall.compose.upstreams import wire_of
from ringwall.compute.pool import WorkerPool
from ringwall.config.build import build_plan
from ringwall.config.document import Document, read_file, read_text
from ringwall.config.routes import BUILTIN
from ringwall.config.secret import read_secret
from ringwall.dataplane.gateway.addresses import RefusedAddressError
from ringwall.dataplane.gateway.builtin import BuiltinUpstream
from ringwall.dataplane.gateway.through import Through
from ringwall.detectors import personal_data, prompt_attack, request_rules, stuffing
from ringwall.engine.chain import Chain, Seat
from ringwall.engine.running import Running, RunningWorkload
from ringwall.model.control import Control, Settings
from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.framework import ControlId
from ringwall.model.plan import Mode, Plan, PlannedControl, Provenance, ToolServerPlan, UpstreamPlan, WorkloadPlan
from ringwall.model.ports import Compute
from ringwall.model.upstreams import Upstream
from ringwall.policy.planned import make_policy

if TYPE_CHECKING:
    from ringwall.dataplane.gateway.tool_server import McpToolServer


@cache
def built_controls() -> Mapping[ControlId, type[Control]]:
    """The class of every control that is built.

    Raises:
        InternalError: An entry says that its control is built, and it is not there.
    """
    found: dict[ControlId, type[Control]] = {}
    for entry in load_catalog().entries.values():
        if not entry.built or not entry.checkpoints:
            continue
        try:
            module = importlib.import_module(f"ringwall.controls.{entry.id}")
            found[entry.id] = module.CONTROL
        except (ImportError, AttributeError) as error:
            raise InternalError("a control is missing", code="no_control", detail=f'"{entry.id}": {error}') from error
    return found


def warm() -> None:
    """Compile the patterns that nearly every plan needs. It lets other threads run: a start does it meanwhile."""
    for detector in (request_rules, personal_data, prompt_attack, stuffing):
        detector.warm()


def settings_types() -> Mapping[ControlId, type[Settings]]:
    """The settings class of every control that is built."""
    return {control: kind.settings_type for control, kind in built_controls().items()}


def read_plan(path: Path | None, now: datetime | None = None) -> tuple[Plan, Document]:
    """The plan of a configuration file, or of the laptop's when none is given.

    Raises:
        ConfigError: Anything is wrong; names file and line.
    """
    if path is None:
        content = (Path(__file__).parents[1] / "config" / "laptop.toml").read_bytes()
        document = read_text(content, "laptop.toml")
    else:
        document = read_file(path)
    moment = now if now is not None else datetime.now(UTC)
    plan = build_plan(document, catalog=load_catalog(), settings=settings_types(), now=moment)
    make_policy(plan)  # a policy that does not validate is named before anything runs
    return plan, document


def make_running(plan: Plan, compute: Compute | None = None, *, reaches: bool = True) -> Running:
    """The snapshot that serves requests under this plan.

    Args:
        plan: The plan.
        compute: Where long work is done; none is started for whoever only asks whether the plan could run.
        reaches: Whether models and tool servers are to be reached from this process. The egress proxy reaches none of
            them, and needs none of their credentials.

    Raises:
        ConfigError: A credential, a policy or a setting cannot be used.
    """
    ways = _Ways(plan, reaches)
    ports: dict[str, object] = {"policy": make_policy(plan), "compute": compute or WorkerPool()}
    workloads = {
        name: RunningWorkload(
            plan=each,
            digest=plan.digest,
            chain=_chain(each, {**ports, "tools": each.tools}, plan.limits.checkpoint_s),
            upstreams=ways.upstreams(each),
            hold_chars=plan.limits.hold_chars,
            tool_servers=ways.tool_servers(each),
        )
        for name, each in plan.workloads.items()
    }
    return Running(plan, workloads)


class _Ways:
    """The ways from a gateway to models and tool servers.

    They are shared by workloads, unless they lead through an egress proxy: it must know for which workload it is asked.
    """

    def __init__(self, plan: Plan, reaches: bool) -> None:
        self._plan = plan
        self._reaches = reaches
        egress = plan.egress
        self._key = _secret(egress.credential, "egress") if reaches and egress.proxy else None
        self._upstreams: dict[tuple[str, str], Upstream] = {}
        self._servers: dict[tuple[str, str], McpToolServer] = {}
        # All of them, also those that no workload uses yet: what cannot be used is named before anything is served.
        for name, upstream in plan.upstreams.items() if reaches else ():
            self._upstreams["", name] = _upstream(upstream, plan, None)
        for name, server in plan.tool_servers.items() if reaches else ():
            self._servers["", name] = make_tool_server(server, answer_bytes=plan.limits.answer_bytes)

    def upstreams(self, workload: WorkloadPlan) -> dict[str, Upstream]:
        found: dict[str, Upstream] = {}
        targets = [target for route in workload.routes for target in route.targets]
        for target in targets if self._reaches else ():
            upstream = self._plan.upstreams[target.upstream]
            through = self._through(workload)
            owner = str(workload.workload.id) if through is not None else ""
            key = (owner, upstream.name)
            if key not in self._upstreams:
                self._upstreams[key] = _upstream(upstream, self._plan, through)
            found[target.upstream] = self._upstreams[key]
        return found

    def tool_servers(self, workload: WorkloadPlan) -> dict[str, McpToolServer]:
        found: dict[str, McpToolServer] = {}
        for name in workload.tool_servers if self._reaches else ():
            through = self._through(workload)
            key = (str(workload.workload.id) if through is not None else "", name)
            if key not in self._servers:
                server, limit = self._plan.tool_servers[name], self._plan.limits.answer_bytes
                self._servers[key] = make_tool_server(server, answer_bytes=limit, through=through)
            found[name] = self._servers[key]
        return found

    def _through(self, workload: WorkloadPlan) -> Through | None:
        if self._key is None:
            return None
        return Through(self._plan.egress.proxy, str(workload.workload.id), self._key())


async def close_running(running: Running) -> None:
    """Let go of what a snapshot holds open."""
    for workload in running.workloads.values():
        for upstream in workload.upstreams.values():
            await upstream.close()
        for server in workload.tool_servers.values():
            await server.close()


def _chain(workload: WorkloadPlan, ports: Mapping[str, object], deadline_s: float) -> Chain:
    seats = []
    for planned in workload.controls:
        kind: Any = built_controls()[planned.id]
        named = inspect.signature(kind.__init__).parameters
        wanted = {name: ports[name] for name in named if name in ports}
        try:
            control: Control = kind(planned.settings, **wanted)
        except ConfigError as error:
            raise located(error, planned) from error
        reason = planned.waiver.reason if planned.mode is Mode.OFF and planned.waiver is not None else ""
        seats.append(Seat(control, planned.mode, reason))
    return Chain(seats, deadline_s=deadline_s)


def located(error: ConfigError, planned: PlannedControl) -> ConfigError:
    """What a control says of its settings, with the file and line that set the one that it speaks of."""
    if error.file:
        return error
    names = [name for name, _ in planned.provenance if name in error.public]
    written = [name for name, where in planned.provenance if not where.file.startswith("catalog")]
    name = next(iter([*names, *written]), "")
    where = dict(planned.provenance).get(name, Provenance(""))
    problem = f'"{planned.id}": {error.problem}'
    return ConfigError(problem, file=where.file, line=where.line, hint=error.hint)


def _upstream(upstream: UpstreamPlan, plan: Plan, through: Through | None) -> Upstream:
    if upstream.kind == BUILTIN:
        return BuiltinUpstream()
    from ringwall.dataplane.gateway.upstream import HttpUpstream  # lazily: its HTTP client is slow to import

    secret = _secret(upstream.credential, f"upstream {upstream.name}")
    try:
        return HttpUpstream(
            upstream, wire_of(upstream), secret=secret, answer_bytes=plan.limits.answer_bytes, through=through
        )
    except RefusedAddressError as error:
        hint = "private = true allows a private or loopback address"
        raise ConfigError(f'upstream "{upstream.name}": {error}', hint=hint) from error


def make_tool_server(server: ToolServerPlan, *, answer_bytes: int, through: Through | None = None) -> McpToolServer:
    """The server of tools that a plan describes; no connection is made yet.

    Raises:
        ConfigError: Its credential cannot be read, or its address may not be connected to.
    """
    from ringwall.dataplane.gateway.tool_server import (
        McpToolServer as Server,  # lazily: its HTTP client is slow to import
    )

    secret = _secret(server.credential, f"tool server {server.name}")
    try:
        return Server(server, secret=secret, answer_bytes=answer_bytes, clock=SystemClock(), through=through)
    except RefusedAddressError as error:
        hint = "private = true allows a private or loopback address"
        raise ConfigError(f'tool server "{server.name}": {error}', hint=hint) from error


def _secret(credential: str, owner: str) -> Callable[[], str]:
    """Reads the credential once, at start: a missing one is an error then and not at the first request."""
    secret = read_secret(credential, file=owner) if credential else ""
    return lambda: secret
