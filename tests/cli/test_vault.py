"""`ringwall vault` beside a running gateway: keys, values, a whole column, and what stands in the ledger."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringwall.store.ledger.read import entries
from tests.cli.running import Running, Said, command, environment_of, running

KEY = "shop/customers.card_number"
CARD = "4111 1111 1111 1111"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("vault")) as found:
        yield found


def say(gateway: Running, *words: str, input_: str = "") -> Said:
    return command("vault", *words, environment=gateway.environment, data_dir=gateway.folder / "d", input_=input_)


def test_the_life_of_a_key(gateway: Running, tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    made = sqlite3.connect(path)
    made.executescript(
        f"CREATE TABLE customers (id INTEGER PRIMARY KEY, card_number TEXT); INSERT INTO customers VALUES (1, '{CARD}')"
    )
    made.close()
    url = f"sqlite:///{path}"
    assert json.loads(say(gateway, "create", KEY, "--json").stdout)["version"] == 1
    assert json.loads(say(gateway, "seal-column", KEY, "--in", url, "--row-field", "id", "--json").stdout) == {
        "rows": 1, "changed": 1, "unreadable": 0, "overtaken": 0,
    }  # fmt: skip
    value = stored(path)
    assert value.startswith(f"rwsealed:v1:{KEY}@id:1:")
    assert "seals from now on" in say(gateway, "rotate", KEY).stdout
    assert "1 values changed" in say(gateway, "rewrap", KEY, "--in", url).stdout
    value = stored(path)
    assert value.startswith(f"rwsealed:v1:{KEY}@id:2:")
    refused = say(gateway, "shred", KEY, "1")
    assert refused.returncode == 2 and "--yes" in refused.stderr
    assert "Destroyed" in say(gateway, "shred", KEY, "1", "--yes").stdout
    assert say(gateway, "unseal", "--row", "1", input_=f"{value}\n").stdout == f"{CARD}\n"
    moved = say(gateway, "unseal", "--row", "2", input_=value)
    assert moved.returncode == 1 and "wrong_place" in moved.stderr and CARD not in moved.stderr
    listed = json.loads(say(gateway, "keys", "--json").stdout)["keys"]
    assert [(each["version"], each["state"]) for each in listed] == [(1, "shredded"), (2, "current")]
    assert "shredded" in say(gateway, "keys").stdout


def stored(path: Path) -> str:
    connection = sqlite3.connect(path)
    (found,) = connection.execute("SELECT card_number FROM customers").fetchone()
    connection.close()
    return str(found)


def test_each_change_and_each_opening_stands_in_the_ledger_without_content(gateway: Running) -> None:
    say(gateway, "create", "shop/t.noted")
    value = say(gateway, "seal", "shop/t.noted", input_="the plain words\n").stdout.strip()
    assert (
        say(
            gateway,
            "unseal",
            input_=value,
        ).stdout
        == "the plain words\n"
    )
    found = [each.fields() for each in entries(gateway.folder / "d/ledger", containing=b"shop/t.noted")]
    told = [(each["kind"], each["action"], each["outcome"]) for each in found]
    assert told == [
        ("administration", action, outcome)
        for action in ("column_key.create", "column_key.unseal")
        for outcome in ("proceeds", "done")
    ]
    assert {each["principal"]["issuer"] for each in found} == {"ringwall:local"}
    assert "plain words" not in json.dumps(found) and value not in json.dumps(found)


def test_key_shares_stand_outside_the_data_directory_and_go_with_their_version(gateway: Running) -> None:
    config = Path(gateway.environment["XDG_CONFIG_HOME"])
    before = set(config.rglob("*.share"))
    say(gateway, "create", "shop/t.shares")
    (made,) = set(config.rglob("*.share")) - before
    assert not list((gateway.folder / "d").rglob("*.share"))
    say(gateway, "shred", "shop/t.shares", "1", "--yes")
    assert not made.exists()


@pytest.mark.parametrize(
    ("words", "input_", "code", "why"),
    [
        (["create", "Shop/t.c"], "", 2, "workload/table.column"),
        (["rotate", "shop/t.none"], "", 1, "has no key"),
        (["shred", "shop/t.none", "1", "--yes"], "", 1, "no such version"),
        (["seal", "shop/t.none"], "x", 1, "no key that seals"),
        (["unseal"], "hello", 1, "no sealed value"),
        (["seal", "shop/t.none"], "x" * 40_000, 1, "too long"),
        (["rewrap", "shop/t.c", "--in", "sqlite:///none.db"], "", 2, "not the URL"),
        (["rewrap", "shop/t.c", "--in", "mysql://h/d"], "", 2, "not the URL"),
    ],
)
def test_errors_say_what_to_do(gateway: Running, words: list[str], input_: str, code: int, why: str) -> None:
    said = say(gateway, *words, input_=input_)
    assert (said.returncode, why in said.stderr) == (code, True), said


def test_nothing_is_leased_on_a_laptop(gateway: Running) -> None:
    assert "Nothing is leased" in say(gateway, "leases").stdout
    assert json.loads(say(gateway, "leases", "--all", "--json").stdout) == {"leases": []}


def test_without_an_installation_nothing_is_made(tmp_path: Path) -> None:
    said = command("vault", "keys", environment=environment_of(tmp_path), data_dir=tmp_path / "none")
    assert said.returncode == 2 and not (tmp_path / "none").exists()
