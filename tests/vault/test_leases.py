"""A lease: for one principal, for one call, for minutes; ended at once when somebody is contained."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ringwall.model.errors import InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.vault import Lease, LeaseRow
from ringwall.model.verdict import Grant
from ringwall.vault import leases as module
from ringwall.vault.client import LeaseError, execute
from tests.vault.lent import ADA, BOB, READ, SESSION, SHOP, WRITE, Lent, credentials, database, lent, on_a_loop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Lent]:
    made = lent(credentials(database(tmp_path)))
    yield made
    made.leases.stop()


def code(lease: Lease, secret: str = "", context: str = "") -> str:
    try:
        execute(lease.address, secret or lease.secret, context or lease.context, "SELECT name FROM products")
    except LeaseError as error:
        return error.code
    return ""


def ended(shop: Lent, lease: Lease) -> str | None:
    return shop.store.rows[lease.id].ended_by


@on_a_loop
async def test_a_lease_works_until_it_is_given_back(shop: Lent) -> None:
    lease = await shop.take()
    assert code(lease) == ""
    assert shop.store.rows[lease.id].expires_us == lease.expires_us
    await shop.leases.give_back(lease.id)
    assert (code(lease), ended(shop, lease)) == ("unknown_lease", "given_back")
    await shop.leases.give_back(lease.id)
    await shop.leases.give_back("0" * 32)


@on_a_loop
async def test_the_lease_of_one_is_useless_in_the_call_of_another(shop: Lent) -> None:
    """The tool server serves Ada and Bob at once, and holds everything that both calls brought."""
    ada, bob, write = await shop.take(), await shop.take(principal=BOB), await shop.take(WRITE)
    assert code(ada) == code(bob) == code(write) == ""
    for lease, other in ((ada, bob), (bob, ada), (ada, write), (write, ada)):
        assert code(lease, context=other.context) == "another_principal"
        assert code(lease, secret=other.secret) == "another_principal"


@on_a_loop
async def test_a_lease_dies_with_its_clock_and_the_sweep_says_so(shop: Lent) -> None:
    shop.clock.behind_us = 59_500_000
    lease = await shop.take()
    assert code(lease) == ""
    await asyncio.sleep(0.6)
    assert code(lease) == "lease_over"
    shop.clock.behind_us = -1_000_000
    assert shop.leases.sweep() == 1
    assert ended(shop, lease) == "expired"
    assert shop.leases.sweep() == 0


@pytest.mark.parametrize(
    "scope",
    ["principal:https://id.example ada", "agent:https://id bot", "workload:shop", "session:ses_1"],
)
@on_a_loop
async def test_containment_ends_leases_at_once_and_leaves_others_alone(shop: Lent, scope: str) -> None:
    lease = await shop.take()
    assert await shop.leases.revoke(["principal:https://id.example mallory", "model:m"]) == 0
    assert code(lease) == ""
    assert await shop.leases.revoke([scope]) == 1
    assert (code(lease), ended(shop, lease)) == ("unknown_lease", "revoked")
    other = await shop.take(principal=replace(BOB, chain=()))
    assert await shop.leases.revoke(["principal:https://id.example ada"]) == 0
    assert code(other) == ""


@on_a_loop
async def test_the_refresh_ends_what_is_contained(shop: Lent) -> None:
    lease, other = await shop.take(), await shop.take(principal=BOB)
    shop.leases.tend(frozenset())
    assert code(lease) == ""
    shop.leases.tend(frozenset({"principal:https://id.example ada"}))
    assert (code(lease), code(other)) == ("unknown_lease", "")
    late = await shop.take()  # decided on just before, made just after
    shop.leases.tend(frozenset({"principal:https://id.example ada"}))
    assert code(late) == "unknown_lease"


@on_a_loop
async def test_a_lease_that_is_revoked_while_it_is_made_is_not_handed_out(shop: Lent) -> None:
    kind = shop.leases._kinds["sqlite"]
    made: list[LeaseRow] = []

    class Slow:
        def open(self, row: LeaseRow, secret: str) -> str:
            address = kind.open(row, secret)
            made.append(row)
            shop.leases.end_concerned(["workload:shop"])
            kind.open(row, secret)  # as when it came to be after the revocation
            return address

        def close(self, row: LeaseRow) -> None:
            kind.close(row)

        def stop(self) -> None:
            kind.stop()

    shop.leases._kinds = {"sqlite": Slow()}
    with pytest.raises(InternalError) as raised:
        await shop.take()
    assert raised.value.code == "lease_revoked"
    shop.leases._kinds = {"sqlite": kind}
    probe = await shop.take()
    assert code(probe, secret=probe.secret.replace(probe.id, made[0].id)) == "unknown_lease"
    assert shop.store.rows[made[0].id].ended_by == "revoked"


@pytest.mark.parametrize("grant", [Grant("lease", "none"), Grant("unseal", "catalog"), Grant("lease", "")])
@on_a_loop
async def test_what_is_not_lent_here_cannot_be_leased(shop: Lent, grant: Grant) -> None:
    with pytest.raises(InternalError) as raised:
        await shop.take(grant)
    assert raised.value.code == "no_credential"


@on_a_loop
async def test_a_credential_of_another_workload_cannot_be_leased(shop: Lent) -> None:
    with pytest.raises(InternalError):
        await shop.leases.take(READ, principal=ADA, workload=WorkloadId("hr"), session=SESSION)
    assert shop.store.rows == {}


@on_a_loop
async def test_what_could_not_be_made_is_on_record_as_failed(shop: Lent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringwall.vault.broker_process.sys.executable", "/nonexistent")
    with pytest.raises(InternalError):
        await shop.take()
    assert [each.ended_by for each in shop.store.rows.values()] == ["failed"]
    assert shop.leases._live == {}


@on_a_loop
async def test_more_than_can_live_are_refused(shop: Lent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LEASES", 1)
    lease = await shop.take()
    with pytest.raises(InternalError) as raised:
        await shop.take()
    assert raised.value.code == "too_many_leases"
    await shop.leases.give_back(lease.id)
    await shop.take()


@on_a_loop
async def test_other_credentials_end_what_the_old_ones_lent(shop: Lent) -> None:
    lease = await shop.take()
    shop.leases.configure(shop.leases._credentials)
    assert code(lease) == ""
    shop.leases.configure({})
    assert code(lease) == "broker_gone"
    with pytest.raises(InternalError):
        await shop.take()
    assert shop.leases.end_concerned(["workload:shop"]) == 1


@on_a_loop
async def test_secrets_stand_neither_on_record_nor_in_a_log(shop: Lent, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    lease = await shop.take()
    await shop.leases.revoke(["workload:shop"])
    secret = lease.secret.split("_", 2)[2]
    assert len(secret) >= 22  # 128 bits and more
    row = shop.store.rows[lease.id]
    everything = f"{row.id} {row.principal} {row.scopes} {row.secret_sha256!r} {row!r} {lease!r} {caplog.text}"
    assert secret not in everything and lease.context not in everything


@on_a_loop
async def test_a_database_that_does_not_answer_keeps_nothing_else_waiting(shop: Lent) -> None:
    kind = shop.leases._kinds["sqlite"]
    hold = threading.Event()

    class Stuck:
        def open(self, row: LeaseRow, secret: str) -> str:
            hold.wait(10)
            return kind.open(row, secret)

        def close(self, row: LeaseRow) -> None:
            kind.close(row)

        def stop(self) -> None:
            kind.stop()

    shop.leases._kinds = {"sqlite": Stuck()}
    waiting = [asyncio.ensure_future(shop.take()) for _ in range(40)]
    await asyncio.sleep(0.05)
    await asyncio.wait_for(asyncio.to_thread(int), 1)  # as the refresh of what is contained does
    hold.set()
    taken = await asyncio.gather(*waiting)
    assert len({lease.id for lease in taken}) == 40 and {code(lease) for lease in taken} == {""}


def test_a_call_that_is_cancelled_leaves_its_lease_to_the_sweep(shop: Lent) -> None:
    async def cancelled() -> None:
        task = asyncio.ensure_future(shop.take())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert shop.leases._live == {}
    shop.clock.behind_us = -120_000_000
    shop.leases.sweep()
    assert {each.ended_by for each in shop.store.rows.values()} <= {"expired"}


@on_a_loop
async def test_scopes_are_those_of_the_lease_and_its_expiry_is_in_minutes(shop: Lent) -> None:
    lease = await shop.take()
    row = shop.store.rows[lease.id]
    assert (row.principal, row.workload, row.session) == (ADA.name, SHOP, SESSION)
    assert row.expires_us - row.created_us == 60_000_000
