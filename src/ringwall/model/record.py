"""What stands in the ledger? Records, whose bytes are frozen as of version 1.

* A record's bytes are its canonical JSON (RFC 8785). They hold no floating-point number, no content, and only names
  that are bounded and escaped to printable ASCII (law 6), so that `json` with sorted keys writes exactly RFC 8785.
* Its leaf hash is RFC 9162's: SHA-256 over a zero byte and the bytes.
* `cause` names the records that led to this one: from an answer back to the prompt, from a tool call back to the
  answer that proposed it. `outcome` says what follows from it, never more than is certain when it is written (law 7).
* Version 1 fields, all present in every record, in this order when sorted:
  action, cause, checkpoint, content, decision, effect, id, interaction, kind, outcome, plan, principal, resource,
  session, source, time_us, trace, v, workload.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from ringwall.model.names import random_hex

RecordId = NewType("RecordId", str)

VERSION = 1
MAX_NAME = 256
"""Characters that any name in a record may have after escaping; the rest is cut and marked."""


class RecordKind(StrEnum):
    """What a record tells."""

    DECISION = "decision"
    """What the chain concluded at a checkpoint, before its effect."""
    OPENING = "opening"
    """A stream is about to start. Without a CLOSING it reads: interrupted, extent unknown."""
    CLOSING = "closing"
    """A stream has ended: how much was released, and its digest."""
    FAILURE = "failure"
    """An attempt ended without an answer: upstream dead, answer unreadable, caller gone."""
    REJECTION = "rejection"
    """A request that no control could be asked about: malformed, too large, unknown path."""
    ADMINISTRATION = "administration"
    """A person or program changed something: a key, a containment, a plan."""
    START = "start"
    """A process took up the ledger, with the segments that it found."""


class Outcome(StrEnum):
    """What follows from a record."""

    PROCEEDS = "proceeds"
    REFUSED = "refused"
    SENDS = "sends"
    RELEASES = "releases"
    STREAMS = "streams"
    RELEASED = "released"
    ENDED = "ended"
    FAILED = "failed"
    DONE = "done"


def new_record_id() -> RecordId:
    """An unguessable name: 128 random bits."""
    return RecordId("rec_" + random_hex(16))


def inert(name: str) -> str:
    """A name as it may stand in a record, a log or a terminal: printable ASCII, bounded, nothing that acts."""
    if name.isascii() and name.isprintable() and "\\" not in name and len(name) <= MAX_NAME:
        return name
    escaped = "".join(
        each if " " <= each <= "~" and each != "\\" else each.encode("unicode_escape").decode("ascii") for each in name
    )
    return escaped if len(escaped) <= MAX_NAME else escaped[: MAX_NAME - 3] + "..."


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the ledger.

    Attributes:
        id: Its unguessable name.
        kind: What it tells.
        time_us: When it was made, microseconds since 1970-01-01 UTC.
        interaction: The attempt, or empty.
        workload: The workload's id, or empty.
        principal: `issuer`, `subject`, `verified`, `chain` of who asked, and the `key` of a credential that verified.
        session: The session's key, or empty.
        action: What was attempted.
        resource: `kind` and `name`.
        checkpoint: Where, or empty.
        effect: `allow`, `ask`, `deny`, or empty where nothing was decided.
        decision: Cause, judgements, edits, vacancies; or what a closing, failure or start has to tell.
        content: Digest of the judged parts: HMAC-SHA-256 under the workload's key, or empty.
        outcome: What follows.
        cause: Ids of the records that led here.
        plan: Digest of the plan that decided.
        source: Address of the caller, or empty.
        trace: W3C trace id, or empty.
    """

    id: RecordId
    kind: RecordKind
    time_us: int
    outcome: Outcome
    plan: str
    interaction: str = ""
    workload: str = ""
    principal: Mapping[str, object] = field(default_factory=dict)
    session: str = ""
    action: str = ""
    resource: Mapping[str, str] = field(default_factory=dict)
    checkpoint: str = ""
    effect: str = ""
    decision: Mapping[str, object] = field(default_factory=dict)
    content: str = ""
    cause: tuple[str, ...] = ()
    source: str = ""
    trace: str = ""

    def fields(self) -> dict[str, object]:
        """The fields of version 1, by name, in the order in which they are written."""
        return {
            "action": self.action,
            "cause": self.cause,
            "checkpoint": self.checkpoint,
            "content": self.content,
            "decision": self.decision,
            "effect": self.effect,
            "id": self.id,
            "interaction": self.interaction,
            "kind": self.kind,
            "outcome": self.outcome,
            "plan": self.plan,
            "principal": self.principal,
            "resource": self.resource,
            "session": self.session,
            "source": self.source,
            "time_us": self.time_us,
            "trace": self.trace,
            "v": VERSION,
            "workload": self.workload,
        }

    def encode(self) -> bytes:
        """The record's bytes: RFC 8785 canonical JSON, frozen as of version 1."""
        return _ENCODER.encode(self.fields()).encode()


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def leaf_hash(record: bytes) -> bytes:
    """RFC 9162, section 2.1.1: SHA-256 over 0x00 and the record's bytes."""
    return hashlib.sha256(b"\x00" + record).digest()


def millionths(score: float) -> int:
    """A score as a whole number of millionths, since records hold no floating-point number."""
    return round(score * 1_000_000)
