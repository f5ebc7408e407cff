"""Which plan may run? None that is older than one that ran before, across restarts (HOUSE 5).

* The highest version that ever ran is kept with its digest. The same version with another digest is refused too: a
  version names one plan.
* Taking a plan is one transaction: of two processes that take different plans, the later sees what the first took.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from ringwall.model.errors import InternalError
from ringwall.model.ports import Clock
from ringwall.store.database import Database, bump
from ringwall.store.tables import PLANS


class Plans:
    """The versions of plans that ran here."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def highest(self) -> tuple[int, str]:
        """Version and digest of the newest plan that ran; 0 and empty when none did."""
        with self._database.read() as connection:
            return _highest(connection)

    def take(self, version: int, digest: str) -> None:
        """Note that this plan runs from now on.

        Raises:
            InternalError: A newer plan ran before, or another plan under this version. This one may not run.
        """
        with self._database.write() as connection:
            bump(connection, "plans")  # first: on PostgreSQL its row lock makes two takers wait for each other
            highest, ran = _highest(connection)
            if version < highest:
                raise _refuse(f"plan {version} is older than plan {highest}, which ran before")
            if version == highest and digest != ran:
                raise _refuse(f'plan {version} ran before with digest "{ran}"')
            if version > highest:
                values = {"version": version, "digest": digest, "first_run_us": self._clock.now_us()}
                connection.execute(insert(PLANS).values(values))

    def next_version(self, digest: str) -> int:
        """The version that a plan of this digest would have: the newest one's if it is the same, else one more."""
        version, ran = self.highest()
        return version if version and ran == digest else version + 1


def _highest(connection: Connection) -> tuple[int, str]:
    row = connection.execute(select(PLANS.c.version, PLANS.c.digest).order_by(PLANS.c.version.desc()).limit(1)).first()
    return (0, "") if row is None else (int(row.version), str(row.digest))


def _refuse(detail: str) -> InternalError:
    return InternalError("this plan may not run any more", code="plan_outdated", detail=detail)
