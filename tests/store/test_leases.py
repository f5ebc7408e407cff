"""Leases on record: before they exist, until they have ended, and afterwards."""

from __future__ import annotations

from ringwall.model.vault import LeaseRow
from ringwall.store.database import Database
from ringwall.store.leases import StoredLeases


def row(name: str, created_us: int = 1) -> LeaseRow:
    return LeaseRow(
        name, "orders", "sqlite", b"\x01" * 32, "https://id ada", "shop", "ses_1", ("principal:https://id ada",),
        created_us, created_us + 60,
    )  # fmt: skip


def test_a_lease_lives_until_it_has_ended_once(database: Database) -> None:
    leases = StoredLeases(database)
    leases.add(row("a" * 32, 1))
    leases.add(row("b" * 32, 2))
    assert {each.id for each in leases.living()} == {"a" * 32, "b" * 32}
    assert leases.end("a" * 32, by="revoked", now_us=5)
    assert not leases.end("a" * 32, by="expired", now_us=6)
    assert [each.id for each in leases.living()] == ["b" * 32]
    kept = leases.get("a" * 32)
    assert kept is not None
    assert (kept.ended_us, kept.ended_by, kept.scopes) == (5, "revoked", ("principal:https://id ada",))
    assert [each.id for each in leases.list_all()] == ["b" * 32, "a" * 32]
    assert leases.get("c" * 32) is None
    assert leases.get("b" * 32) == row("b" * 32, 2)
