"""Coming up to date: once for all processes, and never backwards."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select, text

from ringwall.model.errors import InternalError
from ringwall.store.database import Database, open_database
from ringwall.store.tables import CHANGES


def test_two_processes_that_start_together_both_find_the_tables(database_url: str) -> None:
    opened: list[Database] = []
    threads = [threading.Thread(target=lambda: opened.append(open_database(database_url))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 3
    for each in opened:
        with each.read() as connection:
            assert connection.execute(select(CHANGES)).all() == []
        each.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(database: Database, database_url: str) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InternalError, match="newer version"):
        open_database(database_url)
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
