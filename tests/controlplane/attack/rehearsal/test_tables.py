"""Tables say in words what they show, and never more than was played."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ringwall.controlplane.attack.rehearsal import tables
from ringwall.controlplane.attack.rehearsal.matrix import Matrix, State, matrix_of
from ringwall.controlplane.attack.rehearsal.played import Aim, Attacker, Played, Report
from tests.controlplane.attack.rehearsal import made

INSIDER = Attacker.INSIDER
WHOLE = matrix_of(made.report())


def rows(table: str) -> list[list[str]]:
    """Text of the body's cells; what is hidden from sight is read, what is hidden from readers is not."""
    body = re.sub(r"<(i|span)[^>]*aria-hidden=\"true\">[^<]*</\1>", "", table)
    root = ElementTree.fromstring(body)
    return [["".join(each.itertext()).strip() for each in row] for row in root.iter("tr")][1:]


def every(matrix: Matrix) -> list[str]:
    return [
        tables.alone_table(matrix, made.CONTROLS),
        *(tables.variants_table(matrix, attacker) for attacker in Attacker),
        *(tables.pairs_table(matrix, attacker, aim) for attacker in Attacker for aim in Aim),
        tables.rest_table(matrix),
        tables.numbers_table(matrix),
        *(tables.variant_table(matrix, variant) for variant in matrix.variants),
    ]


def test_each_step_alone() -> None:
    found = rows(tables.alone_table(WHOLE, made.CONTROLS))
    assert found[3] == ["4 inputPrompt attack", *["prevented16 of 16 held"] * 4]
    assert found[6][1:3] == ["prevented16 of 16 held", "outside its vantage0 of 16 held"]
    assert found[9][1] == "contained16 of 16 held≤ 3 records in 412 ms"


def test_each_variant() -> None:
    found = rows(tables.variants_table(WHOLE, INSIDER))
    assert [row[0] for row in found] == list(made.VARIANTS)
    assert found[0][1] == "show leaked send leaked"
    assert found[0][8] == "show prevented send outside its vantage"


def test_pairs_are_a_triangle_with_each_step_alone_on_its_edge() -> None:
    found = rows(tables.pairs_table(WHOLE, INSIDER, Aim.SHOW))
    assert all(row[1 + column] == "" for place, row in enumerate(found) for column in range(place))
    assert found[0][1] == "outside its vantage, 0 of 16 held"
    assert found[0][4] == "prevented, 16 of 16 held"


def test_all_but_one_and_the_rest() -> None:
    found = rows(tables.rest_table(WHOLE))
    assert found[2] == ["insider, show", "leaked, 0 of 16 held", *["prevented, 16 of 16 held"] * 11]


def test_subsets_by_number() -> None:
    assert rows(tables.numbers_table(WHOLE))[:2] == [
        ["0", "1", "1", "0", "0", "0", "0"],
        ["1", "10", "10", "9", "9", "10", "8"],
    ]


def test_cell_by_cell() -> None:
    found = rows(tables.variant_table(WHOLE, "morse"))
    assert len(found) == len(tables.DETAILED)
    assert found[0] == ["every step off", *["leaked8 records out"] * 4]
    said = "containedstep 10, identity_data.canary3 records out, stopped after 412 ms"
    assert found[10] == ["step 10 on", *[said] * 4]


def test_nothing_is_filled_that_was_not_played_in_every_variant() -> None:
    gone = [each for each in made.report().plays if each.variant == "morse"]
    part = matrix_of(Report(made.report(without=gone).plays, 1.0))
    assert "morse" not in part.variants
    some = matrix_of(made.report(without=[each for each in gone if each.on]))
    for table in every(some)[:-1]:
        assert not re.search(r'class="full (prevented|unreadable|contained)"', table)
    assert "15 of 16 held, 1 not played" in tables.alone_table(some, {})


def test_of_an_empty_report_nothing_is_said_to_hold() -> None:
    for table in every(matrix_of(Report((), 0.0))):
        assert "full" not in table
        assert not any(state in table for state in (State.PREVENTED, State.UNREADABLE, State.CONTAINED))


def test_a_leak_is_marked_where_only_a_number_stands() -> None:
    bad = Played(INSIDER, "morse", (4, 5), {aim: made.LEAK for aim in Aim}, frozenset(Aim))
    table = tables.pairs_table(matrix_of(made.report(bad)), INSIDER, Aim.SHOW)
    assert '<td class="full leaked"><span aria-hidden="true">✕ 15/16</span>' in table
    assert "leaked, 15 of 16 held" in table
