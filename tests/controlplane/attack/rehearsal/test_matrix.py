"""What a rehearsal comes to: nothing reads better than it is."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controlplane.attack.rehearsal.matrix import (
    ALL_BUT_ONE,
    COLUMNS,
    NOTHING,
    PAIRS,
    STEP_NAMES,
    SUBSETS,
    State,
    Tally,
    matrix_of,
    see,
    sides,
)
from ringwall.controlplane.attack.rehearsal.played import STEPS, Aim, Attacker, Cell, Outcome, Played, Report
from tests.controlplane.attack.rehearsal import made

OUTSIDER, INSIDER = Attacker
SHOW, SEND = Aim
WHOLE = made.report()


def test_every_step_has_a_name() -> None:
    assert tuple(STEP_NAMES) == STEPS


def test_a_whole_report_reads_as_decision_0111_has_it() -> None:
    matrix = matrix_of(WHOLE)
    p, u, c, o = State.PREVENTED, State.UNREADABLE, State.CONTAINED, State.OUTSIDE
    assert [[each.state for each in matrix.alone(step)] for step in STEPS] == [
        [p, p, o, o],
        [p, p, o, o],
        [p, p, o, o],
        [p, p, p, p],
        [p, p, p, p],
        [u, u, u, u],
        [p, o, p, o],
        [p, p, p, p],
        [o, p, o, p],
        [c, c, c, c],
    ]
    assert all(each.is_whole is each.state.is_held for step in STEPS for each in matrix.alone(step))
    assert (matrix.alone(10)[0].records_out, matrix.alone(10)[0].contained_ms) == (3, 412)
    assert matrix.broken == matrix.faults == matrix.unproven == ()


def test_golden_counts_of_a_whole_report() -> None:
    matrix = matrix_of(WHOLE)
    found = matrix.subsets()
    assert (found.of, found.played, found.show, found.send, found.one, found.both) == (
        1024,
        1024,
        1022,
        1022,
        1023,
        1021,
    )
    assert [each.of for each in matrix.by_number()] == [comb(10, number) for number in range(11)]
    assert [each.one for each in matrix.by_number()] == [0, *(comb(10, number) for number in range(1, 11))]
    assert [each.both for each in matrix.by_number()][:3] == [0, 8, 45]
    count = 45 * len(made.VARIANTS)
    assert matrix.tally(OUTSIDER, SHOW, PAIRS) == Tally(count, count, count)
    # Three pairs of steps 1 to 3, and each of these three with the one that stands elsewhere.
    assert matrix.tally(INSIDER, SHOW, PAIRS) == Tally(count - 6 * len(made.VARIANTS), count, count)
    assert matrix.tally(INSIDER, SEND, ALL_BUT_ONE) == Tally(160, 160, 160)
    assert matrix.promised == WHOLE.promised == 5786
    assert matrix.plays == 1024 + 67 * (2 * len(made.VARIANTS) - 1)


def test_nothing_of_an_empty_report_holds() -> None:
    matrix = matrix_of(Report((), 0.0))
    assert {each.state for step in STEPS for each in matrix.alone(step)} == {State.NOT_PLAYED}
    assert not any(each.is_whole for step in STEPS for each in matrix.alone(step))
    assert matrix.subsets() == replace(matrix.subsets(), of=SUBSETS, played=0, show=0, send=0, one=0, both=0)


@settings(max_examples=25, deadline=None)
@given(kept=st.sets(st.integers(0, len(WHOLE.plays) - 1), max_size=400))
def test_a_partial_report_is_never_whole(kept: set[int]) -> None:
    plays = tuple(WHOLE.plays[each] for each in sorted(kept))
    matrix = matrix_of(Report(plays, 1.0))
    known = {(play.attacker, play.variant, play.on) for play in plays}
    for attacker, aim in COLUMNS:
        for on in (NOTHING, *((step,) for step in STEPS), *PAIRS, *ALL_BUT_ONE):
            square = matrix.square(attacker, aim, on)
            missing = [each for each in matrix.variants if (attacker, each, on) not in known]
            assert square.played == square.variants - len(missing)
            assert not (square.is_whole and missing)
            assert square.held <= square.played
    assert (
        matrix.subsets().one <= matrix.subsets().played == sum(each.is_played for row in matrix.grid() for each in row)
    )


def test_one_missing_variant_is_not_whole() -> None:
    gone = made.play(INSIDER, "morse", (5,))
    square = matrix_of(made.report(without=(gone,))).square(INSIDER, SHOW, (5,))
    assert (square.state, square.held, square.played, square.variants) == (State.PREVENTED, 15, 15, 16)
    assert not square.is_whole


def played(on: tuple[int, ...], cell: Cell, *, promised: bool = False) -> Played:
    return Played(INSIDER, "direct", on, {SHOW: cell, SEND: made.LEAK}, frozenset({SHOW} if promised else ()))


@pytest.mark.parametrize(
    ("play", "state"),
    [
        (played((1,), made.LEAK), State.OUTSIDE),
        (played((1, 2), made.LEAK), State.OUTSIDE),
        (played((4,), made.LEAK, promised=True), State.LEAKED),
        (played((), made.LEAK), State.LEAKED),
        (played((1, 2, 3), made.LEAK), State.LEAKED),
        (played((1,), Cell(Outcome.LEAKED, fault="deadline")), State.LEAKED),
        (played((4,), Cell(Outcome.PREVENTED, 4, "a.b")), State.PREVENTED),
        (played((4,), Cell(Outcome.PREVENTED, 5, "a.b")), State.LEAKED),
        (played((4,), Cell(Outcome.CONTAINED, None)), State.LEAKED),
        (played((4,), Cell(Outcome.PREVENTED, 4, "a.b", fault="error")), State.LEAKED),
        (Played(INSIDER, "direct", (4,), {}), State.NOT_PLAYED),
    ],
)
def test_what_a_cell_counts_as(play: Played, state: State) -> None:
    assert see(play, SHOW).state is state


def test_held_by_a_step_that_is_off_is_broken_where_it_was_promised() -> None:
    wrong = played((4,), Cell(Outcome.PREVENTED, 5, "identity_data.tool_permission"), promised=True)
    matrix = matrix_of(made.report(wrong))
    assert [(each.play, each.aim) for each in matrix.broken] == [(wrong, SHOW)]
    assert "no step that was on" in matrix.broken[0].why


def test_a_fault_that_nobody_promised_is_listed_apart() -> None:
    matrix = matrix_of(made.report(played((1,), Cell(Outcome.LEAKED, fault="deadline"))))
    assert matrix.broken == ()
    assert [each.why for each in matrix.faults] == ["deadline"]


def test_of_two_reports_about_one_play_the_worse_counts() -> None:
    good, bad = made.play(INSIDER, "direct", (4,)), played((4,), made.LEAK, promised=True)
    for plays in ((good, bad), (bad, good)):
        assert matrix_of(Report(plays, 1.0)).seen(INSIDER, "direct", (4,), SHOW).state is State.LEAKED


@pytest.mark.parametrize(
    "off", [Cell(Outcome.LEAKED, fault="no answer"), Cell(Outcome.PREVENTED, 4, "application.prompt_attack")]
)
def test_an_attack_that_gets_nowhere_with_every_step_off_is_named(off: Cell) -> None:
    assert matrix_of(made.report(played(NOTHING, off))).unproven == ((INSIDER, SHOW, "direct"),)
    insiders = tuple(each for each in WHOLE.plays if each.attacker is INSIDER)
    assert matrix_of(Report(insiders, 1.0)).unproven == ()
    gone = made.play(INSIDER, "morse", NOTHING)
    assert matrix_of(made.report(without=(gone,))).unproven == ((INSIDER, SHOW, "morse"), (INSIDER, SEND, "morse"))


def test_one_leak_among_many_makes_the_square_leaked() -> None:
    bad = Played(INSIDER, "morse", (4,), {SHOW: made.LEAK, SEND: made.LEAK}, frozenset(Aim))
    square = matrix_of(made.report(bad)).square(INSIDER, SHOW, (4,))
    assert square.state is State.LEAKED
    assert square.counts == ((State.PREVENTED, 15), (State.LEAKED, 1))


def test_a_mixed_square_has_the_weaker_word() -> None:
    slow = Played(INSIDER, "morse", (10,), {SHOW: Cell(Outcome.CONTAINED, 10, "a.b", 9, 2500), SEND: made.LEAK})
    square = matrix_of(made.report(slow)).square(INSIDER, SHOW, (10,))
    assert (square.records_out, square.contained_ms) == (9, 2500)
    quick = Played(INSIDER, "morse", (10,), {SHOW: Cell(Outcome.PREVENTED, 10, "a.b"), SEND: made.LEAK})
    assert matrix_of(made.report(quick)).square(INSIDER, SHOW, (10,)).state is State.CONTAINED


@given(row=st.integers(0, 31), column=st.integers(0, 31), along=st.booleans())
def test_neighbours_on_the_map_differ_by_one_step(row: int, column: int, along: bool) -> None:
    rows, columns = sides()
    here = {*rows[row], *columns[column]}
    there = {*rows[row], *columns[(column + 1) % 32]} if along else {*rows[(row + 1) % 32], *columns[column]}
    assert len(here ^ there) == 1


def test_the_map_has_every_subset_once() -> None:
    spots = [spot.on for row in matrix_of(WHOLE).grid() for spot in row]
    assert spots[0] == NOTHING
    assert len(set(spots)) == len(spots) == 1024
    assert set(spots) == set(made.EVERY)


def test_complete_is_what_misses_nothing() -> None:
    assert matrix_of(WHOLE).is_complete
    assert not matrix_of(Report((), 0.0)).is_complete
    for gone in (made.play(INSIDER, "morse", (4, 5)), made.play(OUTSIDER, "direct", (2, 4, 6, 8))):
        assert not matrix_of(made.report(without=(gone,))).is_complete
