"""Who and what is contained, since when, by whom and why? The port `Containment`, and what administration does to it.

* `standing` reads a copy in memory and says how old it is: controls refuse effects when it is older than a second.
* An expiry is looked at when asking, not when loading: a containment ends on time without a refresh.
* Nothing is deleted: a lifted containment keeps who lifted it and why.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, insert, select, update

from ringwall.model.errors import CallerError
from ringwall.model.facts import Standing
from ringwall.model.ports import Clock
from ringwall.model.record import inert
from ringwall.model.scopes import scope
from ringwall.store.database import Database, Snapshot, bump
from ringwall.store.tables import CONTAINMENTS

MAX_SCOPE_CHARS = 1024
MAX_REASON_CHARS = 2000
_NEVER_US = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Contained:
    """One containment.

    Attributes:
        id: Its name.
        scope: What is contained, as `kind:name`.
        reason: Why.
        created_us: Since when.
        created_by: By whom.
        expires_us: Until when; None for until it is lifted.
        lifted_us: When it was lifted, or None.
        lifted_by: Who lifted it, or None.
        lift_reason: Why it was lifted, or None.
    """

    id: str
    scope: str
    reason: str
    created_us: int
    created_by: str
    expires_us: int | None
    lifted_us: int | None = None
    lifted_by: str | None = None
    lift_reason: str | None = None


class StoredContainment:
    """Port `Containment`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """The view is infinitely old before the first `refresh`."""
        self._database = database
        self._clock = clock
        self._until: dict[str, int] = {}
        self._seen = float("-inf")
        self._snapshot = Snapshot(database, "containments", self._load)

    def standing(self, scopes: Sequence[str]) -> Standing:
        """See port `Containment`."""
        until = self._until
        age_s = self._clock.monotonic() - self._seen
        if not until:
            return Standing(frozenset(), age_s)
        now_us = self._clock.now_us()
        return Standing(frozenset(each for each in scopes if until.get(each, 0) > now_us), age_s)

    def contained(self) -> frozenset[str]:
        """Every scope that is contained at this moment, as far as our view goes. Never blocks."""
        now_us = self._clock.now_us()
        return frozenset(each for each, until_us in self._until.items() if until_us > now_us)

    def refresh(self) -> None:
        """Renew the view if something changed. Call it at least twice a second, off the event loop.

        Raises:
            InternalError: The database cannot be read. The old view stays, and ages.
        """
        asked = self._clock.monotonic()
        self._snapshot.refresh()
        self._seen = asked

    def add(self, kind: str, name: str, *, reason: str, by: str, lifetime_s: int | None = None) -> Contained:
        """Contain something, from now on here and within the next refresh elsewhere.

        Args:
            kind: A kind of `model.scopes`.
            name: Its name.
            reason: Why; people will ask.
            by: Who decides it.
            lifetime_s: For how long; None for until it is lifted.

        Raises:
            CallerError: No such kind, or no reason.
        """
        _check_reason(reason)
        try:
            contained = scope(kind, name)
        except ValueError as error:
            raise CallerError(str(error), code="bad_scope", param="kind") from error
        if not name or not name.isprintable() or len(contained) > MAX_SCOPE_CHARS:
            raise CallerError("a containment names something", code="bad_scope", param="name")
        if lifetime_s is not None and lifetime_s <= 0:
            raise CallerError("a containment lasts longer than that", code="bad_lifetime", param="lifetime_s")
        now_us = self._clock.now_us()
        expires_us = None if lifetime_s is None else now_us + lifetime_s * 1_000_000
        made = Contained("con_" + secrets.token_hex(8), contained, reason, now_us, inert(by), expires_us)
        with self._database.write() as connection:
            connection.execute(
                insert(CONTAINMENTS).values(
                    id=made.id,
                    scope=made.scope,
                    reason=made.reason,
                    created_us=made.created_us,
                    created_by=made.created_by,
                    expires_us=made.expires_us,
                )
            )
            bump(connection, "containments")
        self.refresh()
        return made

    def lift(self, identifier: str, *, reason: str, by: str) -> bool:
        """End a containment; False when there is none of this id or it was lifted before."""
        _check_reason(reason)
        one = (CONTAINMENTS.c.id == identifier) & CONTAINMENTS.c.lifted_us.is_(None)
        values = {"lifted_us": self._clock.now_us(), "lifted_by": inert(by), "lift_reason": reason}
        with self._database.write() as connection:
            done = connection.execute(update(CONTAINMENTS).where(one).values(values)).rowcount
            if done:
                bump(connection, "containments")
        self.refresh()
        return bool(done)

    def list_all(self, *, standing_only: bool = False) -> tuple[Contained, ...]:
        """Containments, newest first."""
        query = select(CONTAINMENTS).order_by(CONTAINMENTS.c.created_us.desc(), CONTAINMENTS.c.id)
        with self._database.read() as connection:
            found = tuple(_contained(row) for row in connection.execute(query))
        now_us = self._clock.now_us()
        return tuple(
            each
            for each in found
            if not standing_only or (each.lifted_us is None and (each.expires_us or _NEVER_US) > now_us)
        )

    def _load(self, connection: Connection) -> None:
        query = select(CONTAINMENTS.c.scope, CONTAINMENTS.c.expires_us).where(CONTAINMENTS.c.lifted_us.is_(None))
        until: dict[str, int] = {}
        for name, expires_us in connection.execute(query):
            ends = _NEVER_US if expires_us is None else expires_us
            until[name] = max(ends, until.get(name, 0))
        self._until = until


def _check_reason(reason: str) -> None:
    printable = all(each.isprintable() or each == "\n" for each in reason)
    if not reason.strip() or not printable or len(reason) > MAX_REASON_CHARS:
        words = f"a reason has 1 to {MAX_REASON_CHARS} printable characters"
        raise CallerError(words, code="bad_reason", param="reason")


def _contained(row: Row[tuple[object, ...]]) -> Contained:
    return Contained(
        row.id,
        row.scope,
        row.reason,
        row.created_us,
        row.created_by,
        row.expires_us,
        row.lifted_us,
        row.lifted_by,
        row.lift_reason,
    )
