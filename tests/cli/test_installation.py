"""Durations, inert text, and stores that somebody tampered with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from sqlalchemy import insert

from ringwall.cli.installation import account, safe, seconds, table
from ringwall.model.errors import ConfigError
from ringwall.store.tables import USERS
from tests.cli.running import command, environment_of
from tests.controlplane.api.office import Place


def test_durations() -> None:
    assert [seconds(each, "--for") for each in ("90s", "30m", "12h", "30d", "8w", "never")] == [
        90, 1800, 43_200, 2_592_000, 4_838_400, None,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "0d", "d", "1y", "-1d", "1.5h", "1 d", "1d1h", "9" * 20 + "d", "\u0661d", "1d\n"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigError, match="90m, 12h, 30d"):
        seconds(text, "--for")


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=300)
def test_what_is_safe_says_itself_and_does_nothing(text: str) -> None:
    console = Console(width=10_000, color_system="truecolor", force_terminal=True, highlight=False)
    with console.capture() as said:
        console.print(safe(text), soft_wrap=True)
    assert all(" " <= each <= "~" for each in said.get().removesuffix("\n"))


def test_a_tampered_store_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    place = Place(tmp_path / "d" if (tmp_path / "d").mkdir() is None else tmp_path)
    row = {
        "subject": "usr_x", "username": "\x1b]0;owned\x07[link=file:///]x", "totp_step": 0, "groups": '["\\u202ex"]',
        "created_us": 0, "failures": 0, "locked_until_us": 0,
    }  # fmt: skip
    with place.database.write() as connection:
        connection.execute(insert(USERS).values(row))
    place.close()
    key = next((tmp_path / "d-cfg").rglob("*.key"), None) or next(each for each in (tmp_path / "d-cfg").rglob("*") if each.is_file())  # fmt: skip # noqa: E501
    said = command(
        "users", "list", "--root-key", f"file:{key}", environment=environment_of(tmp_path), data_dir=tmp_path / "d"
    )
    assert said.returncode == 0, said.stderr
    assert "\x1b" not in said.stdout and "\u202e" not in said.stdout and "[link=file:///]x" in said.stdout


def test_the_account_has_a_name_and_tables_have_columns() -> None:
    assert account() and [column.header for column in table("a", "b").columns] == ["a", "b"]
