"""`ringwall tools fetch` against a real server of the protocol's own package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringwall.config.tools import read_tools
from tests.cli.conftest import Command
from tests.process import free_port
from tests.tool_server import serving


def test_a_servers_tools_become_a_file_that_a_plan_takes(ringwall: Command, tmp_path: Path) -> None:
    with serving(free_port()) as url:
        said = ringwall("tools", "fetch", url, "--private", "--out", "shop.tools.json")
        assert said.returncode == 0 and "read them before" in said.stdout, said.stderr
        printed = ringwall("tools", "fetch", url, "--private")
    tools = read_tools((tmp_path / "shop.tools.json").read_text(), "shop")
    assert {"query", "prices"} <= {each.name for each in tools}
    assert json.loads(printed.stdout) == json.loads((tmp_path / "shop.tools.json").read_text())


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["http://127.0.0.1:1/mcp"], "private = true"),
        (["http://127.0.0.1:1/mcp", "--private"], "cannot be reached"),
        (["http://127.0.0.1:1/mcp", "--private", "--credential", "env:RINGWALL_NONE"], "RINGWALL_NONE"),
    ],
)
def test_errors_say_what_is_wrong(ringwall: Command, words: list[str], why: str) -> None:
    said = ringwall("tools", "fetch", *words)
    assert said.returncode != 0 and why in said.stderr, said.stderr
