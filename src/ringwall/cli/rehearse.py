"""`ringwall rehearse`: the worked example, live. Ten steps, every subset of them, and what each of them holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ringwall.cli.main import err, out
from ringwall.cli.rehearsal_view import controls_of_steps, progress, show_report
from ringwall.model.errors import ConfigError

Picture = Annotated[Path | None, typer.Option("--svg", help="Write the matrix as a picture.", show_default=False)]
Page = Annotated[Path | None, typer.Option("--html", help="Write a page with everything.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rehearse")(rehearse)


def rehearse(
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

    **Example:** `ringwall rehearse --html rehearsal.html`

    **Example:** `ringwall rehearse --sample 200 --seed 7 --json`
    """
    if full and sample is not None:
        raise ConfigError("a sample is drawn of the usual plays", hint="give one of --full and --sample")
    _refuse_unwritable(svg, html)
    from ringwall.catalog.load import load_catalog
    from ringwall.cli.rehearsal_scene import StorefrontScene, the_stage
    from ringwall.controlplane.attack.rehearsal import choice, judging, page, picture
    from ringwall.controlplane.attack.rehearsal.evidence import Evidence
    from ringwall.controlplane.attack.rehearsal.rehearse import rehearse as play_all
    from ringwall.storefront.data import card_numbers

    entries = load_catalog().entries.values()
    steps = {str(each.id): each.step for each in entries if each.built and each.step is not None}
    plays = choice.choose(full=full, sample=sample, seed=seed)

    def judge(evidence: Evidence) -> judging.Judge:
        return judging.Judge(card_numbers(), steps, evidence)

    if not as_json:
        err.print(f"{len(plays)} plays; the gateways start", style="dim")
    with StorefrontScene(plays, the_stage(steps)) as scene, progress(err, len(plays), quiet=as_json) as done:
        report = play_all(scene, plays, judge, done)
    for path, text in ((svg, picture.picture), (html, page.page)):
        if path is not None:
            path.write_text(text(report, controls_of_steps()), "utf-8")
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        show_report(out, report)
    if report.broken:
        raise typer.Exit(1)


def _refuse_unwritable(*paths: Path | None) -> None:
    """Say so before minutes of work and not after them."""
    for path in paths:
        if path is not None and not path.absolute().parent.is_dir():
            raise ConfigError(f'"{path}" cannot be written: its folder is not there')
