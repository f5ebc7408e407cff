"""The data listener: who asks, for which workload, at which door? An ASGI application.

The procedure for every request, numbered as in the code:

1. Who is it, and from where? The credential is checked before anything else of the request is read; a signature covers
   the body, which is read for it where the key is known.
2. For which workload? By path prefix, by the credential's scope, or the only one that there is.
3. A caller who could not be verified is judged by what little is known; usually that ends here.
4. The door of the path reads the content, takes the road and answers in its protocol (`models`, `mcp`, `guardrails`).

Every outcome leaves a record, but for a list and for what is turned away unread because too many requests are being
served. There is no pass-through: a path that is not here is refused.
"""

from __future__ import annotations

from collections.abc import Callable

from ringwall.dataplane.gateway.caller import NOWHERE, Caller, EncodeReceipt, bare
from ringwall.dataplane.gateway.guardrails import GuardrailDoor, operation_of
from ringwall.dataplane.gateway.http import Receive, Request, Scope, Send, head_of, read_bytes, read_head, replayed
from ringwall.dataplane.gateway.mcp import MCP, McpDoor
from ringwall.dataplane.gateway.models import ModelDoor
from ringwall.dataplane.gateway.protocols import COUNT, MODELS, SPOKEN, is_door, wire_of
from ringwall.dataplane.gateway.seals import Seals
from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.dataplane.gateway.signatures import Signatures
from ringwall.dataplane.gateway.sigv4 import is_signed
from ringwall.dataplane.gateway.source import Sources
from ringwall.dataplane.gateway.trace import carry_on
from ringwall.engine.exchange import Exchange
from ringwall.engine.guarding import Guards
from ringwall.engine.running import Running, RunningWorkload
from ringwall.model.errors import CallerError, InternalError, RingwallError
from ringwall.model.facts import Demand, Facts, Identity
from ringwall.model.framework import WorkloadId
from ringwall.model.guardrail import GuardrailOffice
from ringwall.model.interaction import ANONYMOUS, Action, InteractionId, Principal, Resource
from ringwall.model.names import random_hex
from ringwall.model.ports import Clock, Directory

OWN_PREFIX = "/w/"
"""Every workload is served under `/w/<its id>`, besides its own prefix."""


class Gateway:
    """The ASGI application of the data listener."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        running: Callable[[], Running],
        directory: Directory,
        signatures: Signatures,
        sources: Sources,
        handles: SessionHandles,
        seals: Seals,
        clock: Clock,
        encode_receipt: EncodeReceipt,
        guards: Guards,
        office: GuardrailOffice,
    ) -> None:
        """Take what it needs.

        Args:
            exchange: The road.
            running: The snapshot that runs at this moment.
            directory: Checks credentials.
            signatures: Checks signatures of requests.
            sources: Tells the caller's address.
            handles: Makes and checks session handles.
            seals: Binds what providers signed to who got it.
            clock: Time.
            encode_receipt: A receipt as one line of text.
            guards: The guardrails that there are.
            office: Administers them.
        """
        self._exchange = exchange
        self._running = running
        self._directory = directory
        self._signatures = signatures
        self._sources = sources
        self._clock = clock
        self._models = ModelDoor(
            exchange=exchange, handles=handles, seals=seals, clock=clock, encode_receipt=encode_receipt
        )
        self._mcp = McpDoor(exchange=exchange, handles=handles, encode_receipt=encode_receipt)
        self._guardrails = GuardrailDoor(exchange=exchange, guards=guards, office=office, encode_receipt=encode_receipt)
        self._serving = 0

    @property
    def serving(self) -> int:
        """How many requests are being served at this moment."""
        return self._serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. WebSockets and anything else that is not HTTP are not spoken here."""
        if scope["type"] != "http":
            raise CallerError(f'"{scope["type"]}" is not spoken here', code="unsupported_protocol")
        request = read_head(scope)
        if self._serving >= self._running().plan.limits.concurrent:
            busy = InternalError("too many requests at a time; try again", code="busy")
            await self._models.error(wire_of(request.path), send, busy)
            return
        self._serving += 1
        try:
            await self._serve(request, receive, send)
        except RingwallError as error:
            await self._models.error(wire_of(request.path), send, error)
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
            principal, identity, receive = await self._identify(running, request, receive)  # 1
            workload, path = _workload(running, request.path, identity)  # 2
        except (CallerError, InternalError) as error:
            resource = Resource("endpoint", request.path)
            attempt = bare(name, NOWHERE, principal, Action.INVOKE, resource, facts, trace)
            record = await self._exchange.reject(running.plan.digest, attempt, error)
            await self._models.error(wire_of(request.path), send, error, name, record)
            return
        facts = Facts((identity, source, Demand(0, 0), head_of(request, body_bytes=0)))
        caller = Caller(request, path, principal, facts, workload, trace, name)
        wire = wire_of(path, request.headers)
        if not identity.verified:  # 3
            refused = await self._exchange.knock(workload, caller.bare(Action.INVOKE, Resource("model", "")))
            if refused is not None:
                await self._models.refuse(wire, send, caller, refused)
                return
        limits = running.plan.limits
        if path == MODELS and request.method == "GET":  # 4
            await self._models.models(caller, send)
        elif path == COUNT and request.method == "POST":
            await self._models.count(caller, limits, receive, send)
        elif path == MCP and request.method == "POST":
            await self._mcp.serve(caller, limits, receive, send)
        elif (found := operation_of(request.method, path)) is not None:
            await self._guardrails.serve(*found, caller, limits, receive, send)
        elif is_door(path) and request.method == "POST":
            await self._models.serve(wire, caller, limits, receive, send)
        else:
            here = ", ".join([*(f"POST {each}" for each in (*SPOKEN, COUNT)), f"GET {MODELS}", f"POST {MCP}"])
            problem = f"there is no {request.method} {path[:128]} here; what there is: {here}"
            await self._models.reject(wire, send, caller, CallerError(problem, code="unknown_path", status=404))

    async def _identify(
        self, running: Running, request: Request, receive: Receive
    ) -> tuple[Principal, Identity, Receive]:
        """Who asks, and from where what follows is to be read: a signature covers the body, which is read for it.

        Raises:
            CallerError: A signed body cannot be read.
        """
        if not is_signed(request):
            return *(await self._directory.identify(_credential(request))), receive
        limits = running.plan.limits

        async def read() -> bytes:
            return await read_bytes(request, receive, limit=limits.body_bytes, timeout_s=limits.read_s)

        principal, identity, body = await self._signatures.identify(request, read)
        return principal, identity, receive if body is None else replayed(body, receive)


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
