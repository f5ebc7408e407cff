"""The road, step by step; its laws stand in tests/laws."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringwall.engine.chain import Chain
from ringwall.engine.exchange import new_call_handle, with_own_handles
from ringwall.engine.memory import PROPOSED
from ringwall.engine.outcomes import Answered, Failed, Refused
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.conversation import Answer, Choice, Conversation, Finish, ToolCall, ToolDefinition, Usage
from ringwall.model.errors import CallerError, InternalError, UpstreamError
from ringwall.model.facts import Facts, Task
from ringwall.model.interaction import Checkpoint, Resource
from ringwall.model.labels import WORST
from ringwall.model.verdict import Allow, Reservation
from tests.fakes import (
    PERSON,
    MemoryPayloads,
    MemorySessions,
    Road,
    ScriptedUpstream,
    attempt,
    rule,
    seat,
    text_part,
    whole,
)


def run(road: Road, *parts: Part, change=None):
    asked = attempt(*(parts or (text_part("hello"),)))
    return asyncio.run(road.exchange.answer(road.running, change(asked) if change else asked))


def road(*rules, **more) -> Road:
    return Road(Chain([seat(each) for each in (rules or (rule("r"),))]), **more)


def outcomes(made: Road) -> list[tuple[str, str]]:
    return [(each.checkpoint or each.kind, each.outcome) for each in made.ledger.records]


def test_what_is_allowed_is_answered_and_on_record():
    made = road()
    outcome = run(made)
    assert isinstance(outcome, Answered)
    assert outcomes(made) == [("inbound", "proceeds"), ("egress", "sends"), ("response", "releases")]
    assert made.ledger.records[-1].id == outcome.record == outcome.receipt.record


def test_the_upstream_is_sent_the_judged_and_edited_content_under_its_own_name_for_the_model():
    made = road(rule("r", "secret", "hide"))
    run(made, text_part("my secret"))
    [sent] = made.upstream.sent
    assert [part.text for part in sent.parts] == ["my [SECRET]".replace("SECRET", "WORD")]
    assert sent.model == "m-upstream"
    assert sent.max_output_tokens == 4096


def test_an_edit_at_egress_goes_out_and_its_evidence_speaks_of_what_was_judged():
    made = road(rule("r", "secret", "hide", checkpoints=frozenset({Checkpoint.EGRESS})), rule("all"))
    run(made, text_part("my secret"))
    assert [part.text for part in made.upstream.sent[0].parts] == ["my [WORD]"]
    inbound, egress = made.ledger.records[:2]
    assert egress.content == inbound.content
    digest = made.exchange.digests.digest("support", b"secret")
    evidence = [found for each in egress.decision["judgements"] for found in each.get("evidence", [])]
    assert digest in [found.get("digest") for found in evidence]


def test_a_wish_for_fewer_tokens_is_kept_and_for_more_is_not():
    for wanted, sent in ((5, 5), (10**6, 4096)):
        made = road()

        def change(asked, wanted=wanted):
            conversation = asked.interaction.conversation
            generation = replace(conversation.generation, max_tokens=wanted)
            conversation = replace(conversation, generation=generation)
            return replace(asked, interaction=replace(asked.interaction, conversation=conversation))

        run(made, change=change)
        assert made.upstream.sent[0].max_output_tokens == sent


def test_tool_results_are_judged_at_their_own_checkpoint():
    made = road(rule("r", "injected", "deny", checkpoints=frozenset({Checkpoint.TOOL_RESULT})), rule("all"))
    outcome = run(made, text_part("injected is fine here"), text_part("injected", "turns/1/content/0", Origin.TOOL))
    assert isinstance(outcome, Refused)
    assert outcome.checkpoint is Checkpoint.TOOL_RESULT
    assert outcomes(made) == [("inbound", "proceeds"), ("tool_result", "refused")]
    assert made.upstream.sent == []


def test_a_model_that_is_not_there_is_refused_with_its_name_made_harmless():
    made = road()

    def change(asked):
        return replace(asked, interaction=replace(asked.interaction, resource=Resource("model", "a\nb\x1b[31m")))

    outcome = run(made, change=change)
    assert isinstance(outcome, Refused)
    assert outcome.cause.code == "model_not_found"
    assert outcome.cause.remedy.isprintable()
    assert made.upstream.sent == []


class Taking(type(rule("x"))):  # type: ignore[misc]
    async def examine(self, vantage):
        return Allow(vantage.everything, reservations=(Reservation("bucket", 1, 10, 1.0, "requests"),))


def test_a_limit_that_is_used_up_refuses_before_anything_is_sent():
    made = road(Taking("infrastructure.taking", checkpoints=frozenset({Checkpoint.INBOUND})), rule("all"))
    made.reservations.refused.add("bucket")
    outcome = run(made)
    assert (outcome.cause.code, outcome.retry_after_s) == ("requests_exhausted", 7.0)
    assert outcome.cause.control == "infrastructure.taking"
    assert made.upstream.sent == []


def test_what_was_used_is_settled_whatever_is_decided():
    taking = Taking("infrastructure.taking", checkpoints=frozenset({Checkpoint.INBOUND}))
    made = road(taking, rule("r", "fine", "deny", checkpoints=frozenset({Checkpoint.RESPONSE})), rule("all"))
    assert isinstance(run(made), Refused)
    assert made.reservations.settled == [{"tokens": 8}]


@pytest.mark.parametrize("error", [UpstreamError("late", code="upstream_late"), InternalError("x", code="y")])
def test_an_upstream_that_fails_leaves_a_failure(error):
    made = road(upstream=ScriptedUpstream(answer=error))
    outcome = run(made)
    assert isinstance(outcome, Failed)
    assert outcome.error is error
    assert outcomes(made)[-1] == ("failure", "failed")
    assert made.ledger.records[-1].cause == (made.ledger.records[-2].id,)


def test_a_caller_who_goes_away_leaves_a_record():
    async def scenario():
        made = road()
        waiting = asyncio.Event()

        async def forever(invocation):
            waiting.set()
            await asyncio.sleep(3600)

        made.upstream.complete = forever
        task = asyncio.ensure_future(made.exchange.answer(made.running, attempt(text_part("x"))))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return made

    made = asyncio.run(scenario())
    assert made.ledger.records[-1].outcome == "ended"
    assert made.ledger.records[-1].decision == {"code": "caller_gone"}


def calling(*names: str) -> Answer:
    parts = tuple(
        Part(PartId(f"choices/0/calls/{n}/arguments"), Origin.MODEL, freeze({"n": n}), JSON) for n in range(len(names))
    )
    calls = tuple(ToolCall("theirs", name, part.id) for name, part in zip(names, parts, strict=True))
    return Answer((Choice(0, (), calls, Finish.TOOL_CALLS),), parts, Usage(1, 1))


def with_tool(asked):
    conversation = Conversation(asked.interaction.conversation.turns, (ToolDefinition("f", None, None),))
    return replace(asked, interaction=replace(asked.interaction, conversation=conversation))


def test_a_proposed_call_gets_our_handle_and_is_remembered():
    made = road(upstream=ScriptedUpstream(answer=calling("f", "g")))
    outcome = run(made, change=with_tool)
    handles = [call.id for call in outcome.answer.choices[0].calls]
    [state] = made.sessions.states.values()
    assert [event.subject for event in state.events if event.kind == PROPOSED] == handles
    assert {event.record for event in state.events} == {outcome.record}
    assert all(handle.startswith("call_") for handle in handles)


def test_a_result_of_a_call_that_was_never_proposed_marks_the_session():
    made = road(rule("needs", needs=frozenset({Task})), upstream=ScriptedUpstream())
    run(made, text_part("q"), text_part("r", "turns/1/content/0", Origin.TOOL))
    [state] = made.sessions.states.values()
    assert state.labels == WORST


def test_a_session_that_another_changes_meanwhile_is_tried_again():
    class Racing(MemorySessions):
        tries = 0

        async def commit(self, state, expected):
            Racing.tries += 1
            return False if Racing.tries < 3 else await super().commit(state, expected)

    made = road(upstream=ScriptedUpstream(answer=calling("f")), sessions=Racing())
    assert isinstance(run(made, change=with_tool), Answered)
    assert len(made.sessions.states) == 1


def test_a_session_store_that_is_gone_is_a_missing_fact_where_one_is_needed():
    made = road(rule("needs", needs=frozenset({Task})), sessions=MemorySessions(broken=True))
    assert run(made).cause.code == "missing_fact"
    assert isinstance(run(road(sessions=MemorySessions(broken=True))), Answered)


def test_a_knock_is_judged_without_content():
    made = road(rule("r", "x", "deny"))
    assert asyncio.run(made.exchange.knock(made.running, attempt())) is None
    assert made.ledger.records == []
    refusing = Road(Chain([]))
    refused = asyncio.run(refusing.exchange.knock(refusing.running, attempt()))
    assert refused.record == refusing.ledger.records[-1].id


def test_a_list_is_decided_and_not_recorded():
    made = road()
    assert asyncio.run(made.exchange.may(made.running, attempt()))
    nobody = Road(Chain([]))
    assert not asyncio.run(nobody.exchange.may(nobody.running, attempt()))
    assert made.ledger.records == nobody.ledger.records == []


def test_a_rejection_is_recorded_even_where_nothing_is_known_of_the_caller():
    made = road()
    asked = replace(attempt(), facts=Facts())
    error = CallerError("no", code="bad\nthing", param="x\x00", status=400)
    name = asyncio.run(made.exchange.reject("sha256:0", asked, error))
    [record] = made.ledger.records
    assert record.id == name
    assert record.source == ""
    assert record.decision["code"].isprintable()
    assert record.decision["param"].isprintable()


def test_handles_are_ours_and_never_the_same():
    assert len({new_call_handle() for _ in range(1000)}) == 1000
    answer = whole("text")
    assert with_own_handles(answer) is answer
    assert PERSON.verified


def test_content_is_kept_before_anything_takes_effect_and_only_where_the_plan_wants_it():
    made = road(payload_days=7)
    kept_when_sent = []
    made.upstream.before = lambda: kept_when_sent.append(len(made.payloads.kept))
    assert isinstance(run(made), Answered)
    assert kept_when_sent == [2]  # INBOUND and EGRESS
    assert [each.record for each in made.payloads.kept] == [each.id for each in made.ledger.records]
    assert [each.parts[0].value for each in made.payloads.kept] == ["hello", "hello", "fine"]
    assert {each.days for each in made.payloads.kept} == {7}
    silent = road()
    run(silent)
    assert silent.payloads.kept == []


def test_what_cannot_be_kept_is_not_sent():
    made = road(payload_days=7, payloads=MemoryPayloads(broken=True))
    with pytest.raises(InternalError):
        run(made)
    assert made.upstream.sent == [] and made.ledger.records == []
