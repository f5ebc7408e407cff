"""The configuration's page names every key that can be written, and explains it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import msgspec

from ringwall.catalog.load import load_catalog
from ringwall.compose import settings_types
from ringwall.config import schema
from ringwall.config.reference import attributes, configuration_page

PAGE = configuration_page(load_catalog(), settings_types())


def test_the_committed_page_is_as_generated() -> None:
    committed = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
    assert committed.read_text("utf-8") == PAGE, "run: make docs"


def test_every_key_of_every_table_stands_on_it() -> None:
    tables = [each for each in vars(schema).values() if isinstance(each, type) and issubclass(each, schema.Table)]
    for table in tables:
        if table in (schema.Table, schema.Configuration):
            continue
        for field in msgspec.structs.fields(table):
            assert f"| `{field.name}` |" in PAGE, (table, field.name)


def test_every_setting_of_every_control_stands_on_it() -> None:
    for control, kind in settings_types().items():
        assert f"### `{control}`" in PAGE
        for each in fields(kind):
            assert f"| `{each.name}` |" in PAGE or f"| `{each.name}." in PAGE


def test_no_cell_is_without_words() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|"))


def test_attributes_are_read_over_several_lines() -> None:
    class Example:
        """One.

        Attributes:
            first: The first,
                on two lines.
            second: The second.
        """

    assert attributes(Example) == {"first": "The first, on two lines.", "second": "The second."}
