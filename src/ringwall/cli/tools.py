"""`ringwall tools`: what a tool server offers, as a file that a person reads before any agent does."""

from __future__ import annotations

import asyncio
import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

from ringwall.cli.main import out
from ringwall.cli.show import plural, visible
from ringwall.model.content import thaw
from ringwall.model.errors import ConfigError
from ringwall.model.plan import ToolServerPlan
from ringwall.model.tools import Tool

ANSWER_BYTES = 16 * 1024 * 1024
commands = typer.Typer(no_args_is_help=True, help="Tool servers and what they offer.", rich_markup_mode="markdown")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="tools")


@commands.command("fetch")
def fetch(
    url: Annotated[str, typer.Argument(help="The server's endpoint, such as https://tools.example.com/mcp.")],
    to: Annotated[Path | None, typer.Option("--out", "-o", help="Write here instead of printing.")] = None,
    credential: Annotated[
        str, typer.Option("--credential", help="Where our credential is read from: env:NAME or file:PATH.")
    ] = "",
    private: Annotated[bool, typer.Option("--private", help="It may be on a private or loopback address.")] = False,
) -> None:
    """Fetch the definitions of a server's tools: names, descriptions and schemas, in the form that a plan takes.

    Read the file before you name it in `[tool_servers.<name>]`: what stands there is what agents will read, and a tool
    that changes afterwards is not called any more.

    **Example:** `ringwall tools fetch https://tools.example.com/mcp --out shop.tools.json`

    **Example:** `ringwall tools fetch http://127.0.0.1:9000/mcp --private`
    """
    tools = asyncio.run(_fetch(url, credential, private=private))
    rows = [{"name": each.name, "description": each.description, "inputSchema": thaw(each.schema)} for each in tools]
    text = jsonlib.dumps(rows, indent=2)
    if to is None:
        typer.echo(text)
        return
    try:
        to.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f'"{to}" cannot be written: {error.strerror}') from error
    out.print(f"{plural(len(tools), 'tool')} written to [bold]{visible(to)}[/]: read them before you name the file.")


async def _fetch(url: str, credential: str, *, private: bool) -> list[Tool]:
    from ringwall import compose

    server = compose.make_tool_server(
        ToolServerPlan("fetched", url, "fetched", credential, private=private), answer_bytes=ANSWER_BYTES
    )
    try:
        return await server.tools()
    finally:
        await server.close()
