"""How does a rehearsal look on a terminal? Each step alone, the counts, what is broken, and a bar while it plays.

* It reads without colour: every cell has its word and its count. It fits 80 columns; where there is room for both, they
  stand on one line.
* Whatever comes from elsewhere is inert (decision 0080).
* What is broken comes last, where the eye is, each with what to do next.
* The bar is drawn for people only: not into a pipe, not beside JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ringwall.cli.show import visible
from ringwall.controlplane.attack.rehearsal import telling
from ringwall.controlplane.attack.rehearsal.matrix import (
    ALL_BUT_ONE,
    COLUMNS,
    NOTHING,
    PAIRS,
    STEP_NAMES,
    Broken,
    Matrix,
    Square,
    State,
    Tally,
    matrix_of,
)
from ringwall.controlplane.attack.rehearsal.played import STEPS, Played, Report

MAX_LISTED = 20
"""Broken cells on a terminal; all of them are in the JSON and on the page."""
ONE_LINE = 100
"""Columns from which a word and its count stand on one line."""
_COLOURS = {
    State.PREVENTED: "green",
    State.UNREADABLE: "blue",
    State.CONTAINED: "yellow",
    State.OUTSIDE: "dim",
    State.LEAKED: "bold red",
    State.NOT_PLAYED: "dim",
}
_SHORT = {State.OUTSIDE: "outside"}
_LEGEND = (
    "n/m: variants of the attack that are held. No colour: held, but not in all.",
    "outside: outside its vantage, it does not stand there; never counts as holding.",
)


def show_report(console: Console, report: Report, again: Callable[[Played], str] | None = None) -> None:
    """Print a report.

    Args:
        console: Where to.
        report: The rehearsal.
        again: Gives the command that plays one play once more, to be named with each broken cell.
    """
    matrix = matrix_of(report)
    _line(console, f"[bold]Rehearsal of {visible(telling.plain(report.about))}[/]: one step on, nine off")
    _print(console, _alone(matrix, console.width >= ONE_LINE))
    for words in _LEGEND:
        _line(console, f"[dim]{words}[/]")
    _line(console)
    _print(console, _rest(matrix))
    _line(console)
    _counts(console, matrix)
    _broken(console, matrix, again)


def controls_of_steps() -> dict[int, tuple[str, ...]]:
    """Names of the controls that are built, by the step that they carry: the small print of picture and page."""
    from ringwall.catalog.load import load_catalog

    names: dict[int, list[str]] = {}
    for entry in load_catalog().entries.values():
        if entry.built and entry.step is not None:
            names.setdefault(entry.step, []).append(str(entry.id).rpartition(".")[2].replace("_", " "))
    return {step: tuple(sorted(names[step])) for step in sorted(names)}


@contextmanager
def progress(console: Console, total: int, *, quiet: bool = False) -> Iterator[Callable[[], None]]:
    """A bar over the plays: how many, how fast, how long yet. It leaves nothing behind.

    Args:
        console: Where to; the error stream, so that output stays output.
        total: How many plays there are.
        quiet: True beside `--json`.

    Yields:
        What to call after each play.
    """
    if quiet or not console.is_terminal:
        yield lambda: None
        return
    bar = Progress(
        TextColumn("plays"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


class _Rate(ProgressColumn):
    """Plays in a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s", style="dim")


def _alone(matrix: Matrix, is_wide: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("step", no_wrap=True)
    for attacker, aim in COLUMNS:
        table.add_column(f"{attacker}{' ' if is_wide else chr(10)}{aim}", no_wrap=True)
    for step in STEPS:
        cells = (_square(each, " " if is_wide else "\n") for each in matrix.alone(step))
        table.add_row(str(step), STEP_NAMES[step], *cells)
    return table


def _square(square: Square, between: str) -> str:
    """A cell: its word, coloured where it holds in every variant or leaks, and its count."""
    word = _SHORT.get(square.state, square.state.value)
    is_coloured = square.is_whole or not square.state.is_held
    shown = f"[{_COLOURS[square.state]}]{word}[/]" if is_coloured else word
    if not square.played:
        return shown
    return f"{shown}{between}{square.held}/{square.variants}{_unplayed(square.variants - square.played)}"


def _rest(matrix: Matrix) -> Table:
    """Nothing on, pairs, all but one, all: cells that are held."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("cells held", no_wrap=True)
    for attacker, aim in COLUMNS:
        table.add_column(f"{attacker}\n{aim}", no_wrap=True)
    kinds = {"none on": (NOTHING,), "every pair": PAIRS, "all but one": ALL_BUT_ONE, "all on": (STEPS,)}
    for name, subsets in kinds.items():
        table.add_row(name, *(_tally(matrix.tally(attacker, aim, subsets)) for attacker, aim in COLUMNS))
    return table


def _tally(tally: Tally) -> str:
    return f"{tally.held}/{tally.of}{_unplayed(tally.of - tally.played)}" if tally.played else "[dim]not played[/]"


def _unplayed(count: int) -> str:
    return f" [dim]-{count}[/]" if count else ""


def _counts(console: Console, matrix: Matrix) -> None:
    subsets = matrix.subsets()
    _line(console, f"Outsider, direct attack: {telling.headline(matrix)}")
    if subsets.played:
        show, send, both = (telling.share(each, subsets.played) for each in (subsets.show, subsets.send, subsets.both))
        _line(console, f"  show is held by {show}, send by {send}, both by {both}")
    for step in STEPS:
        for worst in sorted({each for square in matrix.alone(step) if (each := telling.most_escaped(square))}):
            _line(console, f"  contained by step {step}: {worst}, before the attacker was stopped")
    if not matrix.is_complete:
        _line(console, "[yellow]Not everything was played[/]: -n after a count says how many are missing")
    if doubt := telling.doubt(matrix):
        _line(console, f"[bold red]In doubt[/]: {visible(doubt)}")
    _line(console, f"{telling.plural(matrix.plays, 'play')} in {matrix.seconds:,.1f} s")


def _broken(console: Console, matrix: Matrix, again: Callable[[Played], str] | None) -> None:
    if matrix.faults:
        _line(console, f"\n[yellow]Faults where nothing was promised, counted as leaked: {len(matrix.faults):,}[/]")
        _list(console, matrix.faults, None)
    if not matrix.promised:
        _line(console, f"\n[yellow]{_sentence(telling.promise(matrix))}[/]")
    elif not matrix.broken:
        said = _sentence(telling.promise(matrix))
        is_green = matrix.is_complete and not matrix.unproven
        _line(console, f"\n[green]{said}[/]" if is_green else f"\n{said}")
    else:
        _line(console, f"\n[bold red]{_sentence(telling.promise(matrix))}[/]")
        _list(console, matrix.broken, again)


def _list(console: Console, cells: Sequence[Broken], again: Callable[[Played], str] | None) -> None:
    for each in cells[:MAX_LISTED]:
        _line(console, f"  [bold]{visible(telling.where(each))}[/]: {visible(telling.reason(each))}")
        _line(console, f"    next: {visible(telling.advice(each))}")
        if again is not None:
            _line(console, f"    again: {visible(again(each.play))}")
    if len(cells) > MAX_LISTED:
        _line(console, f"  and {len(cells) - MAX_LISTED:,} more: --json and the page have all of them")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _line(console: Console, markup: str = "") -> None:
    """A line: wrapped where people look, whole where programs do."""
    console.print(markup, soft_wrap=not console.is_terminal, highlight=False)


def _print(console: Console, table: Table) -> None:
    console.print(table, highlight=False)
