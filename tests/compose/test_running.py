"""A plan that runs: every built control, every upstream, and errors before anything is served."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from ringwall import compose
from ringwall.catalog.load import load_catalog
from ringwall.compose import built_controls, make_running, read_plan
from ringwall.compose import running as composed
from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.plan import Mode, Plan

WRITTEN = """
[upstreams.u]
base_url = "https://api.example.com/v1"
credential = "env:RINGWALL_TEST_CREDENTIAL"
[workloads.shop]
owner = "tests"
use_case = "answers"
models = { m = "u" }
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read_plan(None)[0]


def test_the_built_controls_are_those_that_the_catalog_says_stand_on_the_road():
    entries = load_catalog().entries
    assert set(built_controls()) == {each.id for each in entries.values() if each.built and each.checkpoints}
    assert all(control.id == name for name, control in built_controls().items())
    assert compose.settings_types().keys() == built_controls().keys()


def test_an_entry_that_says_built_without_a_control_is_an_error(monkeypatch):
    def lost(name: str) -> object:
        return SimpleNamespace() if name.startswith("ringwall.controls.") else importlib.import_module(name)

    monkeypatch.setattr(composed, "importlib", SimpleNamespace(import_module=lost))
    built_controls.cache_clear()
    try:
        with pytest.raises(InternalError) as error:
            built_controls()
        assert error.value.code == "no_control"
    finally:
        built_controls.cache_clear()


def test_the_plan_of_the_laptop_runs_whole(plan):
    running = make_running(plan)
    assert running.plan is plan
    assert running.workloads.keys() == plan.workloads.keys()
    for name, workload in running.workloads.items():
        assert workload.plan is plan.workloads[name]
        assert workload.digest == plan.digest
        assert workload.upstreams.keys() == {
            target.upstream for route in plan.workloads[name].routes for target in route.targets
        }


def test_a_control_that_is_off_stands_in_the_chain_with_its_reason(tmp_path):
    until = (datetime.now(UTC) + timedelta(days=3)).date()
    file = tmp_path / "ringwall.toml"
    file.write_text(
        '[workloads.w]\nowner = "t"\nuse_case = "answers"\nrehearsal = true\n'
        'models = { "rehearsal/echo" = "builtin" }\n'
        f'[workloads.w.controls."application.prompt_attack"]\nmode = "off"\nreason = "tried out"\nuntil = {until}\n'
    )
    made, _ = read_plan(file)
    (workload,) = made.workloads.values()
    (off,) = [each for each in workload.controls if each.mode is Mode.OFF]
    assert off.id == "application.prompt_attack"
    assert off.waiver is not None
    assert off.waiver.reason == "tried out"
    make_running(made)


def test_a_credential_that_is_not_there_is_an_error_before_anything_is_served(tmp_path, monkeypatch):
    file = tmp_path / "ringwall.toml"
    file.write_text(WRITTEN)
    made, _ = read_plan(file)
    monkeypatch.delenv("RINGWALL_TEST_CREDENTIAL", raising=False)
    with pytest.raises(ConfigError, match="RINGWALL_TEST_CREDENTIAL"):
        make_running(made)


def test_a_policy_that_does_not_validate_is_named_before_anything_runs(tmp_path):
    (tmp_path / "own.cedar").write_text("forbid (principal, action, resource) when { context.no_such_field };")
    file = tmp_path / "ringwall.toml"
    file.write_text(WRITTEN + 'policies = ["own.cedar"]\n')
    with pytest.raises(ConfigError, match=r"own\.cedar"):
        read_plan(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml"):
        read_plan(tmp_path / "none.toml")


def test_what_a_control_says_of_its_settings_names_file_and_line(plan):
    (workload,) = plan.workloads.values()
    planned = workload.controls[0]
    name, where = planned.provenance[0]
    error = composed.located(ConfigError(f'"{name}" is wrong', hint="mend it"), planned)
    assert error.file == where.file
    assert planned.id in str(error)
    assert composed.located(error, planned) is error
