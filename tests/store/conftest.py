"""A clock of our own, and a fresh database of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringwall.store.database import Database, open_database
from tests.services import postgres_schema


class OwnClock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.us = 1_760_000_000_000_000

    def now_us(self) -> int:
        return self.us

    def monotonic(self) -> float:
        return self.us / 1e6

    def pass_s(self, seconds: float) -> None:
        self.us += int(seconds * 1_000_000)


@pytest.fixture
def own_clock() -> OwnClock:
    return OwnClock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ringwall.db'}"
        return
    with postgres_schema() as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()
