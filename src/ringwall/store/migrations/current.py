"""Is a database up to date? Answered without Alembic, whose import alone takes longer than the rest of opening one.

Migration files are named by their revisions, and revisions count up: the newest file names the newest revision.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from ringwall.model.errors import InternalError

if TYPE_CHECKING:
    from ringwall.store.database import Database


def newest() -> str:
    """The newest revision that this program has."""
    return max(path.name for path in (Path(__file__).parent / "versions").glob("[0-9]*.py"))[:4]


def is_current(database: Database) -> bool:
    """True when the database stands at the newest revision; False when anything else is the case, or unknown."""
    try:
        with database.read() as connection:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    except InternalError:
        return False
    return list(found) == [newest()]
