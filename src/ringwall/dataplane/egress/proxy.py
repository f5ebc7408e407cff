"""The egress door: a forward proxy for plain HTTP requests and CONNECT tunnels.

The procedure for every request, numbered as in the code:

1. Read its head, within bounds. Where does it want to go (`target`)?
2. Who asks? `Proxy-Authorization` with a Ringwall credential (Bearer, or Basic with the credential as the password),
   checked by the same directory as everywhere. Nobody who was not verified passes: 407, recorded.
3. For which workload? The Basic user name if it is one, or the only one that the credential is for.
4. A plain request's body, within bounds; its content as parts (`content`).
5. The road (`ringwall.engine.connecting`): judged, and on record, before a name is resolved or a byte leaves.
6. Connect to the judged address (`network`), relay (`relay`), record how it ended.

Every outcome leaves a record, but for what is turned away unread because too many connections are open, and for a
connection on which nothing that is a request ever came.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import h11

from ringwall.dataplane.egress import relay
from ringwall.dataplane.egress.connection import ClosedError, Connection, Head
from ringwall.dataplane.egress.content import encode_body, parts_of, request_head
from ringwall.dataplane.egress.network import Network
from ringwall.dataplane.egress.target import Header, Target, read_target
from ringwall.dataplane.gateway.addresses import RefusedAddressError
from ringwall.dataplane.gateway.caller import NOWHERE, STATUS, EncodeReceipt, bare, refusal_text
from ringwall.dataplane.gateway.http import CREDENTIALS
from ringwall.engine.connecting import Crossing, Ended, open_crossing
from ringwall.engine.exchange import Exchange
from ringwall.engine.outcomes import Attempt, Refused
from ringwall.engine.running import Running, RunningWorkload
from ringwall.model.content import Part
from ringwall.model.errors import CallerError, InternalError, RingwallError
from ringwall.model.facts import Destination, Facts, Identity, RequestHead
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import ANONYMOUS, Action, InteractionId, Principal, Resource
from ringwall.model.names import random_hex
from ringwall.model.ports import Clock, Directory

_LOG = logging.getLogger("ringwall.egress")
UNAUTHENTICATED = 407
METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""TRACE would send credentials back; others nobody has asked for yet."""
WITH_BODY = frozenset({"PATCH", "POST", "PUT"})
"""Methods that say how long their body is, also when it is empty."""
STATUS_OF = {
    Ended.UNREACHABLE: (502, "destination_unreachable", "the destination cannot be reached"),
    Ended.REFUSED_ADDRESS: (403, "address_refused", "this name leads to an address that may not be connected to"),
    Ended.BROKEN: (502, "destination_broken", "the destination's answer cannot be read"),
    Ended.DESTINATION_GONE: (502, "destination_gone", "the destination ended the connection"),
    Ended.LATE: (504, "destination_late", "the destination took too long"),
    Ended.CUT: (403, "cut", "this is no longer allowed"),
}


NOWHERE_YET = Resource("destination", "")


@dataclass(slots=True)
class _Asked:
    """What is known of a request so far."""

    name: InteractionId
    facts: Facts
    principal: Principal = ANONYMOUS
    running: RunningWorkload | None = None
    resource: Resource = NOWHERE_YET

    def attempt(self, parts: tuple[Part, ...] = ()) -> Attempt:
        workload = self.running.plan.workload.id if self.running is not None else NOWHERE
        made = bare(self.name, workload, self.principal, Action.CONNECT, self.resource, self.facts, "")
        return replace(made, interaction=replace(made.interaction, parts=parts)) if parts else made


class EgressProxy:
    """Serves the clients of one listener."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        running: Callable[[], Running],
        directory: Directory,
        clock: Clock,
        encode_receipt: EncodeReceipt,
        head_s: float,
        network: Callable[[Running], Network],
    ) -> None:
        """Take what it needs.

        Args:
            exchange: The road's ports.
            running: The snapshot that runs at this moment.
            directory: Checks credentials.
            clock: Time.
            encode_receipt: A receipt as one line of text.
            head_s: Seconds in which a request's head must have come.
            network: The way to destinations under a snapshot.
        """
        self._exchange = exchange
        self._running = running
        self._directory = directory
        self._clock = clock
        self._encode_receipt = encode_receipt
        self._head_s = head_s
        self._network = network
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def serving(self) -> int:
        """How many connections are open at this moment."""
        return len(self._tasks)

    async def stop(self, drain_s: float) -> None:
        """End: connections that wait for a request at once, quiet tunnels soon, the rest within `drain_s`."""
        self._stopping = True
        for task in list(self._waiting):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=drain_s)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends. What `asyncio.start_server` calls."""
        task = asyncio.current_task()
        limits = self._running().plan.limits
        near = Connection(reader, writer, head_bytes=limits.header_bytes)
        if task is None or self._stopping or len(self._tasks) >= limits.concurrent:
            await _quietly(near.answer(503, {"code": "busy", "message": "too many connections; try again"}))
            writer.close()
            return
        self._tasks.add(task)
        try:
            goes_on = True
            while goes_on and not self._stopping:
                goes_on = await self._one(near, task)
            await near.linger()
        except (ClosedError, OSError):
            pass
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            self._tasks.discard(task)
            self._waiting.discard(task)
            writer.close()

    async def _one(self, near: Connection, task: asyncio.Task[None]) -> bool:
        """One request; True when another may follow on this connection."""
        running = self._running()
        asked = _Asked(InteractionId("req_" + random_hex(16)), Facts((near.source,)))
        try:
            self._waiting.add(task)
            try:
                head = await near.read_head(self._head_s)  # 1
            finally:
                self._waiting.discard(task)
            return await self._take(running, near, head, asked)
        except RingwallError as error:
            if isinstance(error, InternalError) and error.code == "ledger_unavailable":
                await _quietly(self._say(near, asked, error.status, error.code, error.public))
                return False
            record = await self._reject(running, asked, error)
            await _quietly(self._say(near, asked, error.status, error.code, error.public, record))
            return near.start_next()

    async def _reject(self, running: Running, asked: _Asked, error: RingwallError) -> str | None:
        try:
            digest = running.plan.digest
            return await self._exchange.reject(digest, asked.attempt(), error)
        except InternalError as broken:
            _LOG.error("code=<%s> | a refusal could not be recorded: %s", broken.code, broken.detail)
            return None

    async def _take(self, running: Running, near: Connection, head: Head, asked: _Asked) -> bool:
        target = self._target(running, head, asked)
        credential, user = _credential(head)  # 2
        asked.principal, identity = await self._directory.identify(credential)
        asked.facts = Facts((identity, near.source, _seen(head, target)))
        asked.running = _workload(running, identity, user)  # 3
        if not identity.verified:
            refused = await self._exchange.knock(asked.running, asked.attempt())
            if refused is None:
                problem = "send a Ringwall credential as Proxy-Authorization; nobody passes here without one"
                raise CallerError(problem, code="unverified", status=UNAUTHENTICATED)
            await self._refuse(near, asked, refused)
            return near.start_next()
        limits = running.plan.limits
        body = await near.read_body(limit=limits.body_bytes, timeout_s=limits.read_s)  # 4
        parts = parts_of(target, head.headers, body) if target.scheme == "http" else ()
        to = Destination("", target.scheme, target.host, target.port, target.path.partition("?")[0], "")
        crossing = await open_crossing(self._exchange, asked.running, asked.attempt(parts), to)  # 5
        if isinstance(crossing, Refused):
            await self._refuse(near, asked, crossing)
            return near.start_next()
        return await self._cross(running, near, head, target, crossing, asked)

    def _target(self, running: Running, head: Head, asked: _Asked) -> Target:
        """Where it wants to go.

        Raises:
            CallerError: That cannot be told, or is nothing that a proxy does.
            InternalError: The plan has expired.
        """
        if running.expires_us <= self._clock.now_us():
            raise InternalError("the plan of this proxy has expired; its operator must renew it", code="plan_expired")
        if head.method not in METHODS:
            raise CallerError("this method does not pass here", code="method_refused", status=405)
        framed = {name for name, _ in head.headers} & {b"content-length", b"transfer-encoding"}
        if len(framed) > 1 or (framed and head.method == "CONNECT"):
            raise CallerError("the length of the body can be read in two ways", code="bad_framing")
        target = read_target(head.method, head.target, head.headers)
        asked.resource = Resource("destination", f"{target.scheme}://{target.authority}")
        return target

    async def _cross(
        self, running: Running, near: Connection, head: Head, target: Target, crossing: Crossing, asked: _Asked
    ) -> bool:
        """Step 6. A crossing is always closed, whatever happens."""
        ended, detail = Ended.BROKEN, ""
        writer: asyncio.StreamWriter | None = None
        egress = running.plan.egress
        try:
            body = encode_body(crossing.parts, crossing.attempt.interaction.parts)
            if body is None and head.method in WITH_BODY:
                body = b""
            try:
                far = await self._network(running).connect(target.host, target.port)
            except RefusedAddressError:
                ended = Ended.REFUSED_ADDRESS
            except (OSError, TimeoutError) as error:
                ended, detail = Ended.UNREACHABLE, type(error).__name__
            else:
                writer = far[1]
                bounds = relay.Bounds(egress.idle_s, egress.total_s, lambda: self._stopping)
                ended = await self._relay(near, head, target, body, crossing, far, bounds, asked)
        except asyncio.CancelledError:
            ended = Ended.STOPPING if self._stopping else Ended.CALLER_GONE
            raise
        except OSError:
            ended = Ended.CALLER_GONE
            raise
        except RingwallError as error:
            ended, detail = Ended.CUT, error.code
            raise
        finally:
            if writer is not None:
                _end(writer, ended)
            await self._close(crossing, ended, detail)
        return await self._after(near, crossing, ended, asked)

    async def _relay(
        self,
        near: Connection,
        head: Head,
        target: Target,
        body: bytes | None,
        crossing: Crossing,
        far: relay.Far,
        bounds: relay.Bounds,
        asked: _Asked,
    ) -> Ended:
        said = self._headers(asked, crossing)
        if target.scheme == "https":
            await near.send(h11.Response(status_code=200, headers=said))
            return await relay.tunnel(crossing, near, far, bounds)
        sent = request_head(target, head.headers, body)
        request = h11.Request(method=head.method.encode(), target=target.path.encode(), headers=sent)
        return await relay.exchange_plain(crossing, near, far, (request, body), said, bounds)

    async def _after(self, near: Connection, crossing: Crossing, ended: Ended, asked: _Asked) -> bool:
        """What the client is told, where nothing was said yet; True when another request may follow."""
        if near.http.our_state is h11.SEND_RESPONSE and ended in STATUS_OF:
            status, code, problem = STATUS_OF[ended]
            if crossing.cause is not None:
                status, code, problem = STATUS[crossing.cause.kind], crossing.cause.code, crossing.cause.remedy
            await self._say(near, asked, status, code, problem, crossing.record)
        if ended is Ended.CUT and near.http.our_state is h11.SWITCHED_PROTOCOL:
            near.writer.transport.abort()  # what is cut ends at once, also what stands in buffers
        return near.start_next()

    async def _close(self, crossing: Crossing, ended: Ended, detail: str) -> None:
        try:
            await crossing.close(ended, detail)
        except InternalError as error:
            _LOG.error("code=<%s> | how a connection ended could not be recorded: %s", error.code, error.detail)

    async def _refuse(self, near: Connection, asked: _Asked, refused: Refused) -> None:
        status = STATUS[refused.cause.kind]
        status = UNAUTHENTICATED if status == 401 else status
        more: list[Header] = [(b"ringwall-receipt", self._encode_receipt(refused.receipt).encode())]
        if refused.retry_after_s is not None and refused.retry_after_s < 86_400:
            more.append((b"retry-after", str(int(refused.retry_after_s) + 1).encode()))
        text = refusal_text(refused)
        await _quietly(self._say(near, asked, status, refused.cause.code, text, refused.record, more))

    async def _say(
        self,
        near: Connection,
        asked: _Asked,
        status: int,
        code: str,
        problem: str,
        record: str | None = None,
        more: list[Header] | None = None,
    ) -> None:
        headers: list[Header] = [(b"x-request-id", asked.name.encode())]
        if record is not None:
            headers.append((b"ringwall-record", record.encode()))
        status = UNAUTHENTICATED if status == 401 else status
        await near.answer(status, {"code": code, "message": problem, "record": record}, [*headers, *(more or [])])

    def _headers(self, asked: _Asked, crossing: Crossing) -> list[Header]:
        return [(b"x-request-id", asked.name.encode()), (b"ringwall-record", crossing.record.encode())]


async def _quietly(answer: object) -> None:
    """Say something to a client who may have gone."""
    try:
        await answer  # type: ignore[misc]
    except (OSError, h11.LocalProtocolError):
        pass


def _end(writer: asyncio.StreamWriter, ended: Ended) -> None:
    """End the connection to the destination; what was cut ends at once, also what stands in buffers."""
    if ended is Ended.CUT:
        writer.transport.abort()
    else:
        writer.close()


def _seen(head: Head, target: Target) -> RequestHead:
    """The head as controls see it; how long the body is, its content tells."""
    path, _, query = target.path.partition("?")
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers if name not in CREDENTIALS
    )
    return RequestHead(head.method, path, query, headers, 0)


def _credential(head: Head) -> tuple[str | None, str]:
    """What the caller presents, and the user name of Basic. Two credentials are none."""
    found = head.values(b"proxy-authorization")
    if len(found) != 1:
        return (None if not found else ""), ""
    scheme, _, value = found[0].decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip(), ""
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    user, _, password = text.partition(":")
    return password, user


def _workload(running: Running, identity: Identity, user: str) -> RunningWorkload:
    """The workload that a user name and a credential name.

    Raises:
        CallerError: They name none, or several.
    """
    named = running.workloads.get(WorkloadId(user))
    if named is not None:
        return named
    scope = identity.workloads if identity.workloads is not None else frozenset(running.workloads)
    possible = [workload for name, workload in running.workloads.items() if name in scope]
    if len(possible) == 1:
        return possible[0]
    if not identity.verified and running.workloads:
        return next(iter(running.workloads.values()))  # any of them refuses an unverified caller
    problem = "say which workload is meant: give its name as the user name of the proxy"
    raise CallerError(problem, code="workload_needed", status=403)
