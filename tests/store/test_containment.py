"""Containment: at once here, within a refresh elsewhere, over on time, and never silently."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ringwall.model.errors import CallerError
from ringwall.store.containment import StoredContainment
from ringwall.store.database import Database

ALICE = "principal:issuer alice"


@pytest.fixture
def containment(database: Database, own_clock: Any) -> StoredContainment:
    made = StoredContainment(database, own_clock)
    made.refresh()
    return made


def test_what_is_contained_stands_here_at_once_and_elsewhere_after_a_refresh(
    containment: StoredContainment, database: Database, own_clock: Any
) -> None:
    elsewhere = StoredContainment(database, own_clock)
    assert math.isinf(elsewhere.standing([ALICE]).age_s)
    elsewhere.refresh()
    made = containment.add("principal", "issuer alice", reason="strange calls", by="carol")
    assert containment.standing([ALICE, "workload:w"]).contained == containment.contained() == {ALICE}
    assert elsewhere.standing([ALICE]).contained == frozenset()
    own_clock.pass_s(0.5)
    assert elsewhere.standing([ALICE]).age_s == pytest.approx(0.5)
    elsewhere.refresh()
    assert (elsewhere.standing([ALICE]).contained, elsewhere.standing([ALICE]).age_s) == ({ALICE}, 0.0)
    assert containment.lift(made.id, reason="a mistake", by="dave")
    assert not containment.lift(made.id, reason="again", by="dave")
    assert containment.standing([ALICE]).contained == frozenset()
    (kept,) = containment.list_all()
    assert (kept.created_by, kept.lifted_by, kept.lift_reason) == ("carol", "dave", "a mistake")
    assert containment.list_all(standing_only=True) == ()


def test_a_containment_ends_on_time_without_a_refresh(containment: StoredContainment, own_clock: Any) -> None:
    containment.add("workload", "w", reason="r", by="b", lifetime_s=60)
    own_clock.pass_s(59)
    assert containment.standing(["workload:w"]).contained
    own_clock.pass_s(1)
    assert not containment.standing(["workload:w"]).contained
    assert containment.contained() == frozenset()
    assert containment.list_all(standing_only=True) == ()


def test_the_longest_of_two_holds_and_lifting_one_leaves_the_other(
    containment: StoredContainment, own_clock: Any
) -> None:
    forever = containment.add("model", "m", reason="r", by="b")
    containment.add("model", "m", reason="r", by="b", lifetime_s=60)
    assert containment.lift(forever.id, reason="r", by="b")
    assert containment.standing(["model:m"]).contained
    own_clock.pass_s(61)
    assert not containment.standing(["model:m"]).contained


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "planet"},
        {"name": ""},
        {"name": "\ud800"},
        {"name": "x" * 2000},
        {"reason": " "},
        {"reason": "\x00"},
        {"lifetime_s": 0},
    ],
)
def test_what_cannot_be_is_the_callers_fault(containment: StoredContainment, changed: dict[str, Any]) -> None:
    good: dict[str, Any] = {"kind": "model", "name": "m", "reason": "r", "by": "b"}
    with pytest.raises(CallerError):
        containment.add(**{**good, **changed})
