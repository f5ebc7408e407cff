from __future__ import annotations

from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import text

import ringwall.store.migrations as migrations
from ringwall.store.database import open_database
from ringwall.store.migrations.current import is_current, newest


def test_the_newest_file_is_alembics_head():
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads() == [newest()]


def test_an_opened_database_is_current_and_another_is_not(tmp_path):
    database = open_database(tmp_path / "a.db")
    assert is_current(database)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not is_current(database)
    database.close()
