"""How do a guardrail's controls join a request? Beside the workload's own, at every checkpoint, never in their place.

* A `Guard` is a guardrail, ready to be asked: its seats for what goes in and what comes out, each under its name.
* `Guarded` is the chain of one request: the workload's with those of its guardrails, which keeps what they said.
* What was heard is kept for the answer's trace only, as evidence and place; text beside it for who may see evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

from ringwall.engine.chain import Chain, Seat, binds
from ringwall.engine.recording import text_at
from ringwall.engine.running import RunningWorkload
from ringwall.model.content import JSON, TEXT, Part
from ringwall.model.decision import Decision
from ringwall.model.framework import ControlId, WorkloadId
from ringwall.model.guardrail import GuardrailPlan, Way
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.plan import Mode
from ringwall.model.verdict import Deny, Evidence

IN = frozenset({Checkpoint.INBOUND, Checkpoint.TOOL_RESULT})
OUT = frozenset({Checkpoint.RESPONSE, Checkpoint.CHUNK, Checkpoint.TOOL_CALL})
"""Where the controls of each direction stand; what leaves for a model was judged on its way in."""
MAX_HEARD = 256
"""Findings that are kept of one request."""


@dataclass(frozen=True, eq=False)
class Guard:
    """A guardrail, ready to be asked.

    Attributes:
        plan: What it is.
        seats: Its controls.
        alone: The chain of its controls only, for what is judged by nothing else.
        enforced: Whether it stands by an enforced configuration, and not by the request.
    """

    plan: GuardrailPlan
    seats: tuple[Seat, ...]
    alone: Chain
    enforced: bool = False


class Guards(Protocol):
    """The guardrails that there are."""

    def named(self, workload: WorkloadId, identifier: str, version: str) -> Guard:
        """The guardrail of this workload that a request names.

        Raises:
            CallerError: There is none.
            InternalError: It cannot be told, or can no longer be made.
        """
        ...

    def enforced(self, workload: WorkloadId, model: str | None) -> Sequence[Guard]:
        """Those that are enforced for this workload and model; for None, whatever the model.

        Raises:
            InternalError: It cannot be told, or one of them can no longer be made.
        """
        ...

    def checks(self, workload: WorkloadId) -> Guard:
        """What looks for everything and refuses nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What a guardrail's control found.

    Attributes:
        under: The guardrail, as `id:version`.
        checkpoint: Where.
        control: Which control.
        mode: Whether its answer binds.
        refused: Whether it refused.
        evidence: What it found.
        text: What stands at that place.
    """

    under: str
    checkpoint: Checkpoint
    control: ControlId
    mode: Mode
    refused: bool
    evidence: Evidence
    text: str


@dataclass
class Hearing:
    """All that was heard in one request."""

    heard: list[Heard] = field(default_factory=list)
    characters: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    """Characters of text that were judged on the way in (True) and out."""
    images: int = 0

    def listen(self, decision: Decision, vantage: Vantage) -> None:
        """Keep what the guardrails' controls said of the content as it came."""
        is_in = decision.checkpoint in IN
        if is_in or decision.checkpoint in OUT:
            self.characters[is_in] += characters(vantage)
            self.images += sum(part.media not in (TEXT, JSON) for part in vantage.parts)
        for each in decision.judgements:
            if not each.under or each.round != 1 or each.verdict is None:
                continue
            refused = binds(each) and isinstance(each.verdict, Deny)
            for evidence in each.verdict.evidence[: MAX_HEARD - len(self.heard)]:
                text = text_at(evidence.place, vantage.parts) if evidence.place is not None else None
                self.heard.append(
                    Heard(each.under, decision.checkpoint, each.control, each.mode, refused, evidence, text or "")
                )


class Guarded(Chain):
    """The chain of one request under guardrails."""

    def __init__(self, chain: Chain, hearing: Hearing) -> None:
        """A chain that listens.

        Args:
            chain: The workload's, joined by those of the guardrails.
            hearing: What it keeps.
        """
        self.__dict__.update(chain.__dict__)
        self._hearing = hearing

    async def decide(self, vantage: Vantage) -> Decision:
        """See `Chain`."""
        decision = await super().decide(vantage)
        self._hearing.listen(decision, vantage)
        return decision


def guarded(running: RunningWorkload, guards: Sequence[Guard], hearing: Hearing) -> RunningWorkload:
    """The workload for one request under these guardrails; itself where there are none."""
    if not guards:
        return running
    return replace(running, chain=Guarded(_joined(running.chain, tuple(guards)), hearing))


@lru_cache(maxsize=256)
def _joined(chain: Chain, guards: tuple[Guard, ...]) -> Chain:
    """Remembered, for it is the same for every request: a chain is told by its identity, and so is a guard."""
    return chain.joined(seat for guard in guards for seat in guard.seats)


def way_of(plan: GuardrailPlan, checkpoint: Checkpoint) -> Way:
    """What a guardrail does in the direction of this checkpoint."""
    return plan.inbound if checkpoint in IN else plan.outbound


def characters(vantage: Vantage) -> int:
    """Characters of text that are judged now; in a stream, those of the window's focus."""
    if vantage.focus is not None:
        return max(0, vantage.focus[1] - vantage.focus[0])
    return sum(map(_size, vantage.parts))


def _size(part: Part) -> int:
    return sum(len(leaf.text) for leaf in part.leaves()) if part.media in (TEXT, JSON) else 0
