"""Shares: made once, private, and gone when they are destroyed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ringwall.model.errors import InternalError
from ringwall.vault.shares import Shares


def test_a_share_is_private_and_reads_back_until_it_is_destroyed(tmp_path: Path) -> None:
    shares = Shares(tmp_path / "s")
    name, share = shares.make()
    (file,) = (tmp_path / "s").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert shares.read(name) == share and len(share) == 32
    assert shares.make()[1] != share
    shares.destroy(name)
    assert shares.read(name) is None
    assert not any(share in each.read_bytes() for each in (tmp_path / "s").iterdir())
    shares.destroy(name)


def test_a_destroyed_share_is_overwritten_before_it_is_removed(tmp_path: Path) -> None:
    shares = Shares(tmp_path)
    name, share = shares.make()
    (file,) = tmp_path.iterdir()
    (tmp_path / "other-name").hardlink_to(file)
    shares.destroy(name)
    assert (tmp_path / "other-name").read_bytes() != share


@pytest.mark.parametrize("change", ["open", "short", "link"])
def test_a_share_that_others_could_have_read_or_changed_is_refused(tmp_path: Path, change: str) -> None:
    shares = Shares(tmp_path)
    name, _ = shares.make()
    (file,) = tmp_path.iterdir()
    if change == "open":
        file.chmod(0o644)
    elif change == "short":
        file.write_bytes(b"x" * 31)
    else:
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InternalError):
        shares.read(name)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0" * 31, "G" * 32])
def test_a_name_from_elsewhere_leads_nowhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(InternalError):
        Shares(tmp_path).read(name)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InternalError):
        Shares(tmp_path / "file").make()
