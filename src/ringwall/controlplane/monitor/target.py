"""Whom may the monitor contain, given what it saw? The one place that turns evidence into scopes.

* A `Target` is made of evidence alone. Nobody hands it a scope, and a response takes nothing but a target.
* Evidence of a verified principal contains that principal, his credential and the sessions in question.
* Evidence that could not be verified contains the source address and nothing else: whoever fails to prove who he is
  could write anybody's name. Its session is made from the claimed name, so it would be somebody else's.
* An API key of a service stands for everybody behind that service. It is contained where all that was seen of it came
  from one address; else only that caller (the key at that address); of a key that is declared as shared, only the
  sessions. In each case a person is asked. A workload, a model, a server is never contained.
* Evidence about several principals, or of both sorts, contains nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from ringwall.controlplane.monitor.sighting import Sighting
from ringwall.model.interaction import PrincipalKind
from ringwall.model.scopes import scope

MAX_SESSIONS = 32
"""Sessions that one response closes at most; the principal's own scope covers the rest."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What is known about who uses a key.

    Attributes:
        declared: True when the configuration says that tenants share it.
        addresses: How many addresses it was seen from lately.
    """

    declared: bool = False
    addresses: int = 1


@dataclass(frozen=True, slots=True)
class Target:
    """Who may be contained because of this evidence.

    Attributes:
        evidence: What it rests on.
        sharing: What is known about who uses a key.
        scopes: What may be contained; nobody can pass these in.
        needs_person: Why a person has to look at it, or empty.
    """

    evidence: tuple[Sighting, ...]
    sharing: Callable[[str], Sharing]
    scopes: tuple[str, ...] = field(init=False)
    needs_person: str = field(init=False)

    def __post_init__(self) -> None:
        scopes, person = _judge(self.evidence, self.sharing)
        object.__setattr__(self, "scopes", scopes)
        object.__setattr__(self, "needs_person", person)


def _judge(evidence: Sequence[Sighting], sharing: Callable[[str], Sharing]) -> tuple[tuple[str, ...], str]:
    if not evidence:
        return (), "there is no evidence"
    if not any(each.verified for each in evidence):
        sources = {each.source for each in evidence}
        if len(sources) != 1 or not _is_address(next(iter(sources))):
            return (), "the evidence names no single address"
        return (scope("address", sources.pop()),), ""
    holders = {(each.verified, each.principal, each.principal_kind) for each in evidence}
    if len(holders) != 1 or not evidence[0].principal:
        return (), "the evidence is not of one verified principal"
    sessions = tuple(dict.fromkeys(scope("session", each.session) for each in evidence if each.session))[-MAX_SESSIONS:]
    keys = tuple(dict.fromkeys(each.key for each in evidence if each.key))
    if evidence[0].principal_kind != PrincipalKind.SERVICE:
        own = (scope("principal", evidence[0].principal), *(scope("key", each) for each in keys))
        return (*own, *sessions), ""
    return _service(evidence, keys, sessions, sharing)


def _service(
    evidence: Sequence[Sighting], keys: Sequence[str], sessions: tuple[str, ...], sharing: Callable[[str], Sharing]
) -> tuple[tuple[str, ...], str]:
    """A service's credential: several people may stand behind it."""
    found: list[str] = []
    for key in keys:
        known = sharing(key)
        if known.declared:
            continue
        if known.addresses <= 1:
            found.append(scope("key", key))
            continue
        sources = dict.fromkeys(each.source for each in evidence if each.key == key and _is_address(each.source))
        found += [scope("caller", f"{key} {source}") for source in sources]
    return (*found, *sessions), "several tenants may use this key; look who it was, and revoke it if it leaked"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
