"""The road of a connection: judged, on record, counted, asked about again, closed once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.engine.chain import Chain
from ringwall.engine.connecting import Crossing, Ended, open_crossing
from ringwall.engine.outcomes import Attempt, Refused
from ringwall.model.errors import InternalError
from ringwall.model.facts import Destination, Traffic
from ringwall.model.interaction import Action, Checkpoint, Resource
from ringwall.model.verdict import Allow, Allowance, Deny
from tests.fakes import MemoryLedger, Road, attempt, rule, seat, text_part

TO = Destination("", "https", "files.example", 443, "", "")


def asked(*texts: str) -> Attempt:
    made = attempt()
    parts = tuple(text_part(text, f"body/{number}") for number, text in enumerate(texts))
    changed = replace(
        made.interaction,
        action=Action.CONNECT,
        resource=Resource("destination", "https://files.example:443"),
        parts=parts,
        conversation=None,
    )
    return replace(made, interaction=changed)


def road(*rules, **more) -> Road:
    return Road(Chain([seat(each) for each in (rules or (rule("r"),))]), **more)


def limiting(size: int):
    made = rule("volume", checkpoints=frozenset({Checkpoint.EGRESS}), needs=frozenset({Traffic}))

    async def examine(vantage):
        return Allow(vantage.everything, allowances=(Allowance(size, 60, "over"),))

    made.examine = examine
    return made


async def opened(made: Road, *texts: str) -> Crossing:
    crossing = await open_crossing(made.exchange, made.running, asked(*texts), TO)
    assert isinstance(crossing, Crossing)
    return crossing


def outcomes(made: Road) -> list[tuple[str, str]]:
    return [(each.checkpoint or each.kind, each.outcome) for each in made.ledger.records]


def test_a_connection_is_on_record_before_it_is_made_and_when_it_has_ended() -> None:
    async def main() -> None:
        made = road()
        crossing = await opened(made)
        assert outcomes(made) == [("inbound", "proceeds"), ("egress", "sends"), ("opening", "streams")]
        assert crossing.send(70) and crossing.send(30)
        crossing.receive(5)
        await crossing.close(Ended.DONE)
        await crossing.close(Ended.CUT)  # once is enough
        assert outcomes(made)[3:] == [("closing", "released")]
        ended = made.ledger.records[-1]
        assert (ended.decision["bytes_out"], ended.decision["bytes_in"], ended.decision["ended"]) == (100, 5, "done")
        assert [each.cause for each in made.ledger.records[1:]] == [(each.id,) for each in made.ledger.records[:-1]]

    asyncio.run(main())


def test_inbound_sees_no_content_and_egress_all_of_it() -> None:
    seen = []
    watching = rule("w")

    async def examine(vantage):
        seen.append((vantage.checkpoint, [part.text for part in vantage.parts]))
        return Allow(vantage.everything)

    watching.examine = examine
    asyncio.run(opened(road(watching), "a", "b"))
    assert seen == [(Checkpoint.INBOUND, []), (Checkpoint.EGRESS, ["a", "b"])]


@pytest.mark.parametrize("point", [Checkpoint.INBOUND, Checkpoint.EGRESS])
def test_a_refusal_at_either_checkpoint_is_on_record_and_nothing_is_opened(point: Checkpoint) -> None:
    refusing = rule("no", checkpoints=frozenset({point}))

    async def examine(vantage):
        return Deny(vantage.everything, "no", "no")

    refusing.examine = examine
    made = road(rule("r"), refusing)
    refused = asyncio.run(open_crossing(made.exchange, made.running, asked("x"), TO))
    assert isinstance(refused, Refused) and refused.checkpoint is point
    assert outcomes(made)[-1] == (point, "refused")
    assert "opening" not in {each.kind for each in made.ledger.records}


def test_what_is_sent_is_what_was_judged_and_edited() -> None:
    crossing = asyncio.run(opened(road(rule("r", "secret", "hide")), "my secret"))
    assert [part.text for part in crossing.parts] == ["my [WORD]"]


def test_without_a_ledger_nothing_is_opened() -> None:
    made = road(ledger=MemoryLedger(broken=True))
    with pytest.raises(InternalError):
        asyncio.run(open_crossing(made.exchange, made.running, asked(), TO))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 500), st.lists(st.integers(1, 200), max_size=20))
def test_no_connection_sends_more_than_it_was_allowed(limit: int, sizes: list[int]) -> None:
    async def main() -> None:
        made = road(rule("r"), limiting(limit))
        crossing = await opened(made)
        sent = 0
        for size in sizes:
            if not crossing.send(size):
                assert crossing.cause is not None and crossing.cause.code == "over"
                break
            sent += size
        assert crossing.bytes_out == sent <= limit
        await crossing.close(Ended.CUT)
        assert made.ledger.records[-1].decision["bytes_out"] == sent

    asyncio.run(main())


def test_asked_again_it_is_refused_once_something_changed_and_that_is_on_record() -> None:
    async def main() -> None:
        changing = rule("c")
        allowed = [True]

        async def examine(vantage):
            assert vantage.checkpoint is not Checkpoint.EGRESS or not allowed[1:] or vantage.parts == ()
            return Allow(vantage.everything) if allowed[0] else Deny(vantage.everything, "changed", "no")

        changing.examine = examine
        made = road(changing)
        crossing = await opened(made, "content that was judged")
        allowed.append(True)
        assert await crossing.look_again()
        allowed[0] = False
        assert not await crossing.look_again()
        await crossing.close(Ended.CUT)
        assert outcomes(made)[-2:] == [("egress", "refused"), ("closing", "ended")]
        assert made.ledger.records[-1].decision["cause"]["code"] == "changed"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (Ended.UNREACHABLE, "failed"),
        (Ended.REFUSED_ADDRESS, "refused"),
        (Ended.IDLE, "ended"),
        (Ended.STOPPING, "ended"),
    ],
)
def test_how_it_ended_is_what_the_record_says(ended: Ended, outcome: str) -> None:
    async def main() -> None:
        made = road()
        await (await opened(made)).close(ended, "why")
        assert outcomes(made)[-1] == ("closing", outcome)
        assert made.ledger.records[-1].decision["detail"] == "why"

    asyncio.run(main())


def test_a_closing_is_written_by_a_task_that_is_being_cancelled_too() -> None:
    async def main() -> None:
        made = road()
        crossing = await opened(made)

        async def serve() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                await crossing.close(Ended.STOPPING)

        task = asyncio.ensure_future(serve())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert outcomes(made)[-1] == ("closing", "ended")

    asyncio.run(main())
