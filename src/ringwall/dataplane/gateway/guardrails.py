"""The door to guardrails, for stock AWS clients: their administration, ApplyGuardrail, InvokeGuardrailChecks.

1. Which operation is it? By method and raw path: an ARN is one segment.
2. Administration: who asks is judged by the workload's controls without any content; then the credential must hold
   the role `guardrail-administrator`, in the organisation or in this workload. The token of a process holds it, on the
   machine that runs the process. Everybody else gets AccessDeniedException, on record.
3. Judging: the road of `engine.applying`.

This is the only administration that answers on the data port: the wire of AWS has one address for both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

import msgspec

from ringwall.dataplane.gateway.caller import (
    STATUS,
    Caller,
    EncodeReceipt,
    headers,
    refusal_headers,
    refusal_text,
)
from ringwall.dataplane.gateway.http import Receive, Send, read_body, read_bytes, send_whole
from ringwall.dataplane.wire.bedrock_apply import (
    is_broken,
    parse_apply,
    parse_checks,
    render_applied,
    render_checks,
)
from ringwall.dataplane.wire.bedrock_errors import render_error
from ringwall.dataplane.wire.door import Said
from ringwall.dataplane.wire.reading import read_object
from ringwall.engine.applying import Applied, apply
from ringwall.engine.exchange import Exchange
from ringwall.engine.guarding import Guard, Guards
from ringwall.engine.outcomes import Attempt, Refused
from ringwall.model.content import Part
from ringwall.model.errors import CallerError, InternalError, RingwallError
from ringwall.model.facts import Demand, Identity, RequestHead, Source
from ringwall.model.guardrail import ADMINISTRATOR, EVIDENCE_READER, GuardrailCall, GuardrailOffice, has_role
from ringwall.model.interaction import Action, Checkpoint, Interaction, Resource
from ringwall.model.plan import Limits
from ringwall.model.session import derive_key

_ENCODER = msgspec.json.Encoder()
_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_NO_KINDS = frozenset({"application/json", "application/x-amz-json-1.1", ""})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of Bedrock.

    Attributes:
        name: Bedrock's name for it.
        method: The HTTP method.
        path: Its path; a segment in braces is a parameter.
        status: The status of its answer.
        query: What its query may say.
    """

    name: str
    method: str
    path: str
    status: int = 200
    query: frozenset[str] = frozenset()

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """The parameters, decoded, or None when it is another one's."""
        wanted, given = self.path.split("/"), path.split("/")
        if method != self.method or len(wanted) != len(given):
            return None
        found: dict[str, str] = {}
        for step, text in zip(wanted, given, strict=True):
            if step.startswith("{") and text:
                found[step[1:-1]] = decoded(text)
            elif step != text:
                return None
        return found


APPLY = Operation("ApplyGuardrail", "POST", "/guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply")
CHECKS = Operation("InvokeGuardrailChecks", "POST", "/guardrail-checks/invoke")
_ONE, _ENFORCED = "/guardrails/{guardrailIdentifier}", "/enforcedGuardrailsConfiguration"
_VERSION = frozenset({"guardrailVersion"})
ADMINISTRATION = (
    Operation("CreateGuardrail", "POST", "/guardrails", 202),
    Operation(
        "ListGuardrails", "GET", "/guardrails", 200, frozenset({"guardrailIdentifier", "maxResults", "nextToken"})
    ),
    Operation("UpdateGuardrail", "PUT", _ONE, 202),
    Operation("GetGuardrail", "GET", _ONE, 200, _VERSION),
    Operation("DeleteGuardrail", "DELETE", _ONE, 202, _VERSION),
    Operation("CreateGuardrailVersion", "POST", _ONE, 202),
    Operation("PutEnforcedGuardrailConfiguration", "PUT", _ENFORCED),
    Operation("ListEnforcedGuardrailsConfiguration", "GET", _ENFORCED, 200, frozenset({"nextToken"})),
    Operation("DeleteEnforcedGuardrailConfiguration", "DELETE", f"{_ENFORCED}/{{configId}}"),
)
OPERATIONS = (APPLY, CHECKS, *ADMINISTRATION)


def operation_of(method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
    """The operation at this path (without the workload's prefix), and what its path names; None where there is none."""
    for each in OPERATIONS:
        found = each.match(method, path)
        if found is not None:
            return each, found
    return None


def decoded(segment: str) -> str:
    """What a segment of a path says; empty where that cannot be told, and empty names nothing."""
    if not _ENCODED.fullmatch(segment):
        return ""
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return ""


class GuardrailDoor:
    """Serves clients of guardrails."""

    def __init__(
        self, *, exchange: Exchange, guards: Guards, office: GuardrailOffice, encode_receipt: EncodeReceipt
    ) -> None:
        """Take what it needs.

        Args:
            exchange: The road.
            guards: The guardrails that there are.
            office: Administers them.
            encode_receipt: A receipt as one line of text.
        """
        self._exchange = exchange
        self._guards = guards
        self._office = office
        self._encode_receipt = encode_receipt

    async def serve(
        self,
        operation: Operation,
        names: Mapping[str, str],
        caller: Caller,
        limits: Limits,
        receive: Receive,
        send: Send,
    ) -> None:
        """Serve one request."""
        try:
            if operation in (APPLY, CHECKS):
                await self._judge(operation, names, caller, limits, receive, send)
            else:
                await self._administer(operation, names, caller, limits, receive, send)
        except CallerError as error:
            kind = "guardrail" if operation is APPLY else "endpoint"
            attempt = caller.bare(_action(operation), Resource(kind, caller.path))
            record = await self._exchange.reject(caller.running.digest, attempt, error)
            await self._error(send, caller, error, record)
        except InternalError as error:
            await self._error(send, caller, error, None)

    async def _administer(
        self,
        operation: Operation,
        names: Mapping[str, str],
        caller: Caller,
        limits: Limits,
        receive: Receive,
        send: Send,
    ) -> None:
        workload = caller.running.plan.workload.id
        attempt = caller.bare(Action.ADMINISTER, Resource("guardrail", operation.name))
        refused = await self._exchange.knock(caller.running, attempt)
        if refused is not None:
            await self._refuse(send, caller, refused)
            return
        _check_administrator(caller)
        body: Mapping[str, object] = {}
        if operation.method in ("POST", "PUT"):
            data = await read_body(
                caller.request, receive, limit=limits.body_bytes, timeout_s=limits.read_s, kinds=_NO_KINDS
            )
            body = read_object(data or b"{}", depth=limits.depth)
        else:
            data = await read_bytes(caller.request, receive, limit=limits.body_bytes, timeout_s=limits.read_s)
            if data.strip() not in (b"", b"{}"):
                raise CallerError("this operation has no body", code="invalid_request")
        query = _query(caller.request.query, operation.query)
        source = str(caller.facts[Source].address)
        call = GuardrailCall(operation.name, workload, caller.principal, source, names, query, body)
        told = await self._office.answer(call)
        found = headers(caller.interaction, encode=self._encode_receipt)
        await send_whole(send, operation.status, _ENCODER.encode(told), found)

    async def _judge(
        self,
        operation: Operation,
        names: Mapping[str, str],
        caller: Caller,
        limits: Limits,
        receive: Receive,
        send: Send,
    ) -> None:
        workload = caller.running.plan.workload.id
        body = await read_body(
            caller.request, receive, limit=limits.body_bytes, timeout_s=limits.read_s, kinds=_NO_KINDS
        )
        document = read_object(body, depth=limits.depth)
        _query(caller.request.query, operation.query)
        if operation is APPLY:
            guard = self._guards.named(workload, names["guardrailIdentifier"], names["guardrailVersion"])
            asked = parse_apply(document)
            outcome = await self._apply(caller, guard, asked.parts, asked.checkpoint, len(body))
            if isinstance(outcome, Applied):
                if is_broken(outcome):
                    raise InternalError("a control of this guardrail could not judge; try again", code="not_judged")
                may_see = has_role(caller.principal, EVIDENCE_READER, workload)
                await self._send(send, caller, outcome, render_applied(guard, asked, outcome, may_see=may_see))
                return
        else:
            guard = self._guards.checks(workload)
            wanted = parse_checks(document, guard)
            outcome = await self._apply(caller, guard, wanted.parts, Checkpoint.INBOUND, len(body))
            if isinstance(outcome, Applied):
                await self._send(send, caller, outcome, render_checks(guard, wanted, outcome))
                return
        await self._refuse(send, caller, outcome)

    async def _apply(
        self, caller: Caller, guard: Guard, parts: tuple[Part, ...], checkpoint: Checkpoint, size: int
    ) -> Applied | Refused:
        workload = caller.running.plan.workload.id
        interaction = Interaction(
            id=caller.interaction,
            workload=workload,
            principal=caller.principal,
            action=Action.APPLY,
            resource=Resource("guardrail", guard.plan.name),
            session=derive_key(workload, caller.principal, b"", signed=False),
            parts=parts,
        )
        tokens = -(-sum(len(part.text.encode("utf-8", "surrogatepass")) for part in parts) // 4)
        head = replace(caller.facts[RequestHead], body_bytes=size)
        attempt = Attempt(interaction, caller.facts.with_(Demand(tokens, 0), head), (), caller.trace)
        return await apply(self._exchange, caller.running, guard, attempt, checkpoint)

    async def _send(self, send: Send, caller: Caller, applied: Applied, body: bytes) -> None:
        found = headers(caller.interaction, applied.record, applied.receipt, encode=self._encode_receipt)
        await send_whole(send, 200, body, found)

    async def _refuse(self, send: Send, caller: Caller, refused: Refused) -> None:
        cause = refused.cause
        said = Said(
            STATUS[cause.kind], refusal_text(refused), cause.code, None, cause.control, refused.checkpoint,
            refused.record, cause.kind,
        )  # fmt: skip
        status, body, own = render_error(said)
        found = refusal_headers(caller, refused, status, encode=self._encode_receipt)
        await send_whole(send, status, body, [*found, *own])

    async def _error(self, send: Send, caller: Caller, error: RingwallError, record: str | None) -> None:
        status, body, own = render_error(Said(error.status, error.public, error.code, error.param, record=record))
        found = headers(caller.interaction, record, encode=self._encode_receipt)
        await send_whole(send, status, body, [*found, *own])


def _action(operation: Operation) -> Action:
    return Action.APPLY if operation in (APPLY, CHECKS) else Action.ADMINISTER


def _check_administrator(caller: Caller) -> None:
    """Refuse everybody who may not administer.

    Raises:
        CallerError: This is no administrator's credential, or it does not hold here.
    """
    identity, source = caller.facts[Identity], caller.facts[Source]
    workload = caller.running.plan.workload.id
    allowed = identity.verified and not caller.principal.chain and has_role(caller.principal, ADMINISTRATOR, workload)
    allowed = allowed and (identity.workloads is None or workload in identity.workloads)
    if identity.credential == "process_token" and not (source.peer.is_loopback and source.address.is_loopback):
        allowed = False
    if not allowed:
        problem = f'guardrails are made and changed with a credential that holds the role "{ADMINISTRATOR}"'
        raise CallerError(problem, code="not_an_administrator", status=403)


def _query(query: str, known: frozenset[str]) -> Mapping[str, str]:
    """What a query says, each name once.

    Raises:
        CallerError: A name that is not known, or stands there twice.
    """
    found: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        if name not in known or name in found:
            raise CallerError("the query says what is not known here", code="invalid_request", param=name[:64])
        found[name] = decoded(value)
    return found
