"""Should this be allowed? Ask every control that stands at the checkpoint, and combine their answers into one decision.

The procedure, numbered as in the code:

1. No control stands here: Deny (law 3, silence).
2. Round 1: ask each enforced control about the content as it came, cheap ones first. A Deny ends the asking, unless the
   chain is exhaustive: the outcome is the same, only evidence is saved (law 1).
3. Edits are merged and applied, and every enforced control is asked again about the edited content. Deny on the
   original or on the edited wins; a second edit is Deny (law 4).
4. Observing controls are asked last, so that their slowness costs nothing but their own evidence (law 2).
5. Combine: Deny beats Ask beats Allow (law 2). The cause is the first in asking order.

Rules:

* All controls of a checkpoint share one deadline. Passing it is Deny for the enforced control that was being asked.
* An error, a timeout, a non-verdict, a part that was not covered, a missing fact, an edit that names no editable span:
  each is silence, and silence is Deny (law 3).
* Asking order is mode, cost, id, and a guardrail's before the workload's own: a permutation of the plan changes nothing
  (law 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter_ns

from ringwall.engine.deadline import within
from ringwall.engine.edits import BadEditError, apply, merge, placeholder
from ringwall.model.content import Part
from ringwall.model.control import Control
from ringwall.model.decision import Cause, Decision, Effect, Judgement, Silence
from ringwall.model.facts import Fact, MissingFactError
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Interaction, Vantage
from ringwall.model.plan import Mode
from ringwall.model.verdict import Allow, Allowance, Ask, Deny, DenyKind, Edit, Grant, Reservation, Transform, Verdict

_VERDICTS = (Allow, Deny, Transform, Ask)
_BINDING = (Deny, Ask)
MAX_PLACES = 6
"""Places at which the readers of a stream may differ before as much is held as the farthest of them looks back."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One control as it stands in a chain.

    Attributes:
        control: Who.
        mode: Whether its answer binds. One that is off keeps its seat empty: a vacancy, not asked, not a Deny.
        reason: Why it is off.
        under: The guardrail for which it sits here besides the workload's own, or empty.
        stands: Where it is asked; None for wherever the control stands.
    """

    control: Control
    mode: Mode
    reason: str = ""
    under: str = ""
    stands: frozenset[Checkpoint] | None = None

    def is_at(self, checkpoint: Checkpoint) -> bool:
        """Whether it is asked there."""
        return checkpoint in self.control.checkpoints and (self.stands is None or checkpoint in self.stands)


@dataclass(slots=True)
class _Asking:
    """One run of the procedure: what has been said so far."""

    vantage: Vantage
    began: int
    judgements: list[Judgement] = field(default_factory=list)
    pending: tuple[Seat, int] | None = None
    """Who is being asked at this moment, and in which round: named when the deadline passes."""
    parts: tuple[Part, ...] = ()
    edits: tuple[Edit, ...] = ()
    refused: bool = False
    """Whether some judgement alone makes the decision Deny."""

    def add(self, judgement: Judgement) -> None:
        """Keep what somebody said, or failed to say."""
        self.judgements.append(judgement)
        self.refused = self.refused or binds(judgement)


class Chain:
    """The controls of one workload, ready to be asked at any checkpoint."""

    def __init__(
        self,
        seats: Iterable[Seat],
        *,
        deadline_s: float = 2.0,
        exhaustive: bool = False,
    ) -> None:
        """Seat the controls.

        Args:
            seats: The controls and their modes.
            deadline_s: Seconds that all controls of one checkpoint have together.
            exhaustive: Ask everyone even after a Deny, to have all the evidence.
        """
        seated = sorted(seats, key=lambda seat: (seat.control.cost, seat.control.id, not seat.under, seat.under))
        self._seats = tuple(seated)
        self._enforced = {point: _standing(seated, point, Mode.ENFORCE) for point in Checkpoint}
        self._observing = {point: _standing(seated, point, Mode.OBSERVE) for point in Checkpoint}
        self._vacancies = {point: _vacancies(seated, point) for point in Checkpoint}
        self._readers = tuple(seat.control for seat in self._enforced[Checkpoint.CHUNK] if seat.control.lookback)
        self._needs = frozenset().union(*(seat.control.needs for seat in seated if seat.mode is not Mode.OFF))
        self._deadline_s = deadline_s
        self._exhaustive = exhaustive

    def joined(self, seats: Iterable[Seat]) -> Chain:
        """Itself with further controls: it refuses at least what this one refuses (law 2)."""
        return Chain((*self._seats, *seats), deadline_s=self._deadline_s, exhaustive=self._exhaustive)

    def is_due_at(self, checkpoint: Checkpoint) -> bool:
        """Whether anybody is asked there."""
        return bool(self._enforced[checkpoint] or self._observing[checkpoint])

    @property
    def needs(self) -> frozenset[type[Fact]]:
        """The fact types that some control cannot do without."""
        return self._needs

    def must_buffer(self, interaction: Interaction) -> tuple[ControlId, ...]:
        """The enforced controls that must see this answer whole, so that a stream is buffered; empty when none."""
        seats = self._enforced[Checkpoint.RESPONSE]
        return tuple(seat.control.id for seat in seats if seat.control.needs_whole(interaction))

    @property
    def lookback(self) -> int:
        """The longest stretch of a streamed answer, in code points, on which any finding depends."""
        return max((seat.control.lookback or 0 for seat in self._enforced[Checkpoint.CHUNK]), default=0)

    def held(self, tail: str) -> tuple[int, int]:
        """How many trailing code points of a streamed text may still become part of a finding.

        A place that one reader chose is put to the others, until all of them would cut the text there.

        Returns:
            The number, and how many code points before them are needed as context for what follows.
        """
        if not self._enforced[Checkpoint.CHUNK]:
            return len(tail), 0
        readers = self._readers
        place, asked, agreed = len(tail), 0, 0
        while agreed < len(readers) and asked < len(readers) * MAX_PLACES:
            reader = readers[asked % len(readers)]
            said = tail[:place]
            held = reader.held(said)
            place, agreed, asked = place - held, 1 if held else agreed + 1, asked + 1
            if place <= 0 or held == reader.lookback:
                agreed = 0
                break  # it did not choose this place: it could not tell
        if agreed < len(readers):
            return min(len(tail), self.lookback), self.lookback
        said = tail[:place]
        return len(tail) - place, max((reader.looks_back(said) for reader in readers), default=0)

    async def decide(self, vantage: Vantage) -> Decision:
        """The one decision of this checkpoint. Never raises but for cancellation."""
        asking = _Asking(vantage, perf_counter_ns(), parts=vantage.parts)
        enforced = self._enforced[vantage.checkpoint]
        if not (enforced or self._observing[vantage.checkpoint] or self._vacancies[vantage.checkpoint]):
            return self._combine(asking, _nobody(vantage.checkpoint))  # 1
        try:
            await within(self._ask(asking, enforced), self._deadline_s)
        except TimeoutError:
            self._pass_deadline(asking)
        return self._combine(asking, None)

    async def _ask(self, asking: _Asking, enforced: tuple[Seat, ...]) -> None:
        """Steps 2 to 4, under the deadline."""
        original = asking.vantage
        await self._round(asking, enforced, original, 1)  # 2
        edited = original
        if not asking.refused:
            proposed = [
                edit for each in asking.judgements if isinstance(each.verdict, Transform) for edit in each.verdict.edits
            ]
            if proposed:  # 3
                edited = _edited(asking, original, proposed)
                if not asking.refused:
                    await self._round(asking, enforced, edited, 2)
        if not asking.refused or self._exhaustive:
            observing = self._observing[original.checkpoint]
            await self._round(asking, observing, original, 1)  # 4
            if edited is not original:
                await self._round(asking, observing, edited, 2)

    async def _round(self, asking: _Asking, seats: tuple[Seat, ...], vantage: Vantage, number: int) -> None:
        for seat in seats:
            asking.pending = (seat, number)
            began = perf_counter_ns()
            verdict, silence, detail = await _examine(seat.control, vantage)
            ended = perf_counter_ns()
            if silence is None and (ended - asking.began) > self._deadline_s * 1e9:
                # A control that never yields cannot be interrupted, but its lateness is still lateness.
                silence, detail = Silence.TIMEOUT, "answered after the deadline"
            if number == 2 and silence is None and isinstance(verdict, Transform):
                silence, detail = Silence.SECOND_EDIT, "asked for an edit of the edited content"
            elapsed_us = (ended - began) // 1000
            judgement = Judgement(seat.control.id, seat.mode, verdict, silence, detail, elapsed_us, number, seat.under)
            asking.add(judgement)
            asking.pending = None
            if asking.refused and not self._exhaustive:
                return

    def _pass_deadline(self, asking: _Asking) -> None:
        """The deadline passed while somebody was being asked."""
        if asking.pending is None:
            return
        seat, number = asking.pending
        detail = f"no answer within {self._deadline_s} s"
        elapsed_us = (perf_counter_ns() - asking.began) // 1000
        asking.add(Judgement(seat.control.id, seat.mode, None, Silence.TIMEOUT, detail, elapsed_us, number, seat.under))

    def _combine(self, asking: _Asking, cause: Cause | None) -> Decision:
        """Step 5."""
        effect = Effect.ALLOW
        if cause is not None:
            effect = Effect.DENY
        else:
            refusals = (each for each in asking.judgements if asking.refused and binds(each))
            cause = next((_cause(each) for each in refusals), None)
            if cause is not None:
                effect = Effect.DENY
            else:
                asked = (
                    each for each in asking.judgements if each.mode is Mode.ENFORCE and isinstance(each.verdict, Ask)
                )
                cause = next((_cause(each) for each in asked), None)
                effect = Effect.ASK if cause is not None else Effect.ALLOW
        allowed = effect is not Effect.DENY
        return Decision(
            checkpoint=asking.vantage.checkpoint,
            effect=effect,
            cause=cause,
            parts=asking.parts if allowed else (),
            edits=asking.edits if allowed else (),
            judgements=tuple(asking.judgements),
            vacancies=self._vacancies[asking.vantage.checkpoint],
            reservations=_reservations(asking.judgements) if allowed else (),
            grants=_grants(asking.judgements) if effect is Effect.ALLOW else (),
            elapsed_us=(perf_counter_ns() - asking.began) // 1000,
            allowances=_allowances(asking.judgements) if allowed else (),
        )


def binds(judgement: Judgement) -> bool:
    """True when this judgement alone makes the decision Deny."""
    if judgement.mode is not Mode.ENFORCE:
        return False
    return judgement.silence is not None or isinstance(judgement.verdict, Deny)


def _standing(seats: Iterable[Seat], checkpoint: Checkpoint, mode: Mode) -> tuple[Seat, ...]:
    return tuple(seat for seat in seats if seat.mode is mode and seat.is_at(checkpoint))


def _vacancies(seats: Iterable[Seat], checkpoint: Checkpoint) -> tuple[tuple[ControlId, str], ...]:
    return tuple((seat.control.id, seat.reason) for seat in _standing(seats, checkpoint, Mode.OFF))


async def _examine(control: Control, vantage: Vantage) -> tuple[Verdict | None, Silence | None, str]:
    """One control's answer, or why it is none."""
    for kind in control.needs:
        if kind not in vantage.facts:
            return None, Silence.MISSING_FACT, kind.__name__
    try:
        verdict = await control.examine(vantage)
    except MissingFactError as error:
        return None, Silence.MISSING_FACT, str(error)
    except Exception as error:  # INVARIANT: whatever goes wrong in a control is Deny (law 3); the one such place
        return None, Silence.ERROR, type(error).__name__
    if type(verdict) not in _VERDICTS:
        return None, Silence.NOT_A_VERDICT, type(verdict).__name__
    if type(verdict) is not Deny and not vantage.everything <= verdict.covered:
        uncovered = next(part for part in vantage.parts if part.id not in verdict.covered)
        return verdict, Silence.UNCOVERED, uncovered.media
    return verdict, None, ""


def _edited(asking: _Asking, vantage: Vantage, proposed: list[Edit]) -> Vantage:
    """The vantage over the edited content; a bad edit is recorded as the silence of whoever proposed it."""
    merged = merge(proposed)
    try:
        if not all(vantage.in_focus(edit.place.start) for edit in proposed):
            raise BadEditError("outside of what is judged now")
        parts = apply(vantage.parts, merged)
    except BadEditError as error:
        for index, each in enumerate(asking.judgements):
            if isinstance(each.verdict, Transform) and _is_bad(vantage, each.verdict):
                asking.judgements[index] = replace(each, silence=Silence.BAD_EDIT, detail=str(error))
                asking.refused = True
        return vantage
    asking.parts, asking.edits = parts, merged
    return replace(vantage, parts=parts, focus=_moved(vantage.focus, merged))


def _is_bad(vantage: Vantage, verdict: Transform) -> bool:
    if not all(vantage.in_focus(edit.place.start) for edit in verdict.edits):
        return True
    try:
        apply(vantage.parts, merge(verdict.edits))
    except BadEditError:
        return True
    return False


def _moved(focus: tuple[int, int] | None, edits: tuple[Edit, ...]) -> tuple[int, int] | None:
    """Where the focus of a CHUNK stands in the edited text. An edit that starts in the focus belongs to it whole."""
    if focus is None:
        return None
    start, end = focus
    shift = 0
    for edit in edits:
        if edit.place.start < end:
            end = max(end, edit.place.end)
            shift += len(placeholder(edit)) - (edit.place.end - edit.place.start)
    return start, end + shift


def _nobody(checkpoint: Checkpoint) -> Cause:
    remedy = f'no control is planned at "{checkpoint}", so nothing may pass; ask the operator to complete the plan'
    return Cause(None, "no_control", remedy, DenyKind.UNAVAILABLE)


def _cause(judgement: Judgement) -> Cause:
    verdict, silence, under = judgement.verdict, judgement.silence, judgement.under
    if silence is Silence.UNCOVERED:
        remedy = f'content of type "{judgement.detail}" is not understood by "{judgement.control}", so it may not pass'
        return Cause(judgement.control, "uncovered", remedy, DenyKind.CONTENT, under=under)
    if silence is not None or verdict is None:
        remedy = f'"{judgement.control}" could not decide, so nothing was let through; try again or ask the operator'
        return Cause(judgement.control, str(silence), remedy, DenyKind.UNAVAILABLE, under=under)
    if isinstance(verdict, Deny):
        return Cause(judgement.control, verdict.code, verdict.remedy, verdict.kind, under=under)
    if isinstance(verdict, Ask):
        return Cause(judgement.control, verdict.code, verdict.question, DenyKind.FORBIDDEN, verdict.whom, under)
    raise TypeError(f'no cause in "{type(verdict).__name__}"')


def _reservations(judgements: list[Judgement]) -> tuple[tuple[ControlId, Reservation], ...]:
    """What the enforced controls want taken; of two rounds the larger amount of each bucket."""
    wanted: dict[str, tuple[ControlId, Reservation]] = {}
    for each in judgements:
        if each.mode is Mode.ENFORCE and isinstance(each.verdict, Allow):
            for reservation in each.verdict.reservations:
                held = wanted.get(reservation.bucket)
                if held is None or held[1].amount < reservation.amount:
                    wanted[reservation.bucket] = (each.control, reservation)
    return tuple(wanted.values())


def _grants(judgements: list[Judgement]) -> tuple[Grant, ...]:
    granted: Mapping[Grant, None] = {
        grant: None
        for each in judgements
        if each.mode is Mode.ENFORCE and isinstance(each.verdict, Allow)
        for grant in each.verdict.grants
    }
    return tuple(granted)


def _allowances(judgements: list[Judgement]) -> tuple[tuple[ControlId, Allowance], ...]:
    """What the enforced controls allow to leave; all of it holds, so the tightest does."""
    return tuple(
        (each.control, allowance)
        for each in judgements
        if each.mode is Mode.ENFORCE and isinstance(each.verdict, Allow)
        for allowance in each.verdict.allowances
    )
