"""`ringwall findings`: what the monitor found, what came of it, and closing it."""

from __future__ import annotations

from typing import Annotated

import typer

from ringwall.cli.installation import Database, RootKey, change, opened, safe, show, show_json, table, when
from ringwall.cli.main import DataDir, Json, out
from ringwall.controlplane.api import shapes, views
from ringwall.model.errors import ConfigError
from ringwall.model.record import inert

commands = typer.Typer(no_args_is_help=True, help="Findings of the monitor.", rich_markup_mode="markdown")
Name = Annotated[str, typer.Argument(help="Its id, as `ringwall findings list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="findings")


@commands.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """List findings, newest first.

    **Example:** `ringwall findings list --json`
    """
    with opened(data_dir, root_key, database) as installation:
        found = installation.findings.list_all(open_only=not everything)
    shown = [views.finding_view(each) for each in found]
    if as_json:
        show_json(shapes.Findings(findings=shown))
        return
    rows = table("id", "severity", "what", "about", "found", "response", "")
    for each in shown:
        rows.add_row(
            safe(each.id),
            safe(each.severity),
            safe(each.words),
            safe(each.subject),
            when(each.found, ""),
            safe(each.response),
            "" if each.closed is None else f"closed: {safe(each.close_reason or '')}",
        )
    show(rows, "Nothing was found.")


@commands.command("show")
def show_one(
    finding: Name,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Show one finding with the records that it rests on.

    **Example:** `ringwall findings show fnd_0123456789abcdef`
    """
    with opened(data_dir, root_key, database) as installation:
        found = installation.findings.get(finding)
    if found is None:
        raise ConfigError(f'there is no finding "{inert(finding)}"', hint="ringwall findings list --all")
    view = views.finding_view(found)
    if as_json:
        show_json(view)
        return
    out.print(f"[bold]{safe(view.id)}[/] {safe(view.severity)}: {safe(view.words)}", soft_wrap=True)
    out.print(f"  about      {safe(view.subject)}", soft_wrap=True)
    out.print(f"  seen       {view.first:%Y-%m-%d %H:%M:%S}Z to {view.last:%H:%M:%S}Z, {view.count} records")
    out.print(f"  response   {safe(view.response)} {safe(view.response_words)}", soft_wrap=True)
    for scope in view.scopes:
        out.print(f"  contained  {safe(scope)}", soft_wrap=True)
    if view.contained_ms is not None:
        out.print(f"  took       {view.contained_ms} ms from the last record; {view.released} answers got out before")
    if view.needs_person:
        out.print(f"  a person   {safe(view.needs_person)}", soft_wrap=True)
    for record in view.evidence:
        out.print(f"  record     ringwall explain {safe(record)}", soft_wrap=True)


@commands.command("close")
def close(
    finding: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why; people will ask.")],
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Close a finding. Who is contained stays so: `ringwall contain lift` ends that.

    **Example:** `ringwall findings close fnd_0123456789abcdef --reason "our own test"`
    """
    with opened(data_dir, root_key, database) as installation:

        def effect(by: str) -> None:
            if not installation.findings.close(finding, reason=reason, by=by):
                raise ConfigError(f'there is no open finding "{inert(finding)}"', hint="ringwall findings list")

        what = {"reason": inert(reason)}
        change(
            installation,
            lambda changes, by: changes.carry_out(by, "finding.close", finding, what, lambda: effect(by.name)),
        )
    if as_json:
        show_json(shapes.Done())
    else:
        out.print(f"Closed [bold]{safe(finding)}[/].", soft_wrap=True)
