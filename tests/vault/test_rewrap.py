"""A column is sealed and wrapped anew while it is used; a job that was killed goes on."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from ringwall.detectors.sealed import whole
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.vault import KeyName, Sealed
from ringwall.model.verdict import Grant
from ringwall.vault.columns import ColumnKeys
from ringwall.vault.rewrap import Progress, run_over, sealing, wrapping
from tests.services import postgres_schema
from tests.vault.keyed import CARD, column_keys

ROWS = 450


@pytest.fixture
def keys(tmp_path: Path) -> ColumnKeys:
    return column_keys(tmp_path / "shares")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
        fill(made)
        yield made
        made.dispose()
        return
    with postgres_schema() as url:
        made = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        fill(made)
        yield made
        made.dispose()


def fill(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE customers (id INTEGER PRIMARY KEY, card_number TEXT, name TEXT)"))
        connection.execute(
            text("INSERT INTO customers VALUES (:id, :card, 'x')"),
            [{"id": number, "card": f"card {number}"} for number in range(ROWS)],
        )
        connection.execute(text("INSERT INTO customers VALUES (9999, NULL, 'x')"))


def column(engine: Engine) -> dict[int, str]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT id, card_number FROM customers WHERE card_number IS NOT NULL"))
        return {int(each.id): str(each.card_number) for each in found}


def parsed(value: str) -> Sealed:
    found = whole(value)
    assert found is not None
    return found


def test_a_column_is_sealed_wrapped_anew_and_read_all_the_way(engine: Engine, keys: ColumnKeys) -> None:
    told: list[int] = []
    done = run_over(engine, CARD, sealing(keys, CARD, "id"), row_field="id", told=lambda each: told.append(each.rows))
    assert (done, told) == (Progress(ROWS, ROWS), [200, 400, 450])
    assert run_over(engine, CARD, sealing(keys, CARD, "id"), row_field="id") == Progress(ROWS)
    assert run_over(engine, CARD, wrapping(keys, CARD)) == Progress(ROWS)
    keys.rotate(CARD, by="test")
    assert run_over(engine, CARD, wrapping(keys, CARD)) == Progress(ROWS, ROWS)
    keys.shred(CARD, 1, by="test")
    for number, value in column(engine).items():
        row: Any = {"id": number, "card_number": value}
        grants = (Grant("unseal", str(CARD)),)
        opened: Any = asyncio.run(keys.unseal(row, grants, workload=WorkloadId("shop")))
        assert opened == {"id": number, "card_number": f"card {number}"}


def test_what_cannot_be_wrapped_anew_is_counted_and_left_alone(engine: Engine, keys: ColumnKeys) -> None:
    other = KeyName("shop", "customers", "name")
    keys.create(other, by="test")
    lost = keys.seal(CARD, "lost")
    keys.rotate(CARD, by="test")
    keys.shred(CARD, 1, by="test")
    put = {1: lost, 2: keys.seal(other, "foreign"), 3: "rwsealed:v1:cut"}
    with engine.begin() as connection:
        for number, value in put.items():
            connection.execute(
                text("UPDATE customers SET card_number = :value WHERE id = :id"), {"id": number, "value": value}
            )
    before = column(engine)
    assert run_over(engine, CARD, wrapping(keys, CARD)) == Progress(ROWS, 0, 3)
    assert column(engine) == before


def test_what_the_application_writes_meanwhile_is_not_overwritten(engine: Engine, keys: ColumnKeys) -> None:
    application = create_engine(engine.url)
    step = sealing(keys, CARD, "")

    def overtaken(value: str, row: Any) -> str:
        if value == "card 0":
            with application.begin() as connection:
                connection.execute(text("UPDATE customers SET card_number = 'a new card' WHERE id = 0"))
        return step(value, row)

    done = run_over(engine, CARD, overtaken)
    application.dispose()
    assert (done.changed, done.overtaken) == (ROWS - 1, 1)
    assert column(engine)[0] == "a new card"
    assert run_over(engine, CARD, step).changed == 1


def test_a_job_that_was_killed_goes_on(tmp_path: Path) -> None:
    """Killed with -9 in the middle of a rewrapping: every value opens, and the next run finishes it."""
    path = tmp_path / "shop.db"
    engine = create_engine(f"sqlite:///{path}")
    fill(engine)
    keys = column_keys(tmp_path / "shares")
    run_over(engine, CARD, sealing(keys, CARD, ""))
    keys.rotate(CARD, by="test")
    script = f"""
import os, pickle, sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from sqlalchemy import create_engine
from ringwall.vault.rewrap import run_over, wrapping
from tests.vault.keyed import CARD, MemoryKeyStore, column_keys
store = pickle.loads(sys.stdin.buffer.read())
keys = column_keys(Path({str(tmp_path / "shares")!r}), store=store)
def told(progress):
    print(progress.rows, flush=True)
    time.sleep(30)
run_over(create_engine("sqlite:///{path}"), CARD, wrapping(keys, CARD), told=told)
"""
    job = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert job.stdin is not None and job.stdout is not None
    job.stdin.write(pickle.dumps(keys._store))
    job.stdin.close()
    assert job.stdout.readline() == b"200\n"
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    job.stdout.close()
    time.sleep(0.05)
    versions = [parsed(value).version for value in column(engine).values()]
    assert (versions.count(1), versions.count(2)) == (250, 200)
    assert all(keys.open(parsed(value)) == f"card {number}" for number, value in column(engine).items())
    assert run_over(engine, CARD, wrapping(keys, CARD)) == Progress(ROWS, 250)
    engine.dispose()


@pytest.mark.parametrize(
    ("name", "field", "code"),
    [("shop/none.c", "", "unknown_table"), ("shop/customers.none", "", "unknown_column"),
     ("shop/customers.card_number", "none", "unknown_column"), ("shop/loose.card_number", "", "no_primary_key")],
)  # fmt: skip
def test_what_is_not_there_is_named(engine: Engine, keys: ColumnKeys, name: str, field: str, code: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE loose (card_number TEXT)"))
    with pytest.raises(CallerError) as raised:
        run_over(engine, KeyName.parse(name), sealing(keys, CARD, ""), row_field=field)
    assert raised.value.code == code


def test_a_database_that_cannot_be_used_is_an_error(tmp_path: Path, keys: ColumnKeys) -> None:
    (tmp_path / "bad.db").write_bytes(b"no database" * 500)
    engine = create_engine(f"sqlite:///{tmp_path / 'bad.db'}")
    with pytest.raises(InternalError):
        run_over(engine, CARD, sealing(keys, CARD, ""))
    engine.dispose()
