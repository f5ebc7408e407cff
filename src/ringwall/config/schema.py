"""What may a configuration say? Every table and key, typed and closed; an error names the nearest key that there is.

These objects mirror the file. `ringwall.config.build` makes a Plan of them.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from ringwall.model.framework import Phase, Trait, UseCase
from ringwall.model.interaction import PrincipalKind


class Table(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A closed table."""


class Organisation(Table):
    """Whose plan it is.

    Attributes:
        name: Its name.
        plan_days: Days after which a plan that was not built anew may no longer be run.
        policies: Cedar files that apply to every workload, relative to the configuration file.
    """

    name: str = "unnamed"
    plan_days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 90
    policies: tuple[str, ...] = ()


class Listen(Table):
    """How the two listeners are reached.

    Attributes:
        data: Address of the data listener, `host:port`.
        admin: Address of the administration listener.
        tls_certificate: PEM file with the certificate chain; needed off loopback, unless a proxy is declared.
        tls_key: PEM file with its key.
        proxies: Networks of proxies that end TLS in front of us, and whose forwarded header is believed.
        forwarded_header: The header that they write.
    """

    data: str = "127.0.0.1:8080"
    admin: str = "127.0.0.1:8081"
    tls_certificate: str = ""
    tls_key: str = ""
    proxies: tuple[str, ...] = ()
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"


class Bounds(Table):
    """Bounds of the listeners; `ringwall.model.plan.Limits` says what each means."""

    body_bytes: Annotated[int, msgspec.Meta(ge=1024, le=64 * 1024 * 1024)] = 4 * 1024 * 1024
    depth: Annotated[int, msgspec.Meta(ge=4, le=64)] = 64
    header_bytes: Annotated[int, msgspec.Meta(ge=1024, le=1024 * 1024)] = 64 * 1024
    read_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 30.0
    checkpoint_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0
    hold_chars: Annotated[int, msgspec.Meta(ge=1024, le=4 * 1024 * 1024)] = 65_536
    answer_bytes: Annotated[int, msgspec.Meta(ge=1024, le=256 * 1024 * 1024)] = 16 * 1024 * 1024
    concurrent: Annotated[int, msgspec.Meta(ge=1, le=65_536)] = 1024
    drain_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 10.0


class Issuer(Table):
    """A token issuer whose word is taken; `ringwall.model.identity.TrustedIssuer` says what each key means."""

    issuer: str
    audiences: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    jwks_uri: str = ""
    jwks_file: str = ""
    algorithms: tuple[str, ...] = ("RS256", "ES256", "Ed25519")
    token_types: tuple[str, ...] = ("at+jwt",)
    clients: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    groups_claim: str = "groups"
    roles: dict[str, tuple[str, ...]] = {}
    workloads: tuple[str, ...] | None = None
    kind: PrincipalKind = PrincipalKind.PERSON
    max_lifetime_s: Annotated[int, msgspec.Meta(ge=60, le=604_800)] = 86_400
    leeway_s: Annotated[int, msgspec.Meta(ge=0, le=300)] = 30


class Upstream(Table):
    """A provider of models.

    Attributes:
        kind: Its protocol: `openai` (any OpenAI-compatible URL), `anthropic`, `gemini`, `mistral`, `cohere`; `builtin`.
        base_url: Root of its API, such as `https://api.example.com/v1`.
        account: A name for whose credential is used; the upstream's name when empty.
        credential: `env:NAME` or `file:PATH`; never the secret itself.
        limit_field: What an OpenAI-compatible one calls the limit of tokens.
        region: Where it works, such as `eu`: a word for policies, which nobody checks.
        sampling: Whether the models of an `anthropic` one take `temperature`, `top_p` and `top_k`, as older ones do.
        private: Whether it may be on a private or loopback address.
    """

    kind: Literal["openai", "anthropic", "gemini", "mistral", "cohere", "builtin"] = "openai"
    base_url: str = ""
    account: str = ""
    credential: str = ""
    limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    region: str = ""
    sampling: bool = False
    private: bool = False
    connect_s: Annotated[float, msgspec.Meta(gt=0, le=120)] = 5.0
    read_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    total_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 300.0


class ToolServer(Table):
    """A server of tools: MCP over streamable HTTP.

    Attributes:
        url: Its endpoint, such as `https://tools.example.com/mcp`.
        definitions: The file with its tools, as `ringwall tools fetch` writes it; what is not in it cannot be called.
        account: A name for whose credential is used; the server's name when empty.
        credential: `env:NAME` or `file:PATH`; never the secret itself.
        private: Whether it may be on a private or loopback address.
        connect_s: Seconds to connect.
        read_s: Seconds between bytes.
        total_s: Seconds for a whole call.
    """

    url: str
    definitions: str
    account: str = ""
    credential: str = ""
    private: bool = False
    connect_s: Annotated[float, msgspec.Meta(gt=0, le=120)] = 5.0
    read_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    total_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 120.0


class Egress(Table):
    """The egress proxy, and the gateway's own way out; `ringwall.model.plan.EgressPlan` says what each key means.

    Attributes:
        listen: Address of the proxy's listener, `host:port`.
    """

    listen: str = "127.0.0.1:8082"
    proxy: str = ""
    credential: str = ""
    private: tuple[str, ...] = ()
    connect_s: Annotated[float, msgspec.Meta(gt=0, le=120)] = 5.0
    idle_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 120.0
    total_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 3600.0


class Monitor(Table):
    """What watches the ledger; `ringwall.model.plan.MonitorPlan` says what each key means."""

    enabled: bool = True
    contain: bool = True
    observe: tuple[
        Literal[
            "denied_varied", "unusual_use", "withheld_results", "canary_seen", "unverified_attempts", "control_off"
        ],
        ...,
    ] = ("unusual_use", "withheld_results")
    containment_minutes: Annotated[int, msgspec.Meta(ge=1, le=10_080)] = 15
    responses_per_minute: Annotated[int, msgspec.Meta(ge=1, le=600)] = 10
    never_contain: tuple[str, ...] = ()
    shared_keys: tuple[str, ...] = ()
    contain_loopback: bool = False
    denied_varied_count: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 6
    denied_varied_s: Annotated[int, msgspec.Meta(ge=1, le=900)] = 60
    unverified_count: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 30
    unverified_s: Annotated[int, msgspec.Meta(ge=1, le=900)] = 60
    results_count: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 10
    results_s: Annotated[int, msgspec.Meta(ge=1, le=900)] = 60
    unusual_count: Annotated[int, msgspec.Meta(ge=5, le=1_000_000)] = 20
    unusual_minutes: Annotated[int, msgspec.Meta(ge=5, le=60)] = 10
    unusual_factor: Annotated[float, msgspec.Meta(ge=3, le=100)] = 6.0


class ModelTarget(Table):
    """One of several places in which a model is served.

    Attributes:
        weight: How often it is asked first, next to the weights of the others.
    """

    upstream: str
    model: str = ""
    weight: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class ModelRoute(Table):
    """Where a model is served, when the upstream calls it by another name, or several serve it.

    Attributes:
        targets: Several upstreams instead of `upstream`, up to eight, each with its `model` and `weight`.
        order: `fallback`: the first target is asked, and the others where it fails; `weighted`: the first is drawn.
        retry_s: Seconds within which a target is asked again that did nothing: busy, or not reachable. 0 for never.
    """

    upstream: str = ""
    model: str = ""
    targets: Annotated[tuple[ModelTarget, ...], msgspec.Meta(max_length=8)] = ()
    order: Literal["fallback", "weighted"] = "fallback"
    retry_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0


class Credential(Table):
    """A credential that tools may lease; `ringwall.model.plan.CredentialPlan` says what each key means."""

    kind: Literal["sqlite", "postgres"]
    database: str
    workloads: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    tables: tuple[str, ...] = ()
    mode: Literal["read", "write"] = "read"
    group: str = ""
    minutes: Annotated[int, msgspec.Meta(ge=1, le=60)] = 5


class WorkloadTable(Table):
    """One AI application.

    Attributes:
        owner: Who answers for it.
        use_case: What it does.
        phase: How far it has come.
        traits: `physical` for devices and robots.
        rehearsal: Whether it may be attacked: built-in models only, never promoted.
        path_prefix: A path under which it is served besides `/w/<name>`.
        max_output_tokens: The most tokens of one answer.
        blocked_turns: What becomes of a refused turn that comes again later: `replace`, `remove` or `judge` it.
        payload_days: Days for which prompts and answers are kept, sealed and beside the ledger; 0 keeps none.
        policies: Cedar files of its own; they may only forbid.
        models: Model name to upstream, or to upstream and the name used there, or to several targets.
        tool_servers: The servers whose tools it may call through the MCP door.
        tools: A file that declares the tools which the application runs itself, in the form of `tools/list`.
        controls: Settings of its controls.
    """

    owner: str
    use_case: UseCase
    phase: Phase = Phase.FOUNDATIONAL
    traits: tuple[Trait, ...] = ()
    rehearsal: bool = False
    path_prefix: str = ""
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 4096
    blocked_turns: Literal["replace", "remove", "judge"] = "replace"
    payload_days: Annotated[int, msgspec.Meta(ge=0, le=3660)] = 0
    policies: tuple[str, ...] = ()
    models: dict[str, str | ModelRoute] = {}
    tool_servers: tuple[str, ...] = ()
    tools: str = ""
    controls: dict[str, dict[str, Any]] = {}


class Configuration(Table):
    """The whole file."""

    organisation: Organisation = msgspec.field(default_factory=Organisation)
    listen: Listen = msgspec.field(default_factory=Listen)
    limits: Bounds = msgspec.field(default_factory=Bounds)
    monitor: Monitor = msgspec.field(default_factory=Monitor)
    issuers: dict[str, Issuer] = {}
    upstreams: dict[str, Upstream] = {}
    tool_servers: dict[str, ToolServer] = {}
    credentials: dict[str, Credential] = {}
    egress: Egress = msgspec.field(default_factory=Egress)
    controls: dict[str, dict[str, Any]] = {}
    workloads: dict[str, WorkloadTable] = {}


class Override(Table):
    """What a control's table may hold besides its settings.

    Attributes:
        mode: Whether its answer binds.
        reason: Why it is looser than it should be; needed when it is.
        until: The day on which that ends.
    """

    mode: Literal["enforce", "observe", "off"] | None = None
    reason: str = ""
    until: date | None = None
