"""Which task does this request belong to? The session key, and what a session remembers.

* A caller may carry a signed handle (`Ringwall-Session` header or a `sid` claim). Without one, the key is derived from
  workload, principal and the digest of the first user turn, so that the turns of one conversation fall together.
* Never from an MCP session id alone: whoever chooses an id would choose whose memory he shares.
* The key always binds workload and principal: two tenants never meet in a session (law 10).
* Events are only ever added. State is loaded with its version and committed with compare-and-set.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal, SessionKey
from ringwall.model.labels import BEST, Labels


def derive_key(workload: WorkloadId, principal: Principal, seed: bytes, *, signed: bool) -> SessionKey:
    """The key of the task to which a request belongs.

    Args:
        workload: The AI application.
        principal: Who asks.
        seed: The id inside a verified handle, or the first user turn.
        signed: Whether the seed came from a verified handle; keeps the two kinds apart.
    """
    digest = hashlib.sha256()
    for field in (b"handle" if signed else b"turn", workload.encode(), principal.name.encode(), seed):
        digest.update(len(field).to_bytes(8, "big"))
        digest.update(field)
    return SessionKey("ses_" + digest.hexdigest()[:40])


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a session remembers.

    Attributes:
        kind: `tool_proposed`, `tool_called`, `contained` ...
        subject: What it is about: a call's handle, a tool's name.
        record: The record that holds the decision behind it.
    """

    kind: str
    subject: str
    record: str


@dataclass(frozen=True, slots=True)
class SessionState:
    """What a session knows at one version.

    Attributes:
        key: Whose memory it is.
        version: Rises by one with each commit; 0 means that nothing was ever stored.
        labels: The join of the labels of all content seen.
        events: What happened, oldest first, bounded by the store.
    """

    key: SessionKey
    version: int = 0
    labels: Labels = BEST
    events: tuple[Event, ...] = ()

    def subjects(self, kind: str) -> frozenset[str]:
        """The subjects of all events of one kind."""
        return frozenset(event.subject for event in self.events if event.kind == kind)

    def having(self, events: tuple[Event, ...], labels: Labels) -> SessionState:
        """The next version, with these events added and the labels joined."""
        return replace(self, version=self.version + 1, events=self.events + events, labels=self.labels.join(labels))
