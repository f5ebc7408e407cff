"""Whom evidence can contain: never anybody whom it does not prove."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.controlplane.monitor.sighting import Sighting
from ringwall.controlplane.monitor.target import MAX_SESSIONS, Sharing, Target
from tests.controlplane.monitor.sightings import refused, unverified

SERVICE = {"principal": "ringwall:keys app", "principal_kind": "service", "key": "k1"}
names = st.sampled_from(["", "https://id.example alice", "https://id.example bob", "ringwall:keys app"])
sightings = st.builds(
    lambda verified, principal, kind, key, session, source: Sighting(
        "rec_1", "decision", 1, verified=verified, principal=principal if verified else "", principal_kind=kind,
        key=key if verified else "", session=session if verified else "", source=source, workload="support",
    ),
    st.booleans(), names, st.sampled_from(["person", "agent", "service", "anonymous", ""]),
    st.sampled_from(["", "k1", "k2"]), st.sampled_from(["", "ses_1", "ses_2"]),
    st.sampled_from(["", "203.0.113.7", "2001:db8::1", "not an address"]),
)  # fmt: skip


def target(*evidence: Sighting, declared: bool = False, addresses: int = 1) -> Target:
    return Target(evidence, lambda _: Sharing(declared, addresses))


@given(st.lists(sightings, max_size=6), st.booleans(), st.integers(0, 5))
def test_only_what_verified_evidence_names_is_ever_contained(
    evidence: list[Sighting], declared: bool, addresses: int
) -> None:
    scopes = target(*evidence, declared=declared, addresses=addresses).scopes
    kinds = {each.partition(":")[0] for each in scopes}
    assert kinds <= {"principal", "key", "caller", "session", "address"}  # never a workload, a model, a server
    verified = [each for each in evidence if each.verified]
    if not verified:
        assert kinds <= {"address"} and len(scopes) <= 1
        assert not scopes or scopes == (f"address:{evidence[0].source}",)
        return
    if len(verified) < len(evidence) or len({each.principal for each in evidence}) > 1:
        assert scopes == ()  # two who cannot be told apart: nobody
    assert "address" not in kinds
    allowed = {f"principal:{each.principal}" for each in verified} | {f"session:{each.session}" for each in verified}
    allowed |= {f"key:{each.key}" for each in verified} | {f"caller:{each.key} {each.source}" for each in verified}
    assert set(scopes) <= allowed
    if any(each.principal_kind == "service" for each in verified):
        assert "principal" not in kinds
        assert "key" not in kinds or (not declared and addresses <= 1)


def test_nobody_can_hand_a_target_its_scopes() -> None:
    with pytest.raises(TypeError):
        Target((), lambda _: Sharing(), scopes=("workload:support",))  # type: ignore[call-arg]
    made: Any = target(refused())
    with pytest.raises(AttributeError):
        made.scopes = ("workload:support",)


def test_a_person_loses_principal_credential_and_sessions() -> None:
    made = target(refused(session="ses_1", key="jti"), refused(session="ses_2", key="jti"))
    assert made.scopes == ("principal:https://id.example alice", "key:jti", "session:ses_1", "session:ses_2")
    assert made.needs_person == ""


def test_the_key_of_a_service_is_contained_as_narrowly_as_can_be_told() -> None:
    alone = target(refused(session="s", **SERVICE))
    assert alone.scopes == ("key:k1", "session:s") and alone.needs_person
    several = target(refused(session="s", **SERVICE), addresses=2)
    assert several.scopes == ("caller:k1 203.0.113.7", "session:s") and several.needs_person
    shared = target(refused(session="s", **SERVICE), declared=True)
    assert shared.scopes == ("session:s",) and shared.needs_person


def test_guesses_from_two_addresses_contain_nobody() -> None:
    assert target(unverified(), unverified(source="198.51.100.1")).scopes == ()
    assert target(unverified(), unverified()).scopes == ("address:203.0.113.7",)
    assert target().scopes == ()


def test_sessions_are_bounded() -> None:
    made = target(*(refused() for _ in range(100)))
    assert sum(each.startswith("session:") for each in made.scopes) == MAX_SESSIONS
