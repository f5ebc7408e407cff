"""`ringwall up` and `ringwall serve`: what they take, what they refuse, and what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringwall.cli.serve import parse_root
from ringwall.compose import RootSource
from ringwall.model.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("file", RootSource("file")),
        ("file:", RootSource("file")),
        ("file:/etc/key", RootSource("file", Path("/etc/key"))),
        ("passphrase:env:NAME", RootSource("passphrase", passphrase="env:NAME")),
        ("passphrase:file:/etc/words", RootSource("passphrase", passphrase="file:/etc/words")),
        ("keyring", RootSource("keyring")),
    ],
)
def test_a_root_key_is_where_the_option_says(text, source):
    assert parse_root(text) == source


@pytest.mark.parametrize("text", ["", "passphrase", "passphrase:", "keyring:mine", "env:NAME", "File", "secret-itself"])
def test_what_is_no_place_for_a_root_key(text):
    with pytest.raises(ConfigError, match="is no place for a root key"):
        parse_root(text)


def test_production_needs_a_configuration(ringwall):
    said = ringwall("serve")
    assert said.returncode != 0
    assert "production needs a configuration" in said.stderr
    assert "Traceback" not in said.stderr


def test_up_takes_the_configuration_of_this_folder_and_says_what_is_wrong_with_it(ringwall, tmp_path):
    (tmp_path / "ringwall.toml").write_text("[workloads.w]\nowner = 7\n")
    said = ringwall("up")
    assert said.returncode != 0
    assert "ringwall.toml:2" in said.stderr
    assert not (tmp_path / "data").exists()


def test_a_port_that_is_none_is_an_error_and_nothing_else(ringwall, tmp_path):
    said = ringwall("up", "--port", "70000")
    assert said.returncode != 0
    assert '"70000" is not a port' in said.stderr
    assert "Traceback" not in said.stderr
    assert not (tmp_path / "data").exists()
