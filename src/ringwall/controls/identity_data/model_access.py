"""May this principal invoke this model for this workload? Cedar answers.

* Stands at INBOUND; listing models is asked about too, as `list_models` on the workload. Applying a guardrail is asked
  about in the same way; who may change one, the door of guardrails asks.
* Any error in Cedar's diagnostics is Deny: Cedar itself skips a policy that errors, even a `forbid`.
* The refusal is the same for a model that does not exist and one that is not permitted: it tells nobody what there is.
* A tool call or a connection is none of its business: `tool_permission` and `endpoint_policy` judge those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.facts import Identity
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.ports import Policy
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAccessSettings(Settings):
    """What a workload may set."""

    verified_only: bool = setting(
        Stricter.TRUE, "Whether the shipped policies permit verified principals only, and never merely claimed ones."
    )


class ModelAccess(Control):
    """Asks Cedar who may invoke which model for which workload."""

    id = ControlId("identity_data.model_access")
    settings_type = ModelAccessSettings
    checkpoints = frozenset({Checkpoint.INBOUND})
    needs = frozenset({Identity})
    cost = Cost.POLICY

    def __init__(self, settings: ModelAccessSettings, *, policy: Policy) -> None:
        self._settings = settings
        self._policy = policy

    async def examine(self, vantage: Vantage) -> Verdict:
        """Ask about the model, or about the list of models."""
        interaction = vantage.interaction
        match interaction.action:
            case Action.INVOKE:
                action, resource = "invoke_model", ("Model", interaction.resource.name)
                if interaction.resource.kind != "model":
                    return _deny(vantage, "not_permitted")
            case Action.LIST | Action.APPLY:
                action, resource = "list_models", ("Workload", str(interaction.workload))
            case Action.CALL | Action.CONNECT | Action.ADMINISTER:
                return Allow(vantage.everything)
            case _:
                assert_never(interaction.action)
        identity = vantage.facts[Identity]
        context = {
            "entitled": identity.workloads is not None and interaction.workload in identity.workloads,
            "claims_accepted": not self._settings.verified_only,
            "credential": identity.credential,
        }
        answer = await self._policy.decide(interaction.principal, action, resource, context, interaction.workload)
        if answer.errors:
            return _deny(vantage, "policy_error")
        return Allow(vantage.everything) if answer.allowed else _deny(vantage, "not_permitted")


def _deny(vantage: Vantage, code: str) -> Deny:
    remedy = (
        "the policies for this model could not be evaluated; the operator of this gateway can see why"
        if code == "policy_error"
        else "no policy lets you use this model here; ask the owner of this application for access"
    )
    return Deny(vantage.everything, code, remedy, DenyKind.FORBIDDEN, (Evidence(code),))


CONTROL = ModelAccess
