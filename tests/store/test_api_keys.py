"""API keys: shown once, found from memory, dead within a refresh of being revoked."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from ringwall.model.errors import CallerError, InternalError
from ringwall.model.interaction import PrincipalKind
from ringwall.store.api_keys import StoredApiKeys
from ringwall.store.database import Database
from ringwall.vault.keys import Keyring
from ringwall.vault.root import RootKey


@pytest.fixture
def keys(database: Database, own_clock: Any) -> StoredApiKeys:
    made = StoredApiKeys(database, own_clock)
    made.refresh()
    return made


def test_a_key_is_found_and_only_its_hash_is_stored(keys: StoredApiKeys, database: Database) -> None:
    shown, key = keys.create(
        "laptop", subject="alice", workloads=["helpdesk"], created_by="root", roles=["support/reader"], lifetime_s=60
    )
    match = re.fullmatch(r"rw_([a-z0-9]{4,32})_([A-Za-z0-9_-]{32,128})", shown)
    assert match is not None
    row = keys.find(match.group(1))
    assert row == key.row and row.secret_sha256 == hashlib.sha256(match.group(2).encode()).digest()
    assert (row.subject, row.workloads, row.roles) == ("alice", {"helpdesk"}, {"support/reader"})
    assert row.expires_us == key.created_us + 60_000_000
    with database.read() as connection:
        assert match.group(2) not in str(connection.execute(text("SELECT * FROM api_keys")).all())


def test_a_revoked_key_is_revoked_in_every_process_after_its_refresh(
    keys: StoredApiKeys, database: Database, own_clock: Any
) -> None:
    elsewhere = StoredApiKeys(database, own_clock)
    _, key = keys.create("a", subject="alice", workloads=["w"], created_by="root")
    elsewhere.refresh()
    assert keys.revoke(key.row.id, by="root") and not keys.revoke(key.row.id, by="root")
    assert not keys.revoke("absent", by="root")
    before = elsewhere.find(key.row.id)
    assert before is not None and not before.revoked
    elsewhere.refresh()
    after = elsewhere.find(key.row.id)
    assert after is not None and after.revoked
    (listed,) = keys.list_all()
    assert (listed.revoked_by, listed.row.revoked, keys.count()) == ("root", True, 0)


def test_a_copy_that_is_too_old_answers_nobody(keys: StoredApiKeys, database: Database, own_clock: Any) -> None:
    _, key = keys.create("a", subject="alice", workloads=["w"], created_by="root")
    own_clock.pass_s(59)
    assert keys.find(key.row.id) is not None
    own_clock.pass_s(2)
    with pytest.raises(InternalError):
        keys.find(key.row.id)
    with pytest.raises(InternalError):
        StoredApiKeys(database, own_clock).find(key.row.id)


def test_a_process_token_is_never_stored(keys: StoredApiKeys, database: Database, own_clock: Any) -> None:
    shown = keys.create_process_token(subject="owner", workloads=["w"], roles=["admin"])
    identifier = shown.split("_")[1]
    row = keys.find(identifier)
    assert row is not None and row.process and row.kind is PrincipalKind.PERSON
    keys.refresh()
    own_clock.pass_s(3600)
    assert keys.find(identifier) is not None
    assert keys.list_all() == ()
    other = StoredApiKeys(database, own_clock)
    other.refresh()
    assert other.find(identifier) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"workloads": []},
        {"workloads": ["Not A Workload"]},
        {"roles": ["a/b/c"]},
        {"subject": ""},
        {"subject": "x" * 257},
        {"subject": "a\nb"},
        {"name": "\ud800"},
        {"lifetime_s": 0},
    ],
)
def test_what_cannot_be_is_the_callers_fault(keys: StoredApiKeys, changed: dict[str, Any]) -> None:
    good: dict[str, Any] = {"name": "a", "subject": "s", "workloads": ["w"], "created_by": "root"}
    with pytest.raises(CallerError):
        keys.create(**{**good, **changed})


@pytest.fixture
def sealing(database: Database, own_clock: Any) -> StoredApiKeys:
    made = StoredApiKeys(database, own_clock, sealer=Keyring(RootKey(b"r" * 32)))
    made.refresh()
    return made


def test_an_access_key_is_found_by_its_id_and_its_secret_is_stored_sealed(
    sealing: StoredApiKeys, database: Database
) -> None:
    shown, key = sealing.create("a", subject="alice", workloads=["w"], created_by="root", aws=True)
    identifier, secret = sealing.access_key_of(shown)
    assert re.fullmatch(r"RWKA[A-Z2-7]{16}", identifier) and re.fullmatch(r"[A-Za-z0-9+/]{40}", secret)
    row = sealing.find_access_key(identifier)
    assert row == key.row and sealing.secret_access_key(row) == secret
    assert sealing.find_access_key("RWKA" + "A" * 16) is None and sealing.find_access_key("") is None
    assert "sealed" not in repr(row)
    with database.read() as connection:
        stored = connection.execute(text("SELECT * FROM api_keys")).all()
    assert secret not in str(stored) and secret.encode() not in bytes(row.sealed_secret)


def test_a_secret_that_was_moved_to_another_key_does_not_open(sealing: StoredApiKeys) -> None:
    rows = [sealing.create("a", subject="s", workloads=["w"], created_by="r", aws=True)[1].row for _ in range(2)]
    with pytest.raises(InternalError):
        sealing.secret_access_key(replace(rows[0], sealed_secret=rows[1].sealed_secret))


def test_only_who_holds_a_key_is_told_its_access_key(sealing: StoredApiKeys) -> None:
    shown, key = sealing.create("a", subject="alice", workloads=["w"], created_by="root", aws=True)
    plain, _ = sealing.create("b", subject="alice", workloads=["w"], created_by="root")
    for other in (
        shown[:-1] + ("x" if shown[-1] != "x" else "y"),
        f"rw_{key.row.id}_",
        plain,
        "",
        "rw",
        "rw_\u00e9_\u00e9",
    ):
        assert sealing.access_key_of(other) == ("", "")


def test_an_access_key_dies_with_its_key(sealing: StoredApiKeys, database: Database, own_clock: Any) -> None:
    shown, key = sealing.create("a", subject="alice", workloads=["w"], created_by="root", aws=True)
    identifier, _ = sealing.access_key_of(shown)
    elsewhere = StoredApiKeys(database, own_clock, sealer=Keyring(RootKey(b"r" * 32)))
    elsewhere.refresh()
    sealing.revoke(key.row.id, by="root")
    elsewhere.refresh()
    for each in (sealing, elsewhere):
        row = each.find_access_key(identifier)
        assert row is not None and row.revoked
    own_clock.pass_s(61)
    with pytest.raises(InternalError):
        sealing.find_access_key(identifier)


def test_a_process_token_has_an_access_key_that_is_never_stored(
    sealing: StoredApiKeys, database: Database, own_clock: Any
) -> None:
    shown = sealing.create_process_token(subject="owner", workloads=["w"])
    identifier, secret = sealing.access_key_of(shown)
    own_clock.pass_s(3600)
    row = sealing.find_access_key(identifier)
    assert row is not None and row.process and sealing.secret_access_key(row) == secret
    assert sealing.list_all() == ()


def test_where_nothing_can_be_sealed_no_access_key_is_made(keys: StoredApiKeys) -> None:
    with pytest.raises(InternalError):
        keys.create("a", subject="alice", workloads=["w"], created_by="root", aws=True)
    assert keys.list_all() == ()
    assert keys.access_key_of(keys.create_process_token(subject="owner", workloads=["w"])) == ("", "")
    assert keys.find_access_key("") is None
