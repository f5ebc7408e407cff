"""The generated pages are written as they are made, and stand in the repository like that."""

from __future__ import annotations

from pathlib import Path

from ringwall.cli.docs import pages, write

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_every_page_is_written_and_stands_in_the_repository(tmp_path):
    write(tmp_path / "new" / "folder")
    written = {each.name: each.read_text("utf-8") for each in (tmp_path / "new" / "folder").iterdir()}
    assert written == pages()
    for name, text in written.items():
        assert (REFERENCE / name).read_text("utf-8") == text, "run: make docs"


def test_writing_again_changes_nothing(tmp_path):
    write(tmp_path)
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    write(tmp_path)
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before
