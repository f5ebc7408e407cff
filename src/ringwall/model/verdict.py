"""What does one control answer? Allow, Deny, Transform or Ask, each with evidence.

* A verdict is a value: frozen, complete, and the only way in which a control can act.
* It names the parts that it covered. A part that a due control did not cover is refused (law 3).
* Evidence holds no content: kind, place and score. Digests are added when the record is made, under a key of the
  workload that no control ever sees (law 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from ringwall.model.content import PartId, Place


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that a control noticed.

    Attributes:
        kind: A kind that the control's catalog entry lists: `card_number`, `instruction_override` ...
        place: Where, if it stands anywhere.
        score: How sure, from 0.0 to 1.0; None where the finding is exact.
    """

    kind: str
    place: Place | None = None
    score: float | None = None


class EditAction(IntEnum):
    """How content is hidden; on overlap the strictest wins (law 4)."""

    TOKENISE = 0
    MASK = 1
    BLOCK = 2


@dataclass(frozen=True, slots=True)
class Edit:
    """Hide one span of one string leaf.

    Attributes:
        place: The span, in code points of the decoded string; the leaf must be a value, not a key or a number.
        action: Tokenise, mask or block.
        kind: What stood there; the placeholder names it.
    """

    place: Place
    action: EditAction
    kind: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """An amount of something limited that this interaction will use, as a token bucket.

    Attributes:
        bucket: Names the bucket; the same name is the same bucket everywhere.
        amount: How much, in the bucket's unit.
        capacity: The most that the bucket holds.
        refill_per_s: How much flows back per second.
        unit: `requests` or `tokens`.
    """

    bucket: str
    amount: int
    capacity: int
    refill_per_s: float
    unit: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most bytes that may leave for this destination within a sliding window. The road counts while they leave.

    Attributes:
        limit_bytes: The most, together with all that left within the window.
        window_s: Seconds that the window is long.
        code: Machine code of the refusal when it is used up.
    """

    limit_bytes: int
    window_s: int
    code: str


@dataclass(frozen=True, slots=True)
class Grant:
    """Something that the exchange may carry out after the last decision: unseal a column, lease a credential."""

    kind: str
    subject: str


class Whom(StrEnum):
    """Who may answer an Ask."""

    CONFIRM = "confirm"
    """The session's person."""
    APPROVE = "approve"
    """Someone outside the delegation chain."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Nothing here speaks against it."""

    covered: frozenset[PartId]
    evidence: tuple[Evidence, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    grants: tuple[Grant, ...] = ()
    allowances: tuple[Allowance, ...] = ()


class DenyKind(StrEnum):
    """What sort of refusal it is; a door turns it into its protocol's status."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    EXHAUSTED = "exhausted"
    CONTENT = "content"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Deny:
    """It must not happen.

    Attributes:
        code: Machine code of the reason, snake_case: `instruction_override`, `unknown_key`.
        remedy: One public sentence: why, and what the caller can do. Never a score, a threshold or content.
        kind: What sort of refusal it is.
    """

    covered: frozenset[PartId]
    code: str
    remedy: str
    kind: DenyKind = DenyKind.FORBIDDEN
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Transform:
    """It may happen when these spans are hidden."""

    covered: frozenset[PartId]
    edits: tuple[Edit, ...]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A person must say yes first.

    Attributes:
        code: Machine code of the reason.
        question: What the person is asked, without content.
        whom: Who may answer.
        deadline_s: No answer within so many seconds is Deny.
    """

    covered: frozenset[PartId]
    code: str
    question: str
    whom: Whom
    deadline_s: int
    evidence: tuple[Evidence, ...] = ()


Verdict = Allow | Deny | Transform | Ask
