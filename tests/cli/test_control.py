"""Three files that are green as they stand, and nothing overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

ID = "application.polite_words"
FILES = (
    "src/ringwall/catalog/application/polite_words.toml",
    "src/ringwall/controls/application/polite_words.py",
    "tests/controls/application/test_polite_words.py",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "src/ringwall/catalog").mkdir(parents=True)
    return root


def test_three_files_are_made(ringwall: Command, checkout: Path) -> None:
    said = ringwall("control", "new", ID, "--title", "Polite words", "--in", str(checkout))
    assert said.returncode == 0, said.stderr
    assert all((checkout / each).is_file() for each in FILES)
    assert all(each in said.stdout for each in FILES)


def test_json_names_them(ringwall: Command, checkout: Path) -> None:
    said = ringwall("control", "new", ID, "--title", "Polite words", "--in", str(checkout), "--json")
    assert tuple(json.loads(said.stdout)["files"]) == FILES


@pytest.mark.parametrize("there", FILES)
def test_nothing_is_overwritten_and_nothing_half_made(ringwall: Command, checkout: Path, there: str) -> None:
    (checkout / there).parent.mkdir(parents=True, exist_ok=True)
    (checkout / there).write_text("mine")
    said = ringwall("control", "new", ID, "--title", "Polite words", "--in", str(checkout))
    assert said.returncode == 2 and "there already" in said.stderr
    assert (checkout / there).read_text() == "mine"
    assert sum((checkout / each).exists() for each in FILES) == 1


@pytest.mark.parametrize("id", ["polite_words", "application.Polite", "application/../../x", "governance.x1", "a.b"])
def test_what_is_no_id_is_refused(ringwall: Command, checkout: Path, id: str) -> None:
    said = ringwall("control", "new", id, "--title", "Polite words", "--in", str(checkout))
    assert said.returncode == 2 and "not the id of a control" in said.stderr


def test_elsewhere_than_in_a_checkout_it_writes_nothing(ringwall: Command, tmp_path: Path) -> None:
    said = ringwall("control", "new", ID, "--title", "Polite words")
    assert said.returncode == 2 and "not a checkout" in said.stderr
    assert not (tmp_path / "src").exists()
