"""What is done about a finding: on record first, never to those who are spared, and each omission said."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringwall.controlplane.monitor.response import Responder
from ringwall.controlplane.monitor.sighting import Sighting
from ringwall.controlplane.monitor.target import Sharing, Target
from ringwall.model.plan import MonitorPlan
from ringwall.store.findings import StoredFinding
from ringwall.store.ledger.read import entries
from tests.controlplane.api.office import Place
from tests.controlplane.monitor.sightings import refused, unverified


class Scene:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.plan = MonitorPlan()
        self.responder = Responder(
            changes=place.changes(),
            findings=place.findings,
            containment=place.containment,
            clock=place.clock,
            plan=lambda: self.plan,
        )

    def respond(self, *evidence: Sighting, detection: str = "denied_varied") -> StoredFinding:
        async def main() -> StoredFinding:
            now_us = self.place.clock.now_us()
            made = self.place.findings.add(
                detection=detection, severity="high", subject=evidence[0].subject, words="w",
                evidence=[each.id for each in evidence], count=len(evidence),
                first_us=min([each.time_us for each in evidence]), last_us=now_us - self.age_us,
            )  # fmt: skip
            assert made is not None
            await self.responder.respond(made, Target(evidence, lambda _: Sharing()))
            found = self.place.findings.get(made.id)
            assert found is not None
            return found

        return self.place.runner.run(main())

    age_us = 0

    def records(self) -> list[dict[str, Any]]:
        return [
            each.fields() for each in entries(self.place.ledger_folder) if each.fields()["kind"] == "administration"
        ]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    folder = tmp_path / "data"
    folder.mkdir()
    place = Place(folder)
    yield Scene(place)
    place.close()


def test_whom_the_evidence_proves_is_contained_for_a_while_and_on_record_first(scene: Scene) -> None:
    one = refused(session="ses_1", key="jti")
    found = scene.respond(one)
    assert found.response == "contained"
    assert found.scopes == ("principal:https://id.example alice", "key:jti", "session:ses_1")
    standing = scene.place.containment.list_all(standing_only=True)
    assert {each.scope for each in standing} == set(found.scopes)
    assert all(each.expires_us == each.created_us + 15 * 60 * 1_000_000 for each in standing)
    assert all(found.id in each.reason and one.id in each.reason for each in standing)
    records = scene.records()
    assert [each["outcome"] for each in records] == ["proceeds", "done"] * 3
    assert records[0]["cause"] == [one.id] and records[0]["principal"]["issuer"] == "ringwall:monitor"


def test_what_stands_is_not_contained_twice(scene: Scene) -> None:
    evidence = refused(session="ses_1", key="jti")
    scene.respond(evidence)
    count = len(scene.records())
    assert scene.respond(evidence, detection="canary_seen").response == "contained"
    assert len(scene.records()) == count


@pytest.mark.parametrize("spared", ["principal:https://id.example alice", "key:jti", "session:ses_1"])
def test_nothing_of_who_is_never_contained_is_contained(scene: Scene, spared: str) -> None:
    scene.plan = replace(scene.plan, never_contain=(spared,))
    found = scene.respond(refused(session="ses_1", key="jti"))
    assert (found.response, found.scopes) == ("skipped", ()) and spared in found.response_words
    [record] = scene.records()
    assert record["action"] == "containment.skip" and spared in record["decision"]["why"]
    assert scene.place.containment.list_all() == ()


def test_a_break_glass_principal_behind_a_service_key_is_spared_too(scene: Scene) -> None:
    scene.plan = replace(scene.plan, never_contain=("principal:ringwall:keys glass",))
    service = {"principal": "ringwall:keys glass", "principal_kind": "service", "key": "k1"}
    assert scene.respond(refused(**service)).response == "skipped"


def test_loopback_old_evidence_and_too_many_responses_are_left_to_a_person(scene: Scene) -> None:
    assert scene.respond(unverified(source="127.0.0.1")).response == "skipped"
    assert scene.respond(unverified(source="203.0.113.7")).scopes == ("address:203.0.113.7",)
    scene.age_us = 10**12
    assert "old" in scene.respond(refused(principal="i old")).response_words
    scene.age_us = 0
    scene.plan = replace(scene.plan, responses_per_minute=2, contain_loopback=True)
    assert scene.respond(unverified(source="127.0.0.5")).response == "contained"
    assert "too many" in scene.respond(refused(principal="i three")).response_words


def test_whoever_started_the_gateway_is_not_shut_out_by_his_own_attacks(scene: Scene) -> None:
    own = refused(principal="ringwall:keys this-machine", key="k")
    assert scene.respond(own).response == "skipped"
    scene.plan = replace(scene.plan, contain_loopback=True)
    assert scene.respond(own, detection="canary_seen").response == "contained"


@pytest.mark.parametrize(
    ("detection", "change"),
    [("denied_varied", {"contain": False}), ("unusual_use", {}), ("control_off", {"observe": ()})],
)
def test_what_only_observes_contains_nobody(scene: Scene, detection: str, change: dict[str, Any]) -> None:
    scene.plan = replace(scene.plan, **change)
    assert scene.respond(refused(), detection=detection).response == "none"
    assert scene.records() == []


def test_a_name_that_cannot_be_contained_leaves_the_others(scene: Scene) -> None:
    found = scene.respond(refused(principal="i evil\x1bname", key="jti", session=""))
    assert found.scopes == ("key:jti",) and found.needs_person


def test_a_ledger_that_takes_nothing_leaves_the_finding_pending(scene: Scene) -> None:
    scene.place.ledger.close()
    with pytest.raises(Exception, match="ledger"):
        scene.respond(refused())
    assert len(scene.place.findings.pending()) == 1
    assert scene.place.containment.list_all() == ()
    asyncio.run(asyncio.sleep(0))
