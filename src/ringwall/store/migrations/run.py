"""How does a database come up to date? Alembic's migrations, run by the program at start; there is no `alembic.ini`.

* All pending migrations run in one transaction: a database is of one version or another, never in between.
* Processes that start together take turns: SQLite by its write lock, PostgreSQL by an advisory lock.
* A database that is ahead of this program is refused: an older program would not know what it holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from ringwall.model.errors import InternalError

if TYPE_CHECKING:
    from ringwall.store.database import Database

_ADVISORY_LOCK = 0x52494E4757414C4C
"""The bytes `RINGWALL` as a number."""


def upgrade(database: Database) -> None:
    """Run every migration that this database has not seen.

    Raises:
        InternalError: The database is of a newer version than this program.
    """
    scripts = ScriptDirectory(Path(__file__).parent)
    known = {script.revision for script in scripts.walk_revisions()}
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        heads = MigrationContext.configure(connection).get_current_heads()
        if heads == tuple(scripts.get_heads()):
            return
        if set(heads) - known:
            raise InternalError(
                "the database is of a newer version than this program",
                code="database_newer",
                detail=f'revision "{", ".join(heads)}"',
            )
        environment = EnvironmentContext(
            Config(), scripts, fn=lambda revision, _: scripts._upgrade_revs("head", revision), destination_rev="head"
        )
        with environment:
            environment.configure(connection=connection)
            environment.run_migrations()
