"""`ringwall check`: can this configuration be taken, and what would run?

The procedure, numbered as in the code:

1. Read the file and everything that it names, and build the plan: keys, values, leave, policies.
2. Make what the plan needs without opening anything: controls, upstreams, issuers, listeners.
3. Say what works but deserves a look: credentials that are not there, leave that ends soon, due controls not built.

* What `check` accepts, `up` can start on a machine that has the credentials; nothing is connected to, and nothing kept.
* An error names the file, the line, and the nearest name that there is. It is the first one; exit status 2.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import typer

from ringwall.cli.main import ConfigFile, Json
from ringwall.cli.show import chosen_config, plural, show, show_json, visible
from ringwall.model.errors import ConfigError
from ringwall.model.plan import Order

if TYPE_CHECKING:
    from ringwall.config.document import Document
    from ringwall.config.schema import Listen
    from ringwall.model.plan import Plan

SOON_DAYS = 30
"""Leave that ends within so many days is warned of."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(config: ConfigFile = None, json: Json = False) -> None:
    """Say whether a configuration can be taken, and what would run.

    Exit status 0 when it can, 2 when it cannot.

    **Example:** `ringwall check --config ringwall.toml`
    """
    from ringwall import compose

    try:
        plan, document = compose.read_plan(chosen_config(config))  # 1
        _make(plan, document)  # 2
    except ConfigError as error:
        if not json:
            raise
        found = {"file": error.file, "hint": error.hint, "line": error.line, "problem": error.problem}
        show_json({"error": found, "ok": False})
        raise typer.Exit(2) from error
    warnings = find_warnings(plan, document, datetime.now(UTC))  # 3
    if json:
        show_json(
            {
                "digest": plan.digest,
                "file": document.file,
                "ok": True,
                "warnings": warnings,
                "workloads": {str(name): _summary(plan, name) for name in sorted(plan.workloads)},
            }
        )
        return
    show(f"[bold green]ok[/] {visible(document.file)} can be taken [dim](plan {plan.digest[:23]}...)[/]")
    for name in sorted(plan.workloads):
        each = plan.workloads[name]
        kind = each.workload
        traits = f", {', '.join(sorted(kind.traits))}" if kind.traits else ""
        show(f"\n[bold]{visible(name)}[/] ({kind.use_case}{traits}, {kind.phase}), owner {visible(kind.owner)}")
        for route in sorted(each.routes, key=lambda one: one.model):
            names = (" or " if route.order is Order.WEIGHTED else ", then ").join(t.upstream for t in route.targets)
            show(f"  model {visible(route.model)} from upstream {visible(names)}")
        for control in each.controls:
            show(f"  {control.mode.value:<8} {control.id}")
    for warning in warnings:
        show(f"[bold yellow]warning[/] {visible(warning)}")
    show("\nEvery value and where it comes from: ringwall plan")


def find_warnings(plan: Plan, document: Document, now: datetime) -> list[str]:
    """What works but deserves a look."""
    from ringwall.config.secret import read_secret

    found = []
    for name in sorted(plan.upstreams):
        upstream = plan.upstreams[name]
        if upstream.credential:
            where = document.where("upstreams", name, "credential")
            try:
                read_secret(upstream.credential, file=where.file, line=where.line)
            except ConfigError as error:
                found.append(f"{error.public}; the gateway cannot start without it")
    for workload in sorted(plan.workloads):
        planned = plan.workloads[workload]
        for control in planned.controls:
            waiver = control.waiver
            if waiver is not None and waiver.until - now <= timedelta(days=SOON_DAYS):
                left = plural(max((waiver.until - now).days, 0), "day")
                found.append(
                    f'"{control.id}" of "{workload}" is looser than due for {left} more: {waiver.reason}; '
                    "past that, this configuration is refused"
                )
        if not planned.routes:
            found.append(f'"{workload}" has no model, so every request to it is refused')
        if planned.vacancies:
            due = plural(len(planned.vacancies), "control")
            found.append(f'"{workload}" lacks {due} that it is due and that nobody has built yet; see ringwall plan')
    return found


def _summary(plan: Plan, name: str) -> dict[str, object]:
    planned = next(each for key, each in plan.workloads.items() if key == name)
    return {
        "controls": {str(each.id): each.mode for each in planned.controls},
        "models": sorted(route.model for route in planned.routes),
        "vacancies": sorted(str(each) for each in planned.vacancies),
    }


def _make(plan: Plan, document: Document) -> None:
    """Step 2.

    Raises:
        ConfigError: Something cannot be made; names file and line.
    """
    from ringwall import compose
    from ringwall.config.read import read_configuration
    from ringwall.dataplane.gateway.keysets import read_jwks
    from ringwall.dataplane.gateway.tokens import unsound

    bare = {name: replace(each, credential="") for name, each in plan.upstreams.items()}
    for name, upstream in bare.items():
        try:
            compose.make_running(replace(plan, upstreams={name: upstream}, workloads={}, policies=()))
        except ConfigError as error:
            raise document.error(error.problem, "upstreams", name, "base_url", hint=error.hint) from error
    compose.make_running(replace(plan, upstreams=bare))
    configuration = read_configuration(document)
    for name, issuer in zip(configuration.issuers, plan.issuers, strict=True):
        problem = unsound(issuer)
        if problem is None and issuer.jwks:
            try:
                read_jwks(issuer.jwks.encode(), {})
            except ValueError as error:
                problem = str(error)
        if problem is None and sum(each.issuer == issuer.issuer for each in plan.issuers) > 1:
            problem = f'the issuer "{issuer.issuer}" stands twice'
        if problem is not None:
            raise document.error(f'issuer "{name}": {problem}', "issuers", name)
    _check_listen(configuration.listen, document)


def _check_listen(listen: Listen, document: Document) -> None:
    """What `up` would say of the listeners' addresses, without taking them."""
    from pathlib import Path

    from ringwall.dataplane.gateway.server import Tls
    from ringwall.dataplane.gateway.source import Sources

    if bool(listen.tls_certificate) != bool(listen.tls_key):
        raise document.error("TLS needs both tls_certificate and tls_key", "listen")
    if listen.tls_certificate:
        try:
            Tls(Path(listen.tls_certificate), Path(listen.tls_key)).context()
        except ConfigError as error:
            raise document.error(error.problem, "listen", "tls_certificate") from error
    try:
        Sources(listen.proxies)
    except ConfigError as error:
        raise document.error(error.problem, "listen", "proxies") from error
    for name in ("data", "admin"):
        host, _, port = getattr(listen, name).rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            problem = f'"{getattr(listen, name)}" is not an address'
            raise document.error(problem, "listen", name, hint="host:port, such as 127.0.0.1:8080")
        if not (listen.tls_certificate or listen.proxies or _is_here(host.strip("[]"))):
            problem = f"the {name} listener would be reachable from outside without TLS"
            hint = "set tls_certificate and tls_key, or declare the proxies that end TLS in front of it"
            raise document.error(problem, "listen", name, hint=hint)


def _is_here(host: str) -> bool:
    """True for an address of this machine's loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
