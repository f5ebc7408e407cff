"""What is shown cannot act."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.markup import render
from rich.table import Table

from ringwall.cli.show import chosen_config, plural, show, show_json, visible


@given(text=st.text())
def test_nothing_in_shown_text_acts(text: str) -> None:
    shown = visible(text)
    assert all(each.isprintable() for each in shown)
    rendered = render(f"{shown} ")
    assert not rendered.spans


def test_ordinary_text_is_shown_as_it_is() -> None:
    assert render(visible("Müller [draft] 日本 \\[x]")).plain == "Müller [draft] 日本 \\[x]"


def test_lines_are_never_broken_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_row("a" * 150, "b" * 150)
    show(grid)
    show("c" * 300)
    assert capsys.readouterr().out.splitlines() == [f"{'a' * 150}  {'b' * 150}", "c" * 300]


def test_json_is_one_document_in_a_stable_order(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"b": "[red]x[/]", "a": "y" * 300})
    assert capsys.readouterr().out == f'{{\n  "a": "{"y" * 300}",\n  "b": "[red]x[/]"\n}}\n'


def test_the_configuration_that_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert chosen_config(None) is None
    Path("ringwall.toml").touch()
    assert chosen_config(None) == Path("ringwall.toml")
    assert chosen_config(Path("other.toml")) == Path("other.toml")


def test_counts_read_well() -> None:
    assert [plural(count, "record") for count in (0, 1, 2)] == ["0 records", "1 record", "2 records"]
