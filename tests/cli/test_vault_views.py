"""What is shown of keys and leases holds nothing that opens anything."""

from __future__ import annotations

import msgspec

from ringwall.cli.vault_views import key_view, lease_view
from ringwall.model.vault import KeyName, KeyState, KeyVersion, LeaseRow

SHA = bytes(range(32))


def test_a_key_is_shown_without_itself() -> None:
    key = KeyVersion(
        KeyName("shop", "t", "c"), 2, KeyState.SHREDDED, "ab" * 16, b"\x07wrapped", 0, "ada", 1_000_000, "bob"
    )
    shown = msgspec.json.decode(msgspec.json.encode(key_view(key)))
    assert shown == {
        "key": "shop/t.c", "version": 2, "state": "shredded", "created": "1970-01-01T00:00:00Z", "created_by": "ada",
        "shredded": "1970-01-01T00:00:01Z", "shredded_by": "bob",
    }  # fmt: skip


def test_a_lease_is_shown_without_its_secret() -> None:
    lease = LeaseRow("a" * 32, "orders", "sqlite", SHA, "id ada", "shop", "ses", ("workload:shop",), 0, 60_000_000)
    shown = msgspec.json.decode(msgspec.json.encode(lease_view(lease)))
    assert shown["expires"] == "1970-01-01T00:01:00Z" and shown["ended"] is None
    assert set(shown) == {
        "id", "credential", "kind", "principal", "workload", "session", "created", "expires", "ended", "ended_by",
    }  # fmt: skip
