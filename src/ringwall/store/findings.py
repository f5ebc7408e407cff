"""What did the monitor find, and what came of it? Findings: record ids and counts, never content.

* A finding is on record before anybody is contained for it, as `pending`: whoever starts after a kill finishes it.
* What a replay raises once more is known by its time and changes nothing; what goes on is added to the open finding.
* Nothing is deleted: a closed finding keeps who closed it and why.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Row, insert, select, update

from ringwall.model.errors import CallerError
from ringwall.model.ports import Clock
from ringwall.model.record import inert
from ringwall.store.database import Database
from ringwall.store.tables import FINDINGS

MAX_EVIDENCE = 64
"""Records that a finding names at most; its count tells how many there were."""
MAX_SUBJECT_CHARS = 1024
MAX_REASON_CHARS = 2000
MAX_LISTED = 1000
"""Findings that a listing holds at most, newest first."""
PENDING, CONTAINED, SKIPPED, NONE = "pending", "contained", "skipped", "none"


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """One finding.

    Attributes:
        id: Its name.
        detection: What raised it.
        severity: `low`, `medium`, `high` or `critical`.
        subject: About whom or what.
        words: One sentence.
        evidence: Ids of the records that it rests on.
        count: How many records those were in all.
        first_us: Time of the first.
        last_us: Time of the last.
        found_us: When it was raised.
        response: `pending`, `contained`, `skipped` or `none`.
        response_words: Why it was skipped, or what failed.
        needs_person: Why a person has to look at it, or empty.
        scopes: What was contained.
        contained_us: When that took effect, or None.
        released: Answers and results that the subject got from the first record of the evidence until then.
        closed_us: When it was closed, or None while it is open.
        closed_by: Who closed it, or None.
        close_reason: Why, or None.
    """

    id: str
    detection: str
    severity: str
    subject: str
    words: str
    evidence: tuple[str, ...]
    count: int
    first_us: int
    last_us: int
    found_us: int
    response: str = PENDING
    response_words: str = ""
    needs_person: str = ""
    scopes: tuple[str, ...] = ()
    contained_us: int | None = None
    released: int = 0
    closed_us: int | None = None
    closed_by: str | None = None
    close_reason: str | None = None


class StoredFindings:
    """The findings of an installation."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        *,
        detection: str,
        severity: str,
        subject: str,
        words: str,
        evidence: Sequence[str],
        count: int,
        first_us: int,
        last_us: int,
    ) -> StoredFinding | None:
        """Put a finding on record, as pending; None for a repeat of what stands there.

        Raises:
            InternalError: The database cannot be used.
        """
        subject = inert(subject)[:MAX_SUBJECT_CHARS]
        same = (FINDINGS.c.detection == detection) & (FINDINGS.c.subject == subject)
        newest = select(FINDINGS).where(same).order_by(FINDINGS.c.last_us.desc()).limit(1)
        with self._database.write() as connection:
            row = connection.execute(newest).first()
            before = None if row is None else _finding(row)
            if before is not None and last_us <= before.last_us:
                return None
            if before is not None and before.closed_us is None:
                named = tuple(dict.fromkeys((*before.evidence, *evidence)))[-MAX_EVIDENCE:]
                merged = replace(before, evidence=named, count=before.count + count, last_us=last_us, response=PENDING)
                values = {"evidence": json.dumps(named), "count": merged.count, "last_us": last_us, "response": PENDING}
                connection.execute(update(FINDINGS).where(FINDINGS.c.id == before.id).values(values))
                return merged
            named = tuple(evidence)[-MAX_EVIDENCE:]
            made = StoredFinding(
                "fnd_" + secrets.token_hex(8), detection, severity, subject, words, named, count, first_us, last_us,
                self._clock.now_us(),
            )  # fmt: skip
            connection.execute(insert(FINDINGS).values(_values(made)))
        return made

    def settle(
        self,
        finding: str,
        response: str,
        *,
        words: str = "",
        needs_person: str = "",
        scopes: Sequence[str] = (),
        contained_us: int | None = None,
    ) -> None:
        """Say what came of a finding."""
        values: dict[str, object] = {"response": response, "response_words": words, "needs_person": needs_person}
        if scopes:
            values |= {"scopes": json.dumps(list(scopes)), "contained_us": contained_us}
        with self._database.write() as connection:
            connection.execute(update(FINDINGS).where(FINDINGS.c.id == finding).values(values))

    def count_released(self, finding: str, released: int) -> None:
        """Say how much the subject got before it was contained."""
        with self._database.write() as connection:
            connection.execute(update(FINDINGS).where(FINDINGS.c.id == finding).values(released=released))

    def pending(self) -> Sequence[StoredFinding]:
        """Findings about which nothing was done yet, oldest first."""
        query = select(FINDINGS).where(FINDINGS.c.response == PENDING).order_by(FINDINGS.c.found_us)
        with self._database.read() as connection:
            return [_finding(row) for row in connection.execute(query)]

    def get(self, finding: str) -> StoredFinding | None:
        """The finding of this id."""
        with self._database.read() as connection:
            row = connection.execute(select(FINDINGS).where(FINDINGS.c.id == finding)).first()
        return None if row is None else _finding(row)

    def list_all(self, *, open_only: bool = False) -> Sequence[StoredFinding]:
        """Findings, newest first, at most `MAX_LISTED`."""
        query = select(FINDINGS).order_by(FINDINGS.c.found_us.desc(), FINDINGS.c.id).limit(MAX_LISTED)
        query = query.where(FINDINGS.c.closed_us.is_(None)) if open_only else query
        with self._database.read() as connection:
            return [_finding(row) for row in connection.execute(query)]

    def close(self, finding: str, *, reason: str, by: str) -> bool:
        """Close a finding; False when there is none of this id or it was closed before.

        Raises:
            CallerError: No reason.
        """
        printable = all(each.isprintable() or each == "\n" for each in reason)
        if not reason.strip() or not printable or len(reason) > MAX_REASON_CHARS:
            words = f"a reason has 1 to {MAX_REASON_CHARS} printable characters"
            raise CallerError(words, code="bad_reason", param="reason")
        one = update(FINDINGS).where(FINDINGS.c.id == finding, FINDINGS.c.closed_us.is_(None))
        values = {"closed_us": self._clock.now_us(), "closed_by": inert(by), "close_reason": reason}
        with self._database.write() as connection:
            return bool(connection.execute(one.values(values)).rowcount)


def _values(finding: StoredFinding) -> dict[str, object]:
    named = {name: getattr(finding, name) for name in StoredFinding.__slots__}
    return named | {"evidence": json.dumps(finding.evidence), "scopes": json.dumps(finding.scopes)}


def _finding(row: Row[tuple[object, ...]]) -> StoredFinding:
    named = dict(row._mapping)
    named |= {"evidence": tuple(json.loads(row.evidence)), "scopes": tuple(json.loads(row.scopes))}
    return StoredFinding(**named)
