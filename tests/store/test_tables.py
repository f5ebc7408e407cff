"""The tables as they are described are the tables as the migrations make them."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from ringwall.store.database import Database
from ringwall.store.tables import METADATA


def test_the_migrations_make_exactly_the_tables_that_are_described(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
