"""`ringwall init`: a configuration to start from, with every line explained."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from ringwall.cli.main import Json
from ringwall.cli.show import LOCAL_CONFIG, show, show_json, visible
from ringwall.config.document import read_text
from ringwall.config.read import read_configuration
from ringwall.model.errors import ConfigError


class Template(StrEnum):
    """What sort of application is to be protected."""

    CHAT = "chat"
    RAG = "rag"
    AGENT = "agent"
    PHYSICAL = "physical"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    template: Annotated[
        Template,
        typer.Option("--template", "-t", help="chat answers, rag reads documents, agent calls tools, physical moves."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = LOCAL_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
    json: Json = False,
) -> None:
    """Write a commented configuration to start from.

    **Example:** `ringwall init --template chat`
    """
    content = template_text(template)
    write_new(output, content, force=force)
    configuration = read_configuration(read_text(content.encode(), str(output)))
    variables = [each.credential.partition(":")[2] for each in configuration.upstreams.values() if each.credential]
    named = "" if output == LOCAL_CONFIG else f" --config {visible(output)}"
    steps = [f"ringwall {each}{named}" for each in ("check", "plan", "up")]
    if json:
        show_json({"file": str(output), "template": template, "needs": variables, "next": steps})
        return
    show(f"[bold green]wrote[/] {visible(output)}  [dim]read it: every line is explained[/]")
    show("\nNext:")
    for variable in variables:
        show(f"  export {variable}=...     [dim]the provider's key; it stays out of the file[/]")
    for step, words in zip(steps, ("can it be taken?", "what is in force, and who set it?", "run it"), strict=True):
        show(f"  {step}     [dim]{words}[/]")


def write_new(output: Path, content: str, *, force: bool) -> None:
    """Write a file that is not there yet, or that may be overwritten.

    Raises:
        ConfigError: It is there, or cannot be written.
    """
    try:
        if not output.parent.is_dir():
            raise ConfigError("its folder is not there", file=str(output))
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError as error:
        hint = "--force overwrites it; --output FILE writes another"
        raise ConfigError("is there already, and was left as it is", file=str(output), hint=hint) from error
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(output)) from error


def template_text(template: Template) -> str:
    """The text of a template."""
    return (files("ringwall.config") / "templates" / f"{template}.toml").read_text("utf-8")
