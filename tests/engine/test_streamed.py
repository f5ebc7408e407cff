"""The streamed half of the road: what goes out, in which order, and what is on record when it ends in each way."""

from __future__ import annotations

import asyncio
import json

import pytest

from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Failed, Refused
from ringwall.engine.streamed import MAX_CALLS, Closed, Streaming, stream
from ringwall.model.conversation import CallDelta, Counted, Finish, Finished, Sealed, TextDelta, TextKind, Usage
from ringwall.model.errors import InternalError, UpstreamError
from ringwall.model.interaction import Checkpoint
from tests.fakes import Road, ScriptedUpstream, attempt, rule, seat, text_part

END = Finished(0, Finish.STOP)


def road(*deltas, rules=None, lookback: int = 0) -> Road:
    seats = [seat(each) for each in (rules or (rule("r", lookback=lookback),))]
    return Road(Chain(seats), ScriptedUpstream(deltas=deltas))


async def take(made: Road):
    outcome = await stream(made.exchange, made.running, attempt(text_part("hi")))
    return [event async for event in outcome.events] if isinstance(outcome, Streaming) else outcome


def run(made: Road):
    return asyncio.run(take(made))


def kinds(made: Road) -> list[str]:
    return [record.checkpoint or record.kind for record in made.ledger.records]


def test_a_stream_is_opened_released_and_closed():
    made = road(TextDelta(0, "one "), TextDelta(0, "two"), END, Counted(Usage(1, 2)))
    events = run(made)
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["one ", "two"]
    assert isinstance(events[-1], Closed)
    assert kinds(made) == ["inbound", "egress", "opening", "closing"]
    closing = made.ledger.records[-1]
    assert (closing.outcome, closing.decision["characters"], closing.decision["tokens"]) == ("released", 7, [1, 2])
    assert closing.decision["digest"] == made.exchange.digests.digest("support", b"one two")
    assert closing.cause == (made.ledger.records[2].id,)
    assert made.reservations.settled == []


def test_an_edit_is_on_record_before_it_goes_out():
    made = road(TextDelta(0, "a word."), END, rules=(rule("r", "word", "hide", lookback=4),))

    async def scenario():
        outcome = await stream(made.exchange, made.running, attempt(text_part("hi")))
        async for event in outcome.events:
            if isinstance(event, TextDelta) and "[WORD]" in event.text:
                assert kinds(made)[-1] == "chunk"
                return True

    assert asyncio.run(scenario())


def test_a_refusal_ends_it_with_what_was_released_before():
    made = road(TextDelta(0, "fine. "), TextDelta(0, "a word"), END, rules=(rule("r", "word", "deny", lookback=4),))
    events = run(made)
    assert isinstance(events[-1], Refused)
    assert "".join(event.text for event in events[:-1]).startswith("fine.")
    assert kinds(made)[-2:] == ["chunk", "closing"]
    assert made.ledger.records[-1].outcome == "refused"
    assert made.upstream.closed == 1


@pytest.mark.parametrize(
    "deltas",
    [
        (TextDelta(0, "x"),),
        (),
        (TextDelta(0, "x"), END, TextDelta(0, "y")),
        (TextDelta(0, "x"), END, END),
        (END, END),
        (TextDelta(0, "x"), END, CallDelta(0, 0, "{}", None, "f")),
        (TextDelta(0, "x"), TextDelta(1, "y"), END),
        (CallDelta(1, 0, "{}", None, "f"), END),
        (CallDelta(0, 0, "{}", None, None), END),
        (CallDelta(0, 0, "{}", None, "not a name"), END),
        (CallDelta(0, 0, "", None, "f"), CallDelta(0, 0, "{}", None, "g"), END),
        (CallDelta(0, 0, "[]", None, "f"), END),
        (CallDelta(0, 0, '{"a":', None, "f"), END),
        tuple(CallDelta(0, n, "{}", None, "f") for n in range(MAX_CALLS + 1)),
        tuple(TextDelta(n, "x") for n in range(300)),
        (TextDelta(0, "x"), UpstreamError("late", code="upstream_late")),
    ],
)
def test_an_answer_that_is_not_whole_fails_and_says_so(deltas):
    made = road(*deltas)
    events = run(made)
    assert isinstance(events[-1], Failed)
    assert kinds(made)[-2:] == ["failure", "closing"]
    assert made.ledger.records[-1].outcome == "failed"


def test_calls_are_held_judged_whole_and_numbered_in_their_order():
    made = road(
        CallDelta(0, 9, "", None, "g"),
        CallDelta(0, 2, '{"a"', None, "f"),
        CallDelta(0, 9, '{"b": 2}', None, "g"),
        CallDelta(0, 2, ": 1}", None, None),
        Finished(0, Finish.TOOL_CALLS),
    )
    calls = [event for event in run(made) if isinstance(event, CallDelta)]
    assert [(call.call, call.name, json.loads(call.arguments)) for call in calls] == [
        (0, "f", {"a": 1}),
        (1, "g", {"b": 2}),
    ]
    assert "response" in kinds(made)
    [state] = made.sessions.states.values()
    assert state.subjects("tool_proposed") == {call.id for call in calls}


def test_many_small_pieces_of_a_call_cost_no_more_than_one():
    pieces = ['{"a": "', *["x"] * 20_000, '"}', *[""] * 20_000]
    made = road(*(CallDelta(0, 0, piece, None, "f") for piece in pieces), Finished(0, Finish.TOOL_CALLS))
    calls = [event for event in run(made) if isinstance(event, CallDelta)]
    assert json.loads(calls[0].arguments) == {"a": "x" * 20_000}


def test_a_call_is_refused_as_intent():
    forbidden = rule("r", "rm -rf", "deny", checkpoints=frozenset(Checkpoint))
    made = road(CallDelta(0, 0, '{"cmd": "rm -rf /"}', None, "sh"), Finished(0, Finish.TOOL_CALLS), rules=(forbidden,))
    events = run(made)
    assert isinstance(events[-1], Refused)
    assert not any(isinstance(event, CallDelta) for event in events)


def test_a_control_that_must_see_the_whole_answer_makes_it_one():
    made = Road(Chain([seat(rule("whole", "word", "hide", lookback=None))]), ScriptedUpstream(text="a word"))

    async def scenario():
        outcome = await stream(made.exchange, made.running, attempt(text_part("hi")))
        return outcome.buffered, [event async for event in outcome.events]

    buffered, events = asyncio.run(scenario())
    assert buffered == ("application.whole",)
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["a [WORD]"]
    assert isinstance(events[-1], Closed)
    assert "opening" not in kinds(made)


def test_a_caller_who_goes_away_closes_the_call_upstream_and_the_record():
    async def scenario():
        made = road(TextDelta(0, "one "), TextDelta(0, "two "), TextDelta(0, "three"), END)
        outcome = await stream(made.exchange, made.running, attempt(text_part("hi")))
        async for _ in outcome.events:
            break
        await outcome.events.aclose()
        return made

    made = asyncio.run(scenario())
    assert made.upstream.closed == 1
    assert made.ledger.records[-1].kind == "closing"
    assert made.ledger.records[-1].outcome == "ended"
    assert made.ledger.records[-1].decision["characters"] == 4


def test_an_opening_that_cannot_be_recorded_closes_the_call_upstream():
    made = road(TextDelta(0, "one"), END)
    seen = []

    def fail(records):
        seen.append(records)
        made.ledger.broken = True

    made.ledger.on_commit = fail
    with pytest.raises(InternalError):
        run(made)
    assert len(seen) == 1
    assert made.upstream.closed == 1


def test_a_ledger_that_fails_within_a_stream_stops_it():
    made = road(
        TextDelta(0, "fine. "), TextDelta(0, "a word here"), END, rules=(rule("r", "word", "hide", lookback=4),)
    )
    released = []

    async def scenario():
        outcome = await stream(made.exchange, made.running, attempt(text_part("hi")))
        made.ledger.broken = True
        async for event in outcome.events:
            released.append(event)

    with pytest.raises(InternalError):
        asyncio.run(scenario())
    assert not any("WORD" in event.text for event in released if isinstance(event, TextDelta))
    assert made.upstream.closed == 1


def test_a_first_event_that_fails_is_an_ordinary_failure():
    assert isinstance(run(road(UpstreamError("no", code="upstream_failed"))), Failed)


def test_refusals_of_the_model_are_text_of_their_own():
    made = road(TextDelta(0, "I will not ", TextKind.REFUSAL), TextDelta(0, "do that", TextKind.REFUSAL), END)
    assert {event.kind for event in run(made) if isinstance(event, TextDelta)} == {TextKind.REFUSAL}


def reasoning(text: str) -> TextDelta:
    return TextDelta(0, text, TextKind.REASONING)


def test_reasoning_goes_out_whole_before_what_follows_and_its_seal_behind_it():
    made = road(
        reasoning("hm "), reasoning("wor"), Sealed(0, "c2VhbA=="), TextDelta(0, "yes wor"), END,
        rules=(rule("r", "word", "hide", lookback=4),),
    )  # fmt: skip
    events = run(made)
    order = [type(event).__name__ if not isinstance(event, TextDelta) else event.kind for event in events]
    last = max(at for at, each in enumerate(order) if each == TextKind.REASONING)
    assert order[last + 1] == "Sealed" and TextKind.CONTENT in order[last + 2 :]
    assert "".join(each.text for each in events if isinstance(each, TextDelta)) == "hm woryes wor"


def test_reasoning_is_judged_like_any_other_text_and_edited_reasoning_loses_its_seal():
    made = road(
        reasoning("the wo"), reasoning("rd."), Sealed(0, "c2VhbA=="), TextDelta(0, "yes"), END,
        rules=(rule("r", "word", "hide", lookback=4),),
    )  # fmt: skip
    events = run(made)
    said = "".join(each.text for each in events if isinstance(each, TextDelta) and each.kind is TextKind.REASONING)
    assert said == "the [WORD]." and not [each for each in events if isinstance(each, Sealed)]
    refused = run(road(reasoning("the word."), END, rules=(rule("r", "word", "deny", lookback=4),)))
    assert isinstance(refused[-1], Refused)


def test_every_block_of_reasoning_is_a_text_of_its_own():
    made = road(
        reasoning("wo"), Sealed(0, "YQ=="), reasoning("rd"), Sealed(0, "Yg=="), END,
        rules=(rule("r", "word", "hide", lookback=4),),
    )  # fmt: skip
    events = [each for each in run(made) if isinstance(each, (TextDelta, Sealed))]
    assert events == [reasoning("wo"), Sealed(0, "YQ=="), reasoning("rd"), Sealed(0, "Yg==")]


def test_a_seal_without_reasoning_is_dropped():
    assert not [each for each in run(road(Sealed(0, "YQ=="), TextDelta(0, "x"), END)) if isinstance(each, Sealed)]
