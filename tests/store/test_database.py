"""The database: one transaction or none, one version or refused, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from ringwall.model.errors import ConfigError, InternalError
from ringwall.store.database import Database, Snapshot, bump, open_database, version_of


def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        bump(connection, "x")
        raise ZeroDivisionError
    with database.read() as connection:
        assert version_of(connection, "x") == 0


def test_writers_count_every_change(database: Database) -> None:
    def count() -> None:
        for _ in range(20):
            with database.write() as connection:
                bump(connection, "x")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert version_of(connection, "x") == 80


def test_a_snapshot_is_renewed_when_something_changed_and_only_then(database: Database) -> None:
    loads: list[int] = []
    snapshot = Snapshot(database, "x", lambda _: loads.append(1))
    assert snapshot.refresh() and not snapshot.refresh()
    with database.write() as connection:
        bump(connection, "y")
    assert not snapshot.refresh()
    with database.write() as connection:
        bump(connection, "x")
    assert snapshot.refresh() and len(loads) == 2


def test_sqlite_is_set_up_as_promised(tmp_path: Path) -> None:
    database = open_database(tmp_path / "ringwall.db")
    wanted = {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 5000, "synchronous": 2}
    with database.write() as connection:
        for name, value in wanted.items():
            assert connection.execute(text(f"PRAGMA {name}")).scalar() == value
    with database.write(durable=False) as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1
    with database.write() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    database.close()


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(
        b"this is no database, and it is long enough to be told from an empty one" * 20
    )
    with pytest.raises(InternalError, match="cannot be used"):
        open_database(tmp_path / "broken.db")
    with pytest.raises(InternalError):
        open_database(tmp_path / "absent" / "ringwall.db")
    for url in ("mysql://x/y", "nonsense", "sqlite://", "sqlite:///"):
        with pytest.raises(ConfigError):
            open_database(url)
    with pytest.raises(InternalError):
        open_database("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
