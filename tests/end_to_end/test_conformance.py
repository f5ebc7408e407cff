"""Output and input checks hold on every door, streamed and not: the program that attacks from outside, against ours."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.process import SOURCE

SEEDS = (1, 20261125)


@pytest.fixture(scope="module", params=SEEDS)
def cells(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    words = [sys.executable, "-m", "conformance", "--json", "--seed", str(request.param)]
    done = subprocess.run(words, cwd=SOURCE.parent, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["cells"]
    return found


def test_every_cell_holds(cells: list[dict[str, Any]]) -> None:
    assert [each for each in cells if each["state"] in ("leaks", "refuses all")] == []
    doors = {each["door"] for each in cells if each["state"] == "holds"}
    assert doors == {"OpenAI chat", "OpenAI Responses", "Anthropic", "Bedrock", "MCP"}
    assert [each["state"] for each in cells].count("holds") == 240, "all but the system prompt of a tool call"


@pytest.mark.deep
def test_it_can_fail() -> None:
    """Told that a control of ours is off, it says which cells leak."""
    words = [sys.executable, "-m", "conformance", "--json", "--off", "identity_data.sensitive_data", "--form", "whole"]
    done = subprocess.run(words, cwd=SOURCE.parent, capture_output=True, text=True, timeout=300, check=False)
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["counts"]["holds"] == 0 < said["counts"]["leaks"]
