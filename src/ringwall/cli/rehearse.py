"""`ringwall rehearse`: the worked example, live. Ten steps, every subset of them, and what each of them holds."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ringwall.cli.main import ConfigFile, err, out
from ringwall.cli.rehearsal_view import controls_of_steps, progress, show_report
from ringwall.cli.show import visible
from ringwall.controlplane.attack.rehearsal.played import Played, Report
from ringwall.model.errors import ConfigError

Picture = Annotated[Path | None, typer.Option("--svg", help="Write the matrix as a picture.", show_default=False)]
Page = Annotated[Path | None, typer.Option("--html", help="Write a page with everything.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rehearse")(rehearse)


def rehearse(
    workload: Annotated[
        str, typer.Option("--workload", help="Attack a copy of this workload instead.", show_default=False)
    ] = "",
    config: ConfigFile = None,
    stand_ins: Annotated[
        Path | None,
        typer.Option("--stand-ins", help="A JSON file with what its tools answer.", show_default=False),
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="A role of its people; repeatable.", show_default=False)
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Every subset for every variant; takes an hour or so.")] = False,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="A seeded part: so many plays.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="What the sample depends on.")] = 0,
    svg: Picture = None,
    html: Page = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every play as JSON.")] = False,
) -> None:
    """Attack the storefront, with every subset of the ten steps on, and say what each step holds.

    Gateways, tools, an egress proxy and a host outside run as processes of their own on this machine, with data of
    their own that is removed at the end; nothing that serves anybody is touched. The model is fully compromised. The
    outsider plays every subset with the seed's own words; he and the insider play every other variant with nothing on,
    each step alone, each pair, all but one, and all. Exit status 1: a cell that decision 0111 promises leaked.

    With `--workload` a copy of that workload is attacked: its plan and policies, its tools as stand-ins; nothing real
    is reached. Exit status 1: something leaked although the plan stands as it is configured.

    **Example:** `ringwall rehearse --html rehearsal.html`

    **Example:** `ringwall rehearse --sample 200 --seed 7 --json`

    **Example:** `ringwall rehearse --workload support --role support/agent`
    """
    is_part, is_told = full or sample is not None, config is not None or stand_ins is not None or bool(role)
    if full and sample is not None:
        raise ConfigError("a sample is drawn of the usual plays", hint="give one of --full and --sample")
    _refuse_words(workload, is_part=is_part, is_told=is_told)
    _refuse_unwritable(svg, html)
    from ringwall.controlplane.attack.rehearsal import page, picture

    if workload:
        report = _own(workload, config, stand_ins, tuple(role or ()), quiet=as_json)
    else:
        report = _storefront(full=full, sample=sample, seed=seed, quiet=as_json)
    for path, text in ((svg, picture.picture), (html, page.page)):
        if path is not None:
            path.write_text(text(report, controls_of_steps()), "utf-8")
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        show_report(out, report)
        if workload:
            show_carried(out, report)
    if report.broken or (workload and leaks_as_configured(report)):
        raise typer.Exit(1)


def _steps() -> dict[str, int]:
    """The step of every control that is built."""
    from ringwall.catalog.load import load_catalog

    entries = load_catalog().entries.values()
    return {str(each.id): each.step for each in entries if each.built and each.step is not None}


def _storefront(*, full: bool, sample: int | None, seed: int, quiet: bool) -> Report:
    from ringwall.cli.rehearsal_scene import StorefrontScene, the_stage
    from ringwall.controlplane.attack.rehearsal import choice, judging
    from ringwall.controlplane.attack.rehearsal.evidence import Evidence
    from ringwall.controlplane.attack.rehearsal.rehearse import rehearse as play_all
    from ringwall.storefront.data import card_numbers

    steps = _steps()
    plays = choice.choose(full=full, sample=sample, seed=seed)

    def judge(evidence: Evidence) -> judging.Judge:
        return judging.Judge(card_numbers(), steps, evidence)

    if not quiet:
        err.print(f"{len(plays)} plays; the gateways start", style="dim")
    with StorefrontScene(plays, the_stage(steps)) as scene, progress(err, len(plays), quiet=quiet) as done:
        return play_all(scene, plays, judge, done)


def _own(name: str, config: Path | None, stand_ins: Path | None, roles: tuple[str, ...], *, quiet: bool) -> Report:
    from ringwall import compose
    from ringwall.cli import rehearsal_sandbox as own
    from ringwall.cli.serve import LOCAL_CONFIG
    from ringwall.config.read import nearest
    from ringwall.controlplane.attack.rehearsal.sandbox import Sandbox
    from ringwall.controlplane.attack.rehearsal.variants import of
    from ringwall.model.framework import WorkloadId
    from ringwall.model.identity import ROLE
    from ringwall.storefront.data import card_numbers

    path = config or LOCAL_CONFIG
    plan, document = compose.read_plan(path)
    planned = plan.workloads.get(WorkloadId(name))
    if planned is None:
        raise ConfigError(f'no such workload "{name}"', hint=nearest(name, [str(each) for each in plan.workloads]))
    wrong = next((each for each in roles if ROLE.fullmatch(each) is None), None)
    if wrong is not None:
        raise ConfigError(f'"{wrong}" is not a role', hint="name, or workload/name")
    until = (datetime.now(UTC) + timedelta(days=2)).date()
    sandbox = Sandbox(document.values, path.parent, planned, _steps(), roles, until)
    if not sandbox.on:
        raise ConfigError(f'no step of the ten stands in the plan of "{name}"', hint="ringwall plan shows what does")
    prepared = own.Prepared.declared(stand_ins) if stand_ins else own.Prepared.made(sandbox, card_numbers())
    count = len(own.plays_of(sandbox, of(own.ordinary(planned.tools))))
    if not quiet:
        err.print(
            f"{count} plays on a copy of {visible(name)}; {len(sandbox.subsets())} gateways, in turn", style="dim"
        )
    with progress(err, count, quiet=quiet) as done:
        return own.rehearse_workload(sandbox, prepared, _steps(), done)


def leaks_as_configured(report: Report) -> bool:
    """True when something leaked with every step on that the plan has."""
    return any(not cell.is_held for play in _as_configured(report) for cell in play.cells.values())


def show_carried(console: Console, report: Report) -> None:
    """Say which steps carried it, the plan as it is configured."""
    held: dict[str, Counter[str]] = {}
    for play in _as_configured(report):
        for aim, cell in play.cells.items():
            by = f"step {cell.step} ({cell.control})" if cell.is_held else "nothing: it leaked"
            held.setdefault(f"{play.attacker}, {aim}", Counter())[by] += 1
    console.print("\nAs it is configured, carried by:")
    for who, counts in held.items():
        told = ", ".join(f"{by} {count}" for by, count in counts.most_common())
        console.print(f"  {who:15} {visible(told)}", soft_wrap=True, highlight=False)


def _as_configured(report: Report) -> list[Played]:
    most = max((each.on for each in report.plays), key=len)
    return [each for each in report.plays if each.on == most]


def _refuse_words(workload: str, *, is_part: bool, is_told: bool) -> None:
    if workload and is_part:
        raise ConfigError("a workload is played whole", hint="leave out --full and --sample")
    if not workload and is_told:
        raise ConfigError("the storefront brings its own", hint="say which workload is meant with --workload")


def _refuse_unwritable(*paths: Path | None) -> None:
    """Say so before minutes of work and not after them."""
    for path in paths:
        if path is not None and not path.absolute().parent.is_dir():
            raise ConfigError(f'"{path}" cannot be written: its folder is not there')
