"""Law 5: however a response is cut, what is released is what the whole would have released, or a prefix of it and then
the refusal."""

from __future__ import annotations

import asyncio

from hypothesis import example, given
from hypothesis import strategies as st

from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Answered, Refused
from ringwall.engine.streamed import Closed, Failed, Streaming, stream
from ringwall.model.conversation import Finish, Finished, TextDelta
from ringwall.model.plan import Mode
from tests.fakes import Road, ScriptedUpstream, attempt, rule, seat, text_part
from tests.laws.plans import seats, texts


def cut(text: str, cuts: list[int]) -> list[str]:
    """The text in pieces, cut at these places."""
    places = sorted({place % (len(text) + 1) for place in cuts})
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


async def streamed(plan: list, pieces: list[str]) -> tuple[str, str, Road]:
    """What a caller gets of a stream, and how it ended."""
    deltas = (*(TextDelta(0, piece) for piece in pieces), Finished(0, Finish.STOP))
    road = Road(Chain(plan), ScriptedUpstream(deltas=deltas))
    outcome = await stream(road.exchange, road.running, attempt(text_part("hi")))
    if not isinstance(outcome, Streaming):
        return "", type(outcome).__name__, road
    released, end = [], "nothing"
    async for event in outcome.events:
        if isinstance(event, TextDelta):
            released.append(event.text)
        elif isinstance(event, (Closed, Refused, Failed)):
            end = type(event).__name__
    return "".join(released), end, road


async def answered(plan: list, text: str) -> str | None:
    """What a caller gets of the same answer in one piece; None when it is refused."""
    road = Road(Chain(plan), ScriptedUpstream(text=text))
    outcome = await road.exchange.answer(road.running, attempt(text_part("hi")))
    return outcome.answer.parts[0].text if isinstance(outcome, Answered) else None


def check(plan: list, text: str, cuts: list[int]) -> None:
    whole = asyncio.run(answered(plan, text))
    released, end, _ = asyncio.run(streamed(plan, cut(text, cuts)))
    if whole is None:
        assert end == "Refused"
    else:
        assert (released, end) == (whole, "Closed")


@given(seats(answers=("allow", "hide"), modes=(Mode.ENFORCE,)), texts(), st.lists(st.integers(0, 60), max_size=12))
@example([seat(rule("r", "abab", "hide", lookback=10))], "ababab", [1, 2, 3, 4, 5])
def test_hiding_does_not_depend_on_the_cuts(plan, text, cuts):
    check(plan, text, cuts)


@given(
    seats(answers=("deny", "hide", "ask"), modes=(Mode.ENFORCE,)), texts(), st.lists(st.integers(0, 60), max_size=12)
)
def test_what_is_released_before_a_refusal_holds_nothing_that_is_refused(plan, text, cuts):
    whole = asyncio.run(answered(plan, text))
    released, end, _ = asyncio.run(streamed(plan, cut(text, cuts)))
    if whole is not None:
        assert (released, end) == (whole, "Closed")
        return
    assert end == "Refused"
    for each in plan:
        if each.control.answer in ("deny", "ask"):
            assert each.control.word not in released


@given(texts(), st.lists(st.integers(0, 60), max_size=12))
def test_a_control_that_must_see_the_whole_buffers_the_stream(text, cuts):
    plan = [seat(rule("whole", "beta", "deny", lookback=None))]
    road = Road(Chain(plan), ScriptedUpstream(text=text))
    outcome = asyncio.run(stream(road.exchange, road.running, attempt(text_part("hi"))))
    if "beta" in text:
        assert isinstance(outcome, Refused)
    else:
        assert outcome.buffered == ("application.whole",)


def test_one_character_at_a_time_hides_what_the_whole_hides():
    plan = [seat(rule("r", "secret", "hide", lookback=6))]
    text = "no secret is a secretsecret, secre t"
    released, end, road = asyncio.run(streamed(plan, list(text)))
    assert (released, end) == ("no [WORD] is a [WORD][WORD], secre t", "Closed")
    assert [record.kind for record in road.ledger.records][-1] == "closing"
