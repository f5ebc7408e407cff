"""`ringwall control`: add a control to Ringwall itself. One entry, one file, one test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringwall.cli.main import Json
from ringwall.cli.show import show, show_json, visible
from ringwall.model.errors import ConfigError

control = typer.Typer(no_args_is_help=True, help="Add a control to Ringwall itself.", rich_markup_mode="markdown")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(control, name="control")


@control.callback()
def _family() -> None:
    """Keeps `new` a word of its own while it is the only command."""


@control.command("new")
def new(
    id: Annotated[str, typer.Argument(metavar="ID", help="Layer and name: `application.polite_words`.")],
    title: Annotated[str, typer.Option("--title", help="A short name for people.")],
    root: Annotated[Path, typer.Option("--in", help="The root of a checkout of Ringwall.")] = Path(),
    as_json: Json = False,
) -> None:
    """Make the three files of a new control: its catalog entry, its judgement, its test.

    They pass the checks as they stand; nothing is overwritten.

    **Example:** `ringwall control new application.polite_words --title "Polite words"`
    """
    from ringwall.catalog.new import new_control

    made = new_control(id, title)
    if not (root / "src" / "ringwall" / "catalog").is_dir():
        raise ConfigError("this is not a checkout of Ringwall", file=str(root), hint="--in names its root")
    there = [each.path for each in made if (root / each.path).exists()]
    if there:
        raise ConfigError("is there already; nothing was written", file=there[0])
    for each in made:
        path = root / each.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(each.text)
        except OSError as error:
            raise ConfigError(f"cannot be written: {error.strerror}", file=each.path) from error
    if as_json:
        show_json({"files": [each.path for each in made], "id": id})
        return
    for each in made:
        show(f"[bold green]wrote[/] {visible(each.path)}")
    show("\nNext:")
    show(f"  python -m pytest {visible(made[2].path)}     [dim]green as it stands; then say what must be refused[/]")
    show("  make docs && make check     [dim]the pages and the house rules follow[/]")
