"""`ringwall contain`: stop a principal, a key, a workload or a model at once; list what is stopped; lift it."""

from __future__ import annotations

from typing import Annotated

import typer

from ringwall.cli.installation import (
    Database,
    RootKey,
    change,
    opened,
    safe,
    seconds,
    show,
    show_json,
    table,
    when,
)
from ringwall.cli.main import DataDir, Json, out
from ringwall.controlplane.api import shapes, views
from ringwall.model.scopes import KINDS

commands = typer.Typer(no_args_is_help=True, help="Containment: stop somebody at once.", rich_markup_mode="markdown")
Reason = Annotated[str, typer.Option("--reason", help="Why; people will ask.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="contain")


@commands.command("add")
def add(
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join(KINDS)}.")],
    name: Annotated[str, typer.Argument(help="Its name; for a principal, issuer and subject with a blank between.")],
    reason: Reason,
    lasts: Annotated[str, typer.Option("--for", help="How long: 90m, 12h, 30d, or never.")] = "never",
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Contain something. A gateway that runs refuses it within a second, whatever it asks for.

    **Example:** `ringwall contain add key 0123456789ab --reason "found in a public repository"`

    **Example:** `ringwall contain add principal "ringwall:keys ci" --reason "odd traffic" --for 12h`
    """
    lifetime_s = seconds(lasts, "--for")
    with opened(data_dir, root_key, database) as installation:
        made = change(
            installation,
            lambda changes, by: changes.contain(by, kind, name, reason=reason, lifetime_s=lifetime_s),
        )
    view = views.containment_view(made)
    if as_json:
        show_json(view)
        return
    out.print(f"Contained [bold]{safe(view.scope)}[/] until {when(view.expires, 'it is lifted')}.", soft_wrap=True)
    out.print(f"  lift it  ringwall contain lift {view.id} --reason ...", soft_wrap=True)


@commands.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """List what is contained.

    **Example:** `ringwall contain list --json`
    """
    with opened(data_dir, root_key, database) as installation:
        found = installation.containment.list_all(standing_only=not everything)
    shown = [views.containment_view(each) for each in found]
    if as_json:
        show_json(shapes.Containments(containments=shown))
        return
    rows = table("id", "what", "why", "since", "by", "until", "")
    for each in shown:
        rows.add_row(
            safe(each.id),
            safe(each.scope),
            safe(each.reason),
            when(each.created, ""),
            safe(each.created_by),
            when(each.expires, "lifted"),
            "" if each.lifted is None else f"lifted: {safe(each.lift_reason or '')}",
        )
    show(rows, "Nothing is contained.")


@commands.command("lift")
def lift(
    containment: Annotated[str, typer.Argument(help="Its id, as `ringwall contain list` shows it.")],
    reason: Reason,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """End a containment.

    **Example:** `ringwall contain lift con_0123456789abcdef --reason "false alarm"`
    """
    with opened(data_dir, root_key, database) as installation:
        change(installation, lambda changes, by: changes.lift(by, containment, reason=reason))
    if as_json:
        show_json(shapes.Done())
    else:
        out.print(f"Lifted [bold]{safe(containment)}[/].", soft_wrap=True)
