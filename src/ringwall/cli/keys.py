"""`ringwall keys`: make, list and revoke API keys, on the installation itself."""

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
from ringwall.model.interaction import PrincipalKind

commands = typer.Typer(no_args_is_help=True, help="API keys: make, list, revoke.", rich_markup_mode="markdown")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="keys")


@commands.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    workload: Annotated[list[str], typer.Option("--workload", "-w", help="A workload that it is for; repeatable.")],
    role: Annotated[list[str] | None, typer.Option("--role", help="A role of its holder; repeatable.")] = None,
    expires: Annotated[str, typer.Option("--expires", help="How long it works: 12h, 30d, 8w, or never.")] = "90d",
    kind: Annotated[PrincipalKind, typer.Option("--kind", help="What sort of principal holds it.")] = (
        PrincipalKind.SERVICE
    ),
    subject: Annotated[str, typer.Option("--subject", help="Whose key it is; its name when not given.")] = "",
    aws: Annotated[
        bool, typer.Option("--aws", help="With an AWS access key, for boto3 and other AWS clients.")
    ] = False,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Make an API key. It is printed once, and works within a second on a gateway that runs.

    **Example:** `ringwall keys create ci --workload support --expires 30d`
    """
    lifetime_s = seconds(expires, "--expires")
    with opened(data_dir, root_key, database) as installation:
        secret, made = change(
            installation,
            lambda changes, by: changes.create_key(
                by,
                name,
                workloads=workload,
                subject=subject,
                kind=kind,
                roles=role or [],
                lifetime_s=lifetime_s,
                aws=aws,
            ),
        )
        access_key_id, secret_access_key = installation.api_keys.access_key_of(secret)
    view = views.key_view(made)
    if as_json:
        show_json(shapes.MadeKey(key=view, secret=secret, aws_secret_access_key=secret_access_key or None))
        return
    out.print(f"\n  {secret}\n", soft_wrap=True, markup=False)
    if access_key_id:
        out.print(f"  AWS_ACCESS_KEY_ID={access_key_id}", soft_wrap=True, markup=False)
        out.print(f"  AWS_SECRET_ACCESS_KEY={secret_access_key}\n", soft_wrap=True, markup=False)
    out.print("Keep it now: it cannot be shown again.", style="bold")
    out.print(f"  id         {view.id}")
    out.print(f"  for        {safe(', '.join(view.workloads))}", soft_wrap=True)
    out.print(f"  expires    {when(view.expires, 'never, until it is revoked')}")
    out.print(f"  take back  ringwall keys revoke {view.id}\n", soft_wrap=True)


@commands.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Revoked ones too.")] = False,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """List the API keys, without their secrets.

    **Example:** `ringwall keys list --all`
    """
    with opened(data_dir, root_key, database) as installation:
        shown = [views.key_view(each) for each in installation.api_keys.list_all()]
    shown = [each for each in shown if everything or each.revoked is None]
    if as_json:
        show_json(shapes.Keys(keys=shown))
        return
    rows = table("id", "name", "subject", "kind", "workloads", "roles", "made", "expires", "")
    for each in shown:
        rows.add_row(
            safe(each.id),
            safe(each.name),
            safe(each.subject),
            each.kind,
            safe(", ".join(each.workloads)),
            safe(", ".join(each.roles)),
            when(each.created, ""),
            when(each.expires, "never"),
            "[red]revoked[/]" if each.revoked is not None else "",
        )
    show(rows, "There are no keys. ringwall keys create NAME --workload WORKLOAD makes one.")


@commands.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(help="The key's id, as `ringwall keys list` shows it.")],
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Take an API key back for good. A gateway that runs refuses it within a second.

    **Example:** `ringwall keys revoke 0123456789ab`
    """
    with opened(data_dir, root_key, database) as installation:
        change(installation, lambda changes, by: changes.revoke_key(by, key))
    if as_json:
        show_json(shapes.Done())
    else:
        out.print(f"Revoked [bold]{safe(key)}[/].", soft_wrap=True)
