"""Every value with the line that set it, the same each time."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from random import Random

from ringwall import compose
from ringwall.cli.plan import plain
from tests.cli.conftest import Command
from tests.config import toml
from tests.config.plans import sample


def write(shuffle: Random | None = None) -> None:
    Path("ringwall.toml").write_text(toml.document(sample(), shuffle))


def test_every_value_of_every_control_is_shown(ringwall: Command) -> None:
    write()
    body = json.loads(ringwall("plan", "--json").stdout)
    made, _ = compose.read_plan(Path("ringwall.toml"))
    for name, workload in made.workloads.items():
        shown = body["workloads"][name]
        assert set(shown["controls"]) == {str(each.id) for each in workload.controls}
        assert shown["vacancies"] == sorted(workload.vacancies)
        for control in workload.controls:
            settings = shown["controls"][control.id]["settings"]
            for field in fields(control.settings):
                value = plain(getattr(control.settings, field.name))
                if isinstance(value, dict):
                    assert {key: settings[f"{field.name}.{key}"]["value"] for key in value} == value
                else:
                    assert settings[field.name]["value"] == value
            assert all(each["from"] for each in settings.values())


def test_a_value_names_its_line_the_catalogs_or_none(ringwall: Command) -> None:
    write()
    body = json.loads(ringwall("plan", "--json").stdout)
    lines = Path("ringwall.toml").read_text().splitlines()
    chat = body["workloads"]["chat"]
    attack = chat["controls"]["application.prompt_attack"]["settings"]
    assert '"person" = 0.5' in lines[int(attack["person"]["from"].partition(":")[2]) - 1]
    assert attack["peer"]["from"].startswith("catalog/application/prompt_attack.toml:")
    data = chat["controls"]["identity_data.sensitive_data"]["settings"]
    assert data["inbound.email"]["from"].startswith("ringwall.toml:")
    assert data["inbound.iban"]["from"].startswith("catalog/identity_data/sensitive_data.toml:")
    assert body["limits"]["body_bytes"]["from"].startswith("ringwall.toml:")
    assert body["limits"]["depth"]["from"] == "built in"
    assert chat["models"]["large"]["targets"][0]["upstream_model"] == "large-1"


def test_for_people_it_says_the_same(ringwall: Command) -> None:
    write()
    said = ringwall("plan").stdout
    body = json.loads(ringwall("plan", "--json").stdout)
    for workload in body["workloads"].values():
        for control, planned in workload["controls"].items():
            assert control in said
            for setting in planned["settings"]:
                assert f"    {setting} " in said
        for vacancy in workload["vacancies"]:
            assert f"    {vacancy}\n" in said
    assert body["digest"] in said and "due, and not built yet" in said


def test_the_order_of_the_file_does_not_show(ringwall: Command) -> None:
    found = set()
    for seed in range(3):
        write(Random(seed))
        body = json.loads(ringwall("plan", "--json").stdout)
        found.add(json.dumps(without_lines(body), sort_keys=True))
    assert len(found) == 1


def without_lines(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_lines(each) for key, each in value.items() if key not in ("from", "expires")}
    return value


def test_one_workload_only(ringwall: Command) -> None:
    write()
    assert list(json.loads(ringwall("plan", "--workload", "chat", "--json").stdout)["workloads"]) == ["chat"]
    said = ringwall("plan", "--workload", "chatt")
    assert said.returncode == 2 and 'did you mean "chat"' in said.stderr


def test_no_secret_is_shown(ringwall: Command) -> None:
    write()
    said = ringwall("plan", "--json").stdout + ringwall("plan").stdout
    assert "env:ONE_KEY" in said


def test_leave_is_shown_with_its_reason_and_end(ringwall: Command) -> None:
    from datetime import UTC, datetime, timedelta

    until = (datetime.now(UTC) + timedelta(days=9)).date()
    values = sample()
    values["workloads"]["rehearsal"]["controls"] = {
        "identity_data.containment": {"mode": "off", "reason": "ticket 4711", "until": until}
    }
    Path("ringwall.toml").write_text(toml.document(values))
    said = ringwall("plan").stdout
    assert "identity_data.containment  off" in said and "ticket 4711" in said
    expires = json.loads(ringwall("plan", "--json").stdout)["expires"]
    assert expires.startswith((until + timedelta(days=1)).isoformat())
