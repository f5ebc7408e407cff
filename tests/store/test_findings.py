"""Findings: on record before anything is done, never twice, never deleted."""

from __future__ import annotations

import pytest

from ringwall.model.errors import CallerError
from ringwall.store.database import Database
from ringwall.store.findings import CONTAINED, MAX_EVIDENCE, PENDING, StoredFinding, StoredFindings
from tests.store.conftest import OwnClock


def raised(findings: StoredFindings, last_us: int = 20, count: int = 3, **more: object) -> StoredFinding | None:
    given = {"detection": "denied_varied", "severity": "high", "subject": "principal i alice", "words": "w",
             "evidence": [f"rec_{last_us}"], "first_us": 10, **more}  # fmt: skip
    return findings.add(last_us=last_us, count=count, **given)  # type: ignore[arg-type]


def test_a_finding_is_pending_until_something_came_of_it(database: Database, own_clock: OwnClock) -> None:
    findings = StoredFindings(database, own_clock)
    made = raised(findings)
    assert made is not None and made.response == PENDING
    assert findings.pending() == [made] == findings.list_all()
    findings.settle(made.id, CONTAINED, scopes=["key:k"], contained_us=30, needs_person="look")
    findings.count_released(made.id, 2)
    found = findings.get(made.id)
    assert found is not None and findings.pending() == []
    assert (found.response, found.scopes, found.contained_us, found.released) == (CONTAINED, ("key:k",), 30, 2)
    assert findings.get("fnd_none") is None


def test_what_a_replay_raises_again_changes_nothing(database: Database, own_clock: OwnClock) -> None:
    findings = StoredFindings(database, own_clock)
    made = raised(findings)
    assert raised(findings) is None
    assert raised(findings, last_us=15) is None
    assert findings.list_all() == [made]


def test_what_goes_on_is_added_to_the_open_finding(database: Database, own_clock: OwnClock) -> None:
    findings = StoredFindings(database, own_clock)
    made = raised(findings)
    assert made is not None
    for moment in range(21, 21 + MAX_EVIDENCE + 5):
        merged = raised(findings, last_us=moment)
        assert merged is not None and merged.id == made.id
    [found] = findings.list_all()
    assert len(found.evidence) == MAX_EVIDENCE
    assert (found.count, found.first_us, found.last_us) == (3 * (MAX_EVIDENCE + 6), 10, 20 + MAX_EVIDENCE + 5)
    assert raised(findings, subject="principal i bob") is not None


def test_a_closed_finding_stays_and_a_new_one_begins(database: Database, own_clock: OwnClock) -> None:
    findings = StoredFindings(database, own_clock)
    made = raised(findings)
    assert made is not None
    with pytest.raises(CallerError):
        findings.close(made.id, reason=" ", by="ada")
    assert findings.close(made.id, reason="false alarm", by="ada\x1b")
    assert not findings.close(made.id, reason="again", by="ada")
    assert findings.list_all(open_only=True) == []
    new = raised(findings, last_us=50)
    assert new is not None and new.id != made.id
    assert {each.closed_by for each in findings.list_all()} == {None, "ada\\x1b"}
