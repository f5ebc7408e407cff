"""What is counted together, what is counted at all, and what happens when nobody can count."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringwall.engine.calling import call
from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Answered, Refused, Returned
from ringwall.engine.volume import flow_of, size_of, spend
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.errors import InternalError
from ringwall.model.facts import Destination, Traffic
from ringwall.model.interaction import Action, Checkpoint, Resource
from ringwall.model.tools import Tool
from ringwall.model.verdict import Allow, Allowance, DenyKind, Reservation
from tests.fakes import PERSON, MemoryVolumes, Road, ScriptedToolServer, attempt, interaction, rule, seat, text_part

TO = Destination("up", "https", "api.example.com", 443, "/v1", "acme")


def limiting(size: int, *reservations: Reservation):
    made = rule("volume", checkpoints=frozenset({Checkpoint.EGRESS}), needs=frozenset({Traffic, Destination}))
    seen = made.seen = []

    async def examine(vantage):
        seen.append(vantage.facts[Traffic])
        return Allow(vantage.everything, reservations=reservations, allowances=(Allowance(size, 60, "over"),))

    made.examine = examine
    return made


def road(control, **more) -> Road:
    return Road(Chain([seat(rule("r")), seat(control)]), **more)


def ask(made: Road, text: str):
    return asyncio.run(made.exchange.answer(made.running, attempt(text_part(text))))


def test_a_flow_is_a_workload_a_principal_and_a_destination() -> None:
    made = interaction(text_part("x"))
    assert flow_of(made, TO).destination == "https://api.example.com:443"
    assert flow_of(made, replace(TO, host="2001:db8::1")).destination == "https://[2001:db8::1]:443"
    claimed = replace(made, principal=replace(PERSON, verified=False))
    assert flow_of(made, TO) != flow_of(claimed, TO)  # nobody counts against a name that he only claims


def test_content_is_counted_in_bytes_of_its_texts() -> None:
    part = Part(PartId("p"), Origin.MODEL, freeze({"ä": "bc", "n": 12}), JSON)
    assert size_of([part, text_part("é")]) == 2 + 2 + 1 + 2 + 2


def test_what_goes_to_a_model_counts_and_too_much_is_refused_before_it_is_sent() -> None:
    made = road(limiting(10))
    assert isinstance(ask(made, "12345678"), Answered)
    refused = ask(made, "123")
    assert isinstance(refused, Refused)
    assert (refused.cause.code, refused.cause.kind, refused.retry_after_s) == ("over", DenyKind.EXHAUSTED, 60.0)
    assert refused.cause.control == "application.volume"
    assert len(made.upstream.sent) == 1
    assert list(made.volumes.counted.values()) == [8]
    assert made.ledger.records[-1].outcome == "refused"


def test_reservations_are_given_back_when_the_bytes_may_not_leave() -> None:
    made = road(limiting(1, Reservation("b", 1, 10, 1.0, "requests")))
    assert isinstance(ask(made, "123"), Refused)
    assert made.reservations.taken == ["b"]
    assert made.reservations.settled == [{"requests": 0}]


def test_arguments_of_a_tool_call_count_too() -> None:
    tool = Tool("query", "shop", "", freeze({"type": "object"}))
    server = ScriptedToolServer()
    made = road(limiting(20), tools=(tool,), tool_servers={"shop": server})
    part = Part(PartId("call/arguments"), Origin.MODEL, freeze({"table": "products"}), JSON)
    asked = attempt(text_part("x"))
    tried = replace(
        asked,
        interaction=replace(
            asked.interaction, action=Action.CALL, resource=Resource("tool", "query"), parts=(part,), conversation=None
        ),
    )
    assert isinstance(asyncio.run(call(made.exchange, made.running, tried)), Returned)
    refused = asyncio.run(call(made.exchange, made.running, tried))
    assert isinstance(refused, Refused) and refused.cause.code == "over"
    assert len(server.asked) == 1


def test_nothing_is_counted_where_no_control_asks() -> None:
    made = Road(Chain([seat(rule("r"))]), volumes=MemoryVolumes(broken=True))
    assert isinstance(ask(made, "12345678"), Answered)
    assert made.volumes.counted == {}


def test_a_fact_that_nobody_has_is_a_refusal() -> None:
    made = road(limiting(10), volumes=MemoryVolumes(broken=True))
    refused = ask(made, "1")
    assert isinstance(refused, Refused) and refused.cause.code == "missing_fact"
    assert made.upstream.sent == []


def test_bytes_that_cannot_be_counted_may_not_leave() -> None:
    made = road(limiting(10))
    decision = asyncio.run(_decided(made))
    with pytest.raises(InternalError):
        spend(MemoryVolumes(broken=True), [decision], flow_of(interaction(), TO), 1)


async def _decided(made: Road):
    from ringwall.model.interaction import Vantage

    asked = attempt(text_part("x"))
    facts = asked.facts.with_(TO, Traffic((), 0.0))
    return await made.chain.decide(Vantage(Checkpoint.EGRESS, asked.interaction, (), facts))
