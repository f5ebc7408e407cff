"""Keys and leases of one installation, kept fresh and let go together."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ringwall.model.errors import InternalError
from ringwall.vault.client import LeaseError, execute
from ringwall.vault.keys import Keyring
from ringwall.vault.opened import Vault
from ringwall.vault.root import RootKey
from tests.vault.keyed import CARD, MemoryKeyStore
from tests.vault.lent import ADA, READ, SESSION, SHOP, MemoryLeaseStore, ShiftedClock, credentials, database


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    stores = (MemoryKeyStore(), MemoryLeaseStore())
    made = Vault(Keyring(RootKey(b"\x01" * 32)), tmp_path / "shares", stores, ShiftedClock(), str)
    made.leases.configure(credentials(database(tmp_path)))
    return made


def test_containment_ends_leases_with_the_next_look_and_closing_ends_the_rest(vault: Vault) -> None:
    vault.keys.create(CARD, by="test")
    assert [each.version for each in vault.keys.versions()] == [1]
    first, second = (
        asyncio.run(vault.leases.take(READ, principal=ADA, workload=SHOP, session=SESSION)) for _ in range(2)
    )
    vault.tend(frozenset({"workload:shop"}))
    for lease in (first, second):
        with pytest.raises(LeaseError):
            execute(lease.address, lease.secret, lease.context, "SELECT 1")
    last = asyncio.run(vault.leases.take(READ, principal=ADA, workload=SHOP, session=SESSION))
    vault.close()
    with pytest.raises(LeaseError):
        execute(last.address, last.secret, last.context, "SELECT 1")
    assert not Path(last.address).exists()


def test_a_lease_that_cannot_be_ended_is_logged_and_tried_again(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> int:
        raise InternalError("down", code="database_unavailable", detail="OperationalError")

    with monkeypatch.context() as patched:
        patched.setattr(type(vault.leases), "end_concerned", lambda self, scopes: fail(scopes))
        vault.tend(frozenset({"workload:shop"}))
        assert "database_unavailable" in caplog.text
        caplog.clear()
        vault.tend(frozenset({"workload:shop"}))
        assert "database_unavailable" in caplog.text
    vault.tend(frozenset({"workload:shop"}))
