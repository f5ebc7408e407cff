"""`ringwall import`: the configuration of another gateway as one of ours, and what of it did not translate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tomli_w
import typer

from ringwall.cli.init import write_new
from ringwall.cli.main import Json
from ringwall.cli.show import LOCAL_CONFIG, show, show_json, visible
from ringwall.config.foreign import bedrock_guardrail, litellm, portkey
from ringwall.config.foreign.translation import Translation
from ringwall.model.errors import ConfigError

importing = typer.Typer(help="Take over the configuration of another gateway.", no_args_is_help=True)
MAX_BYTES = 4 * 1024 * 1024

File = Annotated[Path, typer.Argument(help="Its configuration.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")]
Workload = Annotated[str, typer.Option("--workload", "-w", help="The name of the workload that is made.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(importing, name="import")


@importing.command("litellm")
def import_litellm(
    file: File, output: Output = LOCAL_CONFIG, workload: Workload = "imported", force: Force = False, json: Json = False
) -> None:
    """Translate the `config.yaml` of a LiteLLM proxy: models, providers, fall-backs, what Presidio masks.

    **Example:** `ringwall import litellm config.yaml`
    """
    _write(file, output, lambda text: litellm.translate(text, workload), force=force, json=json)


@importing.command("portkey")
def import_portkey(
    file: File,
    output: Output = LOCAL_CONFIG,
    workload: Workload = "imported",
    model: Annotated[str, typer.Option("--model", help="The name by which callers ask for it.")] = "default",
    force: Force = False,
    json: Json = False,
) -> None:
    """Translate a Portkey config: targets, and whether they are fall-backs or share the load.

    **Example:** `ringwall import portkey config.json --model support`
    """
    _write(file, output, lambda text: portkey.translate(text, workload, model), force=force, json=json)


@importing.command("bedrock-guardrail")
def import_bedrock_guardrail(
    file: File, output: Output = LOCAL_CONFIG, workload: Workload = "imported", force: Force = False, json: Json = False
) -> None:
    """Translate a guardrail of Amazon Bedrock, as `aws bedrock get-guardrail` prints it, into settings of controls.

    **Example:** `ringwall import bedrock-guardrail guardrail.json --workload support -o support.toml`
    """
    _write(file, output, lambda text: bedrock_guardrail.translate(text, workload), force=force, json=json)


def _write(file: Path, output: Path, translate: Callable[[str], Translation], *, force: bool, json: bool) -> None:
    made = _translated(file, translate)
    head = "".join(f"#   {_line(f'{note.where}: {note.why}')}\n" for note in made.notes)
    head = f"# Not translated:\n{head}\n" if head else ""
    write_new(output, f"{head}{tomli_w.dumps(made.document())}", force=force)
    if json:
        notes = [{"where": note.where, "why": note.why} for note in made.notes]
        show_json({"file": str(output), "models": sorted(made.models), "not_translated": notes})
        return
    show(f"[bold green]wrote[/] {visible(output)}  [dim]{len(made.models)} models, {len(made.controls)} controls[/]")
    if made.notes:
        show(f"\n{len(made.notes)} settings did not translate; they stand at the head of the file, too:")
        for note in made.notes:
            show(f"  {visible(note.where)}  [dim]{visible(note.why)}[/]")
    show("\nNext: set its owner, then `ringwall check`")


def _translated(file: Path, translate: Callable[[str], Translation]) -> Translation:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(file)) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"has more than {MAX_BYTES} bytes", file=str(file))
    try:
        return translate(data.decode())
    except UnicodeDecodeError as error:
        raise ConfigError("is no UTF-8", file=str(file)) from error
    except ConfigError as error:
        raise ConfigError(error.problem, file=str(file)) from error
    except RecursionError as error:
        raise ConfigError("is nested too deeply", file=str(file)) from error


def _line(text: str) -> str:
    """A note as one line of a comment."""
    return "".join(each if each.isprintable() else " " for each in text)[:300]
