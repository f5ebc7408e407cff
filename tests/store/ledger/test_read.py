"""Reading what stands in the ledger, while it is written and when it is torn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ringwall.model.ports import Receipt
from ringwall.model.record import Record, RecordKind
from ringwall.store.ledger import read, segment


def test_an_interaction_is_read_in_order_over_segments(
    tmp_path: Path, clock: object, run_ledger: Callable[..., list[Receipt]], make_record: Callable[..., Record]
) -> None:
    first = make_record(1, RecordKind.DECISION, "int_a")
    second = make_record(2, RecordKind.OPENING, "int_a")
    third = make_record(3, RecordKind.CLOSING, "int_a")
    run_ledger(tmp_path, clock, [[first, make_record(9)], [second]])
    run_ledger(tmp_path, clock, [[make_record(8), third]])
    found = read.of_interaction(tmp_path, "int_a")
    assert [entry.record for entry in found] == [each.encode() for each in (first, second, third)]
    assert read.of_interaction(tmp_path, "int_") == ()


def test_a_record_is_found_by_its_id_and_by_nothing_else(
    tmp_path: Path, clock: object, run_ledger: Callable[..., list[Receipt]], make_record: Callable[..., Record]
) -> None:
    run_ledger(tmp_path, clock, [[make_record(1), make_record(2)]])
    found = read.find(tmp_path, make_record(2).id)
    assert found is not None and found.record == make_record(2).encode() and found.position == 2
    assert read.find(tmp_path, "rec_unknown") is None
    assert read.find(tmp_path, 'x","kind":"decision') is None


def test_torn_and_foreign_lines_are_passed_over(
    tmp_path: Path, clock: object, run_ledger: Callable[..., list[Receipt]], make_record: Callable[..., Record]
) -> None:
    run_ledger(tmp_path, clock, [[make_record(1)]])
    path = segment.log_path(tmp_path, segment.names(tmp_path)[0])
    with path.open("ab") as file:
        file.write(b"nonsense\n2 " + b"0" * 64 + b" " + b"[" * 100_000 + b"\n3 " + b"0" * 64 + b' {"id"')
    assert read.find(tmp_path, make_record(1).id) is not None
    assert len(list(read.entries(tmp_path))) == 3


def test_an_absent_ledger_is_empty(tmp_path: Path) -> None:
    assert list(read.entries(tmp_path / "nothing")) == []
