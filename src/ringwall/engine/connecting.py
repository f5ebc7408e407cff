"""The road of a connection through the egress proxy, from top to bottom.

    open:   1. facts -> 2. INBOUND -> 3. EGRESS -> 4. reservations and volume -> 5. first barrier: SENDS, OPENING
    while it is open: 6. bytes are counted, out and in -> 7. the chain is asked again, now and then
    close:  8. CLOSING: bytes out, bytes in, how it ended

* Nothing is sent, and no name is resolved, before the first barrier: a question to a name server is bytes that leave.
* INBOUND asks who asks and from where, and sees no content. EGRESS sees what is known of the content: of a plain HTTP
  request its path and query, its headers and its body; of a tunnel nothing, because it is encrypted.
* Bytes are counted before they leave (`Crossing.send`): an allowance that is used up cuts a tunnel in its middle.
* A tunnel may live long: containment, or a plan that changed its mind, takes hold of it through step 7.
* An opening without a closing reads `interrupted, extent unknown`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ringwall.engine.exchange import Exchange
from ringwall.engine.outcomes import Attempt, Refused
from ringwall.engine.recording import Recorder, cause_body, ids
from ringwall.engine.running import RunningWorkload
from ringwall.engine.volume import destined, flow_of, spend
from ringwall.model.content import Part
from ringwall.model.decision import Cause, Decision, Effect
from ringwall.model.facts import Destination, Facts
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.record import Outcome, Record, RecordId, RecordKind


class Ended(StrEnum):
    """How a connection ended."""

    DONE = "done"
    """Both sides had said what they had to say."""
    CUT = "cut"
    """A control no longer allowed it."""
    CALLER_GONE = "caller_gone"
    DESTINATION_GONE = "destination_gone"
    UNREACHABLE = "unreachable"
    """No connection came about."""
    REFUSED_ADDRESS = "refused_address"
    """The name leads to no address that may be connected to."""
    BROKEN = "broken"
    """The destination's answer cannot be read."""
    IDLE = "idle"
    LATE = "late"
    """It lasted longer than any connection may."""
    STOPPING = "stopping"
    """This process is ending."""


_OUTCOMES = {
    Ended.DONE: Outcome.RELEASED,
    Ended.UNREACHABLE: Outcome.FAILED,
    Ended.REFUSED_ADDRESS: Outcome.REFUSED,
    Ended.BROKEN: Outcome.FAILED,
    Ended.DESTINATION_GONE: Outcome.FAILED,
}


@dataclass(slots=True)
class Crossing:
    """A connection that may be made, and what has gone over it.

    Attributes:
        parts: The content of a plain request as it may leave.
        record: The record of the decision at EGRESS.
        bytes_out: Bytes that left.
        bytes_in: Bytes that came.
        cause: What cut it, once something has.
    """

    exchange: Exchange
    running: RunningWorkload
    attempt: Attempt
    recorder: Recorder
    facts: Facts
    decision: Decision
    opening: RecordId
    parts: tuple[Part, ...]
    record: RecordId
    bytes_out: int = 0
    bytes_in: int = 0
    cause: Cause | None = None
    closed: bool = field(default=False)

    def send(self, amount: int) -> bool:
        """Count bytes that are about to leave; False when they may not, and the connection must be cut.

        Raises:
            InternalError: They cannot be counted. They must not leave.
        """
        to = self.facts[Destination]
        over = spend(self.exchange.volumes, [self.decision], flow_of(self.attempt.interaction, to), amount)
        if over is not None:
            self.cause = over[1]
            return False
        self.bytes_out += amount
        return True

    def receive(self, amount: int) -> None:
        """Count bytes that came."""
        self.bytes_in += amount

    async def look_again(self) -> bool:
        """Ask the chain once more; False when it no longer allows this connection, and that is on record.

        Its content is not judged again: it has left. What limits how much may leave holds with every byte.
        """
        exchange, interaction = self.exchange, self.attempt.interaction
        facts = exchange.fresh(self.attempt, self.facts)
        facts = destined(exchange.volumes, self.running, interaction, facts, facts[Destination])
        decision = await self.running.chain.decide(Vantage(Checkpoint.EGRESS, interaction, (), facts))
        if decision.effect is Effect.ALLOW:
            self.decision = decision
            return True
        self.cause = decision.cause
        refusal = self.recorder.decision(decision, (), Outcome.REFUSED, (self.opening,))
        await exchange.commit(self.recorder, [refusal], receipt=False)
        return False

    async def close(self, ended: Ended, detail: str = "") -> None:
        """Record how it ended, once; also when the task that does so is being cancelled.

        Raises:
            InternalError: The ledger cannot take it: the connection reads `interrupted`.
        """
        if self.closed:
            return
        self.closed = True
        body: dict[str, object] = {
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "cause": cause_body(self.cause),
            "detail": detail,
            "ended": ended,
        }
        outcome = _OUTCOMES.get(ended, Outcome.ENDED)
        record = self.recorder.event(RecordKind.CLOSING, outcome, body, (self.opening,))
        await asyncio.shield(self.exchange.commit(self.recorder, [record], receipt=False))


async def open_crossing(
    exchange: Exchange, running: RunningWorkload, attempt: Attempt, to: Destination
) -> Crossing | Refused:
    """The road up to and with the first barrier.

    Args:
        exchange: The road's ports.
        running: The workload.
        attempt: What is attempted; its interaction's parts are the content of a plain request, none for a tunnel.
        to: Where it goes.

    Raises:
        InternalError: The ledger cannot take records, or bytes cannot be counted. Nothing may leave.
    """
    interaction = attempt.interaction
    facts, _ = await exchange.load(running, attempt)  # 1
    recorder = exchange.recorder(running.digest, attempt, facts, payload_days=running.plan.payload_days)
    records: list[Record] = []
    inbound = await running.chain.decide(Vantage(Checkpoint.INBOUND, interaction, (), facts))  # 2
    if inbound.effect is not Effect.ALLOW:
        return await exchange.refuse(recorder, inbound, (), records)
    records.append(recorder.decision(inbound, (), Outcome.PROCEEDS))
    facts = destined(exchange.volumes, running, interaction, exchange.fresh(attempt, facts), to)
    parts = interaction.parts
    decision = await running.chain.decide(Vantage(Checkpoint.EGRESS, interaction, parts, facts))  # 3
    if decision.effect is not Effect.ALLOW:
        return await exchange.refuse(recorder, decision, parts, records)
    taken = await exchange.take([inbound, decision], flow_of(interaction, to), ())  # 4
    if isinstance(taken, tuple):
        wait_s, cause = taken
        spent = replace(decision, effect=Effect.DENY, cause=cause)
        return await exchange.refuse(recorder, spent, parts, records, retry_after_s=wait_s)
    sends = recorder.decision(decision, parts, Outcome.SENDS, ids(records))
    opening = recorder.event(RecordKind.OPENING, Outcome.STREAMS, _opening(to, parts), (sends.id,))
    await exchange.commit(recorder, [*records, sends, opening], receipt=False)  # 5; nobody would hold a receipt
    return Crossing(
        exchange=exchange,
        running=running,
        attempt=attempt,
        recorder=recorder,
        facts=facts,
        decision=decision,
        opening=opening.id,
        parts=decision.parts,
        record=sends.id,
    )


def _opening(to: Destination, parts: Sequence[Part]) -> dict[str, object]:
    """What an opening tells: whether content was seen, or host, port and numbers of bytes are all that is known."""
    return {"content_seen": bool(parts), "host": to.host, "port": to.port, "scheme": to.scheme}
