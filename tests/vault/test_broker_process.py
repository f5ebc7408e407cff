"""The broker as a real process: killed, replaced, ended with its gateway."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ringwall.model.errors import InternalError
from ringwall.model.vault import LeaseRow
from ringwall.vault import broker_process
from ringwall.vault.broker_process import SqliteLeases
from ringwall.vault.client import LeaseError, execute
from ringwall.vault.context import CallContext, sign
from tests.vault.lent import KEY, credentials, database

SECRET = f"rwl_{'a' * 32}_secret"


def row(credential: str = "catalog", seconds: float = 60) -> LeaseRow:
    now_us = time.time_ns() // 1000
    digest = hashlib.sha256(SECRET.encode()).digest()
    return LeaseRow(
        "a" * 32, credential, "sqlite", digest, "id ada", "shop", "ses", (), now_us, now_us + int(seconds * 1e6)
    )


def context(lease: LeaseRow) -> str:
    return sign(KEY, CallContext(lease.id, lease.principal, lease.workload, lease.credential, lease.expires_us))


def code(address: str, lease: LeaseRow) -> str:
    with pytest.raises(LeaseError) as raised:
        execute(address, SECRET, context(lease), "SELECT name FROM products", timeout_s=5)
    return raised.value.code


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[SqliteLeases]:
    made = SqliteLeases(KEY, credentials(database(tmp_path)))
    yield made
    made.stop()


def test_a_lease_works_until_it_is_closed_and_the_socket_is_private(leases: SqliteLeases) -> None:
    lease = row()
    address = leases.open(lease, SECRET)
    assert stat.S_IMODE(Path(address).parent.stat().st_mode) == 0o700
    assert execute(address, SECRET, context(lease), "SELECT count(*) FROM products").rows == ((2,),)
    leases.close(lease)
    assert code(address, lease) == "unknown_lease"
    leases.close(lease)


def test_a_lease_dies_with_its_clock(leases: SqliteLeases) -> None:
    lease = row(seconds=0.4)
    address = leases.open(lease, SECRET)
    assert execute(address, SECRET, context(lease), "SELECT 1").rows == ((1,),)
    time.sleep(0.5)
    assert code(address, lease) == "lease_over"


def test_a_broker_that_was_killed_refuses_at_once_and_the_next_knows_none_of_its_leases(leases: SqliteLeases) -> None:
    lease = row()
    address = leases.open(lease, SECRET)
    pid = leases.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    assert code(address, lease) == "broker_gone"
    assert time.monotonic() - began < 1
    leases.close(lease)
    other = replace(row(), id="b" * 32)
    while True:  # whether the kill has been noticed yet or not, the second try finds a new one
        try:
            again = leases.open(other, SECRET)
            break
        except InternalError:
            continue
    assert leases.pid != pid
    assert code(again, lease) == "unknown_lease"


def test_a_broker_that_does_not_listen_is_killed(leases: SqliteLeases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_process, "ACKNOWLEDGE_S", 0.3)
    monkeypatch.setattr(broker_process, "END_S", 0.3)
    lease = row()
    monkeypatch.setattr(broker_process, "ACKNOWLEDGE_S", 5)
    leases.open(lease, SECRET)
    monkeypatch.setattr(broker_process, "ACKNOWLEDGE_S", 0.3)
    pid = leases.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    leases.close(lease)  # the revocation could not be told: the broker must not go on
    assert leases.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_stopping_ends_the_process_and_removes_its_folder(leases: SqliteLeases) -> None:
    address = leases.open(row(), SECRET)
    pid = leases.pid
    assert pid is not None
    leases.stop()
    assert not Path(address).parent.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    leases.stop()


def test_it_ends_when_its_gateway_is_killed(tmp_path: Path) -> None:
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from tests.vault.lent import KEY, credentials, database
from tests.vault.test_broker_process import SECRET, row
from ringwall.vault.broker_process import SqliteLeases
leases = SqliteLeases(KEY, credentials(database(Path({str(tmp_path)!r}))))
address = leases.open(row(), SECRET)
print(leases.pid, address, flush=True)
time.sleep(60)
"""
    gateway = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert gateway.stdout is not None
    broker, address = gateway.stdout.readline().split()
    assert Path(address).is_socket()
    gateway.kill()
    gateway.wait()
    gateway.stdout.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{broker}/cmdline").exists() and Path(f"/proc/{broker}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not Path(address).parent.exists()


def test_neither_secrets_nor_the_file_stand_in_its_command_line_or_environment(leases: SqliteLeases) -> None:
    leases.open(row(), SECRET)
    seen = Path(f"/proc/{leases.pid}/cmdline").read_bytes() + Path(f"/proc/{leases.pid}/environ").read_bytes()
    assert SECRET.encode() not in seen and KEY.hex().encode() not in seen and b"shop.db" not in seen


def test_a_broker_that_cannot_be_started_is_an_error(leases: SqliteLeases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_process.sys, "executable", "/nonexistent/python")
    with pytest.raises(InternalError) as raised:
        leases.open(row(), SECRET)
    assert raised.value.code == "broker_gone"
