"""The streamed half of the road: what goes out while the answer is still coming.

    admit (exchange) -> 8. first event -> 9. second barrier: OPENING -> 10. CHUNK* -> 11. calls: RESPONSE -> 12. CLOSING

* Text of each choice runs through a hold-back window (law 5). A window without findings needs no record of its own: the
  opening and closing records cover it. An edit or a refusal is recorded before its effect (law 7).
* Reasoning is a text of its own: its block ends with its seal, or where anything else begins, and then goes out whole.
* Arguments of tool calls are held until the choice has ended, and judged whole, as intent, at RESPONSE.
* When a control must see the whole answer, the stream is buffered: judged as one answer, then sent as one.
* The closing record tells how many characters were released and their digest. A stream that was opened and never
  closed reads `interrupted, extent unknown`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ringwall.engine.blocked import blame
from ringwall.engine.exchange import Exchange, new_call_handle
from ringwall.engine.outcomes import Admitted, Answered, Attempt, Failed, Refused
from ringwall.engine.reaching import reach
from ringwall.engine.recording import cause_body
from ringwall.engine.running import RunningWorkload
from ringwall.engine.stream import HeldTooLongError, HoldBack, Window
from ringwall.model.content import JSON, Json, Origin, Part, PartId
from ringwall.model.conversation import (
    NAME,
    CallDelta,
    Counted,
    Delta,
    Finished,
    Sealed,
    TextDelta,
    TextKind,
    Usage,
)
from ringwall.model.decision import Cause, Decision, Effect
from ringwall.model.errors import RingwallError, UpstreamError
from ringwall.model.facts import Proposed
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.ports import Receipt
from ringwall.model.record import Outcome, RecordId, RecordKind
from ringwall.model.strict_json import loads_object


@dataclass(frozen=True, slots=True)
class Closed:
    """The stream has ended as it should; the last event.

    Attributes:
        receipt: Proof of the closing record.
    """

    receipt: Receipt


StreamEvent = Delta | Refused | Failed | Closed
"""What a door renders. `Refused` and `Failed` end the stream early."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """It was allowed and has begun; the opening record is durable.

    Attributes:
        record: The opening record.
        receipt: Proof of it.
        buffered: The controls for whose sake the answer was buffered; empty when it streams.
        events: What goes out. Closing it cancels the call upstream.
    """

    record: RecordId
    receipt: Receipt
    buffered: tuple[str, ...]
    events: AsyncGenerator[StreamEvent, None]


@dataclass(slots=True)
class _Call:
    """A proposed call while its arguments are still coming."""

    id: str
    name: str
    pieces: list[str] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True)
class _Run:
    """The state of one stream."""

    running: RunningWorkload
    attempt: Attempt
    admitted: Admitted
    opening: RecordId
    texts: dict[tuple[int, TextKind], HoldBack] = field(default_factory=dict)
    blocks: dict[int, int] = field(default_factory=dict)
    calls: dict[int, dict[int, _Call]] = field(default_factory=dict)
    released: list[str] = field(default_factory=list)
    usage: Usage | None = None
    finished: set[int] = field(default_factory=set)

    @property
    def begun(self) -> set[int]:
        """The choices of which something came."""
        return {index for index, _ in self.texts} | self.blocks.keys() | self.calls.keys()


class _Stop(Exception):
    """The stream must end with this."""

    def __init__(self, refused: Refused) -> None:
        super().__init__()
        self.refused = refused


async def stream(exchange: Exchange, running: RunningWorkload, attempt: Attempt) -> Streaming | Refused | Failed:
    """The road of a request that is answered as a stream.

    Raises:
        InternalError: The ledger cannot take records; nothing took effect that is not recorded.
    """
    buffered = running.chain.must_buffer(attempt.interaction)
    if buffered:
        outcome = await exchange.answer(running, attempt)
        if not isinstance(outcome, Answered):
            return outcome
        return _replayed(outcome, buffered)
    reached = await reach(exchange, running, attempt, _begin)  # 8
    if not isinstance(reached, tuple):
        return reached
    admitted, (first, upstream) = reached
    try:
        record = admitted.recorder.event(RecordKind.OPENING, Outcome.STREAMS, {"buffered": []}, admitted.cause)
        receipts = await exchange.commit(admitted.recorder, [record])  # 9
    except RingwallError as error:
        await _close_iterator(upstream)
        return await exchange.fail(admitted.recorder, error, admitted.cause)
    except asyncio.CancelledError:
        await _close_iterator(upstream)
        await exchange.caller_gone(admitted.recorder, admitted.cause)
        raise
    run = _Run(running, attempt, admitted, record.id)
    return Streaming(record.id, receipts[-1], (), _events(exchange, run, first, upstream))


async def _begin(admitted: Admitted) -> tuple[Delta | None, AsyncIterator[Delta]]:
    """The first event of a stream, and the rest of it."""
    upstream = admitted.way.upstream.stream(admitted.invocation)
    try:
        return await anext(upstream, None), upstream
    except BaseException:
        await _close_iterator(upstream)
        raise


async def _events(
    exchange: Exchange, run: _Run, first: Delta | None, upstream: AsyncIterator[Delta]
) -> AsyncGenerator[StreamEvent, None]:
    """Steps 10 to 12, and every way in which they can end."""
    try:
        async with contextlib.aclosing(_chained(first, upstream)) as deltas:
            async for delta in deltas:
                for event in await _take(exchange, run, delta):
                    yield event
        if not run.finished or not run.begun <= run.finished:
            raise UpstreamError("the model's answer broke off", code="upstream_broken", detail="a choice never ended")
        await exchange.settle(run.admitted, run.usage)
        if run.usage is not None:
            yield Counted(run.usage)
        receipt = await _close(exchange, run, Outcome.RELEASED, None)  # 12
        yield Closed(receipt)
    except _Stop as stop:
        await exchange.settle(run.admitted, run.usage)
        await _close(exchange, run, Outcome.REFUSED, stop.refused.cause)
        yield stop.refused
    except RingwallError as error:
        failed = await exchange.fail(run.admitted.recorder, error, run.admitted.cause)
        await _close(exchange, run, Outcome.FAILED, None)
        yield failed
    except (asyncio.CancelledError, GeneratorExit):
        await asyncio.shield(_close(exchange, run, Outcome.ENDED, None))
        raise


async def _chained(first: Delta | None, rest: AsyncIterator[Delta]) -> AsyncGenerator[Delta, None]:
    try:
        if first is not None:
            yield first
            async for delta in rest:
                yield delta
    finally:
        await _close_iterator(rest)


async def _close_iterator(upstream: AsyncIterator[Delta]) -> None:
    """Cancel the call upstream, if it still runs."""
    close = getattr(upstream, "aclose", None)
    if close is not None:
        await close()


async def _take(exchange: Exchange, run: _Run, delta: Delta) -> list[Delta]:
    """One event of the upstream: what may go out because of it."""
    if not isinstance(delta, Counted) and delta.index in run.finished:
        raise UpstreamError("the model's answer went on after its end", code="upstream_broken")
    if isinstance(delta, TextDelta):
        before = [] if delta.kind is TextKind.REASONING else await _reasoned(exchange, run, delta.index)
        hold = _hold(run, delta.index, delta.kind)
        return [*before, *await _text(exchange, run, delta.index, delta.kind, hold, delta.text)]
    if isinstance(delta, Sealed):
        return await _reasoned(exchange, run, delta.index, delta)
    if isinstance(delta, CallDelta):
        _collect(run, delta)
        return await _reasoned(exchange, run, delta.index)
    if isinstance(delta, Finished):
        return await _finish(exchange, run, delta)
    run.usage = delta.usage
    return []


def _hold(run: _Run, index: int, kind: TextKind) -> HoldBack:
    key = (index, kind)
    if key not in run.texts:
        block = run.blocks.get(index, 0)
        if len(run.texts) >= MAX_TEXTS or block >= MAX_TEXTS:
            raise UpstreamError("the model's answer has too many choices", code="upstream_broken")
        if kind is TextKind.REASONING:
            run.blocks[index] = block + 1
        chain = run.running.chain
        part = PartId(f"choices/{index}/{_PLACES[kind].format(block)}")
        run.texts[key] = HoldBack(part, lookback=chain.lookback, held=chain.held, limit=run.running.hold_chars)
    return run.texts[key]


_PLACES = {TextKind.CONTENT: "content/0", TextKind.REFUSAL: "refusal", TextKind.REASONING: "reasoning/{}"}


async def _reasoned(exchange: Exchange, run: _Run, index: int, seal: Sealed | None = None) -> list[Delta]:
    """A block of reasoning has ended: its last text, and its seal where that still stands for what went out."""
    hold = run.texts.pop((index, TextKind.REASONING), None)
    if hold is None:
        return []
    out = await _text(exchange, run, index, TextKind.REASONING, hold, None)
    return out if seal is None or hold.is_edited else [*out, seal]


async def _text(
    exchange: Exchange, run: _Run, index: int, kind: TextKind, hold: HoldBack, text: str | None
) -> list[Delta]:
    """Step 10: more text of one choice, or (None) its end."""
    try:
        window = hold.finish() if text is None else hold.push(text)
    except HeldTooLongError as error:
        raise UpstreamError("the model's answer cannot be judged as it comes", code="held_too_long") from error
    if window is None:
        return []
    decision = await _judge(exchange, run, Checkpoint.CHUNK, (window.part,), window)
    released = hold.settle(window, decision.edits)
    if not released:
        return []
    run.released.append(released)
    return [TextDelta(index, released, kind)]


async def _judge(
    exchange: Exchange,
    run: _Run,
    checkpoint: Checkpoint,
    parts: tuple[Part, ...],
    window: Window | None,
    calls: Mapping[PartId, tuple[str, str]] = MappingProxyType({}),
) -> Decision:
    """Ask the chain; an edit or a refusal is on record before it takes effect.

    At RESPONSE, `calls` has the handle and the tool of the call whose arguments a part holds.
    """
    tools = Proposed({part: tool for part, (_, tool) in calls.items()})
    facts = exchange.fresh(run.attempt, run.admitted.facts).with_(tools)
    focus, begins = (window.focus, window.begins) if window is not None else (None, True)
    decision = await run.running.chain.decide(Vantage(checkpoint, run.attempt.interaction, parts, facts, focus, begins))
    if decision.effect is not Effect.ALLOW:
        refused = await exchange.refuse(run.admitted.recorder, decision, parts, [], cause=(run.opening,))
        await blame(exchange, run.attempt, run.admitted.session, decision, refused.record)
        raise _Stop(refused)
    if decision.edits or checkpoint is Checkpoint.RESPONSE:
        record = run.admitted.recorder.decision(decision, parts, Outcome.RELEASES, (run.opening,))
        await exchange.commit(run.admitted.recorder, [record], receipt=False)
        if checkpoint is Checkpoint.RESPONSE:
            proposed = [(calls[part.id][0], calls[part.id][1], part) for part in decision.parts]
            events = exchange.proposals(run.attempt, proposed, record.id)
            await exchange.remember(run.attempt, run.admitted.session, events)
    return decision


def _collect(run: _Run, delta: CallDelta) -> None:
    """Hold a piece of a call's arguments."""
    calls = run.calls.setdefault(delta.index, {})
    call = calls.get(delta.call)
    if call is None:
        if delta.name is None or not NAME.fullmatch(delta.name) or len(calls) >= MAX_CALLS:
            raise UpstreamError("the model proposed a call that cannot be read", code="upstream_broken")
        call = calls[delta.call] = _Call(new_call_handle(), delta.name)
    elif delta.name and delta.name != call.name:
        raise UpstreamError("the model proposed two calls as one", code="upstream_broken")
    if delta.arguments:
        call.pieces.append(delta.arguments)
        call.size += len(delta.arguments)
    if call.size > run.running.hold_chars:
        raise UpstreamError("the model proposed a call that is too long", code="held_too_long")


async def _finish(exchange: Exchange, run: _Run, delta: Finished) -> list[Delta]:
    """Step 11: a choice has ended; its last text and its calls."""
    out = await _reasoned(exchange, run, delta.index)
    for kind in (TextKind.CONTENT, TextKind.REFUSAL):
        hold = run.texts.get((delta.index, kind))
        if hold is not None:
            out += await _text(exchange, run, delta.index, kind, hold, None)
    run.finished.add(delta.index)
    # In their order, but numbered anew: a provider may count as it likes.
    calls = [call for _, call in sorted(run.calls.get(delta.index, {}).items())]
    if calls:
        parts = tuple(
            Part(PartId(f"choices/{delta.index}/calls/{number}/arguments"), Origin.MODEL, _arguments(call.pieces), JSON)
            for number, call in enumerate(calls)
        )
        names = {part.id: (call.id, call.name) for call, part in zip(calls, parts, strict=True)}
        decision = await _judge(exchange, run, Checkpoint.RESPONSE, parts, None, names)
        for number, (call, part) in enumerate(zip(calls, decision.parts, strict=True)):
            text = part.as_text
            run.released.append(text)
            out.append(CallDelta(delta.index, number, text, call.id, call.name))
    return [*out, delta]


def _arguments(pieces: Sequence[str]) -> Json:
    """The arguments of a call, from the pieces in which they came."""
    try:
        return loads_object("".join(pieces) or "{}")
    except ValueError as error:
        raise UpstreamError("the model proposed a call that cannot be read", code="upstream_arguments") from error


async def _close(exchange: Exchange, run: _Run, outcome: Outcome, cause: Cause | None) -> Receipt:
    """Step 12: how much was released, and its digest."""
    text = "".join(run.released)
    digest = exchange.digests.digest(run.attempt.interaction.workload, text.encode("utf-8", "surrogatepass"))
    usage = run.usage
    body = {
        "cause": cause_body(cause),
        "characters": len(text),
        "digest": digest,
        "tokens": [usage.input_tokens, usage.output_tokens] if usage is not None else [],
    }
    said = (Part(PartId("released"), Origin.MODEL, text),) if text else ()
    record = run.admitted.recorder.event(RecordKind.CLOSING, outcome, body, (run.opening,), said)
    return (await exchange.commit(run.admitted.recorder, [record]))[-1]


def _replayed(answered: Answered, buffered: tuple[str, ...]) -> Streaming:
    """A whole judged answer, sent as a stream."""

    async def events() -> AsyncGenerator[StreamEvent, None]:
        parts = answered.answer.by_id()
        for choice in answered.answer.choices:
            for thought in choice.reasoning:
                yield TextDelta(choice.index, parts[thought.text].text, TextKind.REASONING)
                if thought.seal:
                    yield Sealed(choice.index, thought.seal)
            for part in choice.content:
                yield TextDelta(choice.index, parts[part].text)
            if choice.refusal is not None:
                yield TextDelta(choice.index, parts[choice.refusal].text, TextKind.REFUSAL)
            for number, call in enumerate(choice.calls):
                yield CallDelta(choice.index, number, parts[call.arguments].as_text, call.id, call.name)
            yield Finished(choice.index, choice.finish)
        if answered.answer.usage is not None:
            yield Counted(answered.answer.usage)
        yield Closed(answered.receipt)

    return Streaming(answered.record, answered.receipt, buffered, events())


MAX_TEXTS = 256
"""Texts that one streamed answer may have: choices, and the refusals of each."""
MAX_CALLS = 128
"""Tool calls that one choice of a streamed answer may propose."""
