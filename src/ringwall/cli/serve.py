"""`ringwall up` and `ringwall serve`: run a gateway on one machine, or in production."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ringwall import compose
from ringwall.cli.main import ConfigFile, DataDir, out
from ringwall.cli.process import Options, Process, Ready
from ringwall.model.errors import ConfigError
from ringwall.model.plan import Plan

LOCAL_CONFIG = Path("ringwall.toml")

Port = Annotated[int | None, typer.Option("--port", help="Port of the data listener.", show_default=False)]
AdminPort = Annotated[
    int | None, typer.Option("--admin-port", help="Port of the administration listener.", show_default=False)
]
ReadyFile = Annotated[
    Path | None,
    typer.Option("--ready-file", help="Write URLs and tokens here (mode 0600) once it serves.", show_default=False),
]
RootKey = Annotated[
    str,
    typer.Option(
        "--root-key",
        help="Where the root key is: file, file:PATH, passphrase:env:NAME, passphrase:file:PATH or keyring.",
        envvar="RINGWALL_ROOT_KEY",
    ),
]
Database = Annotated[
    str, typer.Option("--database", help="URL of a PostgreSQL database instead of SQLite.", envvar="RINGWALL_DATABASE")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up")(up)
    app.command("serve")(serve)


def up(
    config: ConfigFile = None,
    data_dir: DataDir = None,
    port: Port = None,
    admin_port: AdminPort = None,
    ready_file: ReadyFile = None,
    root_key: RootKey = "file",
    database: Database = "",
) -> None:
    """Run a gateway on this machine, on embedded defaults.

    Without `--config` it takes `ringwall.toml` of this folder, or else a workload that may be attacked.

    **Example:** `ringwall up --port 9080`
    """
    if config is None and LOCAL_CONFIG.exists():
        config = LOCAL_CONFIG
    where = data_dir if data_dir is not None else compose.default_data_dir()
    root = parse_root(root_key)
    options = Options(config, where, root, port, admin_port, ready_file, production=False, database=database)
    Process(options, announce).run()


def serve(
    config: ConfigFile = None,
    data_dir: DataDir = None,
    port: Port = None,
    admin_port: AdminPort = None,
    ready_file: ReadyFile = None,
    root_key: RootKey = "file",
    database: Database = "",
) -> None:
    """Run a gateway in production.

    No rehearsal models; a token issuer of your own for workloads past `foundational`; TLS off loopback.

    **Example:** `ringwall serve --config /etc/ringwall/ringwall.toml --data-dir /var/lib/ringwall`
    """
    if config is None:
        raise ConfigError("production needs a configuration", hint="ringwall init writes one; then --config FILE")
    where = data_dir if data_dir is not None else compose.default_data_dir()
    root = parse_root(root_key)
    options = Options(config, where, root, port, admin_port, ready_file, production=True, database=database)
    Process(options, announce).run()


def parse_root(text: str) -> compose.RootSource:
    """What `--root-key` says.

    Raises:
        ConfigError: It says nothing that is known.
    """
    kind, _, rest = text.partition(":")
    if kind == "file":
        return compose.RootSource("file", Path(rest) if rest else None)
    if kind == "passphrase" and rest:
        return compose.RootSource("passphrase", passphrase=rest)
    if kind == "keyring" and not rest:
        return compose.RootSource("keyring")
    hint = "file, file:PATH, passphrase:env:NAME, passphrase:file:PATH or keyring"
    raise ConfigError(f'"{kind}" is no place for a root key', hint=hint)


def announce(ready: Ready, plan: Plan, administration: compose.Administration) -> None:
    """Say that it serves, and how to try it."""
    out.print(f"\n[bold]Ringwall[/] serves [bold]{escape(plan.organisation)}[/]", soft_wrap=True)
    out.print(f"  data            {ready.base_url}")
    out.print(f"  administration  {ready.admin_url}")
    out.print(f"  installation    {escape(ready.data_dir)}", soft_wrap=True)
    out.print(f"  plan            {plan.digest[:23]}..., version {plan.version}")
    for name, workload in plan.workloads.items():
        models = ", ".join(route.model for route in workload.routes) or "no model"
        kind = workload.workload
        built, vacant = len(workload.controls), len(workload.vacancies)
        out.print(
            f"  workload        [bold]{name}[/] ({kind.use_case}, {kind.phase}): {escape(models)}; "
            f"{built} controls run, {vacant} due ones are not built yet",
            soft_wrap=True,
        )
    if ready.api_key:
        route = next((route.model for each in plan.workloads.values() for route in each.routes), None)
        body = {"model": route, "messages": [{"role": "user", "content": "Which hiking boots are waterproof?"}]}
        out.print("\nTry it (the token is valid for this process, on this machine):\n")
        out.print(
            f"  curl {ready.base_url}/chat/completions \\\n"
            f"    -H 'Authorization: Bearer {ready.api_key}' \\\n"
            f"    -H 'Content-Type: application/json' \\\n"
            f"    -d '{json.dumps(body)}'\n",
            soft_wrap=True,
            markup=False,
        )
    _announce_code(administration)
    out.print("Stop with Ctrl-C. Configuration is read anew on SIGHUP.")
    out.file.flush()  # into a file or a pipe, too, it is said now and not at the end


def _announce_code(administration: compose.Administration) -> None:
    """Show the first administrator's code, on a terminal only: what is piped away may be kept as a log."""
    code = administration.enrolment_code
    if code is None:
        return
    if not out.is_terminal:
        out.print(
            f"No administrator is enrolled yet. On this machine: ringwall users invite {code.username} --renew\n",
            soft_wrap=True,
        )
        return
    out.print("No administrator is enrolled yet. Enrol as the first one:\n")
    out.print(f"  page  {code.url}\n  code  [bold]{code.code}[/]  (once, within an hour)", soft_wrap=True)
    out.print(f"  then  ringwall login   (username: {code.username})\n", soft_wrap=True)
