"""Where the monitor stood, across restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringwall.controlplane.monitor.cursor import REWIND_US, STEP_US, Cursor
from ringwall.store.ledger.tail import Mark

NAME = "20261125T000000.000000Z-0123456789abcdef"
START_US = 10**15


def mark(offset: int, *, broken: bool = False) -> Mark:
    return Mark(NAME, offset, offset // 10, b"\x01" * 32, broken)


def test_a_restart_begins_a_little_before_the_end(tmp_path: Path) -> None:
    path, now = tmp_path / "state" / "marks.json", START_US
    assert Cursor(path).load(now) is None
    cursor = Cursor(path)
    for second in range(0, 3000, 2):
        now = START_US + second * 1_000_000
        cursor.save(now, (mark(second),))
    found = Cursor(path).load(now)
    assert found is not None
    behind_us = (second - found[NAME].offset) * 1_000_000
    assert REWIND_US <= behind_us <= REWIND_US + 2 * STEP_US
    assert path.stat().st_size < 10_000


def test_a_young_one_begins_at_its_beginning_and_remembers_breaks(tmp_path: Path) -> None:
    cursor = Cursor(tmp_path / "marks.json")
    cursor.save(START_US, (mark(1, broken=True),))
    cursor.save(START_US + 2_000_000, (mark(9, broken=True),))
    assert Cursor(tmp_path / "marks.json").load(START_US + 3_000_000) == {NAME: mark(1, broken=True)}


@pytest.mark.parametrize(
    "rubbish", ["", "[", "{}", "[]", '[{"time_us": 1}]', '[{"time_us":1,"marks":[["../x",1,1,"",0]]}]']
)
def test_a_file_that_cannot_be_read_counts_as_none(tmp_path: Path, rubbish: str) -> None:
    (tmp_path / "marks.json").write_text(rubbish)
    assert Cursor(tmp_path / "marks.json").load(START_US) is None
