"""The door for OpenAI clients: chat completions, streamed and not, and the list of models.

1. Read the body within its bounds, and parse it into parts (law 9).
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
from ringwall.dataplane.gateway.http import (
    Header,
    Receive,
    Send,
    cancelled_when_gone,
    read_body,
    send_piece,
    send_whole,
    start_stream,
)
from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.dataplane.wire import openai_answer as wire
from ringwall.dataplane.wire.openai_request import ChatRequest, parse_request
from ringwall.dataplane.wire.sse import encode
from ringwall.engine.exchange import Exchange
from ringwall.engine.outcomes import Answered, Attempt, Failed, Refused
from ringwall.engine.streamed import Closed, StreamEvent, Streaming, stream
from ringwall.model.errors import CallerError, RingwallError
from ringwall.model.facts import Demand, Identity, RequestHead
from ringwall.model.interaction import Action, Interaction, Resource
from ringwall.model.plan import Limits
from ringwall.model.ports import Clock, Receipt

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"


class ChatDoor:
    """Serves OpenAI clients."""

    def __init__(
        self, *, exchange: Exchange, handles: SessionHandles, clock: Clock, encode_receipt: EncodeReceipt
    ) -> None:
        """Take what it needs.

        Args:
            exchange: The road.
            handles: Makes and checks session handles.
            clock: Time.
            encode_receipt: A receipt as one line of text.
        """
        self._exchange = exchange
        self._handles = handles
        self._clock = clock
        self._encode_receipt = encode_receipt

    async def chat(self, caller: Caller, limits: Limits, receive: Receive, send: Send) -> None:
        """Serve one chat completion, streamed or not."""
        request = caller.request
        try:
            body = await read_body(request, receive, limit=limits.body_bytes, timeout_s=limits.read_s)
            chat = parse_request(body, depth=limits.depth)
            attempt, handle = self._attempt(caller, chat, len(body))
        except CallerError as error:
            await self.reject(send, caller, error)
            return
        extra: list[Header] = [(b"ringwall-session", handle.encode())] if handle is not None else []
        async with cancelled_when_gone(receive):
            if chat.streamed:
                outcome: Answered | Streaming | Refused | Failed = await stream(self._exchange, caller.running, attempt)
            else:
                outcome = await self._exchange.answer(caller.running, attempt)
            if isinstance(outcome, Refused):
                await self.refuse(send, caller, outcome)
            elif isinstance(outcome, Failed):
                await self.error(send, outcome.error, caller.interaction, outcome.record)
            elif isinstance(outcome, Streaming):
                await self._stream(send, caller, chat, outcome, extra)
            else:
                created = self._clock.now_us() // 1_000_000
                body = wire.render_answer(
                    outcome.answer, interaction=caller.interaction, model=chat.model, created=created
                )
                await send_whole(
                    send, 200, body, [*self._headers(caller.interaction, outcome.record, outcome.receipt), *extra]
                )

    async def _stream(
        self, send: Send, caller: Caller, chat: ChatRequest, streaming: Streaming, extra: Sequence[Header]
    ) -> None:
        headers = [*self._headers(caller.interaction, streaming.record, streaming.receipt), *extra]
        if streaming.buffered:
            headers.append((b"ringwall-buffered", " ".join(streaming.buffered).encode()))
        renderer = wire.StreamRenderer(
            interaction=caller.interaction,
            model=chat.model,
            created=self._clock.now_us() // 1_000_000,
            include_usage=chat.include_usage,
        )
        await start_stream(send, headers)
        events: AsyncGenerator[StreamEvent, None] = streaming.events
        try:
            async for event in events:
                if isinstance(event, Closed):
                    receipt = f": ringwall-receipt {self._encode_receipt(event.receipt)}\n\n".encode()
                    await send_piece(send, receipt + wire.DONE)
                elif isinstance(event, Refused):
                    await send_piece(send, encode(self._refusal(event)[1]) + wire.DONE)
                elif isinstance(event, Failed):
                    await send_piece(send, encode(_failure(event.error, record=event.record)) + wire.DONE)
                else:
                    piece = renderer.render(event)
                    if piece:
                        await send_piece(send, piece)
        except RingwallError as error:  # the ledger takes no more records: what is held back stays here
            await send_piece(send, encode(_failure(error, record=None)) + wire.DONE)
        finally:
            await events.aclose()
        await send_piece(send, b"", last=True)

    async def models(self, caller: Caller, send: Send) -> None:
        """The models that this caller may ask for, decided like everything else."""
        names = []
        for route in caller.running.plan.routes:
            attempt = caller.bare(Action.LIST, Resource("model", route.model))
            if await self._exchange.may(caller.running, attempt):
                names.append(route.model)
        body = wire.render_models(names, created=self._clock.now_us() // 1_000_000)
        await send_whole(send, 200, body, self._headers(caller.interaction, None, None))

    def _attempt(self, caller: Caller, chat: ChatRequest, body_bytes: int) -> tuple[Attempt, str | None]:
        """The interaction of a parsed request, and the session handle to give back, if any."""
        plan = caller.running.plan
        session, handle = self._handles.resolve(
            caller.request.headers.get("ringwall-session"),
            workload=plan.workload.id,
            principal=caller.principal,
            claim=caller.facts[Identity].session,
            first_user_turn=chat.first_user_turn,
        )
        generation = chat.conversation.generation
        wanted = min(generation.max_tokens or plan.max_output_tokens, plan.max_output_tokens)
        size = sum(len(leaf.text.encode()) for part in chat.parts for leaf in part.leaves())
        interaction = Interaction(
            id=caller.interaction,
            workload=plan.workload.id,
            principal=caller.principal,
            action=Action.INVOKE,
            resource=Resource("model", chat.model),
            session=session,
            parts=chat.parts,
            conversation=chat.conversation,
        )
        head = replace(caller.facts[RequestHead], body_bytes=body_bytes)
        facts = caller.facts.with_(Demand(-(-size // 4), wanted * generation.choices), head)
        return Attempt(interaction, facts, chat.tool_results, caller.trace), handle

    async def reject(self, send: Send, caller: Caller, error: CallerError) -> None:
        """Answer and record a request that no control could be asked about."""
        attempt = caller.bare(Action.INVOKE, Resource("endpoint", caller.path))
        record = await self._exchange.reject(caller.running.digest, attempt, error)
        await self.error(send, error, caller.interaction, record)

    async def refuse(self, send: Send, caller: Caller, refused: Refused) -> None:
        """Answer with a refusal."""
        status, body = self._refusal(refused)
        await send_whole(send, status, body, refusal_headers(caller, refused, status, encode=self._encode_receipt))

    async def error(
        self, send: Send, error: RingwallError, interaction: str | None = None, record: str | None = None
    ) -> None:
        """Answer with an error."""
        found = self._headers(interaction, record, None) if interaction is not None else []
        if error.status == 503:
            found.append((b"retry-after", b"1"))
        await send_whole(send, error.status, _failure(error, record=record), found)

    def _refusal(self, refused: Refused) -> tuple[int, bytes]:
        cause = refused.cause
        status = 404 if cause.code == "model_not_found" else STATUS[cause.kind]
        body = wire.render_error(
            status,
            refusal_text(refused),
            code=cause.code,
            control=cause.control,
            checkpoint=refused.checkpoint,
            record=refused.record,
        )
        return status, body

    def _headers(self, interaction: str, record: str | None, receipt: Receipt | None) -> list[Header]:
        return headers(interaction, record, receipt, encode=self._encode_receipt)


def _failure(error: RingwallError, *, record: str | None) -> bytes:
    return wire.render_error(error.status, error.public, code=error.code, param=error.param, record=record)
