"""`ringwall import` writes a configuration that can be taken, and says what did not translate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.config.foreign.test_bedrock_guardrail import GUARDRAIL
from tests.config.foreign.test_litellm import CONFIG
from tests.config.foreign.test_portkey import CONFIG as PORTKEY

KINDS = {"litellm": CONFIG, "portkey": json.dumps(PORTKEY), "bedrock-guardrail": json.dumps(GUARDRAIL)}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_can_be_taken_and_names_what_was_left(ringwall: Command, tmp_path: Path, kind: str) -> None:
    (tmp_path / "theirs").write_text(KINDS[kind])
    said = ringwall("import", kind, "theirs")
    assert said.returncode == 0, said.stderr
    written = (tmp_path / "ringwall.toml").read_text()
    assert written.startswith("# Not translated:") and "did not translate" in said.stdout
    if kind != "bedrock-guardrail":  # which has no models
        checked = ringwall("check")
        assert "can be taken" in checked.stdout, checked.stdout + checked.stderr
    body = json.loads(ringwall("import", kind, "theirs", "-o", "other.toml", "--json").stdout)
    assert body["file"] == "other.toml" and body["not_translated"]


def test_nothing_is_overwritten_and_no_line_breaks_out_of_a_comment(ringwall: Command, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text('model_list: []\n"x\\ny = 1":\n  a: 1\n')
    assert ringwall("import", "litellm", "theirs").returncode == 0
    lines = (tmp_path / "ringwall.toml").read_text().splitlines()
    assert not [each for each in lines if each.startswith("y = 1")]
    assert ringwall("import", "litellm", "theirs").returncode == 2
    assert ringwall("import", "litellm", "theirs", "--force").returncode == 0


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[", b"[" * 100_000, b"{}"])
def test_what_is_no_such_file_says_so_and_writes_nothing(ringwall: Command, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "theirs").write_bytes(data)
    for kind in KINDS:
        said = ringwall("import", kind, "theirs")
        assert said.returncode == 2 and "theirs" in said.stderr and "Traceback" not in said.stderr
    assert ringwall("import", "litellm", "nowhere").returncode == 2
    assert not (tmp_path / "ringwall.toml").exists()
