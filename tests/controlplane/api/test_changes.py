"""Recorded, done, recorded: whatever happens in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ringwall.controlplane.api.administration import make_changes
from ringwall.controlplane.api.changes import PROCESS, Author, Changes, operator
from ringwall.controlplane.api.embedded import EmbeddedIssuer
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.record import Record, RecordKind
from tests.controlplane.api.office import Place
from tests.fakes import MemoryLedger

BY = Author(PROCESS, "127.0.0.1")
DEEDS: dict[str, Any] = {
    "key.create": lambda each: each.create_key(BY, "ci", workloads=["rehearsal"], lifetime_s=60),
    "containment.add": lambda each: each.contain(BY, "key", "abc", reason="odd", lifetime_s=None),
    "user.invite": lambda each: each.invite(BY, "ada", groups=("users",), lifetime_s=60),
    "user.disable": lambda each: each.disable(BY, "known"),
    "key.revoke": lambda each: each.revoke_key(BY, "000000000000"),
    "containment.lift": lambda each: each.lift(BY, "con_0", reason="over"),
}
FAILS = {"key.revoke": "unknown_key", "containment.lift": "unknown_containment"}


def changes(place: Place, ledger: MemoryLedger) -> Changes:
    if place.users.get("known") is None:
        place.users.create("known")
    return make_changes(place, ledger, lambda: "sha256:plan")


def state(place: Place) -> tuple[object, ...]:
    return place.api_keys.list_all(), place.containment.list_all(), place.users.list_all()


@pytest.mark.parametrize("action", DEEDS)
def test_the_intent_is_recorded_while_nothing_has_changed(place: Place, action: str) -> None:
    ledger = MemoryLedger()
    made = changes(place, ledger)
    before, seen = state(place), []
    ledger.on_commit = lambda records: seen.append((state(place) == before, records[0].outcome))
    try:
        asyncio.run(DEEDS[action](made))
    except CallerError as error:
        assert error.code == FAILS[action]
    assert seen[0] == (True, "proceeds")
    assert [outcome for _, outcome in seen[1:]] == ["failed" if action in FAILS else "done"]
    first, second = ledger.records
    assert (first.kind, first.action, second.cause) == (RecordKind.ADMINISTRATION, action, (first.id,))
    assert (first.source, first.plan) == ("127.0.0.1", "sha256:plan")


@pytest.mark.parametrize("action", DEEDS)
def test_what_cannot_be_recorded_does_not_happen(place: Place, action: str) -> None:
    made = changes(place, MemoryLedger(broken=True))
    before = state(place)
    with pytest.raises(InternalError):
        asyncio.run(DEEDS[action](made))
    assert state(place) == before


def test_no_secret_stands_in_a_record(place: Place) -> None:
    ledger = MemoryLedger()
    made = changes(place, ledger)
    secret, _ = asyncio.run(made.create_key(BY, "ci", workloads=["rehearsal"], lifetime_s=None))
    invitation = asyncio.run(made.invite(BY, "ada", lifetime_s=60))
    text = b"".join(each.encode() for each in ledger.records)
    assert secret.encode() not in text and secret.split("_", 2)[2].encode() not in text
    assert invitation.code.encode() not in text


def test_hostile_names_are_inert_in_records(place: Place) -> None:
    ledger = MemoryLedger()
    with pytest.raises(CallerError):
        asyncio.run(changes(place, ledger).create_key(BY, "\x1b[2J\u202e" * 200, workloads=["x"], lifetime_s=60))
    found: Record = ledger.records[0]
    assert found.resource["name"].isascii() and len(found.resource["name"]) <= 256
    assert b"\x1b" not in found.encode()


def test_disabling_contains_the_tokens_of_every_name_that_the_issuer_had(place: Place) -> None:
    made = changes(place, MemoryLedger())
    for port in (1, 2):
        EmbeddedIssuer(
            place.issuer_folder, keyring=place.keyring, users=place.users, changes=made, clock=place.clock,
            admin_url=f"http://127.0.0.1:{port}", workloads=[],
        )  # fmt: skip
    user = asyncio.run(made.disable(operator("root"), "known"))
    scopes = {each.scope for each in place.containment.list_all(standing_only=True)}
    assert scopes == {f"principal:http://127.0.0.1:{port}/issuer {user.subject}" for port in (1, 2)}
    assert place.containment.list_all()[0].expires_us is not None


class Leases:
    def __init__(self, fails: bool) -> None:
        self.fails = fails
        self.asked: list[list[str]] = []

    async def revoke(self, scopes: Any) -> int:
        self.asked.append(list(scopes))
        if self.fails:
            raise InternalError("down", code="database_unavailable")
        return 2


@pytest.mark.parametrize("fails", [False, True])
def test_whoever_is_contained_loses_his_leases_and_the_ledger_says_how_many(place: Place, fails: bool) -> None:
    ledger, leases = MemoryLedger(), Leases(fails)
    made = changes(place, ledger)
    made._leases = leases  # type: ignore[assignment]
    contained = asyncio.run(made.contain(BY, "principal", "https://id ada", reason="odd", lifetime_s=None))
    assert leases.asked == [["principal:https://id ada"]]
    assert place.containment.contained() == {contained.scope}
    told = [(each.outcome, each.decision) for each in ledger.records if each.action == "lease.revoke"]
    assert told == ([] if fails else [("done", {"leases": 2})])


def test_what_is_done_to_the_vault_is_recorded_before_and_after(place: Place) -> None:
    ledger = MemoryLedger()
    seen: list[int] = []
    made = asyncio.run(
        changes(place, ledger).carry_out(
            BY, "column_key.rotate", "shop/t.c", {"why": 1}, lambda: seen.append(len(ledger.records)) or 3, str
        )
    )
    assert (made, seen) == (3, [1])
    first, second = ledger.records
    assert (first.outcome, first.action, first.resource) == (
        "proceeds",
        "column_key.rotate",
        {"kind": "column_key", "name": "shop/t.c"},
    )
    assert second.decision == {"why": 1, "made": "3"}
