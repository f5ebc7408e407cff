"""The door to models, in whatever protocol a client speaks: one road for all of them, streamed and not.

1. Read the body within its bounds, and parse it into parts (law 9): the protocol's own `Wire` does that.
2. Take the road (`ringwall.engine`), and render its outcome in the protocol's own shapes.

Every outcome leaves a record, but for a list of models. Its id, and a receipt where one was signed, stand in the
headers `Ringwall-Record` and `Ringwall-Receipt`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from ringwall.dataplane.gateway.caller import (
    STATUS,
    Caller,
    EncodeReceipt,
    headers,
    refusal_headers,
    refusal_text,
)
from ringwall.dataplane.gateway.guarding import Standing, standing
from ringwall.dataplane.gateway.http import (
    Receive,
    Send,
    cancelled_when_gone,
    read_body,
    send_piece,
    send_whole,
    start_stream,
)
from ringwall.dataplane.gateway.protocols import body_kinds
from ringwall.dataplane.gateway.seals import Seals
from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.dataplane.wire import anthropic_answer, openai_answer
from ringwall.dataplane.wire.anthropic_answer import AnthropicMessages
from ringwall.dataplane.wire.door import Head, Header, IntervenedRenderer, IntervenedWire, ModelRequest, Said, Wire
from ringwall.engine.blocked import carry_on
from ringwall.engine.exchange import Exchange
from ringwall.engine.guarding import Guards
from ringwall.engine.outcomes import Answered, Attempt, Failed, Refused
from ringwall.engine.streamed import Closed, StreamEvent, Streaming, stream
from ringwall.model.content import Part
from ringwall.model.errors import CallerError, InternalError, RingwallError
from ringwall.model.facts import Demand, Identity, RequestHead
from ringwall.model.interaction import Action, Interaction, Resource
from ringwall.model.plan import Limits
from ringwall.model.ports import Clock, Receipt

ANTHROPIC_VERSION = "anthropic-version"
"""The header by which a client of Anthropic's API says that it is one, where the path does not."""


class ModelDoor:
    """Serves clients of models."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        handles: SessionHandles,
        seals: Seals,
        clock: Clock,
        encode_receipt: EncodeReceipt,
        guards: Guards,
    ) -> None:
        """Take what it needs.

        Args:
            exchange: The road.
            handles: Makes and checks session handles.
            seals: Binds what providers signed to who got it.
            clock: Time.
            encode_receipt: A receipt as one line of text.
            guards: The guardrails that there are.
        """
        self._exchange = exchange
        self._handles = handles
        self._seals = seals
        self._clock = clock
        self._encode_receipt = encode_receipt
        self._guards = guards

    async def serve(self, wire: Wire, caller: Caller, limits: Limits, receive: Receive, send: Send) -> None:
        """Serve one request, streamed or not."""
        try:
            kinds = body_kinds(caller.path, caller.request.headers)
            body = await read_body(
                caller.request, receive, limit=limits.body_bytes, timeout_s=limits.read_s, kinds=kinds
            )
            begun = self._clock.monotonic()
            asked = wire.parse(body, depth=limits.depth, unseal=lambda bound: self._unseal(caller, bound))
            attempt, handle = self._attempt(caller, asked, len(body))
            stood = standing(self._guards, caller.running, caller.principal, asked.guardrail, asked.model)
        except (CallerError, InternalError) as error:
            await self.reject(wire, send, caller, error)
            return
        running = stood.over(caller.running)
        extra: list[Header] = [(b"ringwall-session", handle.encode())] if handle is not None else []
        head = Head(
            caller.interaction,
            asked,
            created=self._clock.now_us() // 1_000_000,
            seal=lambda seal: self._seal(caller, seal),
            elapsed_ms=lambda: round((self._clock.monotonic() - begun) * 1000),
            guarding=stood.told(),
        )
        async with cancelled_when_gone(receive):
            attempt = await carry_on(self._exchange, running, attempt)
            if asked.streamed:
                outcome: Answered | Streaming | Refused | Failed = await stream(self._exchange, running, attempt)
            else:
                outcome = await self._exchange.answer(running, attempt)
            if isinstance(outcome, Refused):
                await self._refused(wire, send, caller, head, outcome, stood.message(outcome))
            elif isinstance(outcome, Failed):
                await self.error(wire, send, outcome.error, caller.interaction, outcome.record)
            elif isinstance(outcome, Streaming):
                await self._stream(wire, send, head, outcome, extra, stood)
            else:
                found = self._headers(caller.interaction, outcome.record, outcome.receipt)
                await send_whole(send, 200, wire.answer(outcome.answer, head), [*found, *extra])

    async def _refused(
        self, wire: Wire, send: Send, caller: Caller, head: Head, refused: Refused, message: str | None
    ) -> None:
        """A refusal before anything was answered: in a guardrail's own words where it was one, and else an error."""
        if message is None or not isinstance(wire, IntervenedWire):
            await self.refuse(wire, send, caller, refused)
            return
        found = self._headers(caller.interaction, refused.record, refused.receipt)
        renderer = wire.renderer(head)
        if not head.request.streamed or not isinstance(renderer, IntervenedRenderer):
            await send_whole(send, 200, wire.intervened(message, head), found)
            return
        await start_stream(send, wire.stream_type, found)
        said = renderer.begin() + renderer.intervene(message, self._encode_receipt(refused.receipt))
        await send_piece(send, said, last=True)

    async def _stream(
        self,
        wire: Wire,
        send: Send,
        head: Head,
        streaming: Streaming,
        extra: Sequence[Header],
        stood: Standing,
    ) -> None:
        headers = [*self._headers(head.interaction, streaming.record, streaming.receipt), *extra]
        if streaming.buffered:
            headers.append((b"ringwall-buffered", " ".join(streaming.buffered).encode()))
        renderer = wire.renderer(head)
        await start_stream(send, wire.stream_type, headers)
        events: AsyncGenerator[StreamEvent, None] = streaming.events
        pieces = [renderer.begin()]
        try:
            async for event in events:
                if isinstance(event, Closed):
                    pieces.append(renderer.end(self._encode_receipt(event.receipt)))
                elif isinstance(event, Refused):
                    message = stood.message(event)
                    if message is not None and isinstance(renderer, IntervenedRenderer):
                        pieces.append(renderer.intervene(message, self._encode_receipt(event.receipt)))
                    else:
                        pieces.append(renderer.error(refusal_said(event)))
                elif isinstance(event, Failed):
                    pieces.append(renderer.error(failure_said(event.error, record=event.record)))
                else:
                    pieces.append(renderer.render(event))
                piece = b"".join(pieces)
                pieces.clear()
                if piece:
                    await send_piece(send, piece)
        except RingwallError as error:  # the ledger takes no more records: what is held back stays here
            await send_piece(send, b"".join([*pieces, renderer.error(failure_said(error, record=None))]))
        finally:
            await events.aclose()
        await send_piece(send, b"", last=True)

    async def count(self, caller: Caller, limits: Limits, receive: Receive, send: Send) -> None:
        """How many tokens a prompt of Anthropic's protocol has, as the gateway estimates it; nothing goes upstream.

        Who may not use the model learns nothing; else it is arithmetic over the caller's own words, and not recorded.
        """
        wire, request = AnthropicMessages(), caller.request
        try:
            body = await read_body(request, receive, limit=limits.body_bytes, timeout_s=limits.read_s)
            asked = wire.parse_prompt(body, depth=limits.depth, unseal=lambda bound: self._unseal(caller, bound))
            known = caller.running.plan.route(asked.model) is not None
            if not known or not await self._exchange.may(
                caller.running, caller.bare(Action.LIST, Resource("model", asked.model))
            ):
                raise CallerError("there is no such model for you", code="model_not_found", status=404)
        except CallerError as error:
            await self.reject(wire, send, caller, error)
            return
        found = self._headers(caller.interaction, None, None)
        await send_whole(send, 200, wire.counted(estimated_tokens(asked.parts)), found)

    async def models(self, caller: Caller, send: Send) -> None:
        """The models that this caller may ask for, decided like everything else."""
        names = []
        for route in caller.running.plan.routes:
            attempt = caller.bare(Action.LIST, Resource("model", route.model))
            if await self._exchange.may(caller.running, attempt):
                names.append(route.model)
        is_anthropic = ANTHROPIC_VERSION in caller.request.headers
        render = anthropic_answer.render_models if is_anthropic else openai_answer.render_models
        body = render(names, created=self._clock.now_us() // 1_000_000)
        await send_whole(send, 200, body, self._headers(caller.interaction, None, None))

    def _attempt(self, caller: Caller, asked: ModelRequest, body_bytes: int) -> tuple[Attempt, str | None]:
        """The interaction of a parsed request, and the session handle to give back, if any."""
        plan = caller.running.plan
        session, handle = self._handles.resolve(
            caller.request.headers.get("ringwall-session"),
            workload=plan.workload.id,
            principal=caller.principal,
            claim=caller.facts[Identity].session,
            first_user_turn=asked.first_user_turn,
        )
        generation = asked.conversation.generation
        wanted = min(generation.max_tokens or plan.max_output_tokens, plan.max_output_tokens)
        interaction = Interaction(
            id=caller.interaction,
            workload=plan.workload.id,
            principal=caller.principal,
            action=Action.INVOKE,
            resource=Resource("model", asked.model),
            session=session,
            parts=asked.parts,
            conversation=asked.conversation,
        )
        head = replace(caller.facts[RequestHead], body_bytes=body_bytes)
        facts = caller.facts.with_(Demand(estimated_tokens(asked.parts), wanted * generation.choices), head)
        return Attempt(interaction, facts, asked.tool_results, caller.trace), handle

    def _seal(self, caller: Caller, seal: str) -> str:
        return self._seals.close(seal, workload=caller.running.plan.workload.id, principal=caller.principal)

    def _unseal(self, caller: Caller, bound: str) -> str:
        return self._seals.open(bound, workload=caller.running.plan.workload.id, principal=caller.principal)

    async def reject(self, wire: Wire, send: Send, caller: Caller, error: RingwallError) -> None:
        """Answer and record a request that no control could be asked about."""
        attempt = caller.bare(Action.INVOKE, Resource("endpoint", caller.path))
        record = await self._exchange.reject(caller.running.digest, attempt, error)
        await self.error(wire, send, error, caller.interaction, record)

    async def refuse(self, wire: Wire, send: Send, caller: Caller, refused: Refused) -> None:
        """Answer with a refusal."""
        status, body, own = wire.error(refusal_said(refused))
        found = refusal_headers(caller, refused, status, encode=self._encode_receipt)
        await send_whole(send, status, body, [*found, *own])

    async def error(
        self, wire: Wire, send: Send, error: RingwallError, interaction: str | None = None, record: str | None = None
    ) -> None:
        """Answer with an error."""
        found = self._headers(interaction, record, None) if interaction is not None else []
        status, body, own = wire.error(failure_said(error, record=record))
        if error.status == 503:
            found.append((b"retry-after", b"1"))
        await send_whole(send, status, body, [*found, *own])

    def _headers(self, interaction: str, record: str | None, receipt: Receipt | None) -> list[Header]:
        return headers(interaction, record, receipt, encode=self._encode_receipt)


def estimated_tokens(parts: Sequence[Part]) -> int:
    """Tokens of a request before anybody counted them: one for every four bytes."""
    size = sum(len(leaf.text.encode()) for part in parts for leaf in part.leaves())
    return -(-size // 4)


def refusal_said(refused: Refused) -> Said:
    """A refusal, for any protocol."""
    cause = refused.cause
    status = _NO_WAY.get(cause.code, STATUS[cause.kind])
    return Said(
        status,
        refusal_text(refused),
        cause.code,
        control=cause.control,
        checkpoint=refused.checkpoint,
        record=refused.record,
        kind=cause.kind,
    )


def failure_said(error: RingwallError, *, record: str | None) -> Said:
    """A failure, for any protocol."""
    return Said(error.status, error.public, error.code, error.param, record=record)


_NO_WAY = {"model_not_found": 404, "not_carried": 400}
"""The status of what no control refused: it could go nowhere."""
