"""The door for MCP clients: tools behind Ringwall, one message a request, bound to the session of the conversation.

1. Read the body within its bounds, and parse it into one message (law 9).
2. What asks for nothing that has an effect is answered here: the handshake, a ping, the list of declared tools.
3. `tools/call` takes the road of a tool call (`ringwall.engine.calling`).

* The session is Ringwall's own (`Ringwall-Session` header or a `sid` claim), never an id of the protocol: an agent
  sends the handle of its conversation here too, and what its model proposed and what tools returned is one memory.
* A refusal is an error of JSON-RPC with status 200, so that stock clients hand it to the agent; only who cannot prove
  who he is gets 401, as the specification wants it.
* Every outcome leaves a record, but for the handshake, pings and lists.
"""

from __future__ import annotations

from dataclasses import replace

from ringwall import __version__
from ringwall.dataplane.gateway.caller import (
    STATUS,
    Caller,
    EncodeReceipt,
    headers,
    refusal_headers,
    refusal_text,
)
from ringwall.dataplane.gateway.guarding import standing
from ringwall.dataplane.gateway.http import Receive, Send, cancelled_when_gone, read_body, send_whole
from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.dataplane.wire import mcp as wire
from ringwall.engine import calling
from ringwall.engine.exchange import Exchange
from ringwall.engine.guarding import Guards
from ringwall.engine.outcomes import Attempt, Failed, Refused
from ringwall.model.errors import CallerError
from ringwall.model.facts import Demand, Identity, RequestHead
from ringwall.model.interaction import Action, Interaction, Resource
from ringwall.model.plan import Limits

MCP = "/mcp"


class McpDoor:
    """Serves MCP clients."""

    def __init__(
        self, *, exchange: Exchange, handles: SessionHandles, encode_receipt: EncodeReceipt, guards: Guards
    ) -> None:
        """Take what it needs.

        Args:
            exchange: The road.
            handles: Checks session handles.
            encode_receipt: A receipt as one line of text.
            guards: The guardrails that are enforced; a call names none, and is for no model.
        """
        self._exchange = exchange
        self._handles = handles
        self._encode_receipt = encode_receipt
        self._guards = guards

    async def serve(self, caller: Caller, limits: Limits, receive: Receive, send: Send) -> None:
        """Serve one message."""
        try:
            body = await read_body(caller.request, receive, limit=limits.body_bytes, timeout_s=limits.read_s)  # 1
            message = wire.parse_message(body, depth=limits.depth)
            if message.method == "tools/call" and message.id is not None:  # 3
                call = wire.parse_call(message)
                attempt, handle = self._attempt(caller, call, len(body))
                running = standing(self._guards, caller.running, caller.principal, None, None).over(caller.running)
            else:
                await self._answer(send, caller, message)  # 2
                return
        except CallerError as error:
            await self._reject(send, caller, error)
            return
        async with cancelled_when_gone(receive):
            outcome = await calling.call(self._exchange, running, attempt)
            if isinstance(outcome, Refused):
                await self._refuse(send, caller, message.id, outcome)
            elif isinstance(outcome, Failed):
                await self._fail(send, caller, message.id, outcome)
            else:
                found = headers(caller.interaction, outcome.record, outcome.receipt, encode=self._encode_receipt)
                found += [(b"ringwall-session", handle.encode())] if handle is not None else []
                await send_whole(send, 200, wire.render_answer(message.id, outcome.answer), found)

    async def _answer(self, send: Send, caller: Caller, message: wire.Message) -> None:
        """What has no effect: answered from the plan.

        Raises:
            RpcError: A method that is not spoken here.
        """
        found = headers(caller.interaction, encode=self._encode_receipt)
        if message.id is None:
            await send_whole(send, 202, b"", found)
        elif message.method == "initialize":
            body = wire.render_initialized(
                message, name=f"ringwall/{caller.running.plan.workload.id}", version=__version__
            )
            await send_whole(send, 200, body, found)
        elif message.method == "ping":
            await send_whole(send, 200, wire.render_result(message.id, {}), found)
        elif message.method == "tools/list":
            served = caller.running.tool_servers
            attempt = caller.bare(Action.LIST, Resource("endpoint", MCP))
            is_allowed = await self._exchange.may(caller.running, attempt)
            tools = [tool for tool in caller.running.plan.tools if tool.server in served] if is_allowed else []
            await send_whole(send, 200, wire.render_tools(message.id, tools), found)
        else:
            problem = f"there is no {message.method[:64]} here; what there is: initialize, ping, tools/list, tools/call"
            raise wire.RpcError(problem, code="unknown_method", number=wire.METHOD_NOT_FOUND, id=message.id)

    def _attempt(self, caller: Caller, call: wire.Call, body_bytes: int) -> tuple[Attempt, str | None]:
        """The interaction of a call, and the session handle to give back, if any."""
        workload = caller.running.plan.workload.id
        session, handle = self._handles.resolve(
            caller.request.headers.get("ringwall-session"),
            workload=workload,
            principal=caller.principal,
            claim=caller.facts[Identity].session,
            first_user_turn=b"",
        )
        interaction = Interaction(
            id=caller.interaction,
            workload=workload,
            principal=caller.principal,
            action=Action.CALL,
            resource=Resource("tool", call.tool),
            session=session,
            parts=(call.arguments,),
        )
        size = sum(len(leaf.text.encode()) for leaf in call.arguments.leaves())
        head = replace(caller.facts[RequestHead], body_bytes=body_bytes)
        facts = caller.facts.with_(Demand(-(-size // 4), 0), head)
        return Attempt(interaction, facts, (), caller.trace), handle

    async def _reject(self, send: Send, caller: Caller, error: CallerError) -> None:
        """Answer and record a message that no control could be asked about."""
        attempt = caller.bare(Action.CALL, Resource("endpoint", MCP))
        record = await self._exchange.reject(caller.running.digest, attempt, error)
        number, id_ = (error.number, error.id) if isinstance(error, wire.RpcError) else (wire.INVALID_REQUEST, None)
        data = {"code": error.code, "record": record}
        body = wire.render_error(id_, number, f"{error.public} (record {record})", data)
        await send_whole(send, error.status, body, headers(caller.interaction, record, encode=self._encode_receipt))

    async def _fail(self, send: Send, caller: Caller, id: wire.Id, failed: Failed) -> None:
        data = {"code": failed.error.code, "record": failed.record}
        text = f"{failed.error.public} (record {failed.record})"
        found = headers(caller.interaction, failed.record, encode=self._encode_receipt)
        await send_whole(send, 200, wire.render_error(id, wire.UNAVAILABLE, text, data), found)

    async def _refuse(self, send: Send, caller: Caller, id: wire.Id, refused: Refused) -> None:
        cause = refused.cause
        data = {
            "code": cause.code,
            "control": cause.control,
            "checkpoint": refused.checkpoint,
            "record": refused.record,
        }
        status = 401 if STATUS[cause.kind] == 401 else 200
        found = refusal_headers(caller, refused, status, encode=self._encode_receipt)
        await send_whole(send, status, wire.render_error(id, wire.REFUSED, refusal_text(refused), data), found)
