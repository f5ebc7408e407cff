"""The road of a tool call, from top to bottom.

    1. facts -> 2. INBOUND -> 3. TOOL_CALL -> 4. EGRESS -> 5. reservations -> 6. first barrier -> 7. leases
    -> 8. the tool -> 9. TOOL_RESULT -> 10. unseal -> 11. session -> 12. second barrier

* INBOUND asks who calls, from where and how often; the arguments are judged at TOOL_CALL, where they are what the tool
  is about to get.
* A call that a model of this session proposed names, as its cause, the record of the answer that proposed it.
* What a decision granted is carried out after the last decision of its half: a credential is leased for this call and
  given back when it has ended, however it ended; sealed values are opened for who reads the answer, never for the tool.
* What the tool returns is untrusted. It is judged before anybody reads it, and the session remembers what was delivered
  (`ringwall.engine.memory`), so that it can be told from what a caller made up.
* A call that was sent and came to nothing leaves a FAILURE record: the tool may have acted, nobody knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ringwall.engine import memory
from ringwall.engine.exchange import Exchange
from ringwall.engine.granting import lent, opened
from ringwall.engine.outcomes import Attempt, Failed, Refused, Returned
from ringwall.engine.recording import Recorder, cause_body, ids
from ringwall.engine.running import RunningWorkload
from ringwall.engine.volume import destined, flow_of
from ringwall.model.content import Json, Part
from ringwall.model.decision import Cause, Decision, Effect
from ringwall.model.errors import InternalError, RingwallError
from ringwall.model.facts import Destination, Facts
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.ports import Taken
from ringwall.model.record import Outcome, Record, RecordId, RecordKind
from ringwall.model.scopes import scope
from ringwall.model.session import SessionState
from ringwall.model.upstreams import ToolAnswer, ToolInvocation, ToolServer
from ringwall.model.verdict import Grant


@dataclass(frozen=True, slots=True)
class _Cleared:
    """A call that may be made, and the decisions behind that are durable."""

    recorder: Recorder
    facts: Facts
    server: ToolServer
    invocation: ToolInvocation
    taken: Taken | None
    grants: tuple[Grant, ...]
    session: SessionState | None
    cause: tuple[RecordId, ...]
    contained_by: tuple[str, ...]


async def call(exchange: Exchange, running: RunningWorkload, attempt: Attempt) -> Returned | Refused | Failed:
    """The whole road of a tool call. The attempt's interaction has one part, the arguments.

    Raises:
        InternalError: The ledger cannot take records; nothing took effect that is not recorded.
    """
    cleared = await _clear(exchange, running, attempt)
    if not isinstance(cleared, _Cleared):
        return cleared
    try:
        async with lent(exchange.leases, attempt.interaction, cleared.grants) as context:  # 7
            answer = await cleared.server.call(replace(cleared.invocation, context=context))  # 8
        return await _return(exchange, running, attempt, cleared, answer)
    except RingwallError as error:
        return await exchange.fail(cleared.recorder, error, cleared.cause)
    except asyncio.CancelledError:
        await exchange.caller_gone(cleared.recorder, cleared.cause)
        raise


async def _clear(exchange: Exchange, running: RunningWorkload, attempt: Attempt) -> _Cleared | Refused:
    """The road up to and with the first barrier."""
    interaction = attempt.interaction
    facts, session = await exchange.load(running, attempt)  # 1
    recorder = exchange.recorder(running.digest, attempt, facts, payload_days=running.plan.payload_days)
    tool = running.tool(interaction.resource.name)
    server = running.tool_servers.get(tool.server) if tool is not None else None
    contained_by = (scope("server", tool.server),) if tool is not None and server is not None else ()
    records: list[Record] = []
    decisions: list[Decision] = []
    judged = interaction.parts
    for checkpoint in (Checkpoint.INBOUND, Checkpoint.TOOL_CALL, Checkpoint.EGRESS):  # 2, 3, 4
        if checkpoint is Checkpoint.EGRESS:
            if tool is None or server is None:
                return await _not_served(exchange, recorder, records)
            facts = destined(exchange.volumes, running, interaction, facts, server.destination())
        parts = () if checkpoint is Checkpoint.INBOUND else judged
        facts = exchange.fresh(attempt, facts, *contained_by)
        decision = await running.chain.decide(Vantage(checkpoint, interaction, parts, facts))
        cause = ids(records[-1:]) or _proposed_by(exchange, attempt, session)
        if decision.effect is not Effect.ALLOW:
            return await exchange.refuse(recorder, decision, parts, records, cause=cause)
        outcome = Outcome.SENDS if checkpoint is Checkpoint.EGRESS else Outcome.PROCEEDS
        records.append(recorder.decision(decision, parts, outcome, cause))
        decisions.append(decision)
        judged = decision.parts if checkpoint is not Checkpoint.INBOUND else judged
    taken = await exchange.take(decisions, flow_of(interaction, facts[Destination]), judged)  # 5
    if isinstance(taken, tuple):
        wait_s, why = taken
        spent = replace(decisions[-1], effect=Effect.DENY, cause=why)
        records.pop()  # it is not sent
        return await exchange.refuse(recorder, spent, judged, records, retry_after_s=wait_s)
    await exchange.commit(recorder, records, receipt=False)  # 6
    if tool is None or server is None:
        raise InternalError("a call without a tool", code="engine")
    invocation = ToolInvocation(tool, _arguments(judged), attempt.trace)
    grants = tuple(grant for each in decisions for grant in each.grants)
    return _Cleared(recorder, facts, server, invocation, taken, grants, session, ids(records[-1:]), contained_by)


async def _return(
    exchange: Exchange, running: RunningWorkload, attempt: Attempt, cleared: _Cleared, answer: ToolAnswer
) -> Returned | Refused:
    """The road from what the tool returned to the second barrier."""
    facts = exchange.fresh(attempt, cleared.facts, *cleared.contained_by)
    vantage = Vantage(Checkpoint.TOOL_RESULT, attempt.interaction, answer.parts, facts)
    decision = await running.chain.decide(vantage)  # 9
    if decision.effect is not Effect.ALLOW:
        return await exchange.refuse(cleared.recorder, decision, answer.parts, [], cause=cleared.cause)
    parts, unreadable = await opened(exchange.keys, attempt.interaction, decision)  # 10
    record = cleared.recorder.decision(decision, answer.parts, Outcome.RELEASES, cleared.cause, unreadable=unreadable)
    tool = cleared.invocation.tool
    events = memory.deliveries(exchange.digests, attempt.interaction.workload, tool.name, parts, record.id)
    await exchange.remember(attempt, cleared.session, events)  # 11
    receipts = await exchange.commit(cleared.recorder, [record])  # 12
    return Returned(replace(answer, parts=parts), record.id, receipts[-1])


async def _not_served(exchange: Exchange, recorder: Recorder, records: Sequence[Record]) -> Refused:
    """A tool that passed every control and has no server: the application runs it itself, or nobody declared it."""
    remedy = "no server of this application serves this tool; tools/list names those that can be called here"
    cause = Cause(None, "tool_not_served", remedy)
    record = recorder.event(RecordKind.REJECTION, Outcome.REFUSED, {"cause": cause_body(cause)}, ids(records[-1:]))
    receipts = await exchange.commit(recorder, [*records, record])
    return Refused(cause, Effect.DENY, Checkpoint.TOOL_CALL, record.id, receipts[-1])


def _proposed_by(exchange: Exchange, attempt: Attempt, session: SessionState | None) -> tuple[RecordId, ...]:
    """The record of the answer of this session that proposed this very call."""
    interaction = attempt.interaction
    wanted = memory.intent(
        exchange.digests, interaction.workload, interaction.resource.name, interaction.parts[0].value
    )
    found = memory.proposer(session, wanted)
    return (RecordId(found),) if found is not None else ()


def _arguments(parts: Sequence[Part]) -> Mapping[str, Json]:
    value = parts[0].value
    if not isinstance(value, Mapping):
        raise InternalError("the arguments of a call are no object", code="engine")
    return value
