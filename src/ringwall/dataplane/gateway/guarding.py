"""Under which guardrails does a request stand, and what is told of them? Named ones, and those that are enforced.

* A guardrail that a request names, and every one that is enforced for its workload and model, join the workload's own
  controls for this one request. A guardrail that is named twice is asked once.
* A refusal by one of them is told in its own words, at doors of Bedrock; a refusal by the workload's own control, and a
  control that could not judge, stay errors.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ringwall.dataplane.wire.bedrock_assessment import reason_of, trace
from ringwall.dataplane.wire.door import Guarding, GuardrailAsked
from ringwall.engine.guarding import IN, Guard, Guards, Hearing, guarded
from ringwall.engine.outcomes import Refused
from ringwall.engine.running import RunningWorkload
from ringwall.model.errors import CallerError
from ringwall.model.guardrail import EVIDENCE_READER, has_role
from ringwall.model.interaction import Principal
from ringwall.model.verdict import DenyKind


@dataclass(frozen=True, slots=True)
class Standing:
    """The guardrails of one request.

    Attributes:
        guards: Which.
        asked: What the request says of them; None where it names none.
        may_see: Whether who asks may see what was found.
        hearing: What they say.
    """

    guards: tuple[Guard, ...] = ()
    asked: GuardrailAsked | None = None
    may_see: bool = False
    hearing: Hearing = field(default_factory=Hearing)

    def over(self, running: RunningWorkload) -> RunningWorkload:
        """The workload under these guardrails."""
        return guarded(running, self.guards, self.hearing)

    def message(self, refused: Refused) -> str | None:
        """What a guardrail wants answered instead; None where it was none that refused."""
        cause = refused.cause
        if not cause.under or cause.kind is not DenyKind.CONTENT:
            return None
        plan = next(guard.plan for guard in self.guards if guard.plan.name == cause.under)
        return plan.blocked_input if refused.checkpoint in IN else plan.blocked_output

    def told(self) -> Guarding | None:
        """What an answer tells of them; None where there are none."""
        return Guarding(self._trace, lambda: self.hearing.edited) if self.guards else None

    def _trace(self, refused: bool, elapsed_ms: int) -> dict[str, object] | None:
        if self.asked is None or not self.asked.trace:
            return None
        return trace(
            self.guards,
            self.hearing,
            reason=reason_of(refused=refused, edited=self.hearing.edited),
            full=self.asked.full,
            may_see=self.may_see,
            elapsed_ms=elapsed_ms,
        )


def standing(
    guards: Guards, running: RunningWorkload, principal: Principal, asked: GuardrailAsked | None, model: str | None
) -> Standing:
    """The guardrails under which a request stands.

    Args:
        guards: Those that there are.
        running: Whose request.
        principal: Who asks.
        asked: What it names.
        model: The model that it is for; None where it is for none.

    Raises:
        CallerError: It names one that is not there: a ValidationException, as AWS has it at doors of models.
        InternalError: One cannot be told, or can no longer be made.
    """
    workload = running.plan.workload.id
    found = {guard.plan.name: guard for guard in guards.enforced(workload, model)}
    if asked is not None and asked.identifier:
        try:
            named = guards.named(workload, asked.identifier, asked.version)
        except CallerError as error:
            raise CallerError(error.public, code=error.code, status=400, param="guardrailConfig") from error
        found.setdefault(named.plan.name, named)
    return Standing(tuple(found.values()), asked, has_role(principal, EVIDENCE_READER, workload))
