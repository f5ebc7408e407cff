"""How does an admitted request reach an upstream that answers? One target after the other, each judged anew.

1. Ask the target.
2. Where it failed and nothing was released: record the failure; the next target, if there is one (`engine.routing`).
3. EGRESS is decided anew for the next target, by every control, with its destination; a refusal there ends the request:
   nothing is routed around a control. Its reservations are taken besides those that stand. Its records are durable
   before a byte goes there.

* A retry is a try like any other: judged and recorded.
* Where nothing was done by anybody, nothing was used: reserved tokens are given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ringwall.engine.edits import still_sealed
from ringwall.engine.outcomes import Admitted, Attempt, Failed, Going, Refused
from ringwall.engine.recording import ids
from ringwall.engine.routing import GOES_ON, Way
from ringwall.engine.running import RunningWorkload
from ringwall.engine.volume import destined, flow_of
from ringwall.model.content import Part, by_id
from ringwall.model.decision import Decision, Effect
from ringwall.model.errors import InternalError, RingwallError
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.plan import Target
from ringwall.model.ports import Taken
from ringwall.model.record import Outcome, Record, RecordId, RecordKind, inert
from ringwall.model.upstreams import Invocation

if TYPE_CHECKING:
    from ringwall.engine.exchange import Exchange

T = TypeVar("T")


async def depart(
    exchange: Exchange,
    running: RunningWorkload,
    attempt: Attempt,
    going: Going,
    way: Way,
    before: Sequence[Decision],
    records: list[Record],
    standing: tuple[Taken, ...] = (),
    cause: tuple[RecordId, ...] = (),
) -> Admitted | Refused:
    """Steps 5 to 7 of the road, for one target: EGRESS, reservations, first barrier.

    Args:
        exchange: The road.
        running: The workload.
        attempt: The request.
        going: What was let in.
        way: The target.
        before: Earlier decisions whose reservations are taken together with this one's.
        records: Earlier records that are made durable together with this one's.
        standing: What was taken for an earlier target.
        cause: The record that led here, where none of `records` did.
    """
    interaction = attempt.interaction
    recorder, content = going.recorder, going.content
    embeds = interaction.conversation is not None and interaction.conversation.embedding is not None
    to = way.upstream.destination(way.target.model, embeds=embeds)
    facts = destined(exchange.volumes, running, interaction, exchange.fresh(attempt, going.facts), to)
    decision = await running.chain.decide(Vantage(Checkpoint.EGRESS, interaction, content, facts))  # 5
    if decision.effect is not Effect.ALLOW:
        return await exchange.refuse(recorder, decision, content, records, cause=cause)
    taken = await exchange.take([*before, decision], flow_of(interaction, to), decision.parts)  # 6
    if isinstance(taken, tuple):
        wait_s, why = taken
        spent = replace(decision, effect=Effect.DENY, cause=why)
        return await exchange.refuse(recorder, spent, content, records, cause=cause, retry_after_s=wait_s)
    target = {"left_out": going.tries.left_out, "model": inert(way.target.model), "upstream": inert(to.upstream)}
    record = recorder.decision(decision, content, Outcome.SENDS, cause or ids(records[-1:]), target=target)
    await exchange.commit(recorder, [*records, record], receipt=False)  # 7
    invocation = _invocation(running, attempt, decision.parts, way.target)
    all_taken = standing if taken is None else (*standing, taken)
    return Admitted(going, facts, way, invocation, all_taken, (record.id,))


async def reach(
    exchange: Exchange, running: RunningWorkload, attempt: Attempt, ask: Callable[[Admitted], Awaitable[T]]
) -> tuple[Admitted, T] | Refused | Failed:
    """What the first target says that answers.

    Args:
        exchange: The road.
        running: The workload.
        attempt: The request.
        ask: Asks the target that it was admitted to. Nothing may have been released when it raises.

    Raises:
        InternalError: The ledger cannot take records; nothing took effect that is not recorded.
    """
    following = await exchange.admit(running, attempt)
    while isinstance(following, Admitted):
        admitted = following
        try:
            try:
                exchange.health.asked(admitted.way.key)
                found = await ask(admitted)  # 1
            except RingwallError as error:
                if error.code in GOES_ON:
                    exchange.health.failed(admitted.way.key)
                after = await _next(exchange, running, attempt, admitted, error)
                if after is None:
                    await give_back(admitted)
                    return await exchange.fail(admitted.recorder, error, admitted.cause)
                following = after
                continue
            exchange.health.answered(admitted.way.key)
            return admitted, found
        except asyncio.CancelledError:
            await exchange.caller_gone(admitted.recorder, admitted.cause)
            raise
    return following


async def _next(
    exchange: Exchange, running: RunningWorkload, attempt: Attempt, admitted: Admitted, error: RingwallError
) -> Admitted | Refused | None:
    """The next target, judged and on record; None when there is none."""
    way = admitted.way
    following = admitted.going.tries.after(way, error)  # 2
    if following is None:
        return None
    to, wait_s = following
    body = {
        "code": inert(error.code),
        "detail": inert(error.detail),
        "next": inert(to.target.upstream),
        "status": error.status,
        "upstream": inert(way.target.upstream),
        "wait_ms": round(wait_s * 1000),
    }
    record = admitted.recorder.event(RecordKind.FAILURE, Outcome.PROCEEDS, body, admitted.cause)
    await exchange.commit(admitted.recorder, [record], receipt=False)
    if wait_s:
        await asyncio.sleep(wait_s)
    departed = await depart(exchange, running, attempt, admitted.going, to, (), [], admitted.taken, (record.id,))  # 3
    if isinstance(departed, Refused):
        await give_back(admitted)
    return departed


async def give_back(admitted: Admitted) -> None:
    """Give back reserved tokens, where nobody can have used any."""
    if not admitted.going.tries.in_vain:
        for taken in admitted.taken:
            await taken.settle({"tokens": 0})


def _invocation(running: RunningWorkload, attempt: Attempt, content: tuple[Part, ...], target: Target) -> Invocation:
    conversation = attempt.interaction.conversation
    if conversation is None:
        raise InternalError("no conversation to send", code="engine")
    if any(turn.reasoning for turn in conversation.turns):
        came, judged = by_id(attempt.interaction.parts), by_id(content)
        turns = (replace(t, reasoning=still_sealed(t.reasoning, came, judged)) for t in conversation.turns)
        conversation = replace(conversation, turns=tuple(turns))
    wanted = conversation.generation.max_tokens
    limit = running.plan.max_output_tokens if wanted is None else min(wanted, running.plan.max_output_tokens)
    return Invocation(conversation, content, target.model, attempt.trace, limit)
