"""Is anyone or anything in this interaction contained at this moment?

* Stands at every checkpoint: containment takes hold in the middle of an exchange, and of a stream.
* Our view of revocations has an age. Past `max_age_s` effects are refused; reads go on for `revocation_grace_s`. A view
  whose age is not a number is too old.
* An effect is whatever is neither an invocation of a model nor a listing: a tool call changes the world, an answer does
  not.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringwall.model.control import Control, Settings, Stricter, setting
from ringwall.model.facts import Standing
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.scopes import KINDS
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

_READS = frozenset({Action.INVOKE, Action.LIST, Action.APPLY})


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainmentSettings(Settings):
    """What a workload may set."""

    max_age_s: float = setting(
        Stricter.LOWER, "How old our view of revocations may be for an effect.", unit="seconds", least=0
    )
    revocation_grace_s: float = setting(
        Stricter.LOWER, "How old our view of revocations may be for a read.", unit="seconds", least=0
    )


class ContainmentCheck(Control):
    """Refuses what is contained, and what could be without our knowing."""

    id = ControlId("identity_data.containment")
    settings_type = ContainmentSettings
    checkpoints = frozenset(Checkpoint)
    needs = frozenset({Standing})
    lookback = 0

    def __init__(self, settings: ContainmentSettings) -> None:
        self._settings = settings

    async def examine(self, vantage: Vantage) -> Verdict:
        """Refuse what is contained, then what is decided on too old a view."""
        standing = vantage.facts[Standing]
        if standing.contained:
            found = sorted({f"contained_{_kind(scope)}" for scope in standing.contained})
            return Deny(
                vantage.everything,
                "contained",
                "this was contained after a security event; ask the operator of this gateway",
                DenyKind.FORBIDDEN,
                tuple(Evidence(kind) for kind in found),
            )
        is_effect = vantage.checkpoint is Checkpoint.TOOL_CALL or vantage.interaction.action not in _READS
        limit_s = self._settings.max_age_s if is_effect else self._settings.revocation_grace_s
        if not 0 <= standing.age_s <= limit_s:
            return Deny(
                vantage.everything,
                "view_too_old",
                "revocations cannot be read at this moment, so this is refused; try again soon",
                DenyKind.UNAVAILABLE,
                (Evidence("view_too_old"),),
            )
        return Allow(vantage.everything)


def _kind(scope: str) -> str:
    kind = scope.partition(":")[0]
    return kind if kind in KINDS else "other"


CONTROL = ContainmentCheck
