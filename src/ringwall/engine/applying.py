"""What does a guardrail say of a content? The road of a judgement that nothing follows.

    1. facts -> 2. INBOUND of the workload: who asks -> 3. the guardrail alone: the content -> 4. reservations
    -> 5. barrier

* The workload's own controls judge who asks, from where and how often, without the content; exactly the guardrail's
  controls judge the content.
* One decision, one record, durable before it is told (law 7). What was kept of the content is what the plan says.
* A guardrail that does nothing in this direction leaves a record that says so: nobody was asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ringwall.engine.exchange import Exchange
from ringwall.engine.guarding import Guard, Hearing
from ringwall.engine.outcomes import Attempt, Refused
from ringwall.engine.running import RunningWorkload
from ringwall.model.decision import Decision, Effect
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.ports import Receipt
from ringwall.model.record import Outcome, RecordId
from ringwall.model.volumes import Flow


@dataclass(frozen=True, slots=True)
class Applied:
    """The content was judged.

    Attributes:
        decision: What the guardrail concluded.
        hearing: What its controls found.
        record: The record of it.
        receipt: Proof that it is in the ledger.
    """

    decision: Decision
    hearing: Hearing
    record: RecordId
    receipt: Receipt


async def apply(
    exchange: Exchange, running: RunningWorkload, guard: Guard, attempt: Attempt, checkpoint: Checkpoint
) -> Applied | Refused:
    """The whole road. The attempt's interaction has the content as its parts.

    Raises:
        InternalError: The ledger cannot take the record; nothing is told.
    """
    interaction = attempt.interaction
    facts, _ = await exchange.load(running, attempt)  # 1
    recorder = exchange.recorder(running.digest, attempt, facts, payload_days=running.plan.payload_days)
    bare = replace(interaction, parts=())
    entered = await running.chain.decide(Vantage(Checkpoint.INBOUND, bare, (), facts))  # 2
    if entered.effect is not Effect.ALLOW:
        return await exchange.refuse(recorder, entered, (), [])
    hearing = Hearing()
    vantage = Vantage(checkpoint, interaction, interaction.parts, facts)
    decision = Decision(checkpoint, Effect.ALLOW, None, interaction.parts, (), (), (), (), (), 0)
    if guard.alone.is_due_at(checkpoint):
        decision = await guard.alone.decide(vantage)  # 3
        hearing.listen(decision, vantage)
    flow = Flow(interaction.workload, interaction.principal.name, f"guardrail://{guard.plan.name}")
    taken = await exchange.take([entered], flow, ())  # 4
    if isinstance(taken, tuple):
        wait_s, why = taken
        spent = replace(entered, effect=Effect.DENY, cause=why)
        return await exchange.refuse(recorder, spent, (), [], retry_after_s=wait_s)
    outcome = Outcome.RELEASES if decision.effect is Effect.ALLOW else Outcome.REFUSED
    record = recorder.decision(decision, interaction.parts, outcome)
    receipts = await exchange.commit(recorder, [record])  # 5
    return Applied(decision, hearing, record.id, receipts[-1])
