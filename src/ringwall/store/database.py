"""How is the database reached? SQLite in a file, or PostgreSQL by URL: the same tables, the same calls.

* Reading and writing are two calls: `read()` sees one consistent state, `write()` is one transaction, all or nothing.
* SQLite: WAL, foreign keys, a busy timeout, fsync at each commit, one writer at a time in this process, and
  `BEGIN IMMEDIATE`, so that a writer waits for another instead of failing half way.
* `open_database` brings the tables up to date before anything is asked; two processes that start together wait for
  each other. A database of a newer version is refused.
* What goes wrong is an `InternalError`: whoever depends on it refuses.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ringwall.model.errors import ConfigError, InternalError
from ringwall.store.migrations.current import is_current
from ringwall.store.tables import CHANGES

T = TypeVar("T")

BUSY_TIMEOUT_MS = 5_000
POOL_SIZE = 4
_WRITES = "ringwall_writes"


class Database:
    """A database whose tables are up to date; made by `open_database`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(**{_WRITES: True})
        self._one_writer = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        """True for SQLite."""
        return self._engine.dialect.name == "sqlite"

    @property
    def engine(self) -> Engine:
        """The engine, for migrations."""
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent state.

        Raises:
            InternalError: The database cannot be read.
        """
        try:
            with self._engine.connect() as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise _unavailable(error) from error

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """One transaction: committed when the block ends, undone when it raises.

        Args:
            durable: Whether it must survive a power cut, and not only the death of this process. SQLite alone makes
                a difference.

        Raises:
            InternalError: The database cannot be written. Nothing was changed.
        """
        try:
            if not self.is_sqlite:
                with self._writing.begin() as connection:
                    yield connection
                return
            with self._one_writer, self._writing.connect() as connection:
                _be_durable(connection, durable)
                with connection.begin():
                    yield connection
        except SQLAlchemyError as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()


def open_database(url: str | Path) -> Database:
    """The database of this URL, with its tables brought up to date.

    Args:
        url: `sqlite:///<path>`, `postgresql://...`, or the path of a SQLite file.

    Raises:
        ConfigError: The URL names no database that Ringwall can use.
        InternalError: It cannot be opened, or is of a newer version.
    """
    database = Database(_engine(_parse(url)))
    try:
        if not is_current(database):
            from ringwall.store.migrations.run import upgrade  # lazily: Alembic takes a while to import

            upgrade(database)
    except SQLAlchemyError as error:
        database.close()
        raise _unavailable(error) from error
    except InternalError:
        database.close()
        raise
    return database


def bump(connection: Connection, name: str) -> None:
    """Say that what `name` stands for has changed, in the transaction that changes it."""
    again = {"version": CHANGES.c.version + 1}
    counted = insert_or(connection, CHANGES).values(name=name, version=1)
    connection.execute(counted.on_conflict_do_update(index_elements=[CHANGES.c.name], set_=again))


def insert_or(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what follows when the row is there: `on_conflict_do_update`, `on_conflict_do_nothing`."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def version_of(connection: Connection, name: str) -> int:
    """How often `name` was changed."""
    found = connection.execute(select(CHANGES.c.version).where(CHANGES.c.name == name)).scalar()
    return 0 if found is None else int(found)


class Snapshot:
    """A copy of some rows in memory, renewed when they changed. For the hot path, which asks no database.

    `refresh` may be called from any thread, `value` from any other: a copy is replaced whole.
    """

    __slots__ = ("_database", "_load", "_name", "_version", "loaded")

    def __init__(self, database: Database, name: str, load: Callable[[Connection], None]) -> None:
        """Nothing is loaded before the first `refresh`.

        Args:
            database: Where the rows stand.
            name: What `bump` counts them under.
            load: Takes the rows over.
        """
        self._database = database
        self._name = name
        self._load = load
        self._version = -1
        self.loaded = False

    def refresh(self) -> bool:
        """Renew the copy if the rows changed; True when they had.

        Raises:
            InternalError: The database cannot be read. The old copy stays.
        """
        with self._database.read() as connection:
            # The version is read first: rows that change in between are loaded once more, never missed.
            version = version_of(connection, self._name)
            if version == self._version:
                return False
            self._load(connection)
        self._version = version
        self.loaded = True
        return True


def _parse(url: str | Path) -> URL:
    if isinstance(url, Path):
        return URL.create("sqlite", database=str(url))
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError("this is not the URL of a database") from error
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ConfigError(f'no such kind of database "{parsed.drivername}"', hint="sqlite or postgresql")
    if parsed.drivername == "sqlite" and not parsed.database:
        raise ConfigError("a SQLite database needs a file: processes share it", hint="sqlite:///path")
    return parsed


def _engine(url: URL) -> Engine:
    if url.drivername != "sqlite":
        try:
            return create_engine(url, pool_size=POOL_SIZE, pool_pre_ping=True)
        except ModuleNotFoundError as error:
            raise ConfigError("PostgreSQL needs an extra", hint="pip install ringwall[postgres]") from error
    engine = create_engine(url, pool_size=POOL_SIZE)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # the driver begins nothing by itself
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "trusted_schema = OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _be_durable(connection: Connection, durable: bool) -> None:
    # Straight to the driver: inside a transaction, which SQLAlchemy would begin, SQLite ignores this pragma.
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _unavailable(error: SQLAlchemyError) -> InternalError:
    # Never the statement or its values: they may be somebody's.
    cause = getattr(error, "orig", None) or error
    return InternalError("the database cannot be used", code="database_unavailable", detail=type(cause).__name__)
