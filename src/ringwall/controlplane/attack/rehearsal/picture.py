"""What does a rehearsal look like? One SVG: each step alone, and every subset of the ten, on one sheet.

* The same report gives the same bytes. Nothing is loaded, nothing runs: no script, no font, no address but the name of
  the format.
* Never colour alone: every cell of the matrix has its word and its count, every spot of the map its own shape.
* Light or dark as whoever looks at it prefers; where a program knows no preferences, light.
* Solid colour is for what was played and held in every variant. What is held in part, or was played in part, is an
  outline; what was not played has no colour at all.
* Everything that comes from elsewhere is plain text, and escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from xml.sax.saxutils import escape

from ringwall.controlplane.attack.rehearsal import telling
from ringwall.controlplane.attack.rehearsal.drawing import STYLE, TONES, path
from ringwall.controlplane.attack.rehearsal.matrix import (
    COLUMNS,
    STEP_NAMES,
    Matrix,
    Spot,
    Square,
    State,
    matrix_of,
    sides,
)
from ringwall.controlplane.attack.rehearsal.played import STEPS, Aim, Attacker, Report

Controls = Mapping[int, Sequence[str]]
"""Names of the controls that carry a step."""
NO_CONTROLS: Controls = MappingProxyType({})

WIDTH = 1280
HEIGHT = 2048
_LEFT = 80
_RIGHT = WIDTH - _LEFT
_CELLS_X = 456
_CELL_WIDTH = 174
_CELL_HEIGHT = 54
_ROWS_Y = 470
_ROW_HEIGHT = 66
_GAP = 8
_GROUP_GAP = 24
_MAP_Y = 1438
_PITCH = 14.5
_SPOT = 11.5
_LANE = 11
_HOW_TO_READ = (
    "A square is one subset; its neighbours differ from it by one step. "
    "Bars show where a step is on. Top left, none is."
)


def picture(report: Report, controls: Controls = NO_CONTROLS) -> str:
    """A report as a sheet to look at.

    Args:
        report: The rehearsal.
        controls: Names of the controls of each step, for the small print.

    Returns:
        A whole SVG document.
    """
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn(matrix_of(report), controls)}\n'


def drawn(matrix: Matrix, controls: Controls = NO_CONTROLS, *, with_head: bool = True) -> str:
    """The same as an element; without head and margins for a page that has its own."""
    left, top = (0, 0) if with_head else (_LEFT - 4, _ROWS_Y - 110)
    width, height = WIDTH - 2 * left, HEIGHT - top
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rw" viewBox="{left} {top} {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-labelledby="rw-title rw-desc">',
        f'<title id="rw-title">{_safe(f"Rehearsal of {matrix.about}: each of the ten steps alone")}</title>',
        f'<desc id="rw-desc">{_safe(_description(matrix))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="sheet" width="{WIDTH}" height="{HEIGHT}"/>',
        *(_head(matrix) if with_head else ()),
        *_heads_of_columns(),
        *(part for step in STEPS for part in _row(matrix, step, controls.get(step, ()))),
        *_legend(_ROWS_Y + len(STEPS) * _ROW_HEIGHT + 40),
        *_maps(matrix),
        *_foot(),
        "</svg>",
    ]
    return "\n".join(parts)


def _description(matrix: Matrix) -> str:
    """The whole picture in sentences, for who cannot see it."""
    rows = [
        f"Step {step}, {STEP_NAMES[step]}: "
        + "; ".join(
            f"{each.attacker} {each.aim} {each.state} {telling.held_of(each)}".rstrip() for each in matrix.alone(step)
        )
        + "."
        for step in STEPS
    ]
    said = [telling.headline(matrix), telling.promise(matrix), telling.doubt(matrix)]
    return " ".join([*(f"{each[0].upper()}{each[1:]}." for each in said if each), *rows])


def _head(matrix: Matrix) -> list[str]:
    subsets = matrix.subsets()
    held = matrix.promised - len(matrix.broken)
    played = f"in {matrix.seconds:,.0f} s, against a fully compromised model"
    figures = [
        (_figure(subsets.one, subsets.played), _subsets_label(subsets.of - subsets.played), "ink"),
        (_figure(held, matrix.promised), _promise_label(matrix), "leaked" if matrix.broken else "ink"),
        (f"{matrix.plays:,} plays", played, "ink"),
    ]
    parts = [
        _text(_LEFT, 84, "eyebrow soft", "RINGWALL REHEARSAL"),
        _text(_RIGHT, 84, "eyebrow soft end", telling.plain(matrix.about, 48)),
        _text(_LEFT - 2, 146, "title ink", "One step on, nine off."),
        _text(_LEFT, 186, "quote soft", f"“{telling.ATTACK}”"),
        _line(226),
    ]
    for place, (figure, label, tone) in enumerate(figures):
        x = _LEFT + place * (_RIGHT - _LEFT) / len(figures)
        parts += [_text(x - 2, 284, f"figure {tone}", figure), _text(x, 312, "label soft", label)]
    if doubt := telling.doubt(matrix):
        parts.append(_text(_LEFT, 344, "label leaked", f"✕ {doubt}"))
    return parts


def _figure(held: int, of: int) -> str:
    return telling.share(held, of) if of else "–"


def _subsets_label(missing: int) -> str:
    if missing:
        return f"subsets played hold at least one aim; {missing:,} not played"
    return "subsets hold at least one aim of the outsider"


def _promise_label(matrix: Matrix) -> str:
    if not matrix.promised:
        return "nothing was promised of what was played"
    broken = len(matrix.broken)
    return f"promised cells hold: {broken:,} broken" if broken else "promised cells hold: nothing promised leaked"


def _cell_x(column: int) -> float:
    return _CELLS_X + column * (_CELL_WIDTH + _GAP) + (_GROUP_GAP if column >= len(Aim) else 0)


def _heads_of_columns() -> list[str]:
    parts: list[str] = []
    for group, attacker in enumerate(Attacker):
        x = _cell_x(group * len(Aim))
        parts += [
            _text(x, _ROWS_Y - 86, "group ink", attacker.value.capitalize()),
            _text(x, _ROWS_Y - 66, "small soft", telling.ATTACKERS[attacker]),
        ]
    for column, (_, aim) in enumerate(COLUMNS):
        parts.append(_pair(_cell_x(column), _ROWS_Y - 26, "word", aim.value, telling.AIMS[aim]))
    return parts


def _row(matrix: Matrix, step: int, controls: Sequence[str]) -> list[str]:
    top = _ROWS_Y + (step - 1) * _ROW_HEIGHT
    small = telling.plain(", ".join(controls), 48)
    parts = [
        _line(top - (_ROW_HEIGHT - _CELL_HEIGHT) / 2),
        _text(_LEFT + 32, top + 35, "number soft end", str(step)),
        _text(_LEFT + 56, top + (25 if small else 34), "name ink", STEP_NAMES[step]),
    ]
    if small:
        parts.append(_text(_LEFT + 56, top + 44, "small soft", small))
    for column, square in enumerate(matrix.alone(step)):
        parts += _square(square, _cell_x(column), top)
    return parts


def _square(square: Square, x: float, y: float) -> list[str]:
    """A cell: solid where every variant is held, else an outline; its shape, its word, its count."""
    state, tone = square.state, TONES[square.state]
    is_solid = square.is_whole or state is State.LEAKED
    frame = f'x="{x:g}" y="{y:g}" width="{_CELL_WIDTH}" height="{_CELL_HEIGHT}" rx="5"'
    if is_solid:
        parts = [f'<rect class="{tone}" {frame}/>']
    else:
        dash = "" if state.is_held else " dash"
        width = 2 if state.is_held else 1
        parts = [f'<rect class="none s-{tone}{dash}" stroke-width="{width}" {frame}/>']
    ink = f"on-{tone}" if is_solid else "ink" if state.is_held else "soft"
    is_lone = not square.played or (state is State.OUTSIDE and square.played == square.variants)
    parts.append(_shape(state, x + 14, y + (21.5 if is_lone else 14.5), 11, ink if is_solid else tone))
    if is_lone:
        return [*parts, _text(x + 34, y + 32, f"label {ink}", state.value)]
    parts.append(_text(x + 34, y + 25, f"{'label' if state is State.OUTSIDE else 'word'} {ink}", state.value))
    below = telling.held_of(square)
    if state is State.LEAKED:
        below = f"{telling.share(square.held, square.variants)} held"
    elif state is State.CONTAINED:
        parts.append(_text(x + _CELL_WIDTH - 10, y + 25, f"small {ink} end", f"{square.held}/{square.variants}"))
        below = telling.most_escaped(square)
    parts.append(_text(x + 34, y + 43, f"small {ink}", below))
    return parts


def _legend(y: float) -> list[str]:
    parts: list[str] = []
    for place, (state, meaning) in enumerate(telling.MEANINGS.items()):
        x, top = _LEFT + place % 3 * 376, y + place // 3 * 26
        parts.append(_shape(state, x, top - 10, 11, TONES[state]))
        parts.append(_pair(x + 20, top, "mark", state.value, meaning))
    return parts


def _maps(matrix: Matrix) -> list[str]:
    grid = matrix.grid()
    parts = [
        _line(_MAP_Y - 216),
        _text(_LEFT, _MAP_Y - 174, "section ink", "Every subset of the ten steps."),
        _text(_LEFT, _MAP_Y - 146, "label soft", f"The outsider’s direct attack: {telling.headline(matrix)}."),
        _text(_LEFT, _MAP_Y - 126, "label soft", _HOW_TO_READ),
    ]
    played = matrix.subsets().played
    for place, aim in enumerate(Aim):
        x = _LEFT + 5 * _LANE + 12 + place * 572
        held = sum(spot_state(spot, aim).is_held for row in grid for spot in row)
        words = f"{telling.AIMS[aim]}: held by {telling.share(held, played)}"
        parts.append(_pair(x, _MAP_Y - 90, "word", aim.value, words))
        parts += _lanes(x)
        parts += _spots(grid, aim, x)
    return parts


def spot_state(spot: Spot, aim: Aim) -> State:
    """What a subset does for one aim."""
    return spot.show if aim is Aim.SHOW else spot.send


def _lanes(x: float) -> list[str]:
    """For each step a lane along its side of the map, filled where the step is on."""
    rows, columns = sides()
    parts: list[str] = []
    for lane, step in enumerate(STEPS[:5]):
        at = x - 12 - (5 - lane) * _LANE
        runs = _runs([step in on for on in rows])
        parts += [_bar(at, _MAP_Y + start * _PITCH, 4, (end - start) * _PITCH - 3) for start, end in runs]
        parts.append(_text(at + 2, _MAP_Y - 8, "tiny soft middle", str(step)))
    for lane, step in enumerate(STEPS[5:]):
        at = _MAP_Y - 12 - (5 - lane) * _LANE
        runs = _runs([step in on for on in columns])
        parts += [_bar(x + start * _PITCH, at, (end - start) * _PITCH - 3, 4) for start, end in runs]
        parts.append(_text(x + len(columns) * _PITCH + 5, at + 6, "tiny soft", str(step)))
    return parts


def _bar(x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="soft" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2"/>'


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Where a run of true ones starts and ends."""
    edges = [
        place
        for place in range(len(flags) + 1)
        if (place > 0 and flags[place - 1]) != (place < len(flags) and flags[place])
    ]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _spots(grid: Sequence[Sequence[Spot]], aim: Aim, x: float) -> list[str]:
    """The map: one path for each state that occurs."""
    paths: dict[State, list[str]] = {}
    for row, spots in enumerate(grid):
        for column, spot in enumerate(spots):
            state = spot_state(spot, aim)
            paths.setdefault(state, []).append(path(state, x + column * _PITCH, _MAP_Y + row * _PITCH, _SPOT))
    return [f'<path class="{TONES[state]}" d="{"".join(paths[state])}"/>' for state in State if state in paths]


def _foot() -> list[str]:
    y = HEIGHT - 60
    words = "Promised before it was played: decision 0111. Held means that a step that was on is the reason. Solid: in "
    words += "every variant. Outlined: in those that were played."
    return [_line(y - 34), _text(_LEFT, y, "small soft", words)]


def _shape(state: State, x: float, y: float, size: float, tone: str) -> str:
    return f'<path class="{tone}" d="{path(state, x, y, size)}"/>'


def _line(y: float) -> str:
    return f'<path class="none s-line" d="M{_LEFT} {y:g}H{_RIGHT}"/>'


def _pair(x: float, y: float, kind: str, words: str, more: str) -> str:
    """A word and, smaller and softer, what it means."""
    return (
        f'<text x="{x:g}" y="{y:g}"><tspan class="{kind} ink">{_safe(words)}</tspan>'
        f'<tspan class="small soft" dx="6">{_safe(more)}</tspan></text>'
    )


def _text(x: float, y: float, kind: str, words: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{_safe(words)}</text>'


def _safe(text: str) -> str:
    return escape(telling.plain(text, 4000))
