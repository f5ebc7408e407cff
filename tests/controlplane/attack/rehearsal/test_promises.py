"""What is promised is what decision 0111 says, row by row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.controlplane.attack.rehearsal.played import STEPS, Aim, Attacker
from ringwall.controlplane.attack.rehearsal.promises import HOLDS, promised

RECORD = Path(__file__).parents[4] / "docs" / "decisions" / "0111-what-each-step-holds.md"
COLUMNS = tuple((attacker, aim) for attacker in Attacker for aim in Aim)
SUBSETS = st.sets(st.sampled_from(STEPS))


def rows() -> dict[int, list[str]]:
    found = re.findall(r"^\| (\d+) [^|]*\|(.*)\|$", RECORD.read_text(), re.M)
    return {int(step): [cell.strip() for cell in cells.split("|")] for step, cells in found}


@pytest.mark.parametrize("step", STEPS)
def test_a_row_of_the_table_is_a_row_of_the_record(step: int) -> None:
    for (attacker, aim), cell in zip(COLUMNS, rows()[step], strict=True):
        assert (aim in HOLDS[attacker][step]) is not cell.startswith("outside"), (step, attacker, aim, cell)


@given(SUBSETS, SUBSETS, st.sampled_from(Attacker))
def test_more_steps_never_promise_less(some: set[int], others: set[int], attacker: Attacker) -> None:
    assert promised(attacker, some) | promised(attacker, others) == promised(attacker, some | others)


def test_nothing_is_promised_of_nothing() -> None:
    assert not any(promised(attacker, ()) for attacker in Attacker)
