"""How does a command work on an installation, beside a running gateway or without one?

* It opens what is there and makes nothing: a misspelt folder is an error, not an empty installation.
* A change is recorded in a ledger segment of the command's own, before it takes effect; the gateway that runs beside it
  sees the change with its next look, within a second.
* What comes out of a store was written by others: on the terminal it is inert.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from ringwall import compose
from ringwall.cli.show import show as show_plainly
from ringwall.controlplane.api.administration import make_changes
from ringwall.controlplane.api.changes import Author, Changes, operator
from ringwall.model.errors import ConfigError
from ringwall.model.record import inert

T = TypeVar("T")

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

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhdw])")


@contextmanager
def opened(data_dir: Path | None, root_key: str, database: str) -> Iterator[compose.Installation]:
    """The installation.

    Raises:
        ConfigError: There is none.
    """
    from ringwall.cli.serve import parse_root

    where = data_dir if data_dir is not None else compose.default_data_dir()
    if not (where / "ledger").is_dir():
        hint = "ringwall up makes one; --data-dir names another"
        raise ConfigError(f'there is no installation in "{inert(str(where))}"', hint=hint)
    installation = compose.Installation(where, parse_root(root_key), database_url=database)
    try:
        yield installation
    finally:
        installation.close()


def change(installation: compose.Installation, deed: Callable[[Changes, Author], Awaitable[T]]) -> T:
    """Change something, recorded in a segment of this command's own.

    Args:
        installation: Where.
        deed: What to do, and in whose name.
    """
    _, plan = installation.plans.highest()
    ledger = installation.ledger(plan)
    ledger.start()
    try:

        async def run() -> T:
            return await deed(make_changes(installation, ledger, lambda: plan), operator(account()))

        return asyncio.run(run())
    finally:
        ledger.close()


def account() -> str:
    """The name of the account that runs this command."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def seconds(text: str, option: str) -> int | None:
    """A duration such as `30d`; None for `never`.

    Raises:
        ConfigError: It is none.
    """
    if text == "never":
        return None
    match = _DURATION.fullmatch(text)
    if match is None:
        hint = "a number and a unit: 90m, 12h, 30d, 8w; or never"
        raise ConfigError(f'"{inert(text)}" is no duration for {option}', hint=hint)
    return int(match[1]) * _UNITS[match[2]]


def show_json(answer: msgspec.Struct) -> None:
    """The answer as one line of JSON, as the API would give it."""
    typer.echo(msgspec.json.encode(answer).decode())


def safe(text: str) -> str:
    """Text of a store, as it may stand on a terminal."""
    return escape(inert(text))


def when(moment: datetime | None, otherwise: str) -> str:
    """A time to the minute, in UTC."""
    return otherwise if moment is None else f"{moment:%Y-%m-%d %H:%M}Z"


def table(*columns: str) -> Table:
    """An empty table in our manner."""
    made = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in columns:
        made.add_column(name, overflow="fold")
    return made


def show(made: Table, empty: str) -> None:
    """A table, or what to say when it has no rows."""
    show_plainly(made if made.row_count else empty)
