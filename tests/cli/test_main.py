"""Every command explains itself, and what goes wrong is a line and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ringwall import __version__
from ringwall.cli.main import command
from ringwall.cli.reference import commands
from tests.cli.conftest import Command

EVERY = list(commands(command()))


@pytest.mark.parametrize(("path", "found"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_every_command_has_help_with_an_example(ringwall: Command, path: tuple[str, ...], found: Any) -> None:
    said = ringwall(*path, "--help")
    assert said.returncode == 0 and "Example" in said.stdout
    words = f"ringwall {' '.join(path)}"
    assert f"**Example:** `{words}" in (found.help or ""), f"no example that begins with {words}"


@pytest.mark.parametrize("path", sorted({path[:1] for path, _ in EVERY if len(path) > 1}), ids=" ".join)
def test_every_family_has_help(ringwall: Command, path: tuple[str, ...]) -> None:
    assert ringwall(*path, "--help").returncode == 0


@pytest.mark.parametrize(("path", "found"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_every_parameter_is_explained(path: tuple[str, ...], found: Any) -> None:
    assert all(each.help for each in found.params if each.name != "help"), path


def test_the_whole_says_what_there_is(ringwall: Command) -> None:
    said = ringwall("--help").stdout
    for path, _ in EVERY:
        assert path[0] in said
    assert "--install-completion" in said


def test_the_version(ringwall: Command) -> None:
    assert ringwall("--version").stdout == f"ringwall {__version__}\n"


def test_an_unknown_command_is_a_usage_error(ringwall: Command) -> None:
    said = ringwall("pln")
    assert said.returncode == 2 and "pln" in said.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(shell: str, tmp_path: Path) -> None:
    """What the script for a shell asks: words so far in, words that fit out."""
    variables = {
        "bash": {"COMP_WORDS": "ringwall ", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "ringwall "},
        "fish": {"_TYPER_COMPLETE_ARGS": "ringwall ", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    done = subprocess.run(
        [sys.executable, "-m", "ringwall"],
        env={**os.environ, **variables, "_RINGWALL_COMPLETE": f"complete_{shell}"},
        capture_output=True, text=True, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    for path, _ in EVERY:
        assert path[0] in done.stdout, done.stderr


def test_completion_can_be_shown(tmp_path: Path) -> None:
    # Typer looks at the parent process for the shell, which under `make` is none that it knows; here it is named.
    named = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "ringwall", "--show-completion", "bash"],
        env=named, capture_output=True, text=True, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert "_RINGWALL_COMPLETE" in done.stdout, done.stderr
