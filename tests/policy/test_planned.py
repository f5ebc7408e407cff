"""A plan's policies speak about its models, upstreams and lent credentials."""

from __future__ import annotations

import asyncio

import pytest

from ringwall.model.errors import ConfigError
from ringwall.model.framework import WorkloadId
from ringwall.policy.planned import make_policy
from tests.config.plans import plan_of
from tests.policy.test_decide import ALICE, WHO

PLAN = """
[organisation]
policies = ["org.cedar"]
[credentials.catalog]
kind = "sqlite"
database = "shop.db"
tables = ["products"]
workloads = ["support"]
[upstreams.u]
base_url = "https://api.example.com/v1"
[workloads.support]
owner = "t"
use_case = "acts"
models = { m = "u" }
[workloads.hr]
owner = "t"
use_case = "acts"
"""


@pytest.fixture
def beside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text: str):
        (tmp_path / "org.cedar").write_text(text)
        return make_policy(plan_of(PLAN))

    return write


def test_a_credential_is_leased_where_it_is_lent_and_a_model_invoked_where_it_is_routed(beside):
    policy = beside("permit (principal, action, resource);")

    def ask(action: str, kind: str, name: str, workload: str, **more: str) -> bool:
        asked = policy.decide(ALICE, action, (kind, name), {**WHO, **more}, WorkloadId(workload))
        return asyncio.run(asked).allowed

    assert ask("take_lease", "Credential", "catalog", "support", tool="query")
    assert not ask("take_lease", "Credential", "catalog", "hr", tool="query")
    assert ask("invoke_model", "Model", "m", "support")


def test_a_policy_that_does_not_validate_is_named(beside):
    with pytest.raises(ConfigError, match=r"org\.cedar"):
        beside("permit (principal, action, resource) when { resource.nothing };")
