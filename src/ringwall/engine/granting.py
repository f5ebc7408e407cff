"""How is carried out what a decision granted? A credential leased for one call, sealed values opened for one reader.

* A grant is carried out after the last decision of its half of the road, and only what was granted (`Allow.grants`).
* A lease is taken before the call and given back when it has ended, however it ended. One that cannot be had is an
  error, and the call is not made.
* A value that was granted and cannot be opened (its key was shredded, it stands in another place) stays sealed: that is
  no error, and it is on record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from ringwall.model.content import Part
from ringwall.model.decision import Decision
from ringwall.model.errors import InternalError
from ringwall.model.interaction import Interaction
from ringwall.model.ports import Keys, Leases
from ringwall.model.vault import LEASE, UNSEAL, Unreadable
from ringwall.model.verdict import Grant


@asynccontextmanager
async def lent(leases: Leases, interaction: Interaction, grants: Sequence[Grant]) -> AsyncIterator[Mapping[str, str]]:
    """What the server of a tool is told of the credential that was leased for this call; empty when none was granted.

    Raises:
        InternalError: The credential cannot be had at this moment, or more than one was granted.
    """
    wanted = list(dict.fromkeys(grant for grant in grants if grant.kind == LEASE))
    if not wanted:
        yield {}
        return
    if len(wanted) > 1:
        raise InternalError("a call gets one credential", code="leases", detail=f"{len(wanted)} were granted")
    lease = await leases.take(
        wanted[0], principal=interaction.principal, workload=interaction.workload, session=interaction.session
    )
    try:
        yield {
            "credential": wanted[0].subject,
            "address": lease.address,
            "secret": lease.secret,
            "context": lease.context,
        }
    finally:
        with suppress(InternalError):  # it dies with its expiry; what the tool has answered must not die with it
            await leases.give_back(lease.id)


async def opened(
    keys: Keys, interaction: Interaction, decision: Decision
) -> tuple[tuple[Part, ...], tuple[Unreadable, ...]]:
    """The parts of a decision with what it granted opened, and what stayed sealed all the same."""
    grants = [grant for grant in decision.grants if grant.kind == UNSEAL]
    if not grants:
        return decision.parts, ()
    unreadable: list[Unreadable] = []
    parts = []
    for part in decision.parts:
        value = await keys.unseal(part.value, grants, workload=interaction.workload, report=unreadable.append)
        parts.append(part if value is part.value else replace(part, value=value))
    return tuple(parts), tuple(unreadable)
