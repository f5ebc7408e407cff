"""The documents stay true: generated pages are as generated, links lead somewhere, decision records are whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringwall.catalog.load import load_catalog
from ringwall.catalog.reference import controls_page

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_controls_page_is_as_generated():
    assert (ROOT / "docs/reference/controls.md").read_text() == controls_page(load_catalog()), "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("record", RECORDS, ids=ids)
def test_a_decision_record_is_whole(record):
    text = record.read_text()
    number = record.name[:4]
    assert text.startswith(f"# {number}. ")
    for part in ("## Context", "## Options", "## Outcome", "## What it costs"):
        assert part in text, part


def test_numbers_of_decision_records_are_unique():
    numbers = [record.name[:4] for record in RECORDS]
    assert len(numbers) == len(set(numbers))


def test_every_law_has_its_record_and_its_test():
    for number in range(1, 11):
        assert len(list((ROOT / "docs/decisions").glob(f"{number:04}-*.md"))) == 1
        assert len(list((ROOT / "tests/laws").glob(f"test_{number:02}_*.py"))) == 1


@pytest.mark.parametrize("name", ["aiohttp", "alembic", "argon2", "cedarpy", "cryptography",
                                  "google-re2", "h11", "hyperscan",
                                  "joserfc", "keyring", "msgspec", "pyotp", "rfc8785", "rich", "segno", "sqlalchemy",
                                  "starlette", "typer", "uvicorn", "uvloop", "psycopg", "redis"])  # fmt: skip
def test_every_dependency_has_a_record(name):
    assert any(name in record.read_text().lower() for record in RECORDS)
