"""Which tables does the page of a rehearsal have? HTML, each with a caption and headers that say what they head.

* Every cell says its state in a word, or in a mark with the word beside it for who cannot see it.
* Filled is what was played and held in every variant; outlined what is held in part; what was not played says so.
* Whatever comes from elsewhere is made plain and escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ringwall.controlplane.attack.rehearsal import telling
from ringwall.controlplane.attack.rehearsal.drawing import MARKS, TONES
from ringwall.controlplane.attack.rehearsal.matrix import (
    ALL_BUT_ONE,
    COLUMNS,
    NOTHING,
    STEP_NAMES,
    Matrix,
    Seen,
    Square,
    State,
)
from ringwall.controlplane.attack.rehearsal.picture import Controls
from ringwall.controlplane.attack.rehearsal.played import STEPS, Aim, Attacker

DETAILED = (NOTHING, *((step,) for step in STEPS), *ALL_BUT_ONE, STEPS)
"""Subsets that are told cell by cell for every variant; pairs have their maps."""


def safe(text: object) -> str:
    """Text from elsewhere between tags or in a quoted attribute."""
    return escape(telling.plain(text))


def alone_table(matrix: Matrix, controls: Controls) -> str:
    """One step on, nine off: ten rows, four columns."""
    rows = []
    for step in STEPS:
        small = ", ".join(controls.get(step, ()))
        head = f'<b class="n">{step}</b> {STEP_NAMES[step]}<small>{safe(small)}</small>'
        rows.append((head, [_square(each) for each in matrix.alone(step)]))
    return _table("One step on, nine off, over all variants", ["step", *_columns()], rows, "alone")


def variants_table(matrix: Matrix, attacker: Attacker) -> str:
    """Every variant against each step alone: two marks in a cell, *show* before *send*."""
    subsets = (NOTHING, *((step,) for step in STEPS))
    rows = [
        (safe(variant), ["".join(_mark(matrix.seen(attacker, variant, on, aim), aim) for aim in Aim) for on in subsets])
        for variant in matrix.variants
    ]
    heads = ["variant", "none on", *(f"{step}<small>{STEP_NAMES[step]}</small>" for step in STEPS)]
    return _table(f"{attacker.value.capitalize()}: each variant, one step on; show, then send", heads, rows, "variants")


def pairs_table(matrix: Matrix, attacker: Attacker, aim: Aim) -> str:
    """Every pair of steps: how many variants it holds. On the diagonal each step alone."""
    rows = []
    for first in STEPS:
        cells = ["" if second < first else _pair(matrix, attacker, aim, first, second) for second in STEPS]
        rows.append((str(first), cells))
    heads = ['<span class="vh">step</span>', *(str(step) for step in STEPS)]
    return _table(f"{attacker.value.capitalize()}, {aim.value}: pairs", heads, rows, "pairs")


def rest_table(matrix: Matrix) -> str:
    """None, all but one, all: how many variants are held."""
    subsets = (NOTHING, *ALL_BUT_ONE, STEPS)
    rows = [
        (f"{attacker}, {aim}", [_count(matrix.square(attacker, aim, on)) for on in subsets])
        for attacker, aim in COLUMNS
    ]
    heads = ["variants held", "none on", *(f"without {step}" for step in STEPS), "all on"]
    return _table("Nothing on, all but one, all ten", heads, rows, "rest")


def numbers_table(matrix: Matrix) -> str:
    """The outsider's subsets by how many steps are on."""
    rows = []
    for number, count in enumerate(matrix.by_number()):
        shown = (count.of, count.played, count.show, count.send, count.one, count.both)
        rows.append((str(number), [f"{each:,}" for each in shown]))
    heads = ["steps on", "subsets", "played", "hold show", "hold send", "hold at least one", "hold both"]
    return _table("The outsider’s direct attack: subsets by number of steps", heads, rows, "numbers")


def variant_table(matrix: Matrix, variant: str) -> str:
    """Everything about one variant but its pairs."""
    rows = [
        (telling.on_words(on), [_told(matrix.seen(attacker, variant, on, aim)) for attacker, aim in COLUMNS])
        for on in DETAILED
    ]
    return _table(f"Cell by cell: {safe(variant)}", ["steps", *_columns()], rows, "told")


def _columns() -> list[str]:
    return [f"{attacker.value}<small>{aim.value} {telling.AIMS[aim]}</small>" for attacker, aim in COLUMNS]


def _table(caption: str, heads: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], kind: str) -> str:
    """A table in a box of its own that scrolls. Captions, heads and cells are HTML already."""
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "\n".join(
        f'<tr><th scope="row">{name}</th>{"".join(_cell(each) for each in cells)}</tr>' for name, cells in rows
    )
    return (
        f'<div class="box" role="region" tabindex="0" aria-label="{caption}"><table class="{kind}">'
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def _cell(content: str) -> str:
    return content if content.startswith("<td") else f"<td>{content}</td>"


def _class(square: Square) -> str:
    """How a cell is filled."""
    if square.is_whole or square.state is State.LEAKED:
        return f"full {TONES[square.state]}"
    return f"{'part' if square.state.is_held else 'bare'} {TONES[square.state]}"


def _square(square: Square) -> str:
    more = [telling.held_of(square, "held"), telling.most_escaped(square)]
    small = "".join(f"<small>{escape(each)}</small>" for each in more if each)
    return f'<td class="{_class(square)}"><i aria-hidden="true">{MARKS[square.state]}</i> {square.state}{small}</td>'


def _pair(matrix: Matrix, attacker: Attacker, aim: Aim, first: int, second: int) -> str:
    return _count(matrix.square(attacker, aim, (first,) if first == second else (first, second)))


def _count(square: Square) -> str:
    """How many variants, with the state's mark; a bare number is *prevented*."""
    shown = str(square.held) if square.is_whole else f"{square.held}/{square.variants}"
    if square.state in (State.OUTSIDE, State.NOT_PLAYED):
        shown = MARKS[square.state]
    elif square.state is not State.PREVENTED:
        shown = f"{MARKS[square.state]} {shown}"
    words = f"{square.state}, {telling.held_of(square, 'held')}".rstrip(", ")
    return f'<td class="{_class(square)}"><span aria-hidden="true">{shown}</span><span class="vh">{words}</span></td>'


def _mark(seen: Seen, aim: Aim) -> str:
    return (
        f'<span class="mark {TONES[seen.state]}"><i aria-hidden="true">{MARKS[seen.state]}</i>'
        f'<span class="vh">{aim} {seen.state} </span></span>'
    )


def _told(seen: Seen) -> str:
    mark = f'<span class="mark {TONES[seen.state]}" aria-hidden="true">{MARKS[seen.state]}</span> {seen.state}'
    cell = seen.cell
    if cell is None:
        return mark
    more = []
    if seen.state.is_held:
        more.append(f"step {cell.step}, {cell.control}" if cell.control else f"step {cell.step}")
    if seen.state is State.CONTAINED:
        more.append(telling.escaped(cell))
    elif not seen.state.is_held and cell.records_out:
        more.append(f"{telling.plural(cell.records_out, 'record')} out")
    if seen.why:
        more.append(seen.why)
    return mark + "".join(f"<small>{safe(each)}</small>" for each in more)
