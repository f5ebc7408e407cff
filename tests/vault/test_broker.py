"""Attacks on the broker: a stolen, dead or foreign lease, and statements that reach past what was lent."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.vault import broker as module
from ringwall.vault.broker import Admitted, Broker, Served
from ringwall.vault.context import CallContext, sign
from tests.vault.lent import KEY, database

NOW = 1_000_000
SECRET = f"rwl_{'a' * 32}_secret"
ADA = Admitted("a" * 32, hashlib.sha256(SECRET.encode()).digest(), "id ada", "shop", "catalog", NOW + 60)


class At:
    """Time that a test owns."""

    def __init__(self) -> None:
        self.us = NOW

    def __call__(self) -> int:
        return self.us


@pytest.fixture
def at() -> At:
    return At()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database(tmp_path)


@pytest.fixture
def broker(path: Path, at: At) -> Broker:
    lent = frozenset({"products", "offers"})
    made = Broker(KEY, {"catalog": Served(str(path), "read", lent), "stock": Served(str(path), "write", lent)}, at)
    made.admit(ADA)
    return made


def context(of: Admitted = ADA, **changed: object) -> str:
    call = CallContext(of.id, of.principal, of.workload, of.credential, NOW + 60)
    return sign(KEY, replace(call, **changed))  # type: ignore[arg-type]


def ask(broker: Broker, sql: str, *parameters: object, secret: str = SECRET, call: str = "") -> Any:
    request = {"lease": secret, "context": call or context(), "sql": sql, "parameters": parameters}
    return broker.answer(json.dumps(request).encode() + b"\n")


def test_a_lease_reads_what_was_lent(broker: Broker) -> None:
    assert ask(broker, "SELECT name, stock FROM products WHERE stock > ?", 3) == {
        "columns": ["name", "stock"],
        "rows": [["tent", 5]],
        "changes": 0,
    }
    assert ask(broker, "SELECT count(*) FROM PRODUCTS")["rows"] == [[2]]
    assert ask(broker, "SELECT name FROM offers ORDER BY name")["rows"] == [["boots"], ["tent"]]
    assert ask(broker, "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n WHERE x<3) SELECT x FROM n")[
        "rows"
    ] == [[1], [2], [3]]
    assert ask(broker, "SELECT x'00ff'")["rows"] == [[{"base64": "AP8="}]]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT card FROM payments",
        "SELECT name FROM products UNION SELECT card FROM payments",
        "SELECT (SELECT card FROM payments) FROM products",
        "SELECT card FROM cards",
        "SELECT count(*) FROM payments",
        "SELECT sql FROM sqlite_master",
        "SELECT name FROM sqlite_schema",
        "SELECT * FROM pragma_table_info('payments')",
        "SELECT name FROM products WHERE EXISTS (SELECT 1 FROM payments WHERE card LIKE '4%')",
        "PRAGMA table_info(payments)",
        "PRAGMA writable_schema = 1",
        "ATTACH DATABASE ':memory:' AS other",
        "VACUUM INTO 'stolen.db'",
        "CREATE TEMP VIEW products AS SELECT card FROM payments",
        "SELECT load_extension('evil.so')",
        "INSERT INTO products VALUES (9, 'x', 1)",
        "UPDATE products SET stock = 0",
        "DELETE FROM products",
        "DROP TABLE products",
        "BEGIN EXCLUSIVE",
        "SELECT 1; SELECT card FROM payments",
        "SELECT name FROM products; DROP TABLE products",
        "",
    ],
)
def test_a_statement_that_reaches_past_what_was_lent_is_refused(broker: Broker, path: Path, sql: str) -> None:
    before = path.read_bytes()
    answer = ask(broker, sql)
    assert answer.get("error") in ("not_lent", "statement_refused") or answer["rows"] == [], answer
    assert "4111" not in json.dumps(answer) and "payments" not in json.dumps(answer)
    assert path.read_bytes() == before
    assert not (path.parent / "stolen.db").exists()


def test_a_lease_to_write_changes_lent_tables_and_no_other(broker: Broker, path: Path) -> None:
    lease = replace(ADA, credential="stock")
    broker.admit(lease)
    call = context(lease)
    assert ask(broker, "UPDATE products SET stock = stock - 1 WHERE id = ?", 1, call=call)["changes"] == 1
    assert ask(broker, "SELECT stock FROM products WHERE id = 1", call=call)["rows"] == [[2]]
    for sql in (
        "INSERT INTO payments (card) VALUES ('x')",
        "DELETE FROM payments",
        "UPDATE products SET name = 'x'",  # its trigger would write to payments
        "INSERT INTO products SELECT id + 10, card, 1 FROM payments",
        "CREATE TABLE mine (x)",
        "ALTER TABLE products RENAME TO mine",
    ):
        assert ask(broker, sql, call=call)["error"] in ("not_lent", "statement_refused"), sql
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*), max(card) FROM payments").fetchone() == (1, "4111 1111 1111 1111")
    connection.close()


def test_a_stolen_lease_fails_after_its_expiry(broker: Broker, at: At) -> None:
    at.us = ADA.expires_us
    assert ask(broker, "SELECT 1") == {"error": "lease_over"}


def test_a_stolen_lease_fails_once_it_is_revoked(broker: Broker) -> None:
    broker.forget(ADA.id)
    assert ask(broker, "SELECT 1") == {"error": "unknown_lease"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"principal": "id bob"}, "another_principal"),
        ({"principal": "id ada "}, "another_principal"),
        ({"workload": "hr"}, "another_principal"),
        ({"credential": "stock"}, "another_principal"),
        ({"lease": "b" * 32}, "another_principal"),
        ({"expires_us": NOW}, "bad_context"),
    ],
)
def test_a_stolen_lease_fails_in_the_call_of_another(broker: Broker, changed: dict[str, object], code: str) -> None:
    """A tool server that serves two principals holds both their leases and contexts, and may try any pairing."""
    bob = replace(ADA, id="b" * 32, principal="id bob", secret_sha256=hashlib.sha256(b"rwl_b").digest())
    broker.admit(bob)
    assert ask(broker, "SELECT 1", call=context(**changed)) == {"error": code}
    assert ask(broker, "SELECT 1", call=context(bob)) == {"error": "another_principal"}
    assert ask(broker, "SELECT 1")["rows"] == [[1]]


def test_a_forged_context_is_none(broker: Broker) -> None:
    forged = sign(b"\x00" * 32, CallContext(ADA.id, ADA.principal, ADA.workload, ADA.credential, NOW + 60))
    for call in (forged, "rwcall1.e30.e30", "x", context()[:-1]):
        assert ask(broker, "SELECT 1", call=call) == {"error": "bad_context"}


@pytest.mark.parametrize("secret", ["", "rwl_", f"rwl_{'a' * 32}_", f"{SECRET}x", SECRET.upper(), f"rwl_{'c' * 32}_x"])
def test_a_guessed_secret_is_unknown(broker: Broker, secret: str) -> None:
    assert ask(broker, "SELECT 1", secret=secret) == {"error": "unknown_lease"}


FOREVER = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"


def test_revoking_interrupts_a_statement_that_runs(broker: Broker) -> None:
    threading.Timer(0.2, broker.forget, (ADA.id,)).start()
    began = time.monotonic()
    assert ask(broker, FOREVER) == {"error": "interrupted"}
    assert time.monotonic() - began < 3


def test_a_statement_without_end_is_ended(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STATEMENT_S", 0.2)
    assert ask(broker, FOREVER) == {"error": "interrupted"}


def test_an_answer_without_end_is_refused(broker: Broker) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
    assert ask(broker, endless) == {"error": "answer_too_large"}
    wide = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT printf('%.*c', 900000, 'x') || x FROM n"
    )
    assert ask(broker, wide) == {"error": "answer_too_large"}
    assert len(json.dumps(ask(broker, "SELECT printf('%.*c', 100000000, 'x')"))) < 200


def test_a_file_that_is_not_there_or_no_database_is_an_error(broker: Broker, path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    assert ask(broker, "SELECT name FROM products") == {"error": "database_unavailable"}
    path.unlink()
    assert ask(broker, "SELECT name FROM products") == {"error": "database_unavailable"}
    assert not path.exists()


@settings(deadline=None, max_examples=80)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_whatever_is_sent_is_answered_with_a_code(line: bytes) -> None:
    assert Broker(KEY, {}, At()).answer(line) == {"error": "malformed"}


@pytest.mark.parametrize(
    "request_",
    [
        {}, [], {"lease": SECRET, "context": "", "sql": "SELECT 1"},
        {"lease": 1, "context": "", "sql": "", "parameters": []},
        {"lease": SECRET, "context": "", "sql": "SELECT 1\0", "parameters": []},
        {"lease": SECRET, "context": "", "sql": "", "parameters": {}},
        {"lease": SECRET, "context": "", "sql": "", "parameters": [[1]]},
        {"lease": SECRET, "context": "", "sql": "", "parameters": [2**63]},
        {"lease": SECRET, "context": "", "sql": "", "parameters": [], "more": 1},
    ],
)  # fmt: skip
def test_a_request_of_another_shape_is_malformed(broker: Broker, request_: Any) -> None:
    assert broker.answer(json.dumps(request_).encode()) == {"error": "malformed"}
