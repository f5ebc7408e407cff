"""What can be contained? Names of scopes, spelled in one place.

A scope is `kind:name`. Containment matches exactly; a principal's scope carries issuer and subject, so that a namesake
of another issuer is left alone.
"""

from __future__ import annotations

from ringwall.model.facts import Identity, Source
from ringwall.model.interaction import Interaction

KINDS = ("principal", "agent", "key", "caller", "workload", "model", "server", "session", "address")
"""A `caller` is one key at one address, `<key> <address>`: the narrowest name of one among several who share a key."""


def scope(kind: str, name: str) -> str:
    """The scope of this kind and name.

    Raises:
        ValueError: No such kind.
    """
    if kind not in KINDS:
        raise ValueError(f'no such scope kind "{kind}", one of: {", ".join(KINDS)}')
    return f"{kind}:{name}"


def concerned(interaction: Interaction, identity: Identity, source: Source) -> tuple[str, ...]:
    """Every scope whose containment would stop this interaction."""
    found = [
        scope("principal", interaction.principal.name),
        scope("workload", interaction.workload),
        scope("session", interaction.session),
        scope("address", str(source.address)),
    ]
    if interaction.resource.kind in ("model", "server"):
        found.append(scope(interaction.resource.kind, interaction.resource.name))
    if identity.key is not None:
        found.append(scope("key", identity.key))
        found.append(scope("caller", f"{identity.key} {source.address}"))
    found += [scope("agent", f"{actor.issuer} {actor.subject}") for actor in interaction.principal.chain]
    return tuple(found)
