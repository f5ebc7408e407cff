"""`ringwall findings` on an installation, with hostile text in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringwall.compose import Installation, RootSource
from tests.cli.conftest import Command


@pytest.fixture
def finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ringwall: Command) -> str:
    from tests.cli.running import environment_of

    for name, value in environment_of(tmp_path).items():
        monkeypatch.setenv(name, value)
    installation = Installation(tmp_path / "data", RootSource())
    ledger = installation.ledger("")
    ledger.start()
    made = installation.findings.add(
        detection="canary_seen", severity="critical", subject="principal i [red]ada\x1b[31m", words="a [b]canary[/b]",
        evidence=["rec_1"], count=1, first_us=1, last_us=1_000_000,
    )  # fmt: skip
    assert made is not None
    installation.findings.settle(made.id, "contained", scopes=["key:k"], contained_us=1_250_000, needs_person="look")
    ledger.close()
    installation.close()
    return made.id


def test_a_finding_is_listed_shown_and_closed(ringwall: Command, finding: str) -> None:
    [listed] = json.loads(ringwall("findings", "list", "--json").stdout)["findings"]
    assert (listed["id"], listed["contained_ms"], listed["closed"]) == (finding, 250, None)
    for said in (ringwall("findings", "list").stdout, ringwall("findings", "show", finding).stdout):
        assert "[b]canary[/b]" in said and "\x1b[31m" not in said
    assert "250 ms" in ringwall("findings", "show", finding).stdout
    assert json.loads(ringwall("findings", "show", finding, "--json").stdout)["evidence"] == ["rec_1"]
    assert json.loads(ringwall("findings", "close", finding, "--reason", "a drill", "--json").stdout) == {"done": True}
    assert "Nothing was found" in ringwall("findings", "list").stdout
    assert "a drill" in ringwall("findings", "list", "--all").stdout
    assert ringwall("findings", "close", finding, "--reason", "again").returncode == 2


def test_a_finding_that_is_not_there_is_an_error(ringwall: Command, finding: str) -> None:
    assert ringwall("findings", "show", "fnd_none").returncode == 2
