"""The reference page is what the table says."""

from __future__ import annotations

from pathlib import Path

from ringwall.controlplane.api.operations import OPERATIONS
from ringwall.controlplane.api.reference import render

PAGE = Path(__file__).parents[3] / "docs/reference/api.md"


def test_the_page_is_in_step() -> None:
    command = "python -m ringwall.controlplane.api.reference > docs/reference/api.md"
    assert PAGE.read_text("utf-8") == render(), f"run: {command}"


def test_every_operation_and_shape_has_its_place() -> None:
    page = render()
    for each in OPERATIONS:
        assert f"### `{each.method} /api/v1{each.path}`" in page
        assert f"### {each.answers.__name__}\n" in page
