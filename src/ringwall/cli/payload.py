"""`ringwall payload`: the content behind a record, where the plan keeps it. Reading it is on record too."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.tree import Tree

from ringwall.cli.installation import Database, RootKey, change, opened, safe
from ringwall.cli.main import DataDir, Json
from ringwall.cli.show import show, show_json, visible
from ringwall.model.content import Part, thaw
from ringwall.model.errors import CallerError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("payload")(payload)


def payload(
    id: Annotated[str, typer.Argument(metavar="RECORD", help="A record id (rec_...), as `ringwall explain` shows it.")],
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    json: Json = False,
) -> None:
    """Show the content that a record judged, if the workload keeps it (`payload_days`).

    Content is sealed and stands beside the ledger, never in it. Opening it needs the root key and leaves a record: who
    read what, and when.

    **Example:** `ringwall payload rec_5f1c0d1e6a7b8c9d0e1f2a3b4c5d6e7f`
    """
    with opened(data_dir, root_key, database) as installation:
        change(installation, lambda changes, by: changes.note(by, "payload.read", "record", id))
        kept = installation.payloads.find(id)
    if kept is None:
        hint = "it keeps content only with payload_days in its workload's table, and only for so long"
        raise CallerError(f'no content is kept for "{id}": {hint}', code="no_payload", status=404)
    if json:
        parts = [
            {"id": part.id, "media": part.media, "origin": part.origin, "value": thaw(part.value)}
            for part in kept.parts
        ]
        show_json({"last_day": kept.last_day, "parts": parts, "record": id, "workload": kept.workload})
        return
    tree = Tree(f"[bold]{safe(id)}[/]  {safe(kept.workload)}, kept to the end of {kept.last_day}", highlight=False)
    for part in kept.parts:
        branch = tree.add(f"[dim]{safe(part.id)}[/]  {part.origin}")
        for line in _lines(part):
            branch.add(line)
    show(tree)


def _lines(part: Part) -> list[str]:
    """What a part says, inert: each line by itself, each value with its place."""
    said = []
    for leaf in part.leaves():
        where = f"[dim]{safe(leaf.pointer)}[/] " if leaf.pointer else ""
        said += [where + visible(line) for line in leaf.text.splitlines() or [""]]
    return said
