"""In which colour and shape is each state drawn? One palette and one set of shapes for the picture and its page.

* Colours are told apart by people who see few of them: teal, indigo, amber, vermilion, and nothing. The shapes are told
  apart without any.
* Every tone has a light and a dark value; the style sheet names both and lets whoever looks choose.
* Names of classes stand below `.rw`, so that the sheet styles nothing else on a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ringwall.controlplane.attack.rehearsal.matrix import State

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "sheet": "#fbfaf6",
        "ink": "#191d21",
        "soft": "#626970",
        "line": "#e2dfd6",
        "prevented": "#0b6b66",
        "unreadable": "#3f51a3",
        "contained": "#f0b840",
        "leaked": "#c2361a",
        "outside": "#8b9097",
        "missing": "#b9bbbb",
        "on-prevented": "#ffffff",
        "on-unreadable": "#ffffff",
        "on-contained": "#2e2100",
        "on-leaked": "#ffffff",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "sheet": "#13171a",
        "ink": "#eeebe4",
        "soft": "#9ba2a9",
        "line": "#2b3136",
        "prevented": "#2fa098",
        "unreadable": "#93a2f0",
        "contained": "#e9b74f",
        "leaked": "#ff7352",
        "outside": "#7d858c",
        "missing": "#4b5258",
        "on-prevented": "#03211f",
        "on-unreadable": "#0d1338",
        "on-contained": "#2e2100",
        "on-leaked": "#330a00",
    }
)
TONES: Mapping[State, str] = MappingProxyType(
    {
        State.PREVENTED: "prevented",
        State.UNREADABLE: "unreadable",
        State.CONTAINED: "contained",
        State.OUTSIDE: "outside",
        State.LEAKED: "leaked",
        State.NOT_PLAYED: "missing",
    }
)
MARKS: Mapping[State, str] = MappingProxyType(
    {
        State.PREVENTED: "■",
        State.UNREADABLE: "≡",
        State.CONTAINED: "□",
        State.OUTSIDE: "–",
        State.LEAKED: "✕",
        State.NOT_PLAYED: "·",
    }
)
"""The same shapes as characters, for tables."""


def palette(colours: Mapping[str, str]) -> str:
    """Fill and stroke of every tone. No variables: programs that know little CSS read these, too."""
    return "".join(f".rw .{name}{{fill:{colour}}}.rw .s-{name}{{stroke:{colour}}}" for name, colour in colours.items())


STYLE = (
    ".rw text{font-family:Inter,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;"
    "font-size:14px;font-variant-numeric:tabular-nums}"
    ".rw .title{font-size:46px;font-weight:700;letter-spacing:-1.2px}"
    ".rw .eyebrow{font-size:13px;font-weight:600;letter-spacing:2.4px}"
    ".rw .quote{font-size:17px}"
    ".rw .figure{font-size:40px;font-weight:650;letter-spacing:-1px;font-variant-numeric:normal}"
    ".rw .group{font-size:17px;font-weight:650}"
    ".rw .number{font-size:24px;font-weight:300}"
    ".rw .name{font-size:18px;font-weight:600}"
    ".rw .small{font-size:12.5px}"
    ".rw .word{font-size:15px;font-weight:650}"
    ".rw .section{font-size:26px;font-weight:700;letter-spacing:-.5px}"
    ".rw .tiny{font-size:11px}"
    ".rw .mark{font-size:12.5px;font-weight:650}"
    ".rw .none{fill:none}.rw .middle{text-anchor:middle}.rw .end{text-anchor:end}.rw .dash{stroke-dasharray:3 4}"
    f"{palette(LIGHT)}@media screen and (prefers-color-scheme:dark){{{palette(DARK)}}}"
)
"""The style sheet inside; a page that holds the picture allows it by its digest."""


def path(state: State, x: float, y: float, size: float) -> str:
    """Each state's own shape in a square."""
    match state:
        case State.PREVENTED:
            return _box(x, y, size, size)
        case State.UNREADABLE:
            bar = size / 5
            return "".join(_box(x, y + 2 * place * bar, size, bar) for place in range(3))
        case State.CONTAINED:
            rim = size / 4
            inner = size - 2 * rim
            # The hole runs the other way round, so that it stays a hole under either rule of filling.
            return _box(x, y, size, size) + f"M{x + rim:g} {y + rim:g}v{inner:g}h{inner:g}v{-inner:g}z"
        case State.OUTSIDE:
            return _box(x, y + size * 0.4, size, size / 5)
        case State.LEAKED:
            arm, rest = size * 0.22, size * 0.28
            return (
                f"M{x + arm:g} {y:g}l{rest:g} {rest:g}l{rest:g} {-rest:g}l{arm:g} {arm:g}l{-rest:g} {rest:g}"
                f"l{rest:g} {rest:g}l{-arm:g} {arm:g}l{-rest:g} {-rest:g}l{-rest:g} {rest:g}l{-arm:g} {-arm:g}"
                f"l{rest:g} {-rest:g}l{-rest:g} {-rest:g}z"
            )
        case State.NOT_PLAYED:
            return _box(x + size * 0.38, y + size * 0.38, size * 0.24, size * 0.24)


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z"
