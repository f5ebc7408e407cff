"""Law 7: one decision, one record, before its effect; the ledger never claims what was not done."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given

from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Answered, Failed, Refused
from ringwall.engine.streamed import Streaming, stream
from ringwall.model.conversation import Finish, Finished, TextDelta
from ringwall.model.errors import InternalError, UpstreamError
from ringwall.model.plan import Mode
from tests.fakes import MemoryLedger, Road, ScriptedUpstream, attempt, rule, seat, text_part
from tests.laws.plans import seats, texts


def checkpoints(road: Road) -> list[str]:
    return [record.checkpoint or record.kind for record in road.ledger.records]


def test_the_first_barrier_stands_before_bytes_go_upstream():
    road = Road(Chain([seat(rule("r"))]))
    seen: list[list[str]] = []
    road.upstream.before = lambda: seen.append(checkpoints(road))
    asyncio.run(road.exchange.answer(road.running, attempt(text_part("hi"))))
    assert seen == [["inbound", "egress"]]
    assert checkpoints(road) == ["inbound", "egress", "response"]


@given(seats(modes=(Mode.ENFORCE,)), texts(), texts())
def test_every_outcome_has_its_record(plan, said, answered):
    road = Road(Chain(plan), ScriptedUpstream(text=answered))
    outcome = asyncio.run(road.exchange.answer(road.running, attempt(text_part(said))))
    last = road.ledger.records[-1]
    assert outcome.record == last.id
    match outcome:
        case Answered():
            assert (last.outcome, checkpoints(road)) == ("releases", ["inbound", "egress", "response"])
        case Refused():
            assert last.outcome == "refused"
            assert bool(road.upstream.sent) == (outcome.checkpoint == "response")
        case Failed():
            assert last.outcome == "failed"
    ids = [record.id for record in road.ledger.records]
    for record in road.ledger.records[1:]:
        assert set(record.cause) <= set(ids)
        assert record.cause


@pytest.mark.parametrize("broken_at", [0, 1])
def test_what_cannot_be_recorded_does_not_happen(broken_at):
    road = Road(Chain([seat(rule("r"))]))
    commits = []

    def count(records):
        commits.append(records)
        road.ledger.broken = len(commits) > broken_at - 1

    road.ledger = MemoryLedger(on_commit=count, broken=broken_at == 0)
    with pytest.raises(InternalError):
        asyncio.run(road.exchange.answer(road.running, attempt(text_part("hi"))))
    assert len(road.upstream.sent) == broken_at


def test_a_dead_upstream_leaves_a_failure_on_record():
    error = UpstreamError("late", code="upstream_late", status=504)
    road = Road(Chain([seat(rule("r"))]), ScriptedUpstream(answer=error))
    outcome = asyncio.run(road.exchange.answer(road.running, attempt(text_part("hi"))))
    assert isinstance(outcome, Failed)
    assert checkpoints(road) == ["inbound", "egress", "failure"]


def test_a_caller_who_goes_away_is_on_record_and_the_call_upstream_ends():
    async def run() -> Road:
        deltas = tuple(TextDelta(0, "word ") for _ in range(50))
        road = Road(Chain([seat(rule("r"))]), ScriptedUpstream(deltas=(*deltas, Finished(0, Finish.STOP))))
        outcome = await stream(road.exchange, road.running, attempt(text_part("hi")))
        assert isinstance(outcome, Streaming)
        await anext(outcome.events)
        await outcome.events.aclose()
        return road

    road = asyncio.run(run())
    assert checkpoints(road) == ["inbound", "egress", "opening", "closing"]
    assert (road.ledger.records[-1].outcome, road.upstream.closed) == ("ended", 1)


def test_a_refusal_in_a_stream_is_on_record_before_it_takes_effect():
    async def run() -> tuple[list[str], list[str]]:
        deltas = (TextDelta(0, "fine "), TextDelta(0, "zebra"), TextDelta(0, " more"), Finished(0, Finish.STOP))
        road = Road(Chain([seat(rule("r", "zebra", "deny", lookback=5))]), ScriptedUpstream(deltas=deltas))
        outcome = await stream(road.exchange, road.running, attempt(text_part("hi")))
        seen = [(type(event).__name__, len(road.ledger.records)) async for event in outcome.events]
        return [name for name, _ in seen], checkpoints(road)

    events, kinds = asyncio.run(run())
    assert events == ["TextDelta", "Refused"]
    assert kinds == ["inbound", "egress", "opening", "chunk", "closing"]


def test_a_stream_tells_how_much_it_released():
    async def run() -> Road:
        deltas = (TextDelta(0, "fine "), TextDelta(0, "words"), Finished(0, Finish.STOP))
        road = Road(Chain([seat(rule("r"))]), ScriptedUpstream(deltas=deltas))
        outcome = await stream(road.exchange, road.running, attempt(text_part("hi")))
        async for _ in outcome.events:
            pass
        return road

    closing = asyncio.run(run()).ledger.records[-1]
    assert closing.decision["characters"] == len("fine words")
