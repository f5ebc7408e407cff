"""One target after the other: judged anew, on record, and never after something was released."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Answered, Failed, Refused
from ringwall.engine.running import RunningWorkload
from ringwall.engine.streamed import Closed, Streaming, stream
from ringwall.model.conversation import Finish, Finished, TextDelta
from ringwall.model.decision import Effect
from ringwall.model.errors import InternalError, UpstreamError
from ringwall.model.facts import Destination
from ringwall.model.interaction import Checkpoint
from ringwall.model.plan import Route, Target
from ringwall.model.verdict import Allow, Deny, DenyKind, Reservation
from tests.fakes import CountingReservations, Road, Rule, ScriptedUpstream, attempt, rule, seat, text_part

DEAD = UpstreamError("dead", code="upstream_unreachable", undone=True)
LATE = UpstreamError("late", code="upstream_late")
BUSY = UpstreamError("busy", code="upstream_limit", undone=True, retry_after_s=0.01)


class Named(ScriptedUpstream):
    """An upstream at a host of its own."""

    name = ""

    def destination(self, model: str, *, embeds: bool = False) -> Destination:
        return Destination(self.name, "https", f"{self.name}.example.com", 443, "/v1", "acme")


def named(name: str, **more) -> Named:
    made = Named(**more)
    made.name = name
    return made


@dataclass
class HostRule(Rule):
    """Refuses a host at EGRESS, and keeps what it was asked about."""

    hosts: tuple[str, ...] = ()
    seen: list[str] = field(default_factory=list)

    async def examine(self, vantage):
        host = vantage.facts[Destination].host
        self.seen.append(host)
        if host in self.hosts:
            return Deny(vantage.everything, "wrong_region", "not there", DenyKind.FORBIDDEN)
        return Allow(vantage.everything)


def egress_rule(*hosts: str) -> HostRule:
    made = rule("region", checkpoints=frozenset({Checkpoint.EGRESS}))
    return HostRule(made.id, checkpoints=made.checkpoints, hosts=hosts)


@dataclass
class Reserving(Rule):
    """Takes tokens at INBOUND."""

    async def examine(self, vantage):
        return Allow(vantage.everything, reservations=(Reservation("tokens", "tokens", 100, 1000, 60.0),))


class Several:
    """A road to several targets."""

    def __init__(self, *upstreams: Named, rules=(), retry_s: float = 0.0, **more) -> None:
        self.road = Road(Chain([seat(each) for each in (rule("r"), *rules)]), **more)
        self.exchange = self.road.exchange
        targets = tuple(Target(each.name, f"{each.name}-1") for each in upstreams)
        plan = replace(self.road.running.plan, routes=(Route("m", targets, retry_s=retry_s),))
        self.running: RunningWorkload = replace(
            self.road.running, plan=plan, upstreams={each.name: each for each in upstreams}
        )

    def ask(self):
        return asyncio.run(self.exchange.answer(self.running, attempt(text_part("hi"))))

    def stream(self):
        async def scenario():
            outcome = await stream(self.exchange, self.running, attempt(text_part("hi")))
            return [each async for each in outcome.events] if isinstance(outcome, Streaming) else outcome

        return asyncio.run(scenario())

    def told(self) -> list[tuple[str, str]]:
        return [(record.kind.value, record.outcome.value) for record in self.road.ledger.records]

    def records(self, kind: str) -> list:
        return [record for record in self.road.ledger.records if record.kind == kind]


SAYS = (TextDelta(0, "fine"), Finished(0, Finish.STOP))


def test_the_next_target_answers_and_the_records_say_which_and_why():
    judge = egress_rule()
    several = Several(named("a", answer=DEAD), named("b", answer=LATE), named("c", text="from c"), rules=(judge,))
    outcome = several.ask()
    assert isinstance(outcome, Answered)
    assert [part.value for part in outcome.answer.parts] == ["from c"]
    assert judge.seen == ["a.example.com", "b.example.com", "c.example.com"]
    assert [each.sent[0].model for each in several.running.upstreams.values()] == ["a-1", "b-1", "c-1"]
    assert several.told() == [
        ("decision", "proceeds"),
        ("decision", "sends"),
        ("failure", "proceeds"),
        ("decision", "sends"),
        ("failure", "proceeds"),
        ("decision", "sends"),
        ("decision", "releases"),
    ]
    failed = several.records("failure")[0].decision
    assert (failed["upstream"], failed["next"], failed["code"]) == ("a", "b", "upstream_unreachable")
    sent = [each.decision["target"]["upstream"] for each in several.records("decision") if "target" in each.decision]
    assert sent == ["a", "b", "c"]
    by_id = {record.id: record for record in several.road.ledger.records}
    last = several.road.ledger.records[-1]
    chain = []
    while last.cause:
        last = by_id[last.cause[0]]
        chain.append(last.outcome.value)
    assert chain == ["sends", "proceeds", "sends", "proceeds", "sends", "proceeds"]


def test_a_stream_goes_on_elsewhere_only_before_its_first_event():
    several = Several(named("a", deltas=(DEAD,)), named("b", deltas=SAYS))
    events = several.stream()
    assert isinstance(events[-1], Closed)
    assert events[0] == TextDelta(0, "fine")
    assert all(each.closed == 1 for each in several.running.upstreams.values())
    broken = Several(named("a", deltas=(TextDelta(0, "begun "), LATE)), named("b", deltas=SAYS))
    events = broken.stream()
    assert isinstance(events[-1], Failed)
    assert broken.running.upstreams["b"].sent == []


def test_a_refusal_at_the_next_target_ends_the_request():
    judge = egress_rule("b.example.com")
    several = Several(named("a", answer=DEAD), named("b"), named("c"), rules=(judge,))
    outcome = several.ask()
    assert isinstance(outcome, Refused)
    assert (outcome.cause.code, outcome.effect, outcome.checkpoint) == ("wrong_region", Effect.DENY, Checkpoint.EGRESS)
    assert judge.seen == ["a.example.com", "b.example.com"]
    assert several.running.upstreams["b"].sent == several.running.upstreams["c"].sent == []
    assert several.told()[-1] == ("decision", "refused")


def test_containment_that_comes_between_two_tries_holds():
    contained = rule("contained", checkpoints=frozenset({Checkpoint.EGRESS}))

    class Watch(Rule):
        async def examine(self, vantage):
            from ringwall.model.facts import Standing

            if vantage.facts[Standing].contained:
                return Deny(vantage.everything, "contained", "stopped", DenyKind.FORBIDDEN)
            return Allow(vantage.everything)

    first = named("a", answer=DEAD)
    several = Several(first, named("b"), rules=(Watch(contained.id, checkpoints=contained.checkpoints),))
    first.before = lambda: several.road.containment.contained.add("workload:support")
    outcome = several.ask()
    assert isinstance(outcome, Refused)
    assert outcome.cause.code == "contained"


def test_an_answer_that_cannot_be_read_is_nobody_elses_to_give():
    several = Several(named("a", answer=UpstreamError("?", code="upstream_broken")), named("b"))
    outcome = several.ask()
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "upstream_broken"
    assert several.running.upstreams["b"].sent == []


def test_when_all_fail_the_last_failure_is_told():
    several = Several(named("a", answer=DEAD), named("b", answer=LATE))
    outcome = several.ask()
    assert isinstance(outcome, Failed)
    assert outcome.error is LATE
    assert several.told()[-1] == ("failure", "failed")


def reserving() -> Reserving:
    made = rule("budget", checkpoints=frozenset({Checkpoint.INBOUND}))
    return Reserving(made.id, checkpoints=made.checkpoints)


@pytest.mark.parametrize(
    ("first", "second", "settled"),
    [
        (DEAD, None, [{"tokens": 8}]),
        (LATE, None, [{"tokens": 9}]),  # what the late one may have read is counted: one token, as it was estimated
        (DEAD, BUSY, [{"tokens": 0}]),
        (DEAD, LATE, []),
    ],
)
def test_reservations_are_taken_once_and_settled_by_what_was_used(first, second, settled):
    reservations = CountingReservations()
    several = Several(
        named("a", answer=first), named("b", answer=second), rules=(reserving(),), reservations=reservations
    )
    several.ask()
    assert reservations.taken == ["tokens"]
    assert reservations.settled == settled


def test_one_that_did_nothing_is_asked_again_within_the_time_and_judged_again():
    judge, upstream = egress_rule(), named("a", answer=BUSY)
    several = Several(upstream, rules=(judge,), retry_s=1.0)

    def recover() -> None:
        upstream.answer = None if len(upstream.sent) == 3 else BUSY

    upstream.before = recover
    outcome = several.ask()
    assert isinstance(outcome, Answered)
    assert judge.seen == ["a.example.com"] * 3
    assert [each.decision["wait_ms"] for each in several.records("failure")] == [10, 10]
    impatient = Several(named("a", answer=BUSY))
    assert isinstance(impatient.ask(), Failed)
    assert len(impatient.running.upstreams["a"].sent) == 1


def test_one_that_fails_again_and_again_is_left_out_in_this_workload():
    several = Several(named("a", answer=DEAD), named("b"))
    for _ in range(5):
        assert isinstance(several.ask(), Answered)
    assert len(several.running.upstreams["a"].sent) == 3
    assert several.records("decision")[-2].decision["target"]["left_out"] == (("a", "failing"),)


def test_a_ledger_that_takes_no_record_of_the_failure_stops_the_road():
    first = named("a", answer=DEAD)
    several = Several(first, named("b"))
    first.before = lambda: setattr(several.road.ledger, "broken", True)
    with pytest.raises(InternalError):
        several.ask()
    assert several.running.upstreams["b"].sent == []


def test_a_caller_who_goes_while_it_waits_is_on_record():
    several = Several(named("a", answer=replace_wait(BUSY, 30.0)), retry_s=60.0)

    async def scenario():
        task = asyncio.ensure_future(several.exchange.answer(several.running, attempt(text_part("hi"))))
        recorded = asyncio.Event()
        several.road.ledger.on_commit = lambda records: records[0].kind == "failure" and recorded.set()
        await recorded.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert several.told()[-1] == ("failure", "ended")


def replace_wait(error: UpstreamError, wait_s: float) -> UpstreamError:
    return UpstreamError(error.public, code=error.code, undone=True, retry_after_s=wait_s)
