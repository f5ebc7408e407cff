"""How does configuration become a Plan? Catalog defaults < organisation < workload; taken whole or not at all.

* A control runs for a workload when its entry is due, or when the organisation or the workload names it. Due entries
  that are not built yet are vacancies of the plan.
* Settings are laid over each other by `ringwall.config.lay`, which lets them tighten only.
* A plan expires with the first leave to be loose that it holds: past it, it is no longer what was agreed.
* A rehearsal workload has built-in models, tool servers of this machine, and nothing else; no other workload has any of
  those models.
* Every error names file and line. The result is frozen and has a digest (`ringwall.config.digest`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ringwall.catalog.load import Catalog
from ringwall.config.credentials import check_leases, read_credential
from ringwall.config.digest import digest
from ringwall.config.document import Document
from ringwall.config.egress import read_egress
from ringwall.config.lay import Laying
from ringwall.config.monitor import read_monitor
from ringwall.config.read import nearest, read_configuration
from ringwall.config.routes import BUILTIN, destinations, read_routes
from ringwall.config.schema import Configuration, WorkloadTable
from ringwall.config.tools import ToolsError, read_tools
from ringwall.model.control import Settings
from ringwall.model.framework import WORKLOAD_ID, ControlId, Entry, How, Workload, WorkloadId, due
from ringwall.model.identity import TrustedIssuer
from ringwall.model.plan import (
    BlockedTurns,
    Limits,
    Plan,
    PlannedControl,
    PolicyFile,
    ToolServerPlan,
    UpstreamPlan,
    WorkloadPlan,
)
from ringwall.model.tools import OWN, Tool

MAX_BESIDE_BYTES = 1024 * 1024
"""The largest file that a configuration may name: policies, key sets."""
OWN_UPSTREAMS = "@upstreams"
"""In a list of destinations: wherever the workload's own models and tools are served."""
SERVER_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


def build_plan(
    document: Document, *, catalog: Catalog, settings: Mapping[ControlId, type[Settings]], now: datetime
) -> Plan:
    """The plan that a document describes, as version 0; whoever runs it gives it its version.

    Args:
        document: The configuration file.
        catalog: The entries, with their defaults.
        settings: The settings class of every control that is built.
        now: The present; waivers that have ended are no longer leave.

    Raises:
        ConfigError: Anything is wrong; names file and line.
    """
    return _Builder(document, catalog, settings, now).build()


class _Builder:
    def __init__(
        self, document: Document, catalog: Catalog, settings: Mapping[ControlId, type[Settings]], now: datetime
    ) -> None:
        self._document = document
        self._catalog = catalog
        self._settings = settings
        self._now = now
        self._configuration: Configuration = read_configuration(document)

    def build(self) -> Plan:
        configuration = self._configuration
        upstreams = {name: self._upstream(name) for name in configuration.upstreams}
        upstreams.setdefault(BUILTIN, UpstreamPlan(BUILTIN, BUILTIN, "", "", ""))
        for name in configuration.controls:
            self._known(name, "controls", name)
        if not configuration.workloads:
            raise self._document.error("no workload is declared", hint="add a table [workloads.<name>]")
        servers = {name: self._tool_server(name) for name in configuration.tool_servers}
        workloads = {
            WorkloadId(name): self._workload(name, table, upstreams, servers)
            for name, table in configuration.workloads.items()
        }
        self._refuse_shared_prefixes(workloads)
        credentials = {
            name: read_credential(self._document, name, table, list(configuration.workloads))
            for name, table in configuration.credentials.items()
        }
        check_leases(self._document, workloads, credentials)
        plan = Plan(
            digest="",
            version=0,
            expires=self._expires(workloads),
            organisation=configuration.organisation.name,
            workloads=workloads,
            upstreams=upstreams,
            issuers=tuple(self._issuer(name) for name in configuration.issuers),
            policies=self._policies(configuration.organisation.policies, "organisation", "policies"),
            tool_servers=servers,
            limits=Limits(**{each.name: getattr(configuration.limits, each.name) for each in fields(Limits)}),
            credentials=credentials,
            egress=read_egress(self._document, configuration.egress),
            monitor=read_monitor(self._document, configuration.monitor),
        )
        return replace(plan, digest=digest(plan))

    def _expires(self, workloads: Mapping[WorkloadId, WorkloadPlan]) -> datetime:
        """When the plan ends: after its days, or with the first leave in it."""
        leave = [each.waiver.until for one in workloads.values() for each in one.controls if each.waiver is not None]
        return min([self._now + timedelta(days=self._configuration.organisation.plan_days), *leave])

    def _upstream(self, name: str) -> UpstreamPlan:
        table = self._configuration.upstreams[name]
        where = ("upstreams", name)
        if table.kind == BUILTIN:
            if table.base_url or table.credential:
                raise self._document.error(f'the built-in upstream "{name}" takes no address and no credential', *where)
        elif not _is_api(table.base_url):
            problem = f'"{table.base_url}" is not the address of an API'
            raise self._document.error(problem, *where, "base_url", hint="https://api.example.com/v1")
        elif not table.base_url.lower().startswith("https:") and not table.private:
            problem = f'upstream "{name}" would be asked without TLS'
            raise self._document.error(problem, *where, "base_url", hint="use https, or declare it private = true")
        self._named(table.credential, *where)
        return UpstreamPlan(
            name=name,
            kind=table.kind,
            base_url=table.base_url,
            account=table.account or name,
            credential=table.credential,
            limit_field=table.limit_field,
            sampling=table.sampling,
            region=table.region,
            private=table.private,
            connect_s=table.connect_s,
            read_s=table.read_s,
            total_s=table.total_s,
        )

    def _tool_server(self, name: str) -> ToolServerPlan:
        table = self._configuration.tool_servers[name]
        where = ("tool_servers", name)
        if not SERVER_NAME.fullmatch(name):
            hint = "lower-case letters, digits and hyphens, a letter first"
            raise self._document.error(f'"{name}" is not a name for a tool server', *where, hint=hint)
        if name == BUILTIN or name in self._configuration.upstreams:
            raise self._document.error(f'"{name}" is the name of an upstream already', *where)
        if not _is_api(table.url):
            hint = "https://tools.example.com/mcp"
            raise self._document.error(f'"{table.url}" is not the address of a server', *where, "url", hint=hint)
        if not table.url.lower().startswith("https:") and not table.private:
            problem = f'tool server "{name}" would be asked without TLS'
            raise self._document.error(problem, *where, "url", hint="use https, or declare it private = true")
        self._named(table.credential, *where)
        return ToolServerPlan(
            name=name,
            url=table.url,
            account=table.account or name,
            credential=table.credential,
            private=table.private,
            connect_s=table.connect_s,
            read_s=table.read_s,
            total_s=table.total_s,
        )

    def _named(self, credential: str, *where: str) -> None:
        """Refuse a credential that is written out."""
        kind, _, at = credential.partition(":")
        if credential and (kind not in ("env", "file") or not at):
            hint = '"env:NAME" or "file:PATH"'
            raise self._document.error("a credential must be named, not written", *where, "credential", hint=hint)

    def _issuer(self, name: str) -> TrustedIssuer:
        table = self._configuration.issuers[name]
        jwks = ""
        if bool(table.jwks_uri) == bool(table.jwks_file):
            raise self._document.error("give one of jwks_uri and jwks_file", "issuers", name)
        if table.jwks_file:
            jwks = self._beside(table.jwks_file, "issuers", name, "jwks_file")
        values = {field: getattr(table, field) for field in table.__struct_fields__ if field != "jwks_file"}
        values.update(
            audiences=frozenset(table.audiences),
            algorithms=frozenset(table.algorithms),
            token_types=frozenset(each.lower() for each in table.token_types),
            clients=frozenset(table.clients),
            agents=frozenset(table.agents),
            roles={group: frozenset(roles) for group, roles in table.roles.items()},
            workloads=frozenset(table.workloads) if table.workloads is not None else None,
        )
        return TrustedIssuer(jwks=jwks, **values)

    def _workload(
        self,
        name: str,
        table: WorkloadTable,
        upstreams: Mapping[str, UpstreamPlan],
        servers: Mapping[str, ToolServerPlan],
    ) -> WorkloadPlan:
        where = ("workloads", name)
        if not WORKLOAD_ID.fullmatch(name):
            hint = "lower-case letters, digits and hyphens, a letter first"
            raise self._document.error(f'"{name}" is not a name for a workload', *where, hint=hint)
        traits = frozenset(table.traits)
        workload = Workload(WorkloadId(name), table.owner, table.use_case, table.phase, traits, table.rehearsal)
        if not table.owner.strip():
            raise self._document.error("somebody must answer for it: owner is empty", *where, "owner")
        if table.path_prefix and (not table.path_prefix.startswith("/") or table.path_prefix.endswith("/")):
            raise self._document.error("a path prefix begins with / and ends without", *where, "path_prefix")
        routes = read_routes(self._document, name, table, upstreams)
        tools = self._tools(name, table, servers)
        own = destinations(routes, upstreams, [servers[each] for each in table.tool_servers])
        entries = self._running(name, workload)
        controls = tuple(self._control(entry, name, table, own) for entry in entries if entry.built)
        return WorkloadPlan(
            workload=workload,
            controls=controls,
            vacancies=tuple(entry.id for entry in entries if entry.how is How.ENFORCED and not entry.built),
            routes=routes,
            policies=self._policies(table.policies, *where, "policies"),
            path_prefix=table.path_prefix,
            max_output_tokens=table.max_output_tokens,
            payload_days=table.payload_days,
            blocked_turns=BlockedTurns(table.blocked_turns),
            tools=tools,
            tool_servers=tuple(sorted(set(table.tool_servers))),
        )

    def _tools(self, name: str, table: WorkloadTable, servers: Mapping[str, ToolServerPlan]) -> tuple[Tool, ...]:
        """The tools of a workload's servers, and those that it runs itself."""
        where = ("workloads", name, "tool_servers")
        found: dict[str, Tool] = {}
        files = [(OWN, table.tools, ("workloads", name, "tools"))] if table.tools else []
        for server in table.tool_servers:
            if server not in servers:
                raise self._document.error(
                    f'no such tool server "{server}"', *where, hint=nearest(server, list(servers))
                )
            if table.rehearsal and not _is_of_this_machine(servers[server]):
                hint = "an address of this machine, private = true and no credential, so that an attack harms nobody"
                raise self._document.error(f'a rehearsal workload cannot use tool server "{server}"', *where, hint=hint)
            definitions = self._configuration.tool_servers[server].definitions
            files.append((server, definitions, ("tool_servers", server, "definitions")))
        for server, file, at in files:
            try:
                tools = read_tools(self._beside(file, *at), server)
            except ToolsError as error:
                raise self._document.error(f'"{file}": {error}', *at) from error
            for tool in tools:
                if tool.name in found:
                    raise self._document.error(f'tool "{tool.name}" is declared twice', *at)
                found[tool.name] = tool
        return tuple(found[each] for each in sorted(found))

    def _running(self, name: str, workload: Workload) -> tuple[Entry, ...]:
        """The entries that stand in a workload's plan: what is due, and what somebody named."""
        entries = {
            entry.id: entry for entry in due(self._catalog.entries.values(), workload) if entry.how is How.ENFORCED
        }
        named: list[tuple[str, tuple[str, ...]]] = [(each, ("controls", each)) for each in self._configuration.controls]
        own = self._configuration.workloads[name].controls
        named += [(each, ("workloads", name, "controls", each)) for each in own]
        for each, where in named:
            entry = self._known(each, *where)
            if not entry.built:
                hint = (
                    "it stands in the plan as a vacancy where it is due; settings for it would promise what is not done"
                )
                raise self._document.error(f'control "{each}" is not built yet', *where, hint=hint)
            entries.setdefault(entry.id, entry)
        return tuple(entries[key] for key in sorted(entries))

    def _known(self, control: str, *where: str) -> Entry:
        entry = self._catalog.entries.get(ControlId(control))
        if entry is None:
            known = [str(each) for each, entry in self._catalog.entries.items() if entry.built]
            raise self._document.error(f'no such control "{control}"', *where, hint=nearest(control, known))
        return entry

    def _control(
        self,
        entry: Entry,
        workload: str,
        table: WorkloadTable,
        own: Sequence[str],
    ) -> PlannedControl:
        kind = self._settings[entry.id]
        where_set = self._catalog.provenance.get(entry.id, {})
        laying = Laying(
            self._document, entry, kind, where_set, self._now, beside=self._beside, rehearsal=table.rehearsal
        )
        for values, where in (
            (self._configuration.controls.get(entry.id), ("controls", entry.id)),
            (table.controls.get(entry.id), ("workloads", workload, "controls", entry.id)),
        ):
            if values is not None:
                laying.lay(values, where)
        laying.expand(OWN_UPSTREAMS, list(own))
        return laying.planned()

    def _policies(self, names: Iterable[str], *where: str) -> tuple[PolicyFile, ...]:
        return tuple(PolicyFile(name, self._beside(name, *where)) for name in names)

    def _beside(self, name: str, *where: str) -> str:
        """The text of a file that the configuration names, relative to it."""
        path = Path(self._document.file).parent / name
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BESIDE_BYTES + 1)
            text = content.decode("utf-8")
        except (OSError, ValueError) as error:  # not there, not UTF-8, or no name that a file can have
            hint = f"it is looked for beside {self._document.file}"
            raise self._document.error(f'"{name}" cannot be read', *where, hint=hint) from error
        if len(content) > MAX_BESIDE_BYTES:
            raise self._document.error(f'"{name}" is larger than "{MAX_BESIDE_BYTES}" bytes', *where)
        return text

    def _refuse_shared_prefixes(self, workloads: Mapping[WorkloadId, WorkloadPlan]) -> None:
        seen: dict[str, str] = {}
        for name, plan in workloads.items():
            prefix = plan.path_prefix
            if prefix == "/w" or prefix.startswith("/w/"):
                raise self._document.error("/w/ is kept for the workloads' own names", "workloads", name, "path_prefix")
            owner = next((owner for other, owner in seen.items() if prefix and _overlap(prefix, other)), None)
            if owner is not None:
                problem = f'"{prefix}" overlaps with the path prefix of "{owner}"'
                raise self._document.error(problem, "workloads", name, "path_prefix")
            if prefix:
                seen[prefix] = name


def _overlap(one: str, other: str) -> bool:
    """True when one path is the other, or stands below it."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _is_api(url: str) -> bool:
    """True for an address that an API can have: a scheme, a host, a port that there is, and nothing but a path."""
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:  # half an IPv6 address, a port that is no number
        return False
    bare = not (split.query or split.fragment or "@" in split.netloc) and url.isascii() and url.isprintable()
    return split.scheme in ("https", "http") and bool(split.hostname) and bare and port != 0


def _is_of_this_machine(server: ToolServerPlan) -> bool:
    """True for a server on a loopback address that needs no credential."""
    try:
        return ip_address(urlsplit(server.url).hostname or "").is_loopback and not server.credential
    except ValueError:
        return False
