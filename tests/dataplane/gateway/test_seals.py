"""A seal opens for who got it, and for nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.gateway.seals import Seals
from ringwall.model.errors import CallerError
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal, PrincipalKind
from tests.dataplane.gateway.test_session import BOB

ALICE = Principal("https://issuer.example", "alice", PrincipalKind.PERSON)
HERE, THERE = WorkloadId("support"), WorkloadId("sales")
SEALS = Seals(b"s" * 32)
GIVEN = SEALS.close("c2VhbA==", workload=HERE, principal=ALICE)


def test_who_got_it_can_give_it_back() -> None:
    assert SEALS.open(GIVEN, workload=HERE, principal=ALICE) == "c2VhbA=="


@pytest.mark.parametrize(
    ("bound", "workload", "principal"),
    [
        (GIVEN, THERE, ALICE),
        (GIVEN, HERE, BOB),
        (GIVEN.replace("c2Vh", "c2Vi"), HERE, ALICE),
        ("c2VhbA==", HERE, ALICE),
        ("", HERE, ALICE),
        ("rwr1." + "\ud800" * 43 + ".c2VhbA==", HERE, ALICE),
    ],
)
def test_nobody_else_can(bound: str, workload: WorkloadId, principal) -> None:
    with pytest.raises(CallerError) as caught:
        SEALS.open(bound, workload=workload, principal=principal)
    assert caught.value.code == "bad_signature"


def test_another_installation_cannot() -> None:
    with pytest.raises(CallerError):
        Seals(b"t" * 32).open(GIVEN, workload=HERE, principal=ALICE)


@given(st.text(max_size=200))
def test_nothing_else_opens(bound: str) -> None:
    with pytest.raises(CallerError):
        SEALS.open(bound, workload=HERE, principal=ALICE)
