"""The reference page is computed, deterministic and whole."""

from __future__ import annotations

from importlib.resources import files

from ringwall.catalog.load import load_catalog, read_catalog
from ringwall.catalog.reference import controls_page


def test_the_same_catalog_gives_the_same_bytes() -> None:
    again = read_catalog(files("ringwall.catalog"))
    assert controls_page(load_catalog()) == controls_page(again)


def test_every_control_has_a_row_and_a_page() -> None:
    page = controls_page(load_catalog())
    for entry in load_catalog().entries.values():
        assert f"\n### {entry.id}\n" in page
        assert page.count(f"(#{entry.id.replace('.', '')})") == 1
        assert entry.passage.quote in page


def test_the_matrix_counts_every_cell() -> None:
    page = controls_page(load_catalog())
    rows = [line for line in page.splitlines() if line.startswith(("| answers |", "| connects |", "| acts |"))]
    assert len(rows) == 9
    counted = sum(int(cell) for row in rows for cell in row.split("|")[3:6])
    assert counted == sum(len(ids) for ids in load_catalog().matrix().values())


def test_lines_hold_no_markup_of_their_own() -> None:
    for line in controls_page(load_catalog()).splitlines():
        if line.startswith("| ["):
            assert line.count(" | ") == 5
