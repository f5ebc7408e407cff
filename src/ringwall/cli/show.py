"""How is something shown on a terminal? As what it is, never as what it says it is.

* Text from elsewhere (configuration, ledger, errors) cannot move the cursor, change colours, turn text around or pass
  for markup: whatever is not printable is written as an escape, and brackets are plain brackets.
* On a terminal, output fits its width. Elsewhere (a pipe, a file, a test) lines are never broken: what is one line on
  paper is one line for `grep`.
* `--json` prints one document with sorted keys and nothing else.
"""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

from rich.console import Console, RenderableType
from rich.markup import escape

from ringwall.cli.main import out

WIDE = 400
"""Columns where nobody looks at them."""
LOCAL_CONFIG = Path("ringwall.toml")


def visible(text: object) -> str:
    """Text as it may stand between markup: nothing in it acts."""
    shown = (each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in str(text))
    return escape("".join(shown))


def show(content: RenderableType) -> None:
    """Print a table, a tree or a line of markup."""
    if out.is_terminal or isinstance(content, str):
        out.print(content, soft_wrap=isinstance(content, str))
        return
    paper = Console(width=WIDE, file=StringIO(), highlight=False, color_system=None)
    with paper.capture() as captured:
        paper.print(content)
    for line in captured.get().splitlines():
        out.print(line.rstrip(), markup=False, soft_wrap=True)


def show_json(body: object) -> None:
    """Print one JSON document."""
    out.print(json.dumps(body, indent=2, sort_keys=True), markup=False, soft_wrap=True)


def chosen_config(config: Path | None) -> Path | None:
    """The configuration that is meant: the one given, `ringwall.toml` of this folder, or (None) the laptop's."""
    if config is None and LOCAL_CONFIG.exists():
        return LOCAL_CONFIG
    return config


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 record`, `2 records`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
