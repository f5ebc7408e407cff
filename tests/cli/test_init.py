"""A configuration to start from: complete, understandable, and one that can be taken."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ringwall.cli.init import Template, template_text
from tests.cli.conftest import Command


@pytest.mark.parametrize("template", Template)
def test_what_is_written_can_be_taken(ringwall: Command, tmp_path: Path, template: Template) -> None:
    said = ringwall("init", "--template", template)
    assert said.returncode == 0, said.stderr
    assert (tmp_path / "ringwall.toml").read_text() == template_text(template)
    assert "export OPENAI_API_KEY" in said.stdout and "ringwall check" in said.stdout
    checked = ringwall("check")
    assert checked.returncode == 0, checked.stderr
    assert "can be taken" in checked.stdout


@pytest.mark.parametrize("template", Template)
def test_every_line_is_explained(template: Template) -> None:
    """A value has a comment behind it, or one before its table."""
    explained = False
    for line in template_text(template).splitlines():
        if line.startswith("#"):
            explained = True
        elif not line:
            explained = False
        elif not line.startswith("["):
            assert "#" in line or explained, line
        assert len(line) <= 120


@pytest.mark.parametrize("template", Template)
def test_no_secret_stands_in_a_template(template: Template) -> None:
    assert not re.search(r'credential = "(?!env:|file:)', template_text(template))


def test_what_is_there_is_left_as_it_is(ringwall: Command, tmp_path: Path) -> None:
    path = tmp_path / "ringwall.toml"
    path.write_text("mine")
    said = ringwall("init", "--template", "chat")
    assert said.returncode == 2 and "--force" in said.stderr
    assert path.read_text() == "mine"
    assert ringwall("init", "--template", "chat", "--force").returncode == 0
    assert path.read_text() == template_text(Template.CHAT)


def test_another_file_is_named_in_the_next_steps(ringwall: Command, tmp_path: Path) -> None:
    said = ringwall("init", "-t", "rag", "-o", "other.toml")
    assert (tmp_path / "other.toml").exists() and "ringwall check --config other.toml" in said.stdout
    body = json.loads(ringwall("init", "-t", "rag", "-o", "third.toml", "--json").stdout)
    assert body["needs"] == ["OPENAI_API_KEY"] and body["file"] == "third.toml"


@pytest.mark.parametrize("output", ["no/such/folder/x.toml", "."])
def test_where_nothing_can_be_written_is_an_error(ringwall: Command, output: str) -> None:
    said = ringwall("init", "-t", "chat", "-o", output, "--force")
    assert said.returncode == 2 and said.stderr.startswith("error")
