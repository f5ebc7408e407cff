"""What is started for a rehearsal serves on free ports, keeps to its folder, and is ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringwall.compose.gateways import LoopbackGateways
from ringwall.model.errors import InternalError

PLAIN = """
[workloads.x]
owner = "tests"
use_case = "answers"
rehearsal = true
models = { "rehearsal/echo" = "builtin" }
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_gateway_serves_and_is_ended_with_what_started_it(tmp_path: Path) -> None:
    (tmp_path / "ringwall.toml").write_text(PLAIN)
    with LoopbackGateways(tmp_path) as gateways:
        served = gateways.start("up", tmp_path / "ringwall.toml", tmp_path / "data")
        assert served.url.startswith("http://127.0.0.1:") and not served.url.endswith("/v1") and served.token
        assert served.ledger.is_dir() and gateways.root(tmp_path / "data").is_file() and alive(served.pid)
    assert not alive(served.pid)


def test_one_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "ringwall.toml").write_text("[no such table")
    with LoopbackGateways(tmp_path) as gateways, pytest.raises(InternalError) as caught:
        gateways.start("up", tmp_path / "ringwall.toml", tmp_path / "data")
    assert "ringwall.toml" in caught.value.detail
