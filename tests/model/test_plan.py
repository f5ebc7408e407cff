from __future__ import annotations

from dataclasses import replace

from ringwall.model.framework import ControlId
from ringwall.model.plan import Mode, PlannedControl, Provenance, Route
from tests.fakes import workload_plan


def test_a_route_is_found_by_the_name_that_callers_use():
    plan = workload_plan()
    assert plan.route("m") == Route("m", "up", "m-upstream")
    assert plan.route("m-upstream") is None


def test_a_control_is_found_by_its_id():
    planned = PlannedControl(ControlId("application.r"), Mode.ENFORCE, None, ())  # type: ignore[arg-type]
    plan = replace(workload_plan(), controls=(planned,))
    assert plan.control(ControlId("application.r")) is planned
    assert plan.control(ControlId("application.other")) is None


def test_a_place_is_file_and_line():
    assert str(Provenance("a.toml", 3)) == "a.toml:3"
    assert str(Provenance("catalog")) == "catalog"
