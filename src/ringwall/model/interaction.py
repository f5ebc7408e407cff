"""Who attempts what on which resource, and from where do we look? The values that every control sees.

* An `Interaction` is one attempt, normalised and frozen. It belongs to one workload, one principal, one session.
* A `Checkpoint` is where we look; a `Vantage` is one checkpoint of one interaction as a control sees it: the parts that
  are to be judged there and the facts that were loaded for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from ringwall.model.content import Part, PartId
from ringwall.model.conversation import Conversation
from ringwall.model.facts import Facts
from ringwall.model.framework import WorkloadId

InteractionId = NewType("InteractionId", str)
"""Names one attempt; unguessable, printed to the caller as the request id."""

SessionKey = NewType("SessionKey", str)
"""Names one task of one principal in one workload; see `ringwall.model.session`."""


class Checkpoint(StrEnum):
    """Where we look. Each says when it happens and what is not yet true then."""

    INBOUND = "inbound"
    """The request is parsed and its credentials were checked. Nothing has been sent anywhere."""
    EGRESS = "egress"
    """The destination is chosen. No byte has left for it."""
    TOOL_CALL = "tool_call"
    """A tool is about to be called. It has not been, and no credential was leased for it."""
    TOOL_RESULT = "tool_result"
    """A tool has answered. No model has read the answer."""
    RESPONSE = "response"
    """The whole answer is here. The caller has seen none of it, or only what CHUNK released."""
    CHUNK = "chunk"
    """A window of a streamed answer is here. The rest is not, and may never come."""


class PrincipalKind(StrEnum):
    """What sort of principal stands behind a request."""

    PERSON = "person"
    AGENT = "agent"
    SERVICE = "service"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Actor:
    """One link of a delegation chain: who acts for the one before (RFC 8693, `act`)."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: issuer and subject together, never a name alone.

    Attributes:
        issuer: Who vouches for the subject: an OIDC issuer, or `ringwall:keys` for API keys.
        subject: The issuer's stable name for the principal.
        kind: Person, agent, service or anonymous.
        roles: Roles in force for this workload, mapped from groups by the organisation.
        verified: True when a credential was checked; False for a merely claimed principal.
        methods: Authentication methods of the credential (RFC 8176 `amr` values).
        chain: Who acts for this principal, outermost first; empty when it acts itself.
    """

    issuer: str
    subject: str
    kind: PrincipalKind
    roles: frozenset[str] = frozenset()
    verified: bool = False
    methods: frozenset[str] = frozenset()
    chain: tuple[Actor, ...] = ()

    @property
    def name(self) -> str:
        """Issuer and subject as one string, unambiguous: the issuer never holds a blank."""
        return f"{self.issuer} {self.subject}"


ANONYMOUS = Principal("ringwall:none", "anonymous", PrincipalKind.ANONYMOUS)


class Action(StrEnum):
    """What is attempted."""

    INVOKE = "model.invoke"
    LIST = "model.list"
    CALL = "tool.call"
    CONNECT = "network.connect"
    APPLY = "guardrail.apply"
    ADMINISTER = "guardrail.administer"


@dataclass(frozen=True, slots=True)
class Resource:
    """What it is attempted on: `model`, `tool`, `endpoint` ... and its name."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Interaction:
    """One attempt, normalised and frozen.

    Attributes:
        id: Its name.
        workload: The AI application to which it belongs.
        principal: Who asks.
        action: What is attempted.
        resource: On what.
        session: The task to which it belongs.
        parts: All its content.
        conversation: The shape in which the parts stand, for a request to a model.
    """

    id: InteractionId
    workload: WorkloadId
    principal: Principal
    action: Action
    resource: Resource
    session: SessionKey
    parts: tuple[Part, ...] = ()
    conversation: Conversation | None = None


@dataclass(frozen=True, slots=True)
class Vantage:
    """One checkpoint of one interaction, as every control there sees it.

    Attributes:
        checkpoint: Where we look.
        interaction: The attempt.
        parts: What is to be judged here; at RESPONSE and CHUNK the answer's parts, not the request's.
        facts: What was loaded for the controls that stand here.
        focus: At CHUNK: the span of the one part in which a finding must start to be reported now. What stands before
            it was judged earlier, what stands behind it may still change; both are context. None: the whole.
        begins: Whether the text of the part begins where the answer's begins; False for a later window of a stream.
        everything: The ids of all parts: what a control covers whose question does not turn on content.
    """

    checkpoint: Checkpoint
    interaction: Interaction
    parts: tuple[Part, ...]
    facts: Facts
    focus: tuple[int, int] | None = None
    begins: bool = True
    everything: frozenset[PartId] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "everything", frozenset([part.id for part in self.parts]))

    def in_focus(self, start: int) -> bool:
        """True when a finding that starts at this code point is to be reported now."""
        return self.focus is None or self.focus[0] <= start < self.focus[1]
