"""`ringwall vault`: keys of columns and the values that they seal, leases that live; on the installation itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from ringwall import compose
from ringwall.cli.installation import Database, RootKey, change, opened, safe, show, show_json, table, when
from ringwall.cli.main import DataDir, Json, out
from ringwall.cli.vault_views import KeyViews, LeaseViews, Ran, Value, key_view, lease_view
from ringwall.detectors.sealed import MAX_VALUE_BYTES, whole
from ringwall.model.errors import CallerError, ConfigError
from ringwall.model.record import inert
from ringwall.model.vault import KeyName, KeyVersion
from ringwall.store.leases import StoredLeases
from ringwall.vault.columns import UnreadableError
from ringwall.vault.rewrap import Progress, Step, run_over, sealing, wrapping

commands = typer.Typer(no_args_is_help=True, help="The vault: keys of columns, leases.", rich_markup_mode="markdown")
Key = Annotated[str, typer.Argument(help="The key's name: workload/table.column.", metavar="KEY")]
RowField = Annotated[str, typer.Option("--row-field", help="The column that names a value's row, to bind it to it.")]
Source = Annotated[
    str,
    typer.Option("--in", help="URL of the column's database, such as sqlite:///shop.db.", envvar="RINGWALL_VAULT_IN"),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="vault")


@commands.command("keys")
def keys(data_dir: DataDir = None, root_key: RootKey = "file", database: Database = "", as_json: Json = False) -> None:
    """List the keys of columns, with all their versions.

    **Example:** `ringwall vault keys --json`
    """
    with _vault(data_dir, root_key, database) as installation:
        views = [key_view(each) for each in installation.vault.keys.versions()]
    if as_json:
        show_json(KeyViews(keys=views))
        return
    rows = table("key", "version", "state", "made", "by", "")
    for each in views:
        end = "" if each.shredded is None else f"[red]{when(each.shredded, '')} by {safe(each.shredded_by or '')}[/]"
        rows.add_row(each.key, str(each.version), each.state, when(each.created, ""), safe(each.created_by), end)
    show(rows, "There are no keys. ringwall vault create WORKLOAD/TABLE.COLUMN makes one.")


@commands.command("create")
def create(
    key: Key, data_dir: DataDir = None, root_key: RootKey = "file", database: Database = "", as_json: Json = False
) -> None:
    """Make the key of a column. Nobody can have its values opened until a policy permits `use_key`.

    **Example:** `ringwall vault create shop/customers.card_number`
    """
    name = _name(key)
    with _vault(data_dir, root_key, database) as installation:
        _made(
            installation,
            "column_key.create",
            name,
            lambda by: installation.vault.keys.create(name, by=by),
            as_json,
        )


@commands.command("rotate")
def rotate(
    key: Key, data_dir: DataDir = None, root_key: RootKey = "file", database: Database = "", as_json: Json = False
) -> None:
    """Make a new version of a key, which seals from now on. Older ones open what they sealed.

    **Example:** `ringwall vault rotate shop/customers.card_number`
    """
    name = _name(key)
    with _vault(data_dir, root_key, database) as installation:
        _made(
            installation,
            "column_key.rotate",
            name,
            lambda by: installation.vault.keys.rotate(name, by=by),
            as_json,
        )


@commands.command("shred")
def shred(
    key: Key,
    version: Annotated[int, typer.Argument(help="The version, as `ringwall vault keys` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it: it cannot be undone.")] = False,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Destroy a version of a key: whatever it sealed can never be read again.

    Copies of the database and the root key bring nothing back; a copy of the key shares would. If it is interrupted,
    do it again.

    **Example:** `ringwall vault shred shop/customers.card_number 1 --yes`
    """
    name = _name(key)
    if not yes:
        raise ConfigError("this destroys data for ever", hint="add --yes; ringwall vault rewrap saves what is wanted")
    with _vault(data_dir, root_key, database) as installation:
        change(
            installation,
            lambda changes, by: changes.carry_out(
                by,
                "column_key.shred",
                str(name),
                {"version": version},
                lambda: installation.vault.keys.shred(name, version, by=by.name),
            ),
        )
        views = [key_view(each) for each in installation.vault.keys.versions() if each.name == name]
    if as_json:
        show_json(KeyViews(keys=views))
    else:
        out.print(f"Destroyed version [bold]{version}[/] of {name}.", soft_wrap=True)


@commands.command("seal")
def seal(
    key: Key,
    row_field: RowField = "",
    row: Annotated[str, typer.Option("--row", help="What stands in that column in the value's row.")] = "",
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Seal the value on standard input, so that it is in no history of commands. A final line break is left out.

    **Example:** `ringwall vault seal shop/customers.card_number < card.txt`
    """
    name = _name(key)
    text = _stdin(MAX_VALUE_BYTES).removesuffix("\n")
    with _vault(data_dir, root_key, database) as installation:
        made = installation.vault.keys.seal(name, text, row_field=row_field, row=row if row_field or row else None)
    if as_json:
        show_json(Value(made))
    else:
        out.print(made, soft_wrap=True, markup=False)


@commands.command("unseal")
def unseal(
    row: Annotated[str, typer.Option("--row", help="What names the row to which the value is bound.")] = "",
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Open the sealed value on standard input. The ledger says who did, and with which key; never the value.

    **Example:** `ringwall vault unseal < sealed.txt`
    """
    sealed = whole(_stdin(2 * MAX_VALUE_BYTES).strip())
    if sealed is None:
        raise CallerError("this is no sealed value", code="malformed_value")
    with _vault(data_dir, root_key, database) as installation:

        def effect() -> str:
            try:
                return installation.vault.keys.open(sealed, row=row if sealed.row_field else None)
            except UnreadableError as error:
                raise CallerError(f"this value cannot be opened: {error.why}", code=error.why) from error

        text = change(
            installation,
            lambda changes, by: changes.carry_out(
                by, "column_key.unseal", str(sealed.key), {"version": sealed.version}, effect
            ),
        )
    if as_json:
        show_json(Value(text))
    else:
        out.print(inert(text) if out.is_terminal else text, soft_wrap=True, markup=False)


@commands.command("seal-column")
def seal_column(
    key: Key,
    source: Source,
    row_field: RowField = "",
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Seal every plain value of a column, in batches. Stopped or killed, it goes on when it is run again.

    **Example:** `ringwall vault seal-column shop/customers.card_number --in sqlite:///shop.db --row-field id`
    """
    name = _name(key)
    with _vault(data_dir, root_key, database) as installation:
        step = sealing(installation.vault.keys, name, row_field)
        _run(installation, "column_key.seal_column", name, source, step, row_field, as_json)


@commands.command("rewrap")
def rewrap(
    key: Key,
    source: Source,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Wrap every value of a column anew under the newest version, in batches; the values themselves are not read.

    Stopped or killed, it goes on when it is run again. Afterwards older versions can be shredded.

    **Example:** `ringwall vault rewrap shop/customers.card_number --in sqlite:///shop.db`
    """
    name = _name(key)
    with _vault(data_dir, root_key, database) as installation:
        _run(installation, "column_key.rewrap", name, source, wrapping(installation.vault.keys, name), "", as_json)


@commands.command("leases")
def leases(
    everything: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
    as_json: Json = False,
) -> None:
    """List the leases of credentials, newest first, without their secrets.

    **Example:** `ringwall vault leases --all`
    """
    with opened(data_dir, root_key, database) as installation:
        found = StoredLeases(installation.database).list_all()
    views = [lease_view(each) for each in found if everything or each.ended_us is None]
    if as_json:
        show_json(LeaseViews(leases=views))
        return
    rows = table("id", "credential", "for", "workload", "since", "until", "")
    for each in views:
        rows.add_row(
            each.id,
            safe(each.credential),
            safe(each.principal),
            safe(each.workload),
            when(each.created, ""),
            when(each.expires, ""),
            each.ended_by or "",
        )
    show(rows, "Nothing is leased.")


@contextmanager
def _vault(data_dir: DataDir, root_key: str, database: str) -> Iterator[compose.Installation]:
    with opened(data_dir, root_key, database) as installation:
        installation.vault.keys.refresh()
        yield installation


def _made(
    installation: compose.Installation,
    action: str,
    name: KeyName,
    make: Callable[[str], KeyVersion],
    as_json: bool,
) -> None:
    made = change(
        installation,
        lambda changes, by: changes.carry_out(
            by, action, str(name), {}, lambda: make(by.name), lambda each: str(each.version)
        ),
    )
    if as_json:
        show_json(key_view(made))
    else:
        out.print(f"Version [bold]{made.version}[/] of {name} seals from now on.", soft_wrap=True)


def _run(
    installation: compose.Installation,
    action: str,
    name: KeyName,
    source: str,
    step: Step,
    row_field: str,
    as_json: bool,
) -> None:
    engine = _engine(source)
    try:
        done: Progress = change(
            installation,
            lambda changes, by: changes.carry_out(
                by, action, str(name), {}, lambda: run_over(engine, name, step, row_field=row_field), _counted
            ),
        )
    finally:
        engine.dispose()
    if as_json:
        show_json(Ran(done.rows, done.changed, done.unreadable, done.overtaken))
    else:
        out.print(f"{_counted(done)}.", soft_wrap=True)
    if done.unreadable or done.overtaken:
        raise typer.Exit(1)


def _counted(done: Progress) -> str:
    return (
        f"{done.rows} rows, {done.changed} values changed, {done.unreadable} unreadable, "
        f"{done.overtaken} written by somebody else meanwhile"
    )


def _engine(url: str) -> Engine:
    """The column's database.

    Raises:
        ConfigError: The URL names none that can be used.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.drivername not in ("sqlite", "postgresql+psycopg") or not parsed.database:
            raise ArgumentError("of another kind")
        if parsed.drivername == "sqlite" and not Path(parsed.database).is_file():
            raise ArgumentError("not there")  # SQLite would make an empty one
        return create_engine(parsed)
    except (ArgumentError, ModuleNotFoundError) as error:
        hint = "sqlite:///file or postgresql://...; PostgreSQL needs pip install ringwall[postgres]"
        raise ConfigError("this is not the URL of a database that can be used", hint=hint) from error


def _name(text: str) -> KeyName:
    try:
        return KeyName.parse(text)
    except ValueError as error:
        raise ConfigError(f'"{inert(text)}" is no key', hint=str(error)) from error


def _stdin(limit: int) -> str:
    text = sys.stdin.read(limit + 1)
    if len(text) > limit:
        raise CallerError("the value is too long", code="value_too_long")
    return text
