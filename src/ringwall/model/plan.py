"""What runs, where, with which settings? The Plan: frozen, with a digest, a rising version and an expiry.

* Configuration becomes a Plan whole or not at all. Its digest stands in every record.
* A replica refuses a plan whose version is lower than one that it has run.
* A control named with `mode = off` keeps its place as a vacancy, with reason and end date (law 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ringwall.model.control import Settings
from ringwall.model.framework import ControlId, Workload, WorkloadId
from ringwall.model.identity import TrustedIssuer
from ringwall.model.tools import Tool


class Mode(StrEnum):
    """Whether a control's answer binds."""

    OFF = "off"
    OBSERVE = "observe"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a value was set: `catalog`, or a file and a line of it."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Leave to be looser than due, with reason and end date. Past its end the plan is no longer valid.

    Attributes:
        reason: Why.
        until: The end date, with a time zone.
    """

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class PlannedControl:
    """One control as it runs for one workload.

    Attributes:
        id: The control.
        mode: Whether its answer binds.
        settings: Its settings, typed by its own class.
        provenance: Setting name (`mode` too, and `setting.key` for each key of a table) to where it was set.
        waiver: Reason and end date of a loosening, or None.
    """

    id: ControlId
    mode: Mode
    settings: Settings
    provenance: tuple[tuple[str, Provenance], ...]
    waiver: Waiver | None = None


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A file of Cedar policies.

    Attributes:
        name: How errors and records speak of it.
        text: What it says.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class UpstreamPlan:
    """A provider, as configured.

    Attributes:
        name: How routes speak of it.
        kind: The protocol that it speaks, or `builtin`.
        base_url: Root of its API; empty for `builtin`.
        account: Names whose credential is used, for policy and records.
        credential: Where the credential is read from: `env:NAME` or `file:PATH`; never the secret. Empty for none.
        limit_field: What an OpenAI-compatible one calls the limit of tokens: `max_completion_tokens` or `max_tokens`.
        private: True when the organisation allows it to be on a private address.
        connect_s: Seconds to connect.
        read_s: Seconds between bytes.
        total_s: Seconds for a whole answer.
        region: Where it works, for policy; empty for unknown.
        sampling: True when the models of an Anthropic one take `temperature`, `top_p` and `top_k`, as older ones do.
    """

    name: str
    kind: str
    base_url: str
    account: str
    credential: str
    limit_field: str = "max_completion_tokens"
    private: bool = False
    connect_s: float = 5.0
    read_s: float = 60.0
    total_s: float = 300.0
    region: str = ""
    sampling: bool = False


@dataclass(frozen=True, slots=True)
class ToolServerPlan:
    """A server of tools, as configured: MCP over streamable HTTP.

    Attributes:
        name: How workloads and policies speak of it.
        url: Its endpoint.
        account: Names whose credential is used, for policy and records.
        credential: Where the credential is read from: `env:NAME` or `file:PATH`; never the secret. Empty for none.
        private: True when the organisation allows it to be on a private address.
        connect_s: Seconds to connect.
        read_s: Seconds between bytes.
        total_s: Seconds for a whole call.
    """

    name: str
    url: str
    account: str
    credential: str
    private: bool = False
    connect_s: float = 5.0
    read_s: float = 60.0
    total_s: float = 120.0


@dataclass(frozen=True, slots=True)
class CredentialPlan:
    """A credential that tools may lease.

    Attributes:
        name: How controls, policies and records speak of it.
        kind: `sqlite` (a file, through a broker) or `postgres` (a role with expiry).
        database: SQLite: the file. PostgreSQL: where the administrator's URL is read from, `env:NAME` or `file:PATH`.
        tables: SQLite: the tables that it may touch; no other can be named in a statement.
        mode: SQLite: `read` or `write`. PostgreSQL: the group's rights decide.
        group: PostgreSQL: the role of which each leased role is a member.
        minutes: How long a lease lives at most.
        workloads: In which workloads it may be leased.
    """

    name: str
    kind: str
    database: str
    tables: frozenset[str]
    mode: str
    group: str
    minutes: int
    workloads: frozenset[str]


@dataclass(frozen=True, slots=True)
class EgressPlan:
    """The egress proxy, and whether this installation's own gateway goes through one.

    Attributes:
        proxy: The proxy through which models and tool servers are reached, `http://host:port`; empty for none.
        credential: Where the gateway's key for that proxy is read from: `env:NAME` or `file:PATH`; never the secret.
        private: Networks in CIDR notation whose private addresses the proxy may connect to. Link-local
            addresses, where clouds tell a machine its secrets, need an entry of their own that names that one address.
        connect_s: Seconds to resolve and connect.
        idle_s: Seconds without a byte after which a connection ends.
        total_s: Seconds after which any connection ends.
    """

    proxy: str = ""
    credential: str = ""
    private: tuple[str, ...] = ()
    connect_s: float = 5.0
    idle_s: float = 120.0
    total_s: float = 3600.0


class Order(StrEnum):
    """Which target of a model is asked first."""

    FALLBACK = "fallback"
    WEIGHTED = "weighted"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a model is served.

    Attributes:
        upstream: The upstream's name.
        model: The name that the upstream uses.
        weight: How often it is asked first, next to the weights of the others.
    """

    upstream: str
    model: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Route:
    """A model that a workload may ask for, and where it is served.

    Attributes:
        model: The name that callers use.
        targets: Where, at least one.
        order: `fallback`: the first one, and the others where it fails; `weighted`: the first is drawn by weight.
        retry_s: Seconds within which a target is asked again that did nothing: busy, or not reachable. 0 for never.
    """

    model: str
    targets: tuple[Target, ...]
    order: Order = Order.FALLBACK
    retry_s: float = 0.0


class BlockedTurns(StrEnum):
    """What is done with a turn that was refused, in later requests of its conversation."""

    REPLACE = "replace"
    REMOVE = "remove"
    JUDGE = "judge"
    """Nothing: it is judged again, and usually refused again."""


@dataclass(frozen=True, slots=True)
class WorkloadPlan:
    """All that runs for one workload.

    Attributes:
        workload: Its declaration.
        controls: Its controls, in the order of their ids.
        vacancies: Due entries whose control is not built yet.
        routes: Its models.
        policies: Its own Cedar policies; they may only forbid.
        path_prefix: A path under which the data listener serves it besides `/w/<its id>`, or empty.
        max_output_tokens: What is assumed (and asked for) where a caller sets no limit.
        payload_days: How long the content of its records is kept sealed, in days; 0 keeps none.
        tools: Its tools, by name: those of its tool servers, and those that the application declares as its own.
        tool_servers: Names of the servers whose tools it may call through the MCP door.
        blocked_turns: What is done with a turn that was refused, when its conversation goes on.
    """

    workload: Workload
    controls: tuple[PlannedControl, ...]
    vacancies: tuple[ControlId, ...]
    routes: tuple[Route, ...]
    policies: tuple[PolicyFile, ...] = ()
    path_prefix: str = ""
    max_output_tokens: int = 4096
    payload_days: int = 0
    tools: tuple[Tool, ...] = ()
    tool_servers: tuple[str, ...] = ()
    blocked_turns: BlockedTurns = BlockedTurns.REPLACE

    def control(self, control: ControlId) -> PlannedControl | None:
        """The control as it runs here, or None when this workload has none of that id."""
        return next((each for each in self.controls if each.id == control), None)

    def route(self, model: str) -> Route | None:
        """The route of a model, or None when this workload has none of that name."""
        return next((each for each in self.routes if each.model == model), None)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the listeners, each refused with a clear error when passed.

    Attributes:
        body_bytes: The most bytes that a request's body may have.
        depth: The deepest nesting of JSON.
        header_bytes: The most bytes that the header block may have.
        read_s: Seconds in which a request's body must have arrived.
        checkpoint_s: Seconds that all controls of one checkpoint have together.
        hold_chars: The most characters of a streamed answer that may be held back before it is refused.
        answer_bytes: The most bytes that an upstream's answer may have.
        concurrent: The most requests that one process serves at a time.
        drain_s: Seconds in which running requests may end after a signal to stop.
    """

    body_bytes: int = 4 * 1024 * 1024
    depth: int = 64
    header_bytes: int = 64 * 1024
    read_s: float = 30.0
    checkpoint_s: float = 2.0
    hold_chars: int = 65_536
    answer_bytes: int = 16 * 1024 * 1024
    concurrent: int = 1024
    drain_s: float = 10.0


@dataclass(frozen=True, slots=True)
class MonitorPlan:
    """What watches the ledger, and what it may do by itself.

    Attributes:
        enabled: Whether the gateway watches its own ledger; `ringwall monitor` does in any case.
        contain: Whether anybody is contained without a person. Findings are raised in any case.
        observe: Detections that only raise findings.
        containment_minutes: How long a containment lasts.
        responses_per_minute: How many responses there are at most; further ones are left to a person.
        never_contain: Scopes that are never contained unattended, as `kind:name`: break-glass accounts, a proxy.
        shared_keys: Ids of API keys that several tenants use: only the sessions in question are contained.
        contain_loopback: Whether a loopback address, which everybody on this machine has, or the token that a gateway
            prints for whoever started it may be contained.
        denied_varied_count: Refused variants that make a finding.
        denied_varied_s: Seconds in which they must fall.
        unverified_count: Attempts from one address that could not be verified and make a finding.
        unverified_s: Seconds in which they must fall.
        results_count: Results of tools, refused or left sealed, that make a finding.
        results_s: Seconds in which they must fall.
        unusual_count: Uses of a tool or column within a minute below which nothing is unusual.
        unusual_minutes: Minutes of a principal's life before anything can be said about it.
        unusual_factor: How many robust deviations from its own median are unusual.
    """

    enabled: bool = True
    contain: bool = True
    observe: tuple[str, ...] = ("unusual_use", "withheld_results")
    containment_minutes: int = 15
    responses_per_minute: int = 10
    never_contain: tuple[str, ...] = ()
    shared_keys: tuple[str, ...] = ()
    contain_loopback: bool = False
    denied_varied_count: int = 6
    denied_varied_s: int = 60
    unverified_count: int = 30
    unverified_s: int = 60
    results_count: int = 10
    results_s: int = 60
    unusual_count: int = 20
    unusual_minutes: int = 10
    unusual_factor: float = 6.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What runs: frozen, with a digest.

    Attributes:
        digest: SHA-256 over the canonical form of all that follows, as `sha256:<hex>`.
        version: Rises with every plan that differs from the one before.
        expires: When it may no longer be run.
        organisation: Whose it is.
        workloads: By id.
        upstreams: By name.
        issuers: Whose tokens are taken, besides the embedded issuer.
        policies: The organisation's Cedar policies.
        limits: Of the listeners.
        tool_servers: By name.
        credentials: That tools may lease, by name.
        egress: The egress proxy.
        monitor: What watches the ledger.
    """

    digest: str
    version: int
    expires: datetime
    organisation: str
    workloads: Mapping[WorkloadId, WorkloadPlan]
    upstreams: Mapping[str, UpstreamPlan]
    issuers: tuple[TrustedIssuer, ...] = ()
    policies: tuple[PolicyFile, ...] = ()
    limits: Limits = Limits()
    tool_servers: Mapping[str, ToolServerPlan] = field(default_factory=dict)
    credentials: Mapping[str, CredentialPlan] = field(default_factory=dict)
    egress: EgressPlan = EgressPlan()
    monitor: MonitorPlan = MonitorPlan()
