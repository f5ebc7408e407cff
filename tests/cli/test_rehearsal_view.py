"""A rehearsal on a terminal: it reads without colour, fits 80 columns, and nothing in it acts."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ringwall.cli.rehearsal_view import MAX_LISTED, controls_of_steps, progress, show_report
from ringwall.controlplane.attack.rehearsal.played import STEPS, Aim, Attacker, Cell, Outcome, Played, Report
from tests.controlplane.attack.rehearsal import made

INSIDER = Attacker.INSIDER
GREEN = "\x1b[32m"
BROKEN = Played(INSIDER, "morse", (4,), {aim: made.LEAK for aim in Aim}, frozenset(Aim))


def paper(*, width: int = 80, is_terminal: bool = True, colour: bool = False) -> Console:
    return Console(
        file=StringIO(),
        width=width,
        force_terminal=is_terminal,
        color_system="standard" if colour else None,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )


def shown(report: Report, **options: bool | int) -> str:
    console = paper(**options)  # type: ignore[arg-type]
    show_report(console, report)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_it_fits_80_columns_and_reads_without_colour() -> None:
    text = shown(made.report())
    lines = text.splitlines()
    assert all(len(line) <= 80 for line in lines)
    at = next(place for place, line in enumerate(lines) if "grounding, reasoning" in line)
    assert lines[at].split() == ["7", "grounding,", "reasoning", "prevented", "outside", "prevented", "outside"]
    assert lines[at + 1].split() == ["16/16", "0/16", "16/16", "0/16"]
    for each in (
        "1,023 of 1,024 subsets hold at least one aim",
        "every pair   720/720   720/720   624/720  624/720",
        "contained by step 10: ≤ 3 records in 412 ms, before the attacker was stopped",
        "3,101 plays in 312.4 s",
        "Nothing that was promised leaked: 5,786 promised cells, all held",
    ):
        assert each in text


def test_where_there_is_room_a_cell_is_one_line() -> None:
    lines = shown(made.report(), width=200, is_terminal=False).splitlines()
    (monitor,) = (line for line in lines if "10  monitor" in line)
    assert monitor.split() == ["10", "monitor", *["contained", "16/16"] * 4]


def test_what_is_broken_comes_last_with_what_to_do_next() -> None:
    console = paper(width=200)
    show_report(console, made.report(BROKEN), lambda play: f"ringwall rehearse --variant {play.variant}")
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().splitlines()[-7:] == [
        "2 of 5,786 promised cells are broken",
        "  insider, show, morse, step 4 on: 8 records got there",
        "    next: see what step 4 (input) is set to: ringwall plan",
        "    again: ringwall rehearse --variant morse",
        "  insider, send, morse, step 4 on: 8 records got there",
        "    next: see what step 4 (input) is set to: ringwall plan",
        "    again: ringwall rehearse --variant morse",
    ]


def test_faults_and_doubts_are_told() -> None:
    fault = Cell(Outcome.LEAKED, fault="deadline [red]passed[/]")
    text = shown(made.report(Played(INSIDER, "morse", (), {aim: fault for aim in Aim})), width=200)
    assert "In doubt: not shown to leak with every step off" in text
    assert "Faults where nothing was promised, counted as leaked: 2" in text
    assert "insider, show, morse, every step off: deadline [red]passed[/]" in text


def test_a_long_list_is_cut_and_says_so() -> None:
    plays = [Played(INSIDER, f"v{each}", (4,), {aim: made.LEAK for aim in Aim}, frozenset(Aim)) for each in range(30)]
    text = shown(Report(tuple(plays), 1.0))
    assert f"and {60 - MAX_LISTED} more: --json and the page have all of them" in text


@pytest.mark.parametrize("kept", [0, 1, 60, 900])
def test_a_partial_report_is_never_green(kept: int) -> None:
    assert GREEN in shown(made.report(), colour=True)
    text = shown(Report(made.report().plays[:kept], 1.0), colour=True, width=200)
    assert "Not everything was played" in text
    assert f"{GREEN}Nothing" not in text
    if kept in (0, 1):
        assert GREEN not in text


def test_one_missing_variant_takes_the_colour() -> None:
    gone = [each for each in made.report().plays if each.variant == "morse" and each.on]
    text = shown(made.report(without=gone), colour=True, width=200)
    assert GREEN not in text
    assert "prevented 15/16" in text.replace("\x1b[2m", "")


@settings(max_examples=30, deadline=None)
@given(text=st.text(min_size=1, max_size=60) | st.just("\x1b[2J[link=x]y[/link]\u202e[/][bold]\\"))
def test_whatever_stands_in_a_report_is_text(text: str) -> None:
    cells = {Aim.SHOW: Cell(Outcome.LEAKED, fault=text), Aim.SEND: Cell(Outcome.PREVENTED, 4, text)}
    plays = (Played(INSIDER, text, on, cells, frozenset(Aim)) for on in ((4,), (4, 5), ()))
    console = paper(width=400)
    show_report(console, Report(tuple(plays), 1.0, about=text), lambda play: play.variant)
    assert isinstance(console.file, StringIO)
    assert all(each.isprintable() or each == "\n" for each in console.file.getvalue())


def test_the_bar_counts_for_people_only() -> None:
    for quiet, is_terminal in ((False, True), (True, True), (False, False)):
        console = paper(is_terminal=is_terminal)
        with progress(console, 3, quiet=quiet) as advance:
            for _ in range(3):
                advance()
        assert isinstance(console.file, StringIO)
        assert ("3/3" in console.file.getvalue()) is (is_terminal and not quiet)


def test_every_step_has_controls_that_are_built() -> None:
    controls = controls_of_steps()
    assert tuple(controls) == STEPS
    assert controls[6] == ("credential lease", "data encryption")
