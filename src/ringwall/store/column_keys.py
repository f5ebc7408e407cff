"""Which versions of column keys are there? Kept wrapped, with a copy in memory for whoever opens values.

* A version is added as the current one, and the one before retires, in one transaction. Two who rotate at once: one of
  them is told to try again.
* A shredded version keeps its row, with who shredded it and when, and loses its wrapped key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from ringwall.model.errors import InternalError
from ringwall.model.ports import Clock
from ringwall.model.record import inert
from ringwall.model.vault import KeyName, KeyState, KeyVersion
from ringwall.store.database import Database, Snapshot, bump
from ringwall.store.tables import COLUMN_KEYS


class StoredColumnKeys:
    """The store of versions that the vault asks for."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """The copy is empty before the first `refresh`."""
        self._database = database
        self._clock = clock
        self._rows: Mapping[tuple[KeyName, int], KeyVersion] = {}
        self._current: Mapping[KeyName, KeyVersion] = {}
        self._snapshot = Snapshot(database, "column_keys", self._load)

    def find(self, name: KeyName, version: int) -> KeyVersion | None:
        """The version, or None."""
        return self._rows.get((name, version))

    def current(self, name: KeyName) -> KeyVersion | None:
        """The version that seals, or None."""
        return self._current.get(name)

    def versions(self) -> Sequence[KeyVersion]:
        """All versions, by name and version."""
        return sorted(self._rows.values(), key=lambda each: (str(each.name), each.version))

    def refresh(self) -> None:
        """Renew the copy if a version changed.

        Raises:
            InternalError: The database cannot be read. The old copy stays.
        """
        self._snapshot.refresh()

    def add(self, name: KeyName, version: int, share: str, wrapped: bytes, *, by: str) -> KeyVersion:
        """Make this the current version.

        Raises:
            InternalError: There is one of this number: somebody else was faster.
        """
        made = KeyVersion(name, version, KeyState.CURRENT, share, wrapped, self._clock.now_us(), inert(by))
        retire = update(COLUMN_KEYS).where(COLUMN_KEYS.c.name == str(name), COLUMN_KEYS.c.state == KeyState.CURRENT)
        with self._database.write() as connection:
            bump(connection, "column_keys")  # first: on PostgreSQL its row lock makes two who rotate wait
            connection.execute(retire.values(state=KeyState.RETIRED.value))
            try:
                connection.execute(
                    insert(COLUMN_KEYS).values(
                        name=str(name),
                        version=version,
                        state=KeyState.CURRENT.value,
                        share=share,
                        wrapped=wrapped,
                        created_us=made.created_us,
                        created_by=made.created_by,
                    )
                )
            except IntegrityError as error:
                raise InternalError("somebody else made this version", code="key_version_taken") from error
        self.refresh()
        return made

    def shred(self, name: KeyName, version: int, *, by: str) -> None:
        """Forget the wrapped key of a version. Nothing changes when it was shredded before."""
        one = (COLUMN_KEYS.c.name == str(name)) & (COLUMN_KEYS.c.version == version)
        values = {
            "state": KeyState.SHREDDED.value,
            "wrapped": b"",
            "shredded_us": self._clock.now_us(),
            "shredded_by": inert(by),
        }
        with self._database.write() as connection:
            bump(connection, "column_keys")
            connection.execute(
                update(COLUMN_KEYS).where(one, COLUMN_KEYS.c.state != KeyState.SHREDDED.value).values(values)
            )
        self.refresh()

    def _load(self, connection: Connection) -> None:
        rows = {}
        for each in connection.execute(select(COLUMN_KEYS)):
            name = KeyName.parse(each.name)
            rows[name, int(each.version)] = KeyVersion(
                name,
                int(each.version),
                KeyState(each.state),
                each.share,
                bytes(each.wrapped),
                each.created_us,
                each.created_by,
                each.shredded_us,
                each.shredded_by,
            )
        self._current = {each.name: each for each in rows.values() if each.state is KeyState.CURRENT}
        self._rows = rows
