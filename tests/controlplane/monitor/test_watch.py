"""From the ledger's lines to findings: nothing missed, nothing twice, two never act together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ringwall.controlplane.monitor.response import Responder
from ringwall.controlplane.monitor.rules import detections
from ringwall.controlplane.monitor.watch import Monitor
from ringwall.model.plan import MonitorPlan
from ringwall.model.record import Outcome, Record, RecordKind, new_record_id
from ringwall.store.ledger import segment
from tests.controlplane.api.office import Place

ALICE = {
    "issuer": "https://id.example",
    "subject": "alice",
    "kind": "person",
    "verified": True,
    "key": "jti",
    "chain": [],
}


class Site:
    def __init__(self, place: Place) -> None:
        self.place = place

    def monitor(self) -> Monitor:
        place, plan = self.place, MonitorPlan()
        responder = Responder(changes=place.changes(), findings=place.findings, containment=place.containment,
                              clock=place.clock, plan=lambda: plan)  # fmt: skip
        return Monitor(ledger_folder=place.ledger_folder, state_folder=place.folder / "monitor",
                       detections=detections(place.plan), findings=place.findings, responder=responder,
                       clock=place.clock, plan=lambda: plan)  # fmt: skip

    def record(self, number: int, outcome: Outcome = Outcome.REFUSED) -> Record:
        is_refused = outcome is Outcome.REFUSED
        cause = {"code": "instruction_override", "control": "application.prompt_attack", "kind": "content"}
        return Record(
            new_record_id(), RecordKind.DECISION, self.place.clock.now_us(), outcome, "sha256:0",
            interaction=f"req_{number}", workload="rehearsal", principal=ALICE, session="ses_1", source="203.0.113.7",
            checkpoint="inbound" if is_refused else "response", effect="deny" if is_refused else "allow",
            decision={"cause": cause if is_refused else None}, content=f"d{number}",
        )  # fmt: skip

    async def commit(self, *records: Record) -> None:
        await self.place.ledger.commit(records)

    def run(self, story: Callable[[], object]) -> None:
        self.place.runner.run(story())  # type: ignore[arg-type]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "data"
    folder.mkdir()
    place = Place(folder)
    yield Site(place)
    place.close()


async def watched(monitor: Monitor, claim: Callable[[], bool]) -> None:
    """Let it run until something is true; then end it as a kill would."""
    task = asyncio.ensure_future(monitor.run())
    try:
        async with asyncio.timeout(20):
            while not claim():  # noqa: ASYNC110 - a database tells nobody
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_an_attack_is_found_contained_and_said_how_much_got_out(site: Site) -> None:
    async def story() -> None:
        await site.commit(site.record(0), *(site.record(each, Outcome.RELEASES) for each in (90, 91)))
        await site.commit(*(site.record(each) for each in range(1, 6)))
        await watched(site.monitor(), lambda: any(each.released for each in site.place.findings.list_all()))

    site.run(story)
    [finding] = site.place.findings.list_all()
    assert (finding.response, finding.released) == ("contained", 2)
    assert finding.scopes == ("principal:https://id.example alice", "key:jti", "session:ses_1")
    assert finding.contained_us is not None and finding.contained_us >= finding.last_us


def test_a_restart_acts_once_and_finishes_what_was_pending(site: Site) -> None:
    def is_done() -> bool:
        return [each.response for each in site.place.findings.list_all()] == ["contained"]

    async def story() -> None:
        records = [site.record(each) for each in range(6)]
        await site.commit(*records)
        site.place.findings.add(  # what a monitor that was killed between finding and answer leaves behind
            detection="denied_varied", severity="high", subject="principal https://id.example alice", words="w",
            evidence=[each.id for each in records], count=6, first_us=records[0].time_us, last_us=records[-1].time_us,
        )  # fmt: skip
        await watched(site.monitor(), is_done)
        again = site.monitor()
        await watched(again, lambda: again.lag.records >= 6)

    site.run(story)
    assert len(site.place.containment.list_all()) == 3


def test_a_second_monitor_waits(site: Site) -> None:
    async def story() -> None:
        first, second = site.monitor(), site.monitor()

        async def both() -> None:
            await site.commit(*(site.record(each) for each in range(6)))
            await watched(second, lambda: any(each.scopes for each in site.place.findings.list_all()))

        task = asyncio.ensure_future(first.run())
        await asyncio.sleep(0.1)
        await both()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert second.lag.records == 0

    site.run(story)
    assert len(site.place.findings.list_all()) == 1


def test_a_ledger_that_was_changed_is_a_finding_and_contains_nobody(site: Site) -> None:
    async def story() -> None:
        await site.commit(*(site.record(each) for each in range(3)))
        path = segment.log_path(site.place.ledger_folder, site.place.ledger.segment)
        path.write_bytes(path.read_bytes().replace(b'"d1"', b'"dX"'))
        await watched(site.monitor(), lambda: bool(site.place.findings.list_all()))

    site.run(story)
    [finding] = site.place.findings.list_all()
    assert (finding.detection, finding.severity, finding.scopes) == ("ledger_broken", "critical", ())
