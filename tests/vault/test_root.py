"""The root key: made once, never beside the data, never open to others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from ringwall.model.errors import InternalError
from ringwall.vault import root


def test_a_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    path = root.default_path(tmp_path / "config", data)
    first = root.from_file(path, data)
    assert root.from_file(root.default_path(tmp_path / "config", data), data).reveal() == first.reveal()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name]
    assert first.reveal().hex() not in repr(first)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "root.key"
    root.from_file(path, tmp_path / "data")
    path.chmod(mode)
    with pytest.raises(InternalError) as raised:
        root.from_file(path, tmp_path / "data")
    assert "open to others" in raised.value.detail


def test_a_key_inside_the_data_directory_needs_the_ugly_name(tmp_path: Path) -> None:
    inside = tmp_path / "data" / "keys" / "root.key"
    sly = tmp_path / "data" / "x" / ".." / "root.key"
    (tmp_path / "data" / "x").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for path in (inside, sly, tmp_path / "link" / "root.key"):
        with pytest.raises(InternalError) as raised:
            root.from_file(path, tmp_path / "data")
        assert "inside the data directory" in raised.value.detail
    assert root.from_file(inside, tmp_path / "data", unsafe_inside_data_dir=True).reveal()


def test_what_is_no_key_is_refused_and_left_alone(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"ringwall-root-1 AAAA", b"x" * 44, b"ringwall-root-1 !!!", b"\xff" * 9000)):
        path = tmp_path / f"{number}.key"
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(InternalError):
            root.from_file(path, tmp_path / "data")
        assert path.read_bytes() == content


def test_a_link_or_a_pipe_is_no_key_file(tmp_path: Path) -> None:
    root.from_file(tmp_path / "real.key", tmp_path / "data")
    (tmp_path / "link.key").symlink_to(tmp_path / "real.key")
    os.mkfifo(tmp_path / "pipe.key", 0o600)
    for name in ("link.key", "pipe.key"):
        with pytest.raises(InternalError):
            root.from_file(tmp_path / name, tmp_path / "data")


def test_a_passphrase_is_the_same_key_under_its_salt_and_another_under_another(tmp_path: Path) -> None:
    first = root.from_passphrase("correct horse battery", tmp_path / "a")
    assert root.from_passphrase("correct horse battery", tmp_path / "a").reveal() == first.reveal()
    assert root.from_passphrase("correct horse batterx", tmp_path / "a").reveal() != first.reveal()
    assert root.from_passphrase("correct horse battery", tmp_path / "b").reveal() != first.reveal()
    with pytest.raises(InternalError, match="root key"):
        root.from_passphrase("short", tmp_path / "a")


class _Memory(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringError("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


def test_the_keyring_keeps_one_key_for_each_data_directory(tmp_path: Path) -> None:
    before, memory = keyring.get_keyring(), _Memory()
    keyring.set_keyring(memory)
    try:
        first = root.from_keyring(tmp_path / "a")
        assert root.from_keyring(tmp_path / "a").reveal() == first.reveal()
        assert root.from_keyring(tmp_path / "b").reveal() != first.reveal()
        memory.locked = True
        with pytest.raises(InternalError):
            root.from_keyring(tmp_path / "a")
    finally:
        keyring.set_keyring(before)
