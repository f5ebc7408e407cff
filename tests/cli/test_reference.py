"""The commands' page names every command and every parameter."""

from __future__ import annotations

from pathlib import Path

from ringwall.cli.main import command
from ringwall.cli.reference import HIDDEN, cli_page, commands

PAGE = cli_page(command())


def test_the_committed_page_is_as_generated() -> None:
    committed = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
    assert committed.read_text("utf-8") == PAGE, "run: make docs"


def test_every_command_and_parameter_stands_on_it() -> None:
    for path, found in commands(command()):
        assert f"## `ringwall {' '.join(path)}`" in PAGE
        for each in found.params:
            if each.name not in HIDDEN and each.param_type_name == "option":
                assert f"`{each.opts[0]}`" in PAGE
