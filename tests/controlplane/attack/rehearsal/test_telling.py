"""The words say what is known, and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringwall.controlplane.attack.rehearsal import telling
from ringwall.controlplane.attack.rehearsal.matrix import NOTHING, Broken, State, matrix_of
from ringwall.controlplane.attack.rehearsal.played import STEPS, Aim, Attacker, Cell, Outcome, Played, Report
from tests.controlplane.attack.rehearsal import made

INSIDER = Attacker.INSIDER


@given(text=st.text(max_size=400))
def test_plain_text_is_printable_and_short(text: str) -> None:
    shown = telling.plain(text)
    assert shown.isprintable()
    assert len(shown) <= telling.MAX_SHOWN_CHARS


def test_the_headline_of_a_whole_report() -> None:
    matrix = matrix_of(made.report())
    assert telling.headline(matrix) == "1,023 of 1,024 subsets hold at least one aim"
    assert telling.promise(matrix) == "nothing that was promised leaked: 5,786 promised cells, all held"
    assert telling.doubt(matrix) == ""


def test_the_headline_of_a_part_says_how_much_is_missing() -> None:
    matrix = matrix_of(Report(made.report().plays[:56], 1.0))
    assert telling.headline(matrix) == "55 of 56 subsets that were played hold at least one aim; 968 not played"
    assert telling.headline(matrix_of(Report((), 0.0))) == "no subset of the ten steps was played"
    assert telling.promise(matrix_of(Report((), 0.0))) == "nothing was promised of what was played"


def test_what_is_broken_and_what_to_do_next() -> None:
    bad = Played(INSIDER, "morse\x1b[2J", (4,), {aim: made.LEAK for aim in Aim}, frozenset({Aim.SHOW}))
    matrix = matrix_of(made.report(bad))
    (broken,) = matrix.broken
    assert telling.promise(matrix) == "1 of 5,787 promised cells are broken"
    assert telling.where(broken) == r"insider, show, morse\x1b[2J, step 4 on"
    assert telling.reason(broken) == "8 records got there"
    assert "step 4 (input)" in telling.advice(broken)


def test_advice_for_every_kind_of_broken_cell() -> None:
    def broken(on: tuple[int, ...], cell: Cell, why: str = "") -> Broken:
        return Broken(Played(INSIDER, "direct", on, {Aim.SHOW: cell}, frozenset({Aim.SHOW})), Aim.SHOW, why)

    assert "fault never holds" in telling.advice(broken((4,), Cell(Outcome.LEAKED, fault="x"), "x"))
    assert "promise" in telling.advice(broken(NOTHING, made.LEAK))
    assert "alone" in telling.advice(broken((4, 5, 6), made.LEAK))
    assert "4 (input) or 5 (tool permission)" in telling.advice(broken((4, 5), made.LEAK))
    nothing = Broken(Played(INSIDER, "direct", (4,), {}, frozenset({Aim.SHOW})), Aim.SHOW, "")
    assert "says nothing" in telling.reason(nothing)


def test_doubt_names_three_and_counts_the_rest() -> None:
    off = tuple(made.play(INSIDER, each, NOTHING) for each in made.VARIANTS[:4])
    said = telling.doubt(matrix_of(made.report(without=off)))
    assert "direct (insider, show), base64 (insider, show), hexadecimal (insider, show) and 5 more" in said


def test_which_steps_are_on() -> None:
    said = [telling.on_words(on) for on in (NOTHING, (4,), (4, 5), STEPS[1:], STEPS)]
    assert said == ["every step off", "step 4 on", "steps 4, 5 on", "all on but step 1", "all ten steps on"]


def test_how_much_got_out_and_how_fast() -> None:
    matrix = matrix_of(made.report())
    assert telling.most_escaped(matrix.alone(10)[0]) == "≤ 3 records in 412 ms"
    assert telling.most_escaped(matrix.alone(4)[0]) == ""
    assert telling.escaped(Cell(Outcome.CONTAINED, 10, "", 1, 1240)) == "1 record out, stopped after 1.2 s"
    assert telling.held_of(matrix.alone(10)[0]) == "16 of 16"
    assert set(telling.MEANINGS) == set(State)
