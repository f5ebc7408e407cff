"""The road that every request to a model takes, from top to bottom.

    admit:  1. facts -> 2. INBOUND -> 3. TOOL_RESULT -> 4. route -> 5. EGRESS -> 6. reservations -> 7. first barrier
    answer: 8. upstream -> 9. RESPONSE -> 10. session -> 11. second barrier -> 12. settle

* Every checkpoint: `chain.decide` -> Decision -> Record, durable before its effect (law 7). The first barrier stands
  before bytes go upstream, the second before the first byte goes to the caller; records of a barrier commit together.
* What is sent is the judged and edited content, nothing else (law 9).
* A request that ends without an answer leaves a FAILURE record: upstream dead, answer unreadable, caller gone.
* The caller's handles of tool calls are ours; the provider's stay with the provider (law 10).

The streamed half of the road is in `ringwall.engine.streamed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ringwall.engine import memory
from ringwall.engine.blocked import blame
from ringwall.engine.edits import still_sealed
from ringwall.engine.health import Health
from ringwall.engine.outcomes import Admitted, Answered, Attempt, Failed, Going, Refused
from ringwall.engine.reaching import depart, reach
from ringwall.engine.recording import Recorder, cause_body, ids
from ringwall.engine.routing import NoWay, no_such_model, ways
from ringwall.engine.running import RunningWorkload
from ringwall.engine.volume import size_of, spend
from ringwall.model.content import Part, PartId
from ringwall.model.conversation import Answer, Usage
from ringwall.model.decision import Cause, Decision, Effect
from ringwall.model.errors import InternalError, RingwallError
from ringwall.model.facts import Delivered, Demand, Facts, Identity, Proposed, Source, Task
from ringwall.model.features import features
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.labels import BEST, WORST
from ringwall.model.names import random_hex
from ringwall.model.ports import (
    Clock,
    Containment,
    Digests,
    Exhausted,
    Keys,
    Leases,
    Ledger,
    Payloads,
    Receipt,
    Reservations,
    Sessions,
    Taken,
)
from ringwall.model.record import Outcome, Record, RecordId, RecordKind, inert
from ringwall.model.scopes import concerned
from ringwall.model.session import Event, SessionState
from ringwall.model.verdict import DenyKind
from ringwall.model.volumes import Flow, Volumes


class Exchange:
    """The road. One for a process; requests bring the snapshot under which they began."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        sessions: Sessions,
        containment: Containment,
        reservations: Reservations,
        digests: Digests,
        payloads: Payloads,
        keys: Keys,
        leases: Leases,
        volumes: Volumes,
        clock: Clock,
    ) -> None:
        """Take the ports."""
        self.digests = digests
        self.keys = keys
        self.leases = leases
        self.volumes = volumes
        self.clock = clock
        self.health = Health(clock.monotonic)
        self._ledger = ledger
        self._payloads = payloads
        self.sessions = sessions
        self._containment = containment
        self._reservations = reservations

    def recorder(self, plan: str, attempt: Attempt, facts: Facts, *, payload_days: int = 0) -> Recorder:
        """What makes this interaction's records, under the plan of this digest."""
        return Recorder(
            attempt.interaction,
            facts,
            plan=plan,
            trace=attempt.trace,
            clock=self.clock,
            digests=self.digests,
            payload_days=payload_days,
        )

    async def commit(self, recorder: Recorder, records: Sequence[Record], *, receipt: bool = True) -> Sequence[Receipt]:
        """Make records durable, and first what the plan wants kept of their content.

        Killed in between, something is kept that no record names: that says nothing. The other way round a record
        would promise content that is not there.

        Raises:
            InternalError: One of them could not be made durable. Nothing may take effect.
        """
        payloads = recorder.take_payloads()
        if payloads:
            await self._payloads.keep(payloads)
        return await self._ledger.commit(records, receipt=receipt)

    async def answer(self, running: RunningWorkload, attempt: Attempt) -> Answered | Refused | Failed:
        """The whole road of a request that is answered in one piece.

        Raises:
            InternalError: The ledger cannot take records; nothing took effect that is not recorded.
        """
        reached = await reach(self, running, attempt, lambda to: to.way.upstream.complete(to.invocation))  # 8
        if not isinstance(reached, tuple):
            return reached
        admitted, answer = reached
        try:
            return await self.respond(running, attempt, admitted, answer)
        except RingwallError as error:
            return await self.fail(admitted.recorder, error, admitted.cause)
        except asyncio.CancelledError:
            await self.caller_gone(admitted.recorder, admitted.cause)
            raise

    async def admit(self, running: RunningWorkload, attempt: Attempt) -> Admitted | Refused | Failed:
        """The road up to and with the first barrier."""
        interaction = attempt.interaction
        facts, session = await self.load(running, attempt)  # 1
        recorder = self.recorder(running.digest, attempt, facts, payload_days=running.plan.payload_days)
        records: list[Record] = []
        results = {part for part, _ in attempt.tool_results}
        judged: dict[PartId, Part] = {}
        decisions: list[Decision] = []
        for checkpoint, parts in (  # 2, 3
            (Checkpoint.INBOUND, tuple(part for part in interaction.parts if part.id not in results)),
            (Checkpoint.TOOL_RESULT, tuple(part for part in interaction.parts if part.id in results)),
        ):
            if checkpoint is Checkpoint.TOOL_RESULT and not parts:
                continue
            decision = await running.chain.decide(Vantage(checkpoint, interaction, parts, facts))
            if decision.effect is not Effect.ALLOW:
                refused = await self.refuse(recorder, decision, parts, records)
                await blame(self, attempt, session, decision, refused.record)
                return refused
            cause = ids(records[-1:])
            records.append(recorder.decision(decision, parts, Outcome.PROCEEDS, cause, left_out=attempt.left_out))
            decisions.append(decision)
            judged.update((part.id, part) for part in decision.parts)
        content = tuple(judged[part.id] for part in interaction.parts)
        route = running.plan.route(interaction.resource.name)  # 4
        if route is None or interaction.conversation is None:
            return await self._no_way(recorder, records, no_such_model(interaction.resource.name))
        needed = features(interaction.conversation, content)
        tries = ways(running, route, needed, interaction.id, self.health)
        if isinstance(tries, NoWay):
            return await self._no_way(recorder, records, tries)
        going = Going(recorder, facts, content, session, tries)
        return await depart(self, running, attempt, going, tries.first(), decisions, records)  # 5, 6, 7

    async def knock(self, running: RunningWorkload, attempt: Attempt) -> Refused | None:
        """Judge a caller who could not be verified, before anything of the request is read.

        Returns:
            The recorded refusal, or None where the organisation lets unverified callers in.
        """
        facts, _ = await self.load(running, attempt)
        decision = await running.chain.decide(Vantage(Checkpoint.INBOUND, attempt.interaction, (), facts))
        if decision.effect is Effect.ALLOW:
            return None
        return await self.refuse(self.recorder(running.digest, attempt, facts), decision, (), [])

    async def may(self, running: RunningWorkload, attempt: Attempt) -> bool:
        """Whether an attempt without content and without effect (listing a model) would be allowed; not recorded."""
        facts, _ = await self.load(running, attempt)
        decision = await running.chain.decide(Vantage(Checkpoint.INBOUND, attempt.interaction, (), facts))
        return decision.effect is Effect.ALLOW

    async def respond(
        self, running: RunningWorkload, attempt: Attempt, admitted: Admitted, answer: Answer
    ) -> Answered | Refused:
        """The road from the upstream's whole answer to the second barrier."""
        answer = with_own_handles(answer)
        facts = self.fresh(attempt, admitted.facts).with_(proposed(answer))
        vantage = Vantage(Checkpoint.RESPONSE, attempt.interaction, answer.parts, facts)
        decision = await running.chain.decide(vantage)  # 9
        await self.settle(admitted, answer.usage)  # 12; what was used was used, whatever is decided
        if decision.effect is not Effect.ALLOW:
            refused = await self.refuse(admitted.recorder, decision, answer.parts, [], cause=admitted.cause)
            await blame(self, attempt, admitted.session, decision, refused.record)
            return refused
        record = admitted.recorder.decision(decision, answer.parts, Outcome.RELEASES, admitted.cause)
        parts = answer.by_id()
        calls = [(call.id, call.name, parts[call.arguments]) for each in answer.choices for call in each.calls]
        await self.remember(attempt, admitted.session, self.proposals(attempt, calls, record.id))  # 10
        receipts = await self.commit(admitted.recorder, [record])  # 11
        return Answered(_unsealed(replace(answer, parts=decision.parts), parts), record.id, receipts[-1])

    async def refuse(
        self,
        recorder: Recorder,
        decision: Decision,
        parts: Sequence[Part],
        records: list[Record],
        *,
        cause: tuple[RecordId, ...] = (),
        retry_after_s: float | None = None,
    ) -> Refused:
        """Record a refusal, durable before the caller reads it."""
        if decision.cause is None:
            raise InternalError("refused without a cause", code="engine")
        record = recorder.decision(decision, parts, Outcome.REFUSED, cause or ids(records[-1:]))
        receipts = await self.commit(recorder, [*records, record])
        return Refused(
            decision.cause, decision.effect, decision.checkpoint, record.id, receipts[-1], retry_after_s=retry_after_s
        )

    async def reject(self, plan: str, attempt: Attempt, error: RingwallError) -> RecordId:
        """Record a request that no control could be asked about: malformed, too large, of an unknown kind."""
        recorder = self.recorder(plan, attempt, attempt.facts)
        body = {"code": inert(error.code), "param": inert(error.param or ""), "status": error.status}
        record = recorder.event(RecordKind.REJECTION, Outcome.REFUSED, body)
        await self.commit(recorder, [record], receipt=False)
        return record.id

    async def fail(self, recorder: Recorder, error: RingwallError, cause: tuple[RecordId, ...]) -> Failed:
        """Record that an admitted request came to nothing."""
        body = {"code": inert(error.code), "detail": inert(error.detail), "status": error.status}
        record = recorder.event(RecordKind.FAILURE, Outcome.FAILED, body, cause)
        await self.commit(recorder, [record], receipt=False)
        return Failed(error, record.id)

    async def caller_gone(self, recorder: Recorder, cause: tuple[RecordId, ...]) -> None:
        """Record that the caller went away before the answer."""
        record = recorder.event(RecordKind.FAILURE, Outcome.ENDED, {"code": "caller_gone"}, cause)
        await asyncio.shield(self.commit(recorder, [record], receipt=False))

    async def settle(self, admitted: Admitted, usage: Usage | None) -> None:
        """Replace reserved tokens by counted ones; without a count the reservation stays.

        What a target that failed may have read is counted as it was estimated.
        """
        if usage is None or not admitted.taken:
            return
        in_vain = admitted.going.tries.in_vain * admitted.facts[Demand].input_tokens
        for taken in admitted.taken:
            await taken.settle({"tokens": usage.input_tokens + usage.output_tokens + in_vain})

    def proposals(self, attempt: Attempt, calls: Iterable[tuple[str, str, Part]], record: RecordId) -> list[Event]:
        """What a session remembers of proposed calls (handle, tool, arguments)."""
        workload = attempt.interaction.workload
        events = []
        for handle, tool, arguments in calls:
            intent = memory.intent(self.digests, workload, tool, arguments.value)
            events += [Event(memory.PROPOSED, handle, record), Event(memory.INTENDED, intent, record)]
        return events

    async def remember(self, attempt: Attempt, state: SessionState | None, events: Sequence[Event]) -> None:
        """Keep events of the session; compare-and-set, a few times.

        What cannot be kept is unknown later, and unknown is the worst case: never a loosening.
        """
        unknown = memory.unknown_results(attempt.tool_results, state)
        if not events and not unknown:
            return
        key = attempt.interaction.session
        for _ in range(MAX_SESSION_TRIES):
            state = state if state is not None else await self.sessions.load(key)
            if await self.sessions.commit(state.having(tuple(events), WORST if unknown else BEST), state.version):
                return
            state = None

    async def load(self, running: RunningWorkload, attempt: Attempt) -> tuple[Facts, SessionState | None]:
        """Every fact that a control here needs. One that cannot be loaded stays missing, and missing is Deny."""
        facts = self.fresh(attempt, attempt.facts)
        interaction = attempt.interaction
        conversation = interaction.conversation
        wants_session = Task in running.chain.needs or interaction.action is Action.CALL
        has_tools = bool(attempt.tool_results) or bool(conversation and conversation.tools)
        if not (wants_session or has_tools):
            return facts.with_(NOTHING_DELIVERED), None
        try:
            session = await self.sessions.load(interaction.session)
        except InternalError:
            return facts, None
        task = Task(session.subjects(memory.PROPOSED), memory.unknown_results(attempt.tool_results, session))
        delivered = memory.delivered(self.digests, interaction, attempt.tool_results, session)
        return facts.with_(task, delivered), session

    def fresh(self, attempt: Attempt, facts: Facts, *also: str) -> Facts:
        """The facts with what is contained at this moment: containment is looked at anew at every checkpoint.

        Args:
            attempt: Whose.
            facts: What is known.
            also: Further scopes whose containment would stop it.
        """
        scopes = concerned(attempt.interaction, facts[Identity], facts[Source])
        return facts.with_(self._containment.standing((*scopes, *also)))

    async def take(
        self, decisions: Sequence[Decision], flow: Flow, leaves: Sequence[Part]
    ) -> Taken | tuple[float, Cause] | None:
        """Take all reservations of all decisions and count what leaves, or none of it.

        Args:
            decisions: What was decided.
            flow: Under which the bytes are counted.
            leaves: The content that is about to leave.

        Returns:
            What was taken; or the seconds after which to try again, and what refuses it.
        """
        wanted = [each for decision in decisions for each in decision.reservations]
        taken = await self._reservations.take([reservation for _, reservation in wanted]) if wanted else None
        if not isinstance(taken, Exhausted):
            counts = any(decision.allowances for decision in decisions)
            over = spend(self.volumes, decisions, flow, size_of(leaves)) if counts else None
            if over is not None and taken is not None:
                await taken.settle({reservation.unit: 0 for _, reservation in wanted})
            return taken if over is None else over
        control = next(control for control, each in wanted if each.bucket == taken.reservation.bucket)
        code = f"{taken.reservation.unit}_exhausted"
        remedy = f"the limit of {taken.reservation.unit} is used up for now; try again later"
        return taken.retry_after_s, Cause(control, code, remedy, DenyKind.EXHAUSTED)

    async def _no_way(self, recorder: Recorder, records: list[Record], why: NoWay) -> Refused:
        """Refuse what no control was asked about: it could go nowhere."""
        body = {"cause": cause_body(why.cause), **why.body}
        record = recorder.event(RecordKind.REJECTION, Outcome.REFUSED, body, ids(records[-1:]))
        receipts = await self.commit(recorder, [*records, record])
        return Refused(why.cause, Effect.DENY, Checkpoint.INBOUND, record.id, receipts[-1])


MAX_SESSION_TRIES = 5
"""How often a session's compare-and-set is tried before what happened stays unknown."""


NOTHING_DELIVERED = Delivered(MappingProxyType({}))


def proposed(answer: Answer) -> Proposed:
    """The calls that an answer proposes."""
    return Proposed({call.arguments: call.name for choice in answer.choices for call in choice.calls})


def new_call_handle() -> str:
    """A handle for a proposed tool call: ours, unguessable, in the form that clients expect."""
    return "call_" + random_hex(12)


def _unsealed(answer: Answer, came: Mapping[PartId, Part]) -> Answer:
    """The judged answer, without the seals of what was edited."""
    if not any(choice.reasoning for choice in answer.choices):
        return answer
    judged = answer.by_id()
    choices = (replace(each, reasoning=still_sealed(each.reasoning, came, judged)) for each in answer.choices)
    return replace(answer, choices=tuple(choices))


def with_own_handles(answer: Answer) -> Answer:
    """The answer with our handles in place of the provider's."""
    if not any(choice.calls for choice in answer.choices):
        return answer
    choices = tuple(
        replace(choice, calls=tuple(replace(call, id=new_call_handle()) for call in choice.calls))
        for choice in answer.choices
    )
    return replace(answer, choices=choices)
