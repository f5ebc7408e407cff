"""A sandboxed copy keeps the plan and reaches nothing real."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import tomli_w

from ringwall.catalog.load import load_catalog
from ringwall.compose import SystemClock, read_plan
from ringwall.controlplane.attack.rehearsal import stage
from ringwall.controlplane.attack.rehearsal.sandbox import POLICIES, Sandbox
from ringwall.controlplane.issuer.signing import SigningKeys
from ringwall.model.framework import WorkloadId
from ringwall.model.plan import Mode
from ringwall.storefront.prepare import definitions

STEPS = {str(each.id): each.step for each in load_catalog().entries.values() if each.built and each.step is not None}
UNTIL = (datetime.now(UTC) + timedelta(days=2)).date()
LATER = (datetime.now(UTC) + timedelta(days=30)).date()
OWN = f"""
[organisation]
name = "somebody"
policies = ["own.cedar"]
[listen]
data = "0.0.0.0:443"
tls_certificate = "cert.pem"
tls_key = "key.pem"
[monitor]
contain = true
responses_per_minute = 3
[issuers.company]
issuer = "https://login.example"
audiences = ["x"]
jwks_uri = "https://login.example/keys"
[upstreams.provider]
base_url = "https://api.example/v1"
credential = "env:PROVIDER_KEY"
[tool_servers.crm]
url = "https://crm.example/mcp"
credential = "env:CRM_KEY"
definitions = "crm.json"
total_s = 9.0
[credentials.records]
kind = "postgres"
database = "env:ADMIN_URL"
group = "readers"
workloads = ["support", "other"]
[credentials.foreign]
kind = "sqlite"
database = "real.db"
tables = ["x"]
workloads = ["other"]
[workloads.support]
owner = "somebody"
use_case = "acts"
path_prefix = "/support"
payload_days = 3
tool_servers = ["crm"]
models = {{ "gpt" = "provider" }}
policies = ["narrow.cedar"]
[workloads.support.controls."infrastructure.egress_allowlist"]
destinations = ["crm.example:443"]
reason = "only the CRM"
until = {LATER}
[workloads.support.controls."identity_data.credential_lease"]
tools = {{ query = "records" }}
[workloads.support.controls."application.contextual_grounding"]
mode = "observe"
reason = "a trial"
until = {LATER}
[workloads.other]
owner = "somebody"
use_case = "answers"
models = {{ "gpt" = "provider" }}
"""


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    for name in ("PROVIDER_KEY", "CRM_KEY"):
        monkeypatch.setenv(name, "secret")
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "crm.json").write_text(json.dumps(definitions()))
    for name in ("own.cedar", "narrow.cedar"):
        (folder / name).write_text("")
    (folder / "ringwall.toml").write_text(OWN)
    plan, document = read_plan(folder / "ringwall.toml")
    return Sandbox(document.values, folder, plan.workloads[WorkloadId("support")], STEPS, ("agent",), UNTIL)


def copied(sandbox: Sandbox, folder: Path, on: tuple[int, ...]) -> tuple[object, str]:
    folder.mkdir(exist_ok=True)
    text = tomli_w.dumps(sandbox.configuration(on, {"crm": "http://127.0.0.1:9000/mcp"}))
    (folder / "ringwall.toml").write_text(text)
    (folder / POLICIES).write_text(stage.NO_MODEL)
    (folder / stage.JWKS).write_text(json.dumps(SigningKeys(SystemClock()).jwks()))
    return read_plan(folder / "ringwall.toml")[0], text


def test_nothing_real_stands_in_the_copy(sandbox: Sandbox, tmp_path: Path) -> None:
    _, text = copied(sandbox, tmp_path / "copy", sandbox.on)
    for real in ("api.example", "https://crm", "env:", "login.example", "real.db", "0.0.0.0", "key.pem", "postgres"):
        assert real not in text, real
    values = tomllib.loads(text)
    assert list(values["workloads"]) == ["support"] and "upstreams" not in values
    assert values["workloads"]["support"]["rehearsal"] is True
    assert values["credentials"]["records"]["workloads"] == ["support"] and "foreign" not in values["credentials"]


def test_the_plan_as_it_is_configured_stays_as_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    plan, text = copied(sandbox, tmp_path / "copy", sandbox.on)
    made = plan.workloads[WorkloadId("support")]  # type: ignore[attr-defined]
    before = {each.id: (each.mode, each.settings) for each in sandbox.plan.controls}
    after = {each.id: (each.mode, each.settings) for each in made.controls}
    changed = {name for name in before if before[name] != after[name]}
    assert set(before) == set(after) and {str(each) for each in changed} <= {"infrastructure.egress_allowlist"}
    assert "crm.example:443" in text and made.tools == sandbox.plan.tools
    assert next(each for each in made.controls if each.id == "application.contextual_grounding").mode is Mode.OBSERVE


@pytest.mark.parametrize("count", range(4))
def test_only_the_steps_of_a_play_are_on(sandbox: Sandbox, tmp_path: Path, count: int) -> None:
    on = sandbox.on[:count]
    plan, _ = copied(sandbox, tmp_path / "copy", on)
    made = plan.workloads[WorkloadId("support")].controls  # type: ignore[attr-defined]
    assert {STEPS[each.id] for each in made if each.id in STEPS and each.mode is not Mode.OFF} == set(on)


def test_the_subsets_are_nothing_each_alone_all_but_one_and_all(sandbox: Sandbox) -> None:
    found = sandbox.subsets()
    assert found[0] == () and found[-1] == sandbox.on and len(found) == len(set(found)) == 2 + 2 * len(sandbox.on)


def test_a_monitor_that_is_off_stays_off(sandbox: Sandbox, tmp_path: Path) -> None:
    assert "contain = false" in copied(sandbox, tmp_path / "a", (1,))[1]
    assert "contain = true" in copied(sandbox, tmp_path / "b", (10,))[1]
