"""API keys: shown once, found from memory, dead within a refresh of being revoked."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from sqlalchemy import text

from ringwall.model.errors import CallerError, InternalError
from ringwall.model.interaction import PrincipalKind
from ringwall.store.api_keys import StoredApiKeys
from ringwall.store.database import Database


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
