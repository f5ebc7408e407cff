"""`ringwall plan`: every value that is in force, and the file and line that set it.

* Nothing is left out: what nobody wrote is shown with the catalog's file and line, or as built in.
* Two runs over one configuration print the same, whatever the order in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.table import Table

from ringwall.cli.main import ConfigFile, Json
from ringwall.cli.show import chosen_config, show, show_json, visible
from ringwall.model.errors import ConfigError
from ringwall.model.plan import Order

if TYPE_CHECKING:
    from ringwall.config.document import Document
    from ringwall.model.plan import Plan, PlannedControl, WorkloadPlan

BUILT_IN = "built in"
"""Where a value comes from that neither the file nor the catalog sets."""

WorkloadName = Annotated[
    str | None, typer.Option("--workload", "-w", help="Show this workload only.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan)


def plan(config: ConfigFile = None, workload: WorkloadName = None, json: Json = False) -> None:
    """Show every value that is in force, and the file and line that set it.

    Without `--config` it reads `ringwall.toml` of this folder, or else what `ringwall up` runs by itself.

    **Example:** `ringwall plan --workload chat`
    """
    from ringwall import compose

    made, document = compose.read_plan(chosen_config(config))
    names = chosen_workloads(made, workload)
    body = plan_body(made, document, names)
    if json:
        show_json(body)
    else:
        _show(made, body)


def chosen_workloads(made: Plan, workload: str | None) -> list[str]:
    """The workloads that are meant, by name.

    Raises:
        ConfigError: There is none of this name.
    """
    from ringwall.config.read import nearest

    names = sorted(made.workloads)
    if workload is None:
        return [str(each) for each in names]
    if workload not in names:
        hint = nearest(workload, [str(each) for each in names])
        raise ConfigError(f'no such workload "{workload}"', hint=hint)
    return [workload]


def plan_body(made: Plan, document: Document, names: Iterable[str]) -> dict[str, object]:
    """A plan as plain JSON, each value with where it was set."""
    by_name = {str(name): each for name, each in made.workloads.items()}
    return {
        "digest": made.digest,
        "expires": made.expires.isoformat(timespec="seconds"),
        "file": document.file,
        "issuers": [_issuer(each) for each in sorted(made.issuers, key=lambda each: each.issuer)],
        "limits": {
            each.name: _value(getattr(made.limits, each.name), origin(document, "limits", each.name))
            for each in fields(made.limits)
        },
        "organisation": made.organisation,
        "policies": sorted(each.name for each in made.policies),
        "upstreams": {name: _upstream(made, name, document) for name in sorted(_upstreams(made, document))},
        "workloads": {name: _workload(by_name[name], document) for name in names},
    }


def origin(document: Document, *path: str) -> str:
    """The file and line that set the value at exactly this path, or that nobody did."""
    line = document.lines.get(path)
    return f"{document.file}:{line}" if line is not None else BUILT_IN


def _value(value: object, where: str) -> dict[str, object]:
    return {"from": where, "value": plain(value)}


def plain(value: object) -> object:
    """A setting's value as JSON."""
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in sorted(value)}
    if isinstance(value, (set, frozenset)):
        return sorted(str(each) for each in value)
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value if isinstance(value, (int, float)) or value is None else str(value)


def _issuer(issuer: object) -> dict[str, object]:
    kept = {each.name: plain(getattr(issuer, each.name)) for each in fields(issuer)}  # type: ignore[arg-type]
    kept["jwks"] = "given" if kept["jwks"] else ""
    return kept


def _upstreams(made: Plan, document: Document) -> set[str]:
    """The upstreams that are declared or used; the built-in one is always there, and seldom of interest."""
    routes = (route for each in made.workloads.values() for route in each.routes)
    used = {target.upstream for route in routes for target in route.targets}
    return {name for name in made.upstreams if name in used or ("upstreams", name) in document.lines}


def _upstream(made: Plan, name: str, document: Document) -> dict[str, object]:
    upstream = made.upstreams[name]
    return {
        each.name: _value(getattr(upstream, each.name), origin(document, "upstreams", name, each.name))
        for each in fields(upstream)
        if each.name != "name"
    }


def _workload(planned: WorkloadPlan, document: Document) -> dict[str, object]:
    workload = planned.workload
    path = ("workloads", str(workload.id))
    own = {
        "max_output_tokens": planned.max_output_tokens,
        "owner": workload.owner,
        "path_prefix": planned.path_prefix,
        "phase": workload.phase,
        "rehearsal": workload.rehearsal,
        "traits": sorted(workload.traits),
        "use_case": workload.use_case,
    }
    return {
        "controls": {str(each.id): _control(each) for each in planned.controls},
        "declaration": {name: _value(own[name], origin(document, *path, name)) for name in sorted(own)},
        "models": {
            route.model: {
                "from": origin(document, *path, "models", route.model),
                "order": route.order,
                "retry_s": route.retry_s,
                "targets": [
                    {"upstream": each.upstream, "upstream_model": each.model, "weight": each.weight}
                    for each in route.targets
                ],
            }
            for route in sorted(planned.routes, key=lambda each: each.model)
        },
        "policies": sorted(each.name for each in planned.policies),
        "vacancies": sorted(str(each) for each in planned.vacancies),
    }


def _control(planned: PlannedControl) -> dict[str, object]:
    where = {name: str(each) for name, each in planned.provenance}
    settings: dict[str, object] = {}
    for each in fields(planned.settings):
        value = getattr(planned.settings, each.name)
        if isinstance(value, Mapping):
            for key in sorted(value):
                name = f"{each.name}.{key}"
                settings[name] = _value(value[key], where.get(name, where[each.name]))
        else:
            settings[each.name] = _value(value, where[each.name])
    body: dict[str, object] = {"mode": _value(planned.mode, where["mode"]), "settings": settings}
    if planned.waiver is not None:
        body["waiver"] = {"reason": planned.waiver.reason, "until": planned.waiver.until.isoformat(timespec="seconds")}
    return body


def _show(made: Plan, body: Mapping[str, object]) -> None:
    """The same, for people."""
    show(f"[bold]Plan of {visible(made.organisation)}[/]")
    head = _grid()
    head.add_row("file", visible(body["file"]))
    head.add_row("digest", made.digest)
    head.add_row("expires", made.expires.isoformat(timespec="seconds"))
    head.add_row("policies", visible(", ".join(_names(body["policies"])) or "none of the organisation's own"))
    head.add_row("issuers", visible(", ".join(each.issuer for each in made.issuers) or "none besides the embedded one"))
    show(_indented(head))
    show("\n[bold]Limits of the listeners[/]")
    show(_values(_mapping(body["limits"])))
    for name, upstream in _mapping(body["upstreams"]).items():
        show(f"\n[bold]Upstream {visible(name)}[/]")
        show(_values(_mapping(upstream)))
    for name, workload in _mapping(body["workloads"]).items():
        _show_workload(name, _mapping(workload))


def _show_workload(name: str, workload: Mapping[str, object]) -> None:
    show(f"\n[bold]Workload {visible(name)}[/]")
    show(_values(_mapping(workload["declaration"])))
    models = _grid()
    for model, route in _mapping(workload["models"]).items():
        to = _mapping(route)
        for number, served in enumerate(_rows(to["targets"])):
            target = f"{visible(served['upstream'])} [dim]as[/] {visible(served['upstream_model'])}"
            weighted = f" [dim]weight {served['weight']}[/]" if to["order"] == Order.WEIGHTED else ""
            head = f"model {visible(model)}" if number == 0 else f"[dim]{_NEXT[Order(str(to['order']))]}[/]"
            models.add_row(head, target + weighted, f"[dim]{visible(to['from'])}[/]")
    show(_indented(models))
    if policies := _names(workload["policies"]):
        show(f"  policies of its own: {visible(', '.join(policies))}")
    for control, planned in _mapping(workload["controls"]).items():
        _show_control(control, _mapping(planned))
    vacancies = _names(workload["vacancies"])
    if vacancies:
        show("\n  [bold yellow]due, and not built yet[/] [dim](recorded vacancies: nothing checks these)[/]")
        for each in vacancies:
            show(f"    {visible(each)}")


_COLOURS = {"enforce": "green", "observe": "yellow", "off": "red"}


def _show_control(control: str, planned: Mapping[str, object]) -> None:
    mode = _mapping(planned["mode"])
    colour = _COLOURS[str(mode["value"])]
    show(f"\n  [bold]{visible(control)}[/]  [{colour}]{mode['value']}[/]  [dim]{visible(mode['from'])}[/]")
    waiver = planned.get("waiver")
    if waiver is not None:
        leave = _mapping(waiver)
        show(f"    [yellow]looser until {visible(leave['until'])}: {visible(leave['reason'])}[/]")
    show(_values(_mapping(planned["settings"]), indent=4))


def _values(values: Mapping[str, object], *, indent: int = 2) -> Padding:
    grid = _grid()
    for name, each in values.items():
        value = _mapping(each)
        grid.add_row(visible(name), _shown(value["value"]), f"[dim]{visible(value['from'])}[/]")
    return _indented(grid, indent)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return visible(", ".join(str(each) for each in value)) or "[dim]none[/]"
    return visible(value) if value != "" else "[dim]empty[/]"


def _grid() -> Table:
    grid = Table.grid(padding=(0, 3, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    return grid


def _indented(grid: Table, indent: int = 2) -> Padding:
    return Padding(grid, (0, 0, 0, indent))


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError("not a mapping")
    return value


_NEXT = {Order.FALLBACK: "  then", Order.WEIGHTED: "  or"}


def _rows(value: object) -> list[Mapping[str, object]]:
    return [_mapping(each) for each in value] if isinstance(value, list) else []


def _names(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
