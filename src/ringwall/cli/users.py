"""`ringwall users`: invite, list and disable the people of the embedded issuer."""

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
from ringwall.controlplane.api.embedded import ADMINISTRATORS, EVERYBODY, issuer_names
from ringwall.model.errors import ConfigError

MAX_INVITATION_S = 14 * 86_400
commands = typer.Typer(no_args_is_help=True, help="People of the embedded issuer.", rich_markup_mode="markdown")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="users")


@commands.command("invite")
def invite(
    username: Annotated[str, typer.Argument(help="The name to log in with.")],
    group: Annotated[
        list[str] | None,
        typer.Option(
            "--group",
            "-g",
            help=f"{EVERYBODY} (every workload), a workload's name, or {ADMINISTRATORS}; repeatable.",
        ),
    ] = None,
    lasts: Annotated[str, typer.Option("--for", help="How long the code works: 30m, 24h, 7d.")] = "24h",
    renew: Annotated[bool, typer.Option("--renew", help="For a known person who lost a factor.")] = False,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Make a one-time code with which a person enrols a password and a second factor.

    **Example:** `ringwall users invite ada --group support`

    **Example:** `ringwall users invite ada --renew`
    """
    lifetime_s = seconds(lasts, "--for")
    if lifetime_s is None or lifetime_s > MAX_INVITATION_S:
        raise ConfigError("an invitation ends within 14 days", hint="--for 24h")
    if renew and group:
        raise ConfigError("the groups of a known person stay as they are", hint="leave out --group or --renew")
    groups = group or ([] if renew else [EVERYBODY])
    with opened(data_dir, root_key, database) as installation:
        names = issuer_names(installation.issuer_folder)
        if not names:
            hint = "ringwall up offers it; ringwall serve does for foundational workloads only"
            raise ConfigError("no gateway has offered the embedded issuer here yet", hint=hint)
        made = change(
            installation,
            lambda changes, by: changes.invite(by, username, groups=groups, lifetime_s=lifetime_s, renew=renew),
        )
    view = views.invited_view(made, f"{names[-1]}/enrol")
    if as_json:
        show_json(view)
        return
    out.print(f"\n[bold]{safe(view.user.username)}[/] enrols here:\n", soft_wrap=True)
    out.print(f"  page     {safe(view.url)}", soft_wrap=True)
    out.print(f"  code     [bold]{view.code}[/]  (once, until {when(view.expires, '')})", soft_wrap=True)
    out.print(f"  groups   {safe(', '.join(view.user.groups)) or 'none'}\n", soft_wrap=True)
    out.print("Hand the code over in person or by a channel that you trust: whoever has it becomes this user.")


@commands.command("list")
def list_(
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """List the people of the embedded issuer.

    **Example:** `ringwall users list`
    """
    with opened(data_dir, root_key, database) as installation:
        shown = [views.person_view(each) for each in installation.users.list_all()]
    if as_json:
        show_json(shapes.People(users=shown))
        return
    rows = table("username", "subject", "groups", "since", "")
    for each in shown:
        state = "[red]disabled[/]" if each.disabled else "" if each.enrolled else "[yellow]not enrolled yet[/]"
        rows.add_row(
            safe(each.username), safe(each.subject), safe(", ".join(each.groups)), when(each.created, ""), state
        )
    show(rows, "There are no users. ringwall users invite NAME makes one.")


@commands.command("disable")
def disable(
    username: Annotated[str, typer.Argument(help="The name to log in with.")],
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Refuse a person's logins, and within a second the tokens that are still out there.

    **Example:** `ringwall users disable ada`
    """
    with opened(data_dir, root_key, database) as installation:
        user = change(installation, lambda changes, by: changes.disable(by, username))
        changed = installation.users.by_subject(user.subject)
    if as_json:
        show_json(views.person_view(changed or user))
    else:
        out.print(f"Disabled [bold]{safe(user.username)}[/].", soft_wrap=True)
