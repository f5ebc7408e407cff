"""Law 10: nothing of one principal or workload affects what another gets: interleaved = alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Answered
from ringwall.engine.streamed import stream
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.conversation import Answer, Choice, Finish, Finished, TextDelta, ToolCall
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal, PrincipalKind
from ringwall.model.session import derive_key
from tests.fakes import Road, ScriptedUpstream, attempt, rule, seat, text_part
from tests.laws.plans import texts


def road_for(text: str) -> Road:
    deltas = (*(TextDelta(0, each) for each in text), Finished(0, Finish.STOP))
    return Road(Chain([seat(rule("r", "beta", "hide", lookback=4))]), ScriptedUpstream(text=text, deltas=deltas))


async def read(road: Road) -> str:
    outcome = await stream(road.exchange, road.running, attempt(text_part("hi")))
    return "".join([event.text async for event in outcome.events if isinstance(event, TextDelta)])


@given(texts(), texts())
def test_interleaved_streams_of_one_chain_release_what_each_would_alone(first, second):
    alone = [asyncio.run(read(road_for(text))) for text in (first, second)]

    async def together() -> list[str]:
        one, two = road_for(first), road_for(second)
        two.chain = one.chain
        return list(await asyncio.gather(read(one), read(two)))

    assert asyncio.run(together()) == alone


names = st.text(min_size=1, max_size=6)


@given(names, names, names, names, st.binary(max_size=8), st.binary(max_size=8), st.booleans(), st.booleans())
def test_two_sessions_meet_only_when_everything_about_them_is_the_same(wa, wb, pa, pb, sa, sb, ha, hb):
    one = derive_key(WorkloadId(wa), Principal("iss", pa, PrincipalKind.PERSON), sa, signed=ha)
    two = derive_key(WorkloadId(wb), Principal("iss", pb, PrincipalKind.PERSON), sb, signed=hb)
    assert (one == two) == ((wa, pa, sa, ha) == (wb, pb, sb, hb))


def test_the_providers_handles_stay_with_the_provider():
    part = Part(PartId("choices/0/calls/0/arguments"), Origin.MODEL, freeze({"q": "x"}), JSON)
    answer = Answer((Choice(0, (), (ToolCall("call_provider", "f", part.id),), Finish.TOOL_CALLS),), (part,))
    handles = set()
    for _ in range(2):
        road = Road(Chain([seat(rule("r"))]), ScriptedUpstream(answer=answer))
        outcome = asyncio.run(road.exchange.answer(road.running, attempt(text_part("hi"))))
        assert isinstance(outcome, Answered)
        handles.add(outcome.answer.choices[0].calls[0].id)
    assert "call_provider" not in handles
    assert len(handles) == 2


def test_a_tool_result_whose_call_was_proposed_to_somebody_else_is_unknown():
    part = Part(PartId("choices/0/calls/0/arguments"), Origin.MODEL, freeze({}), JSON)
    answer = Answer((Choice(0, (), (ToolCall("", "f", part.id),), Finish.TOOL_CALLS),), (part,))
    road = Road(Chain([seat(rule("r"))]), ScriptedUpstream(answer=answer))
    made = attempt(text_part("hi"))
    outcome = asyncio.run(road.exchange.answer(road.running, made))
    handle = outcome.answer.choices[0].calls[0].id
    mine = road.sessions.states[made.interaction.session]
    assert mine.subjects("tool_proposed") == {handle}
    other = replace(made, interaction=replace(made.interaction, session=type(made.interaction.session)("ses_2")))
    assert other.interaction.session not in road.sessions.states
