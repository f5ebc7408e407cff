"""`ringwall storefront`: the demo workload, made ready and run: a shop, its tools, and a gateway in front of both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ringwall import compose
from ringwall.cli.main import DataDir, out
from ringwall.cli.process import Options, Process
from ringwall.cli.serve import AdminPort, Port, ReadyFile, RootKey, announce, parse_root
from ringwall.cli.show import visible
from ringwall.compose.gateways import listening
from ringwall.model.errors import ConfigError
from ringwall.model.vault import KeyName

BY = "ringwall:local storefront"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("storefront")(storefront)


def storefront(
    folder: Annotated[Path, typer.Argument(help="Where the shop's files stand; made if absent.")] = Path("storefront"),
    data_dir: DataDir = None,
    port: Port = None,
    admin_port: AdminPort = None,
    ready_file: ReadyFile = None,
    root_key: RootKey = "file",
    database: Annotated[
        str,
        typer.Option(
            "--database",
            help="URL of a PostgreSQL database for the shop's rows instead of a SQLite file; of who may create schemas "
            "and roles.",
            envvar="RINGWALL_STOREFRONT_DATABASE",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Run the demo workload: a shop with an assistant and four tools, with a gateway in front of model and tools.

    Writes the shop's database (card numbers sealed by this installation's vault), policies and configuration into the
    folder, starts the tools as an MCP server process, and runs a gateway over them. The models are built in; one of
    them is fully compromised, so that attacks have a worst case. With `--database` the rows stand in a schema of their
    own in PostgreSQL, and each call of a tool gets a role that expires; what is not the shop's there is left alone.

    **Example:** `ringwall storefront --ready-file ready.json`
    """
    where = data_dir if data_dir is not None else compose.default_data_dir()
    root = parse_root(root_key)
    with listening() as own:
        tools_port = int(own.getsockname()[1])
        config = make_ready(folder, where, root, f"http://127.0.0.1:{tools_port}/mcp", database)
        command = [sys.executable, "-m", "ringwall.storefront.server", "--fd", str(own.fileno())]
        tools = subprocess.Popen(  # noqa: S603 - our own module
            [*command, "--outbox", str(folder / "outbox.jsonl")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[own.fileno()],
        )
    try:
        out.print(f"The shop stands in [bold]{visible(folder)}[/]; its tools listen on port {tools_port}.")
        options = Options(config, where, root, port, admin_port, ready_file)
        Process(options, announce).run()
    finally:
        tools.terminate()
        tools.wait()


def make_ready(folder: Path, data_dir: Path, root: compose.RootSource, tools_url: str, database: str = "") -> Path:
    """The shop's folder, its card numbers sealed by the installation's vault; its configuration file."""
    from ringwall.storefront.data import Row
    from ringwall.storefront.prepare import WORKLOAD, prepare, row_of

    installation = compose.Installation(data_dir, root)
    try:
        keys = installation.vault.keys
        keys.refresh()

        def seal(table: str, column: str, row: Row, value: str) -> str:
            name = KeyName(WORKLOAD, table, column)
            if not any(each.name == name for each in keys.versions()):
                keys.create(name, by=BY)
            return keys.seal(name, value, row_field="id", row=row_of(row))

        return prepare(folder, tools_url=tools_url, seal=seal, database=database)
    except OSError as error:
        raise ConfigError(f'"{folder}" cannot be written: {error.strerror}') from error
    finally:
        installation.close()
