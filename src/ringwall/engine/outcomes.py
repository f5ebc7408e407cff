"""What goes into the road, and what comes out of it? An attempt, and its outcomes: answered, refused, failed.

* `Admitted` is what stands between the two halves of the road: it may go upstream, and that is durable.
* None of them is an error: a refusal is a value like any other, and a door renders it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringwall.engine.recording import Recorder
from ringwall.engine.routing import Tries, Way
from ringwall.model.content import Part, PartId
from ringwall.model.conversation import Answer
from ringwall.model.decision import Cause, Effect
from ringwall.model.errors import RingwallError
from ringwall.model.facts import Facts
from ringwall.model.interaction import Checkpoint, Interaction
from ringwall.model.ports import Receipt, Taken
from ringwall.model.record import RecordId
from ringwall.model.session import SessionState
from ringwall.model.upstreams import Invocation, ToolAnswer


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request as a door hands it over.

    Attributes:
        interaction: What is attempted.
        facts: What the door knows: Identity, Source, Demand.
        tool_results: The parts that answer a tool call, by the handle of the call.
        trace: `traceparent` of the request, or empty.
        left_out: Numbers of the turns that were refused before, and are left out now (`engine.blocked`).
    """

    interaction: Interaction
    facts: Facts
    tool_results: tuple[tuple[PartId, str], ...] = ()
    trace: str = ""
    left_out: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """It was allowed, done, and judged once more.

    Attributes:
        answer: The judged answer, with our handles.
        record: The record of the decision at RESPONSE.
        receipt: Proof that it is in the ledger.
    """

    answer: Answer
    record: RecordId
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Refused:
    """It was refused, and the refusal is on record.

    Attributes:
        cause: What refused it.
        effect: Deny, or Ask while nobody can be asked.
        checkpoint: Where.
        record: The record of the refusal.
        receipt: Proof that it is in the ledger.
        retry_after_s: Seconds after which another try may pass; None when no time helps.
    """

    cause: Cause
    effect: Effect
    checkpoint: Checkpoint
    record: RecordId
    receipt: Receipt
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It was allowed but came to nothing; the failure is on record."""

    error: RingwallError
    record: RecordId


@dataclass(frozen=True, slots=True)
class Returned:
    """A tool was called, and what it returned was judged.

    Attributes:
        answer: What it returned, as it may be read.
        record: The record of the decision at TOOL_RESULT.
        receipt: Proof that it is in the ledger.
    """

    answer: ToolAnswer
    record: RecordId
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Going:
    """A request that was let in, wherever it goes.

    Attributes:
        recorder: Makes the interaction's further records.
        facts: All facts that were loaded, without a destination.
        content: What was judged (and edited) on its way in.
        session: The session's state as it was loaded; None when nothing needed it.
        tries: Where it may go, and where next.
    """

    recorder: Recorder
    facts: Facts
    content: tuple[Part, ...]
    session: SessionState | None
    tries: Tries


@dataclass(frozen=True, slots=True)
class Admitted:
    """It may go to this target, and the decisions behind that are durable.

    Attributes:
        going: The request.
        facts: All facts, with the destination.
        way: Where it goes.
        invocation: What goes.
        taken: The reservations to settle.
        cause: The records that led here.
    """

    going: Going
    facts: Facts
    way: Way
    invocation: Invocation
    taken: tuple[Taken, ...]
    cause: tuple[RecordId, ...]

    @property
    def recorder(self) -> Recorder:
        """Makes the interaction's further records."""
        return self.going.recorder

    @property
    def session(self) -> SessionState | None:
        """The session's state as it was loaded."""
        return self.going.session
