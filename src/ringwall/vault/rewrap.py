"""How is a whole column sealed, or wrapped anew under the newest version of its key? Row by row, as often as it takes.

* Each value says by itself whether there is anything to do: a job that was stopped or killed goes on where it was when
  it is run again.
* A row is changed only if it still holds what was read: what the application wrote meanwhile stays, and is counted.
* Rows are read in batches in the order of the primary key, each batch in a transaction of its own: readers and writers
  wait for no more than one batch.
* Wrapping anew does not read the values. Sealing does: it is for a column that was plain until now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Engine, MetaData, Table, select, update
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from ringwall.detectors.sealed import MARK, whole, write
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.vault import KeyName
from ringwall.vault.columns import ColumnKeys, UnreadableError

BATCH_ROWS = 200


@dataclass(slots=True)
class Progress:
    """How far a job has come.

    Attributes:
        rows: Rows looked at.
        changed: Values that were changed.
        unreadable: Values that cannot be wrapped anew: shredded, foreign, damaged or malformed. They stay as they are.
        overtaken: Rows that were written by somebody else meanwhile; run it again.
    """

    rows: int = 0
    changed: int = 0
    unreadable: int = 0
    overtaken: int = 0


class NothingToDo(Exception):
    """The answer of a step whose value is as it should be; no error."""


Step = Callable[[str, Any], str]
"""What becomes of a value, given what names its row. Raises NothingToDo or UnreadableError."""


def wrapping(keys: ColumnKeys, name: KeyName) -> Step:
    """The step that wraps a value anew under the newest version of its key."""

    def step(text: str, _: Any) -> str:
        sealed = whole(text)
        if sealed is None or sealed.key != name:
            if MARK in text:
                raise CannotWrapError
            raise NothingToDo
        again = keys.rewrap(sealed)
        if again is sealed:
            raise NothingToDo
        return write(again)

    return step


def sealing(keys: ColumnKeys, name: KeyName, row_field: str) -> Step:
    """The step that seals a plain value.

    Args:
        keys: The keys.
        name: Whose.
        row_field: The column that names the row, to bind the value to it; empty for none.
    """

    def step(text: str, row: Any) -> str:
        if text.startswith(MARK):
            raise NothingToDo
        return keys.seal(name, text, row_field=row_field, row=row if row_field else None)

    return step


class CannotWrapError(Exception):
    """A value that is not one of this column's."""


def run_over(
    engine: Engine, name: KeyName, step: Step, *, row_field: str = "", told: Callable[[Progress], None] | None = None
) -> Progress:
    """Do a step to every value of a column.

    Args:
        engine: The database of the column.
        name: The key, which names table and column.
        step: What to do.
        row_field: A column whose value the step is given.
        told: Told after each batch.

    Raises:
        CallerError: There is no such table or column, or it has no primary key of one column.
        InternalError: The database cannot be used. What was done so far is done; run it again.
    """
    progress = Progress()
    try:
        table, key, column, row = _reflect(engine, name, row_field)
        last: Any = None
        while True:
            query = select(key, column, row).where(column.is_not(None)).order_by(key).limit(BATCH_ROWS)
            with engine.begin() as connection:
                rows = connection.execute(query if last is None else query.where(key > last)).all()
                for identity, text, given in rows:
                    made = _made(step, str(text), given, progress)
                    if made is None:
                        continue
                    unchanged = (key == identity) & (column == text)
                    done = connection.execute(update(table).where(unchanged).values({column.name: made})).rowcount
                    progress.changed += done
                    progress.overtaken += 1 - done
            if told is not None:
                told(progress)
            if len(rows) < BATCH_ROWS:
                return progress
            last = rows[-1][0]
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        detail = type(cause).__name__
        raise InternalError(
            "the column's database cannot be used", code="database_unavailable", detail=detail
        ) from error


def _made(step: Step, text: str, row: Any, progress: Progress) -> str | None:
    progress.rows += 1
    try:
        return step(text, row)
    except NothingToDo:
        return None
    except (UnreadableError, CannotWrapError):
        progress.unreadable += 1
        return None


def _reflect(engine: Engine, name: KeyName, row_field: str) -> tuple[Table, Column[Any], Column[Any], Column[Any]]:
    try:
        table = Table(name.table, MetaData(), autoload_with=engine)
    except NoSuchTableError as error:
        raise CallerError(f'there is no table "{name.table}"', code="unknown_table", status=404) from error
    for each in (name.column, row_field):
        if each and each not in table.c:
            raise CallerError(f'table "{name.table}" has no column "{each}"', code="unknown_column", status=404)
    keys = list(table.primary_key.columns)
    if len(keys) != 1:
        words = f'table "{name.table}" has no primary key of one column'
        raise CallerError(words, code="no_primary_key", status=409)
    return table, keys[0], table.c[name.column], table.c[row_field or keys[0].name]
