"""What runs: found by id, and every value with where it was set."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringwall.compose import read_plan
from ringwall.model.framework import ControlId
from ringwall.model.plan import Provenance, Route, Target
from tests.fakes import workload_plan


def test_a_route_is_found_by_the_name_that_callers_use():
    plan = workload_plan()
    assert plan.route("m") == Route("m", (Target("up", "m-upstream"),))
    assert plan.route("m-upstream") is None
    assert plan.route("") is None


def test_a_control_is_found_by_its_id_and_a_vacancy_is_none():
    plan, _ = read_plan(None)
    (workload,) = plan.workloads.values()
    assert all(workload.control(each.id) is each for each in workload.controls)
    assert all(workload.control(each) is None for each in workload.vacancies)
    assert replace(workload, controls=()).control(workload.controls[0].id) is None
    assert workload.control(ControlId("application.none")) is None


@pytest.mark.parametrize(
    ("where", "said"),
    [(Provenance("catalog"), "catalog"), (Provenance("ringwall.toml", 7), "ringwall.toml:7")],
)
def test_where_a_value_was_set_reads_as_an_editor_takes_it(where, said):
    assert str(where) == said
