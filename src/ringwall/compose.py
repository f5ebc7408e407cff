"""Which concrete class stands behind which port? The one place that names them and wires them together.

* An `Installation` is a data directory with its root key: stores, ledger and keys, opened together or not at all.
* `make_running` turns a plan into the snapshot that serves requests: controls, chains, upstreams.
* A control is found by its id (`ringwall.controls.<layer>.<name>`), only when its catalog entry says that it is built;
  it gets the ports that its constructor names, and no others.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringwall.catalog.load import load_catalog
from ringwall.compute.pool import WorkerPool
from ringwall.config.build import BUILTIN, build_plan
from ringwall.config.document import Document, read_file, read_text
from ringwall.config.secret import environment, read_secret
from ringwall.dataplane.gateway.addresses import RefusedAddressError
from ringwall.dataplane.gateway.app import Gateway
from ringwall.dataplane.gateway.auth import CredentialDirectory
from ringwall.dataplane.gateway.builtin import BuiltinUpstream
from ringwall.dataplane.gateway.fetch import HttpOutbound
from ringwall.dataplane.gateway.keysets import CachedKeySets
from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.dataplane.gateway.source import ForwardedHeader, Sources
from ringwall.engine.chain import Chain, Seat
from ringwall.engine.exchange import Exchange
from ringwall.engine.running import Running, RunningWorkload
from ringwall.model.control import Control, Settings
from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.framework import ControlId
from ringwall.model.identity import TrustedIssuer
from ringwall.model.plan import Mode, Plan, PlannedControl, Provenance, UpstreamPlan, WorkloadPlan
from ringwall.model.ports import Clock, Compute, Directory, Upstream
from ringwall.policy.decide import CedarPolicy, Domain
from ringwall.policy.slices import PolicyText
from ringwall.store.api_keys import StoredApiKeys
from ringwall.store.containment import StoredContainment
from ringwall.store.counters import LocalReservations
from ringwall.store.database import Database, open_database
from ringwall.store.ledger.receipt import encode_receipt
from ringwall.store.ledger.writer import SegmentLedger
from ringwall.store.plans import Plans
from ringwall.store.sessions import DatabaseSessions
from ringwall.store.users import Users
from ringwall.vault import root
from ringwall.vault.keys import Keyring, LedgerKey, WorkloadDigests, load_ledger_key

if TYPE_CHECKING:  # what administers is imported where it is made: commands that need none of it start faster
    from ringwall.controlplane.api.administration import Administration as Administration

_LOG = logging.getLogger("ringwall")
REFRESH_S = 0.4
"""Seconds between two looks at what may have been revoked or contained; effects need a view of at most one second."""


class SystemClock:
    """The time of this machine."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


def default_data_dir() -> Path:
    """Where an installation stands when nothing else is said (XDG base directories)."""
    return Path(environment("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "ringwall"


def default_config_dir() -> Path:
    """Where root keys and credentials stand when nothing else is said; never inside the data directory."""
    return Path(environment("XDG_CONFIG_HOME") or Path.home() / ".config") / "ringwall"


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


def settings_types() -> Mapping[ControlId, type[Settings]]:
    """The settings class of every control that is built."""
    return {control: kind.settings_type for control, kind in built_controls().items()}


def read_plan(path: Path | None, now: datetime | None = None) -> tuple[Plan, Document]:
    """The plan of a configuration file, or of the laptop's when none is given.

    Raises:
        ConfigError: Anything is wrong; names file and line.
    """
    if path is None:
        content = (Path(__file__).parent / "config" / "laptop.toml").read_bytes()
        document = read_text(content, "laptop.toml")
    else:
        document = read_file(path)
    moment = now if now is not None else datetime.now(UTC)
    plan = build_plan(document, catalog=load_catalog(), settings=settings_types(), now=moment)
    make_policy(plan)  # a policy that does not validate is named before anything runs
    return plan, document


def make_policy(plan: Plan) -> CedarPolicy:
    """The policies of a plan, parsed and validated.

    Raises:
        ConfigError: One does not validate; it is named.
    """
    domains = {
        name: Domain(
            models=frozenset(route.model for route in workload.routes),
            upstreams={route.upstream: plan.upstreams[route.upstream].account for route in workload.routes},
            policies=tuple(PolicyText(each.name, each.text) for each in workload.policies),
        )
        for name, workload in plan.workloads.items()
    }
    organisation = [PolicyText(each.name, each.text) for each in plan.policies]
    return CedarPolicy(workloads=domains, organisation=organisation)


@dataclass(frozen=True, slots=True)
class RootSource:
    """Where the root key comes from.

    Attributes:
        kind: `file`, `passphrase` or `keyring`.
        file: The file; None for the default one.
        passphrase: A reference to the passphrase (`env:NAME`, `file:PATH`).
    """

    kind: str = "file"
    file: Path | None = None
    passphrase: str = ""

    def open(self, data_dir: Path) -> root.RootKey:
        """The root key of a data directory."""
        if self.kind == "keyring":
            return root.from_keyring(data_dir)
        if self.kind == "passphrase":
            return root.from_passphrase(read_secret(self.passphrase), data_dir)
        return root.from_file(self.file or root.default_path(default_config_dir(), data_dir), data_dir)


class Installation:
    """A data directory, opened: its keys and its stores."""

    def __init__(self, data_dir: Path, source: RootSource, *, database_url: str = "") -> None:
        """Open it, making what is not there yet.

        Raises:
            InternalError: Something of it cannot be opened.
        """
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.clock: Clock = SystemClock()
        self.keyring = Keyring(source.open(data_dir))
        self.ledger_folder = data_dir / "ledger"
        self.ledger_key: LedgerKey = load_ledger_key(self.ledger_folder, self.keyring)
        self.database: Database = open_database(database_url or data_dir / "ringwall.db")
        self.api_keys = StoredApiKeys(self.database, self.clock)
        self.containment = StoredContainment(self.database, self.clock)
        self.sessions = DatabaseSessions(self.database, self.clock)
        self.plans = Plans(self.database, self.clock)
        self.users = Users(self.database, self.clock)
        self.issuer_folder = data_dir / "issuer"
        self.digests = WorkloadDigests(self.keyring)
        self.reservations = LocalReservations(self.clock)

    def ledger(self, plan: str) -> SegmentLedger:
        """A ledger for this process."""
        return SegmentLedger(self.ledger_folder, self.ledger_key, self.clock, plan=plan)

    def take_plan(self, plan: Plan) -> Plan:
        """The plan with its version, noted as running from now on.

        Raises:
            InternalError: A newer one ran before, or this one has expired.
        """
        if plan.expires <= datetime.now(UTC):
            raise InternalError("this plan has expired", code="plan_expired", detail=plan.expires.isoformat())
        version = self.plans.next_version(plan.digest)
        self.plans.take(version, plan.digest)
        return replace(plan, version=version)

    def refresh(self) -> None:
        """Look anew at what may have been revoked or contained."""
        self.api_keys.refresh()
        self.containment.refresh()

    def close(self) -> None:
        """Let go of everything."""
        self.database.close()


async def keep_fresh(installation: Installation) -> None:
    """Look anew for ever. A database that cannot be read leaves the view to age, and an old view refuses."""
    while True:
        await asyncio.sleep(REFRESH_S)
        try:
            await asyncio.to_thread(installation.refresh)
        except InternalError as error:
            _LOG.warning("code=<%s> | what is revoked and contained cannot be read: %s", error.code, error.detail)


def make_running(plan: Plan, compute: Compute | None = None) -> Running:
    """The snapshot that serves requests under this plan; without workers for whoever only asks whether it could run.

    Raises:
        ConfigError: A credential, a policy or a setting cannot be used.
    """
    upstreams = {name: _upstream(each, plan) for name, each in plan.upstreams.items()}
    ports: dict[str, object] = {"policy": make_policy(plan), "compute": compute or WorkerPool()}
    workloads = {
        name: RunningWorkload(
            plan=each,
            digest=plan.digest,
            chain=_chain(each, ports, plan.limits.checkpoint_s),
            upstreams={route.upstream: upstreams[route.upstream] for route in each.routes},
            hold_chars=plan.limits.hold_chars,
        )
        for name, each in plan.workloads.items()
    }
    return Running(plan, workloads)


def _chain(workload: WorkloadPlan, ports: Mapping[str, object], deadline_s: float) -> Chain:
    seats = []
    for planned in workload.controls:
        kind = built_controls()[planned.id]
        named = inspect.signature(kind.__init__).parameters
        wanted = {name: ports[name] for name in named if name in ports}
        try:
            control: Control = _construct(kind, planned.settings, wanted)
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


def _construct(kind: Any, settings: Settings, ports: Mapping[str, object]) -> Control:
    made: Control = kind(settings, **ports)
    return made


def _upstream(upstream: UpstreamPlan, plan: Plan) -> Upstream:
    if upstream.kind == BUILTIN:
        return BuiltinUpstream()
    from ringwall.dataplane.gateway.upstream import OpenAIUpstream  # lazily: its HTTP client is slow to import

    try:
        return OpenAIUpstream(upstream, secret=_secret(upstream), answer_bytes=plan.limits.answer_bytes)
    except RefusedAddressError as error:
        hint = "private = true allows a private or loopback address"
        raise ConfigError(f'upstream "{upstream.name}": {error}', hint=hint) from error


def _secret(upstream: UpstreamPlan) -> Callable[[], str]:
    """Reads the credential once, at start: a missing one is an error then and not at the first request."""
    secret = read_secret(upstream.credential, file=f"upstream {upstream.name}") if upstream.credential else ""
    return lambda: secret


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
            for workload in running.workloads.values():
                for upstream in workload.upstreams.values():
                    await upstream.close()


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
    exchange = Exchange(
        ledger=ledger,
        sessions=installation.sessions,
        containment=installation.containment,
        reservations=installation.reservations,
        digests=installation.digests,
        clock=installation.clock,
    )
    keysets = CachedKeySets(issuers, outbound=HttpOutbound(), clock=installation.clock)
    directory = CredentialDirectory(issuers, api_keys=installation.api_keys, keysets=keysets, clock=installation.clock)
    mac_key = installation.keyring.derive("session-handle")
    gateway = Gateway(
        exchange=exchange,
        running=running,
        directory=directory,
        sources=Sources(proxies, ForwardedHeader(forwarded_header)),
        handles=SessionHandles(mac_key),
        clock=installation.clock,
        encode_receipt=encode_receipt,
    )
    return Door(gateway, keysets, exchange)
