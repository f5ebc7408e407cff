"""The shop's folder: definitions that are the server's own, policies that validate, a plan that runs."""

from __future__ import annotations

import json
from pathlib import Path

from ringwall.compose import make_running, read_plan
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
