"""A credential is named, never written."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringwall.config.secret import environment, read_secret
from ringwall.model.errors import ConfigError


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGWALL_TEST_SECRET", "s3cret")
    assert read_secret("env:RINGWALL_TEST_SECRET") == "s3cret"
    assert environment("RINGWALL_TEST_SECRET") == "s3cret"
    assert environment("RINGWALL_TEST_NOT_SET") is None


@pytest.mark.parametrize(("content", "secret"), [(b"abc\n", "abc"), (b"abc\r\n", "abc"), (b" a b ", " a b ")])
def test_from_a_file_without_its_final_line_break(tmp_path: Path, content: bytes, secret: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert read_secret(f"file:{path}") == secret


@pytest.mark.parametrize(
    "reference", ["", "sk-live-abcdef", "env:", "file:", "env:RINGWALL_TEST_NOT_SET", "file:/no/such/file", "ENV:HOME"]
)
def test_what_names_no_secret_is_refused(reference: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_secret(reference, file="f.toml", line=7)
    assert caught.value.public.startswith("f.toml:7: ")


def test_a_secret_written_by_mistake_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        read_secret("sk-live-abcdef")
    assert "sk-live-abcdef" not in caught.value.public + caught.value.detail


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        read_secret(f"file:{path}")


def test_a_file_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(ConfigError):
        read_secret("file:/tmp/a\0b")
