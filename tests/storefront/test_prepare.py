"""The shop's folder: definitions that are the server's own, policies that validate, a plan that runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringwall.compose import make_running, read_plan
from ringwall.storefront import postgres
from ringwall.storefront.prepare import definitions, prepare, row_of


def test_a_prepared_folder_is_a_plan_that_runs(tmp_path: Path) -> None:
    config = prepare(tmp_path / "shop", tools_url="http://127.0.0.1:9100/mcp", seal=None)
    plan, _ = read_plan(config)
    (workload,) = plan.workloads.values()
    assert [tool.name for tool in workload.tools] == ["http_post", "query", "search_products", "send_email"]
    assert {each["name"] for each in definitions()} == {tool.name for tool in workload.tools}
    assert json.loads((tmp_path / "shop" / "storefront.tools.json").read_text()) == definitions()
    make_running(plan)
    again = prepare(tmp_path / "shop", tools_url="http://127.0.0.1:9100/mcp", seal=None)
    assert read_plan(again)[0].digest == plan.digest
    assert row_of({"id": 7}) == 7


def test_with_a_database_its_credentials_are_leased_roles_and_its_url_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent: dict[str, list[str]] = {}

    def build(url: str, seal: object, credentials: dict[str, list[str]]) -> dict[str, str]:
        lent.update(credentials)
        return {name: f"g_{name}" for name in credentials}

    monkeypatch.setattr(postgres, "build", build)
    url, folder = "postgresql://admin:the-password@db.example/shop", tmp_path / 'a "shop" \\1'
    config = prepare(folder, tools_url="http://127.0.0.1:9100/mcp", seal=None, database=url)
    plan, _ = read_plan(config)
    assert {name: (each.kind, each.group, each.tables) for name, each in plan.credentials.items()} == {
        name: ("postgres", f"g_{name}", frozenset()) for name in ("catalog", "records")
    }
    assert "payments" in lent["records"] and "payments" not in lent["catalog"]
    kept = folder / "storefront.url"
    assert {each.database for each in plan.credentials.values()} == {f"file:{kept}"}
    assert kept.read_text() == url + "\n" and kept.stat().st_mode & 0o777 == 0o600
    assert "the-password" not in config.read_text() and not (folder / "storefront.db").exists()
    prepare(folder, tools_url="http://127.0.0.1:9100/mcp", seal=None)
    assert not kept.exists() and (folder / "storefront.db").exists()
