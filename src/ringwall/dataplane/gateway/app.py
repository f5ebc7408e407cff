"""The door for OpenAI clients: HTTP in, the road, HTTP out. An ASGI application for the data listener.

The procedure for every request, numbered as in the code:

1. Who is it, and from where? The credential is checked before anything else of the request is read.
2. For which workload? By path prefix, by the credential's scope, or the only one that there is.
3. A caller who could not be verified is judged by what little is known; usually that ends here.
4. Read the body within its bounds, and parse it into parts (law 9).
5. Take the road (`ringwall.engine`), and render its outcome in the protocol's own shapes.

Every outcome leaves a record, but for a list of models and for what is turned away unread because too many requests are
being served. Its id, and a receipt where one was signed, stand in the headers `Ringwall-Record` and `Ringwall-Receipt`.
There is no pass-through: a path that is not here is refused.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace

from ringwall.dataplane.gateway.http import (
    Header,
    Receive,
    Request,
    Scope,
    Send,
    cancelled_when_gone,
    head_of,
    read_body,
    read_head,
    send_piece,
    send_whole,
    start_stream,
)
from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.dataplane.gateway.source import Sources
from ringwall.dataplane.gateway.trace import carry_on
from ringwall.dataplane.wire import openai_answer as wire
from ringwall.dataplane.wire.openai_request import ChatRequest, parse_request
from ringwall.dataplane.wire.sse import encode
from ringwall.engine.exchange import Answered, Attempt, Exchange, Failed, Refused
from ringwall.engine.running import Running, RunningWorkload
from ringwall.engine.streamed import Closed, StreamEvent, Streaming, stream
from ringwall.model.errors import CallerError, InternalError, RingwallError
from ringwall.model.facts import Demand, Facts, Identity, RequestHead
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import ANONYMOUS, Action, Interaction, InteractionId, Principal, Resource
from ringwall.model.names import random_hex
from ringwall.model.plan import Limits
from ringwall.model.ports import Clock, Directory, Receipt
from ringwall.model.session import derive_key
from ringwall.model.verdict import DenyKind

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"
OWN_PREFIX = "/w/"
"""Every workload is served under `/w/<its id>`, besides its own prefix."""

_STATUS = {
    DenyKind.UNAUTHENTICATED: 401,
    DenyKind.FORBIDDEN: 403,
    DenyKind.CONTENT: 403,
    DenyKind.EXHAUSTED: 429,
    DenyKind.UNAVAILABLE: 503,
}


@dataclass(frozen=True, slots=True)
class _Caller:
    """What steps 1 and 2 found."""

    request: Request
    path: str
    principal: Principal
    facts: Facts
    running: RunningWorkload
    trace: str
    interaction: InteractionId


class Gateway:
    """The ASGI application of the data listener."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        running: Callable[[], Running],
        directory: Directory,
        sources: Sources,
        handles: SessionHandles,
        clock: Clock,
        encode_receipt: Callable[[Receipt], str],
    ) -> None:
        """Take what it needs.

        Args:
            exchange: The road.
            running: The snapshot that runs at this moment.
            directory: Checks credentials.
            sources: Tells the caller's address.
            handles: Makes and checks session handles.
            clock: Time.
            encode_receipt: A receipt as one line of text.
        """
        self._exchange = exchange
        self._running = running
        self._directory = directory
        self._sources = sources
        self._handles = handles
        self._clock = clock
        self._encode_receipt = encode_receipt
        self._serving = 0

    @property
    def serving(self) -> int:
        """How many requests are being served at this moment."""
        return self._serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. WebSockets and anything else that is not HTTP are not spoken here."""
        if scope["type"] != "http":
            raise CallerError(f'"{scope["type"]}" is not spoken here', code="unsupported_protocol")
        if self._serving >= self._running().plan.limits.concurrent:
            await self._error(send, InternalError("too many requests at a time; try again", code="busy"))
            return
        self._serving += 1
        try:
            await self._serve(read_head(scope), receive, send)
        except RingwallError as error:
            await self._error(send, error)
        finally:
            self._serving -= 1

    async def _serve(self, request: Request, receive: Receive, send: Send) -> None:
        running = self._running()
        trace = carry_on(request.headers.get("traceparent"))
        name = InteractionId("req_" + random_hex(16))
        principal, facts = ANONYMOUS, Facts()
        try:
            source = self._sources.locate(request.peer, request.raw, encrypted=request.encrypted)
            facts = Facts((source,))
            if running.expires_us <= self._clock.now_us():
                problem = "the plan of this gateway has expired; its operator must renew it"
                raise InternalError(problem, code="plan_expired")
            principal, identity = await self._directory.identify(_credential(request))  # 1
            workload, path = _workload(running, request.path, identity)  # 2
        except (CallerError, InternalError) as error:
            resource = Resource("endpoint", request.path)
            attempt = _bare(name, NOWHERE, principal, Action.INVOKE, resource, facts, trace)
            record = await self._exchange.reject(running.plan.digest, attempt, error)
            await self._error(send, error, name, record)
            return
        facts = Facts((identity, source, Demand(0, 0), head_of(request, body_bytes=0)))
        caller = _Caller(request, path, principal, facts, workload, trace, name)
        if not identity.verified:  # 3
            refused = await self._exchange.knock(workload, self._bare(caller, Action.INVOKE, Resource("model", "")))
            if refused is not None:
                await self._refuse(send, caller, refused)
                return
        if path == CHAT and request.method == "POST":
            await self._chat(caller, running.plan.limits, receive, send)
        elif path == MODELS and request.method == "GET":
            await self._models(caller, send)
        else:
            problem = f"there is no {request.method} {path[:128]} here; what there is: POST {CHAT}, GET {MODELS}"
            await self._reject(send, caller, CallerError(problem, code="unknown_path", status=404))

    async def _chat(self, caller: _Caller, limits: Limits, receive: Receive, send: Send) -> None:
        request = caller.request
        try:
            body = await read_body(request, receive, limit=limits.body_bytes, timeout_s=limits.read_s)  # 4
            chat = parse_request(body, depth=limits.depth)
            attempt, handle = self._attempt(caller, chat, len(body))
        except CallerError as error:
            await self._reject(send, caller, error)
            return
        extra: list[Header] = [(b"ringwall-session", handle.encode())] if handle is not None else []
        async with cancelled_when_gone(receive):
            if chat.streamed:  # 5
                outcome: Answered | Streaming | Refused | Failed = await stream(self._exchange, caller.running, attempt)
            else:
                outcome = await self._exchange.answer(caller.running, attempt)
            if isinstance(outcome, Refused):
                await self._refuse(send, caller, outcome)
            elif isinstance(outcome, Failed):
                await self._error(send, outcome.error, caller.interaction, outcome.record)
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
        self, send: Send, caller: _Caller, chat: ChatRequest, streaming: Streaming, extra: Sequence[Header]
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

    async def _models(self, caller: _Caller, send: Send) -> None:
        """The models that this caller may ask for, decided like everything else."""
        names = []
        for route in caller.running.plan.routes:
            attempt = self._bare(caller, Action.LIST, Resource("model", route.model))
            if await self._exchange.may(caller.running, attempt):
                names.append(route.model)
        body = wire.render_models(names, created=self._clock.now_us() // 1_000_000)
        await send_whole(send, 200, body, self._headers(caller.interaction, None, None))

    def _attempt(self, caller: _Caller, chat: ChatRequest, body_bytes: int) -> tuple[Attempt, str | None]:
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

    def _bare(self, caller: _Caller, action: Action, resource: Resource) -> Attempt:
        """An attempt without content."""
        workload = caller.running.plan.workload.id
        return _bare(caller.interaction, workload, caller.principal, action, resource, caller.facts, caller.trace)

    async def _reject(self, send: Send, caller: _Caller, error: CallerError) -> None:
        """Answer and record a request that no control could be asked about."""
        attempt = self._bare(caller, Action.INVOKE, Resource("endpoint", caller.path))
        record = await self._exchange.reject(caller.running.digest, attempt, error)
        await self._error(send, error, caller.interaction, record)

    async def _refuse(self, send: Send, caller: _Caller, refused: Refused) -> None:
        status, body = self._refusal(refused)
        headers = self._headers(caller.interaction, refused.record, refused.receipt)
        if refused.retry_after_s is not None:
            headers.append((b"retry-after", str(_whole_seconds(refused.retry_after_s)).encode()))
        if status == 401:
            headers.append((b"www-authenticate", b'Bearer realm="ringwall"'))
        await send_whole(send, status, body, headers)

    def _refusal(self, refused: Refused) -> tuple[int, bytes]:
        cause = refused.cause
        status = 404 if cause.code == "model_not_found" else _STATUS[cause.kind]
        who = f'refused by "{cause.control}": ' if cause.control is not None else ""
        message = f"{who}{cause.remedy} (record {refused.record})"
        body = wire.render_error(
            status,
            message,
            code=cause.code,
            control=cause.control,
            checkpoint=refused.checkpoint,
            record=refused.record,
        )
        return status, body

    async def _error(
        self, send: Send, error: RingwallError, interaction: str | None = None, record: str | None = None
    ) -> None:
        headers = self._headers(interaction, record, None) if interaction is not None else []
        if error.status == 503:
            headers.append((b"retry-after", b"1"))
        await send_whole(send, error.status, _failure(error, record=record), headers)

    def _headers(self, interaction: str, record: str | None, receipt: Receipt | None) -> list[Header]:
        headers = [(b"x-request-id", interaction.encode())]
        if record is not None:
            headers.append((b"ringwall-record", record.encode()))
        if receipt is not None:
            headers.append((b"ringwall-receipt", self._encode_receipt(receipt).encode()))
        return headers


def _bare(
    name: InteractionId,
    workload: WorkloadId,
    principal: Principal,
    action: Action,
    resource: Resource,
    facts: Facts,
    trace: str,
) -> Attempt:
    """An attempt without content."""
    session = derive_key(workload, principal, b"", signed=False)
    return Attempt(Interaction(name, workload, principal, action, resource, session), facts, (), trace)


NOWHERE = WorkloadId("")
"""Stands in the record of a request that names no workload."""
MAX_RETRY_AFTER_S = 86_400
"""The longest wait that is told to a caller; a limit that never refills reads the same."""


def _whole_seconds(seconds: float) -> int:
    return int(min(max(seconds, 0), MAX_RETRY_AFTER_S - 1)) + 1


def _failure(error: RingwallError, *, record: str | None) -> bytes:
    return wire.render_error(error.status, error.public, code=error.code, param=error.param, record=record)


def _credential(request: Request) -> str | None:
    """What the caller presents. Two credentials are none: nobody can say which one was meant."""
    found = []
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, value = authorization.partition(" ")
        found.append(value.strip() if scheme.lower() == "bearer" else "")
    found += [request.headers[name] for name in ("x-api-key", "api-key") if name in request.headers]
    if len(found) > 1 or "authorization" in request.repeated:
        return ""
    return found[0] if found else None


def _workload(running: Running, path: str, identity: Identity) -> tuple[RunningWorkload, str]:
    """The workload that a path and a credential name, and the path without its prefix.

    Raises:
        CallerError: They name none.
    """
    if path.startswith(OWN_PREFIX):
        name, slash, rest = path.removeprefix(OWN_PREFIX).partition("/")
        named = running.workloads.get(WorkloadId(name))
        if named is not None:
            return named, slash + rest
        if identity.verified:
            raise CallerError("there is no such workload", code="unknown_workload", status=404)
    for workload in running.workloads.values():
        prefix = workload.plan.path_prefix
        if prefix and path.startswith(prefix + "/"):
            return workload, path.removeprefix(prefix)
    scope = identity.workloads if identity.workloads is not None else frozenset(running.workloads)
    possible = [workload for name, workload in running.workloads.items() if name in scope]
    if len(possible) == 1:
        return possible[0], path
    if not identity.verified and running.workloads:
        # Nobody may learn from a path which workloads there are; any of them refuses an unverified caller.
        return next(iter(running.workloads.values())), path
    raise CallerError(
        f"say which workload is meant: send the request to {OWN_PREFIX}<workload>{path[:128]}",
        code="workload_needed",
        status=404,
    )
