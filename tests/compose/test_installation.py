"""An installation: private, versions that rise, and a root key from where it was said to be."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ringwall import compose
from ringwall.compose import Installation, RootSource, read_plan
from ringwall.detectors.sealed import whole
from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal, PrincipalKind, SessionKey
from ringwall.model.plan import Plan
from ringwall.model.vault import KeyName, Why
from ringwall.model.verdict import Grant
from ringwall.store.leases import StoredLeases
from ringwall.vault.client import LeaseError, execute
from ringwall.vault.columns import UnreadableError


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read_plan(None)[0]


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = Installation(tmp_path / "data", RootSource())
    yield made
    made.close()


def test_a_plan_that_has_expired_does_not_run(installation, plan):
    with pytest.raises(InternalError) as error:
        installation.take_plan(replace(plan, expires=datetime.now(UTC) - timedelta(seconds=1)))
    assert error.value.code == "plan_expired"
    assert installation.plans.highest() == (0, "")


def test_versions_rise_with_every_plan_that_differs(installation, plan):
    other = replace(plan, digest="sha256:other")
    assert [installation.take_plan(each).version for each in (plan, plan, other, plan)] == [1, 1, 2, 3]


def test_a_plan_older_than_one_that_ran_is_refused(installation, plan):
    installation.take_plan(plan)
    installation.take_plan(replace(plan, digest="sha256:other"))
    with pytest.raises(InternalError) as error:
        installation.plans.take(1, plan.digest)
    assert error.value.code == "plan_outdated"


def test_an_installation_is_private_and_opens_again_with_the_same_keys(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    keys = []
    for _ in range(2):
        made = Installation(tmp_path / "data", RootSource())
        keys.append((made.ledger_key.public_key, made.keyring.derive("session-handle")))
        made.close()
    assert keys[0] == keys[1]
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert not list((tmp_path / "data").rglob("*root*"))
    assert [each for each in (tmp_path / "config").rglob("*") if each.is_file()]


def test_root_keys_come_from_where_it_was_said(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("RINGWALL_TEST_PASSPHRASE", "correct horse battery staple")
    data = tmp_path / "data"
    data.mkdir()
    sources = [
        RootSource(),
        RootSource("file", tmp_path / "elsewhere" / "key"),
        RootSource("passphrase", passphrase="env:RINGWALL_TEST_PASSPHRASE"),
    ]
    keys = [source.open(data).reveal() for source in sources]
    assert len(set(keys)) == 3
    assert [source.open(data).reveal() for source in sources] == keys
    assert all(len(key) == 32 for key in keys)


def test_a_root_key_inside_what_it_protects_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    with pytest.raises(InternalError):
        RootSource("file", data / "key").open(data)
    with pytest.raises(ConfigError, match="RINGWALL_TEST_NONE"):
        RootSource("passphrase", passphrase="env:RINGWALL_TEST_NONE").open(data)


def test_another_root_key_does_not_open_an_installation(tmp_path):
    Installation(tmp_path / "data", RootSource("file", tmp_path / "one")).close()
    with pytest.raises(InternalError):
        Installation(tmp_path / "data", RootSource("file", tmp_path / "two"))


def test_where_things_stand_follows_the_xdg_base_directories(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert compose.default_data_dir() == tmp_path / "share" / "ringwall"
    assert compose.default_config_dir() == tmp_path / "config" / "ringwall"


LENT = """
[credentials.catalog]
kind = "sqlite"
database = "shop.db"
tables = ["products"]
workloads = ["w"]
[workloads.w]
owner = "t"
use_case = "acts"
rehearsal = true
models = { "rehearsal/echo" = "builtin" }
"""


@pytest.fixture
def beside(installation, tmp_path):
    """The same installation, opened by another process."""
    made = Installation(tmp_path / "data", RootSource())
    yield made
    made.close()


def test_a_key_that_was_shredded_beside_opens_nothing_after_the_next_look(installation, beside):
    name = KeyName("w", "customers", "card")
    beside.vault.keys.create(name, by="test")
    installation.refresh()
    sealed = whole(installation.vault.keys.seal(name, "4111"))
    assert installation.vault.keys.open(sealed) == "4111"
    beside.vault.keys.rotate(name, by="test")
    beside.vault.keys.shred(name, 1, by="test")
    installation.refresh()
    with pytest.raises(UnreadableError) as raised:
        installation.vault.keys.open(sealed)
    assert raised.value.why is Why.SHREDDED
    assert installation.vault.keys.seal(name, "4242").split(":")[3] == "2"


def test_whoever_is_contained_beside_loses_his_leases_with_the_next_look(installation, beside, tmp_path):
    with closing(sqlite3.connect(tmp_path / "shop.db")) as made:
        made.execute("CREATE TABLE products (name TEXT)")
    (tmp_path / "ringwall.toml").write_text(LENT)
    plan, _ = read_plan(tmp_path / "ringwall.toml")
    installation.vault.leases.configure(plan.credentials)
    ada = Principal("https://id.example", "ada", PrincipalKind.PERSON, verified=True)
    taken = installation.vault.leases.take(
        Grant("lease", "catalog"), principal=ada, workload=WorkloadId("w"), session=SessionKey("ses_1")
    )
    lease = asyncio.run(taken)
    assert execute(lease.address, lease.secret, lease.context, "SELECT name FROM products").rows == ()
    beside.containment.add("principal", ada.name, reason="odd", by="test")
    assert asyncio.run(beside.vault.leases.revoke([f"principal:{ada.name}"])) == 0  # not its own to end
    installation.refresh()
    installation.tend()
    with pytest.raises(LeaseError) as raised:
        execute(lease.address, lease.secret, lease.context, "SELECT name FROM products")
    assert raised.value.code == "unknown_lease"
    row = StoredLeases(installation.database).get(lease.id)
    assert row is not None and row.ended_by == "revoked"
    stored = (tmp_path / "data" / "ringwall.db").read_bytes() + (tmp_path / "data" / "ringwall.db-wal").read_bytes()
    assert lease.secret.split("_", 2)[2].encode() not in stored


def test_key_shares_stand_beside_the_root_key(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    data = tmp_path / "data"
    data.mkdir()
    assert RootSource("file", tmp_path / "root.key").shares(data) == tmp_path / "root.shares"
    for source in (RootSource(), RootSource("keyring")):
        assert source.shares(data).parent == tmp_path / "config" / "ringwall" / "keys"
