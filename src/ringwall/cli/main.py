"""`ringwall`: the command. One file a family of commands; here they come together, and errors become lines."""

from __future__ import annotations

import logging
import sys
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from ringwall import __version__
from ringwall.model.errors import ConfigError, RingwallError

app = typer.Typer(
    name="ringwall",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="AI security gateway and control plane: the AWS AI Security Framework as running software.",
)
WIDE = 200
"""Columns of what goes to a file or another program: nothing is cut there for want of a screen."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False)

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="The installation.", envvar="RINGWALL_DATA_DIR", show_default=False)
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file.", envvar="RINGWALL_CONFIG", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        out.print(f"ringwall {__version__}")
        raise typer.Exit


@cache
def command() -> typer.Typer:
    """The command with all its subcommands, each added once."""
    from ringwall.cli import (
        check,
        contain,
        control,
        egress,
        explain,
        findings,
        importing,
        init,
        keys,
        ledger,
        login,
        monitor,
        payload,
        plan,
        rehearse,
        serve,
        storefront,
        tools,
        users,
        vault,
    )

    for family in (
        serve,
        egress,
        init,
        importing,
        check,
        plan,
        explain,
        payload,
        ledger,
        login,
        keys,
        contain,
        monitor,
        findings,
        users,
        tools,
        vault,
        control,
        storefront,
        rehearse,
    ):
        family.register(app)
    return app


def main() -> None:
    """Run the command; an error of ours is one or two lines, never a traceback."""
    logging.basicConfig(
        level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=err, show_path=False, markup=False)]
    )
    for noisy in ("alembic", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        command()(prog_name="ringwall")
    except ConfigError as error:
        err.print(f"[bold red]error[/] {_plain(error.public)}", soft_wrap=True)
        sys.exit(2)
    except RingwallError as error:
        detail = f" ({error.detail})" if error.detail else ""
        err.print(f"[bold red]error[/] {_plain(error.public + detail)}", soft_wrap=True)
        sys.exit(1)


def _plain(text: str) -> str:
    """Text that may come from elsewhere: no markup, and nothing that acts on a terminal."""
    from ringwall.cli.show import visible

    return "\n".join(visible(line) for line in text.splitlines())
