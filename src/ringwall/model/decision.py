"""What does the chain conclude at a checkpoint? One decision from all verdicts.

* Deny beats Ask beats Allow (law 2). A Transform is an Allow with edits.
* A judgement keeps each control's verdict, or why there was none, with the time it took. One under `observe` counts as
  Allow and is kept as what *would* have been (law 2).
* A vacancy is a control that is due or named but not asked: switched off with a reason, or not built yet (law 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringwall.model.content import Part
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint
from ringwall.model.plan import Mode
from ringwall.model.verdict import Allowance, DenyKind, Edit, Grant, Reservation, Verdict, Whom


class Effect(StrEnum):
    """What follows."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class Silence(StrEnum):
    """Why a control gave no usable verdict. Each is Deny under `enforce` (law 3)."""

    ERROR = "error"
    TIMEOUT = "timeout"
    NOT_A_VERDICT = "not_a_verdict"
    UNCOVERED = "uncovered"
    BAD_EDIT = "bad_edit"
    SECOND_EDIT = "second_edit"
    MISSING_FACT = "missing_fact"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one control said, or failed to say, in one round.

    Attributes:
        control: Who was asked.
        mode: Enforce or observe.
        verdict: Its answer; None when it gave none.
        silence: Why there is no usable answer; None when there is.
        detail: For the operator: the exception's type, the uncovered part. Never content.
        elapsed_us: How long it took, in microseconds.
        round: 1 for the content as it came, 2 for the edited content.
        under: The guardrail for which it was asked, as `id:version`; empty for the workload's own controls.
    """

    control: ControlId
    mode: Mode
    verdict: Verdict | None
    silence: Silence | None = None
    detail: str = ""
    elapsed_us: int = 0
    round: int = 1
    under: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """What decided: the first control in asking order whose answer carried the effect.

    Attributes:
        control: The control, or None when the engine itself refused (no control stands here).
        code: Machine code of the reason.
        remedy: What the caller may read.
        kind: What sort of refusal.
        whom: Who may answer, for Ask.
        under: The guardrail for which the control was asked; empty for the workload's own.
    """

    control: ControlId | None
    code: str
    remedy: str
    kind: DenyKind = DenyKind.FORBIDDEN
    whom: Whom | None = None
    under: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the chain concludes at one checkpoint.

    Attributes:
        checkpoint: Where.
        effect: Allow, Ask or Deny.
        cause: What decided; None for Allow.
        parts: The content as it may go on: edited, where the effect is Allow.
        edits: The merged edits that were applied.
        judgements: Every control's answer, both rounds.
        vacancies: Controls that were not asked, and why: `off: reason` or `not built`.
        reservations: What must be taken before the effect, and which control asks for it.
        grants: What may be carried out after the last decision.
        elapsed_us: How long the whole asking took, in microseconds.
        allowances: How many bytes may leave, and which control says so; all of them hold.
    """

    checkpoint: Checkpoint
    effect: Effect
    cause: Cause | None
    parts: tuple[Part, ...]
    edits: tuple[Edit, ...]
    judgements: tuple[Judgement, ...]
    vacancies: tuple[tuple[ControlId, str], ...]
    reservations: tuple[tuple[ControlId, Reservation], ...]
    grants: tuple[Grant, ...]
    elapsed_us: int
    allowances: tuple[tuple[ControlId, Allowance], ...] = ()
