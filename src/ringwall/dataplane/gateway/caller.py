"""Who stands at the door, with what, and what every door writes on its answers?

* A `Caller` is what the first steps of a request found, before any door of a protocol looked at its content.
* Every answer names its request; what left a record names it too, and what was signed carries its receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringwall.dataplane.gateway.http import Header, Request
from ringwall.engine.outcomes import Attempt, Refused
from ringwall.engine.running import RunningWorkload
from ringwall.model.facts import Facts
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Action, Interaction, InteractionId, Principal, Resource
from ringwall.model.ports import Receipt
from ringwall.model.session import derive_key
from ringwall.model.verdict import DenyKind

NOWHERE = WorkloadId("")
"""Stands in the record of a request that names no workload."""
MAX_RETRY_AFTER_S = 86_400
"""The longest wait that is told to a caller; a limit that never refills reads the same."""
STATUS = {
    DenyKind.UNAUTHENTICATED: 401,
    DenyKind.FORBIDDEN: 403,
    DenyKind.CONTENT: 403,
    DenyKind.EXHAUSTED: 429,
    DenyKind.UNAVAILABLE: 503,
}
EncodeReceipt = Callable[[Receipt], str]
"""A receipt as one line of text."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of a request before its content.

    Attributes:
        request: Its head.
        path: Its path, without the workload's prefix.
        principal: Who asks.
        facts: What is known: Identity, Source, Demand.
        running: The workload.
        trace: `traceparent` to carry on, or empty.
        interaction: The request's name.
    """

    request: Request
    path: str
    principal: Principal
    facts: Facts
    running: RunningWorkload
    trace: str
    interaction: InteractionId

    def bare(self, action: Action, resource: Resource) -> Attempt:
        """An attempt without content."""
        workload = self.running.plan.workload.id
        return bare(self.interaction, workload, self.principal, action, resource, self.facts, self.trace)


def bare(
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


def headers(
    interaction: str, record: str | None = None, receipt: Receipt | None = None, *, encode: EncodeReceipt
) -> list[Header]:
    """What every answer carries: the request's name, the record's, and the receipt."""
    found = [(b"x-request-id", interaction.encode())]
    if record is not None:
        found.append((b"ringwall-record", record.encode()))
    if receipt is not None:
        found.append((b"ringwall-receipt", encode(receipt).encode()))
    return found


def refusal_headers(caller: Caller, refused: Refused, status: int, *, encode: EncodeReceipt) -> list[Header]:
    """What a refusal carries besides: when to try again, and how to prove who one is."""
    found = headers(caller.interaction, refused.record, refused.receipt, encode=encode)
    if refused.retry_after_s is not None:
        found.append((b"retry-after", str(_whole_seconds(refused.retry_after_s)).encode()))
    if status == 401:
        found.append((b"www-authenticate", b'Bearer realm="ringwall"'))
    return found


def refusal_text(refused: Refused) -> str:
    """A refusal in words: which control, what to do, and where it is on record."""
    cause = refused.cause
    who = f'refused by "{cause.control}": ' if cause.control is not None else ""
    return f"{who}{cause.remedy} (record {refused.record})"


def _whole_seconds(seconds: float) -> int:
    return int(min(max(seconds, 0), MAX_RETRY_AFTER_S - 1)) + 1
