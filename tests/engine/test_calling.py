"""The road of a tool call, step by step."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringwall.engine import memory
from ringwall.engine.calling import call
from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Attempt, Failed, Refused, Returned
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.errors import InternalError, UpstreamError
from ringwall.model.facts import Standing
from ringwall.model.interaction import Action, Checkpoint, Resource
from ringwall.model.session import Event, SessionState
from ringwall.model.tools import Tool
from ringwall.model.verdict import Allow, Grant, Reservation
from tests.fakes import MemoryLedger, Road, ScriptedToolServer, attempt, returned, rule, seat, text_part

QUERY = Tool("query", "shop", "", freeze({"type": "object"}))
OWN = Tool("local", "", "", freeze({"type": "object"}))


def road(*rules, server: ScriptedToolServer | None = None, **more) -> Road:
    servers = {"shop": server or ScriptedToolServer()}
    chain = Chain([seat(each) for each in (rules or (rule("r"),))])
    return Road(chain, tools=(QUERY, OWN), tool_servers=servers, **more)


def asked(arguments: object = None, tool: str = "query") -> Attempt:
    part = Part(PartId("call/arguments"), Origin.MODEL, freeze(arguments or {"table": "products"}), JSON)
    made = attempt(text_part("x"))
    interaction = replace(
        made.interaction, action=Action.CALL, resource=Resource("tool", tool), parts=(part,), conversation=None
    )
    return replace(made, interaction=interaction)


def run(made: Road, tried: Attempt | None = None) -> Returned | Refused | Failed:
    return asyncio.run(call(made.exchange, made.running, tried or asked()))


def outcomes(made: Road) -> list[tuple[str, str]]:
    return [(each.checkpoint or each.kind, each.outcome) for each in made.ledger.records]


def test_what_is_allowed_is_called_and_on_record_before_it_happens():
    made = road()
    server = made.tool_servers["shop"]
    on_record = []
    server.before = lambda: on_record.append(outcomes(made))
    outcome = run(made)
    assert isinstance(outcome, Returned) and outcome.answer == returned("row 1: boots")
    assert on_record == [[("inbound", "proceeds"), ("tool_call", "proceeds"), ("egress", "sends")]]
    assert outcomes(made)[-1] == ("tool_result", "releases") and made.ledger.records[-1].id == outcome.record
    assert [dict(each.arguments) for each in server.asked] == [{"table": "products"}]
    causes = [each.cause for each in made.ledger.records]
    assert causes == [(), *((each.id,) for each in made.ledger.records[:-1])]


@pytest.mark.parametrize("point", [Checkpoint.INBOUND, Checkpoint.TOOL_CALL, Checkpoint.EGRESS])
def test_a_refusal_before_the_call_leaves_the_tool_alone(point):
    made = road(rule("r"), refusing(point))
    outcome = run(made)
    assert isinstance(outcome, Refused) and outcome.checkpoint is point
    assert made.tool_servers["shop"].asked == []
    assert made.ledger.records[-1].outcome == "refused"


def refusing(point: Checkpoint):
    made = rule("no", checkpoints=frozenset({point}))

    async def examine(vantage):
        raise ValueError("no")

    made.examine = examine
    return made


def test_arguments_are_edited_before_they_are_sent():
    made = road(rule("r", "secret", "hide", checkpoints=frozenset({Checkpoint.TOOL_CALL})), rule("all"))
    run(made, asked({"q": "my secret"}))
    assert dict(made.tool_servers["shop"].asked[0].arguments) == {"q": "my [WORD]"}


def test_what_a_tool_returns_is_judged_before_anybody_reads_it():
    made = road(rule("r", "poison", "deny"), server=ScriptedToolServer(returned("some poison")))
    outcome = run(made)
    assert isinstance(outcome, Refused) and outcome.checkpoint is Checkpoint.TOOL_RESULT
    hidden = road(rule("r", "poison", "hide"), server=ScriptedToolServer(returned("some poison")))
    assert run(hidden).answer == returned("some [WORD]")


def test_a_call_that_a_model_proposed_names_the_answer_that_proposed_it():
    made = road()
    tried = asked()
    wanted = memory.intent(made.exchange.digests, "support", "query", freeze({"table": "products"}))
    key = tried.interaction.session
    made.sessions.states[key] = SessionState(key, 1, events=(Event(memory.INTENDED, wanted, "rec_answer"),))
    run(made, tried)
    assert made.ledger.records[0].cause == ("rec_answer",)


def test_the_session_remembers_what_was_delivered_and_not_what_was_refused():
    made = road()
    run(made)
    [state] = made.sessions.states.values()
    assert {each.kind for each in state.events} == {memory.DELIVERED}
    assert state.events[0].subject.endswith(" query") and state.events[0].record == made.ledger.records[-1].id
    refused = road(rule("r", "boots", "deny"))
    run(refused)
    assert refused.sessions.states == {}


@pytest.mark.parametrize("tool", ["local", "nobody_declared"])
def test_a_tool_that_no_server_serves_is_not_called(tool):
    made = road()
    outcome = run(made, asked(tool=tool))
    assert isinstance(outcome, Refused) and outcome.cause.code == "tool_not_served"
    assert made.tool_servers["shop"].asked == []
    assert outcomes(made)[-1] == ("rejection", "refused")


def test_a_tool_that_fails_leaves_a_record_that_nobody_knows_what_it_did():
    made = road(server=ScriptedToolServer(UpstreamError("the tool's server is late", code="tool_late", status=504)))
    outcome = run(made)
    assert isinstance(outcome, Failed) and outcome.error.code == "tool_late"
    assert outcomes(made)[-2:] == [("egress", "sends"), ("failure", "failed")]


def test_a_ledger_that_takes_nothing_lets_nothing_be_called():
    made = road(ledger=MemoryLedger(broken=True))
    with pytest.raises(InternalError):
        run(made)
    assert made.tool_servers["shop"].asked == []


def test_an_exhausted_limit_is_a_refusal_and_nothing_says_that_it_was_sent():
    bucket = Reservation("b", 1, 1, 1.0, "requests")
    spending = rule("spends")

    async def examine(vantage):
        return Allow(vantage.everything, reservations=(bucket,) if vantage.checkpoint is Checkpoint.INBOUND else ())

    spending.examine = examine
    made = road(spending)
    made.reservations.refused = {"b"}
    outcome = run(made)
    assert isinstance(outcome, Refused) and outcome.retry_after_s == 7.0
    assert "sends" not in [each.outcome for each in made.ledger.records]


def test_a_contained_server_is_seen_at_every_checkpoint_after_the_first():
    seen = []
    watching = rule("watch")
    inner = watching.examine

    async def examine(vantage):
        seen.append((vantage.checkpoint, set(vantage.facts[Standing].contained)))
        return await inner(vantage)

    watching.examine = examine
    made = road(watching)
    made.containment.contained = {"server:shop"}
    run(made)
    assert len(seen) == 4 and all(contained == {"server:shop"} for _, contained in seen)


def granting(point: Checkpoint, *grants: Grant):
    made = rule("grants")

    async def examine(vantage):
        return Allow(vantage.everything, grants=grants if vantage.checkpoint is point else ())

    made.examine = examine
    return made


def test_a_credential_is_leased_for_the_call_and_given_back_however_it_ends():
    grant = Grant("lease", "catalog")
    made = road(granting(Checkpoint.TOOL_CALL, grant))
    assert isinstance(run(made), Returned)
    [got] = made.tool_servers["shop"].asked
    assert dict(got.context) == {
        "credential": "catalog", "address": "address", "secret": "secret", "context": "context of ada",
    }  # fmt: skip
    assert "secret" not in str(got.arguments)
    assert (made.leases.taken, made.leases.given_back) == (["catalog"], ["lease-1"])
    assert made.ledger.records[1].decision["grants"] == [["lease", "catalog"]]
    assert all("secret" not in str(each.fields()) for each in made.ledger.records)
    failing = road(granting(Checkpoint.TOOL_CALL, grant), server=ScriptedToolServer(UpstreamError("late", code="x")))
    assert isinstance(run(failing), Failed)
    assert failing.leases.given_back == ["lease-1"]


def test_a_credential_that_cannot_be_had_means_no_call():
    made = road(granting(Checkpoint.TOOL_CALL, Grant("lease", "catalog")))
    made.leases.refused = {"catalog"}
    outcome = run(made)
    assert isinstance(outcome, Failed) and made.tool_servers["shop"].asked == []
    two = road(granting(Checkpoint.TOOL_CALL, Grant("lease", "a"), Grant("lease", "b")))
    assert isinstance(run(two), Failed) and two.leases.taken == []


def test_sealed_values_are_opened_for_the_reader_after_the_last_decision():
    server = ScriptedToolServer(returned("sealed(k):4111", "sealed(other):4242", "sealed(k):gone"))
    judged = []
    granter = granting(Checkpoint.TOOL_RESULT, Grant("unseal", "k"))
    inner = granter.examine

    async def examine(vantage):
        judged.extend(part.value for part in vantage.parts if vantage.checkpoint is Checkpoint.TOOL_RESULT)
        return await inner(vantage)

    granter.examine = examine
    made = road(granter, server=server)
    outcome = run(made)
    assert [part.value for part in outcome.answer.parts] == ["4111", "sealed(other):4242", "sealed(k):gone"]
    assert judged == ["sealed(k):4111", "sealed(other):4242", "sealed(k):gone"]
    told = made.ledger.records[-1].decision
    assert told["grants"] == [["unseal", "k"]] and told["unreadable"] == [["k", 1, "shredded"]]
