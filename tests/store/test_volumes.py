"""Counted at once here, shared through the database, lost by nobody's refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.errors import InternalError
from ringwall.model.facts import TRAFFIC_KEPT_S
from ringwall.model.framework import WorkloadId
from ringwall.model.verdict import Allowance
from ringwall.model.volumes import Flow
from ringwall.store.database import Database, open_database
from ringwall.store.volumes import SWEEP_EVERY_S, StoredVolumes
from tests.services import postgres_schema

ONE = Flow(WorkloadId("shop"), "verified k ada", "https://a.example:443")
OTHER = Flow(WorkloadId("shop"), "verified k ada", "https://b.example:443")
HOUR = 3600


class Time:
    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def now_us(self) -> int:
        return int(self.at * 1_000_000)

    def monotonic(self) -> float:
        return self.at


def limit(size: int, window_s: int = HOUR) -> Allowance:
    return Allowance(size, window_s, "volume_over_ceiling")


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = open_database(tmp_path / "d.db")
        yield made
        made.close()
        return
    with postgres_schema() as url:
        made = open_database(url)
        yield made
        made.close()


@pytest.fixture
def time() -> Time:
    return Time()


def test_nothing_is_known_before_the_first_look(database: Database, time: Time) -> None:
    volumes = StoredVolumes(database, time)
    with pytest.raises(InternalError):
        volumes.traffic(ONE)
    volumes.refresh()
    assert volumes.traffic(ONE).slots == ()


def test_what_is_counted_holds_at_once_and_slides(database: Database, time: Time) -> None:
    volumes = StoredVolumes(database, time)
    volumes.refresh()
    assert volumes.take(ONE, 70, [limit(100)]) is None
    assert volumes.take(ONE, 31, [limit(100)]) == limit(100)
    assert volumes.take(ONE, 30, [limit(100)]) is None
    assert volumes.take(OTHER, 100, [limit(100)]) is None
    assert volumes.traffic(ONE).within(HOUR) == 100
    time.at += HOUR + 61
    assert volumes.take(ONE, 100, [limit(100)]) is None


def test_the_tightest_of_several_allowances_holds(database: Database, time: Time) -> None:
    volumes = StoredVolumes(database, time)
    volumes.refresh()
    assert volumes.take(ONE, 50, [limit(100), limit(40)]) == limit(40)
    assert volumes.traffic(ONE).within(HOUR) == 0


def test_two_processes_hold_one_total_and_a_restart_forgets_nothing(database: Database, time: Time) -> None:
    here, there = StoredVolumes(database, time), StoredVolumes(database, time)
    here.refresh()
    there.refresh()
    here.take(ONE, 60, [limit(100)])
    there.take(ONE, 20, [limit(100)])
    here.refresh()
    there.refresh()
    here.refresh()
    assert here.traffic(ONE).within(HOUR) == there.traffic(ONE).within(HOUR) == 80
    assert there.take(ONE, 21, [limit(100)]) == limit(100)
    time.at += 120
    again = StoredVolumes(database, time)
    again.refresh()
    assert again.traffic(ONE).within(HOUR) == 80
    assert again.traffic(ONE).usual(60) == (80, 1)


def test_a_database_that_is_gone_loses_nothing_and_the_view_ages(tmp_path: Path, time: Time) -> None:
    made = open_database(tmp_path / "d.db")
    volumes = StoredVolumes(made, time)
    volumes.refresh()
    volumes.take(ONE, 60, [limit(100)])
    (tmp_path / "d.db").rename(tmp_path / "gone.db")
    made.close()
    (tmp_path / "d.db").mkdir()
    time.at += 5
    with pytest.raises(InternalError):
        volumes.refresh()
    assert volumes.traffic(ONE).within(HOUR) == 60
    assert volumes.traffic(ONE).age_s == 5
    (tmp_path / "d.db").rmdir()
    (tmp_path / "gone.db").rename(tmp_path / "d.db")
    volumes.refresh()
    assert (volumes.traffic(ONE).within(HOUR), volumes.traffic(ONE).age_s) == (60, 0)
    made.close()


def test_what_no_window_reaches_is_forgotten_everywhere(database: Database, time: Time) -> None:
    volumes = StoredVolumes(database, time)
    volumes.refresh()
    volumes.take(ONE, 60, [])
    volumes.refresh()
    time.at += TRAFFIC_KEPT_S + SWEEP_EVERY_S + 120
    volumes.refresh()
    again = StoredVolumes(database, time)
    again.refresh()
    assert volumes.traffic(ONE).slots == again.traffic(ONE).slots == ()


def test_flows_are_bounded_and_refusals_take_no_room(tmp_path: Path, time: Time) -> None:
    made = open_database(tmp_path / "d.db")
    volumes = StoredVolumes(made, time, max_flows=2)
    volumes.refresh()
    flows = [Flow(WorkloadId("shop"), "p", f"https://{n}.example:443") for n in range(4)]
    for flow in flows:
        assert volumes.take(flow, 5, [limit(1)]) == limit(1)
    for flow in flows[:2]:
        assert volumes.take(flow, 1, [limit(10)]) is None
    with pytest.raises(InternalError):
        volumes.take(flows[2], 1, [limit(10)])
    time.at += TRAFFIC_KEPT_S + 120
    volumes.refresh()
    assert volumes.take(flows[2], 1, [limit(10)]) is None
    made.close()


NAMES = st.text(max_size=6)


@settings(deadline=None, max_examples=50)
@given(st.tuples(NAMES, NAMES, NAMES), st.tuples(NAMES, NAMES, NAMES))
def test_no_two_flows_are_counted_together(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    class Nothing:
        def write(self, **_: object) -> None:
            raise AssertionError

    volumes = StoredVolumes(Nothing(), Time())  # type: ignore[arg-type]
    volumes.take(Flow(WorkloadId(one[0]), one[1], one[2]), 1, [])
    held = volumes.take(Flow(WorkloadId(other[0]), other[1], other[2]), 1, [limit(1)])
    assert (held is not None) == (one == other)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 600)), max_size=30))
def test_no_window_ever_holds_more_than_its_limit(steps: list[tuple[int, int]]) -> None:
    async def main() -> None:
        time = Time()
        volumes = StoredVolumes(None, time)  # type: ignore[arg-type]
        passed: list[tuple[float, int]] = []
        for size, later_s in steps:
            if volumes.take(ONE, size, [limit(100, 300)]) is None:
                passed.append((time.at, size))
            time.at += later_s
            for at, _ in passed:
                assert sum(each for when, each in passed if at <= when < at + 300) <= 100

    asyncio.run(main())
