"""A stage is a configuration that our own reader takes, in which exactly the steps of a subset are on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ringwall.catalog.load import load_catalog
from ringwall.compose import SystemClock, read_plan
from ringwall.controlplane.attack.rehearsal import stage
from ringwall.controlplane.attack.rehearsal.stage import Stage, Way, workload
from ringwall.controlplane.issuer.signing import SigningKeys
from ringwall.model.framework import WorkloadId
from ringwall.model.plan import Mode
from ringwall.storefront.prepare import DEFINITIONS, definitions

BUILT = {each.id: each.step for each in load_catalog().entries.values() if each.built and each.step is not None}
UNTIL = (datetime.now(UTC) + timedelta(days=2)).date()
STAGE = Stage(BUILT, UNTIL, ("378282246310005",))
SUBSETS = [(), (1,), (2, 6), (4, 8, 9), (6, 9, 10), tuple(range(1, 11))]


def on(plan: object, name: str) -> set[int]:
    planned = plan.workloads[WorkloadId(name)].controls  # type: ignore[attr-defined]
    assert {each.mode for each in planned} <= {Mode.ENFORCE, Mode.OFF}
    assert {each.id for each in planned} >= set(BUILT)
    return {BUILT[each.id] for each in planned if each.id in BUILT and each.mode is Mode.ENFORCE}


def test_exactly_the_steps_of_a_subset_are_on(tmp_path: Path) -> None:
    ways = {Way.of(each) for each in SUBSETS}
    servers = {way.server: f"http://127.0.0.1:{9000 + at}/mcp" for at, way in enumerate(sorted(ways, key=str))}
    (tmp_path / DEFINITIONS).write_text(json.dumps(definitions()))
    (tmp_path / "storefront.cedar").write_text("")
    (tmp_path / stage.JWKS).write_text(json.dumps(SigningKeys(SystemClock()).jwks()))
    (tmp_path / "ringwall.toml").write_text(STAGE.gateway(SUBSETS, servers, contains=True))
    plan, _ = read_plan(tmp_path / "ringwall.toml")
    assert {name: on(plan, name) for name in map(workload, SUBSETS)} == {workload(each): set(each) for each in SUBSETS}
    assert plan.monitor.contain


def test_the_way_out_has_the_steps_that_stand_there(tmp_path: Path) -> None:
    (tmp_path / "ringwall.toml").write_text(STAGE.egress(SUBSETS))
    plan, _ = read_plan(tmp_path / "ringwall.toml")
    for each in SUBSETS:
        assert on(plan, Way.of(each).exit) == set(each) & set(stage.AT_EGRESS)


@pytest.mark.parametrize("each", SUBSETS)
def test_a_tool_server_holds_a_database_of_its_own_only_without_leases(each: tuple[int, ...]) -> None:
    assert Way.of(each).is_leased is (6 in each)


def test_a_gateway_without_the_monitor_contains_nobody() -> None:
    assert "contain = false" in STAGE.gateway([()], {}, contains=False)
