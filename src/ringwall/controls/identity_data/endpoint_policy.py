"""May this caller and this workload use this endpoint, and this upstream account? Cedar answers, twice.

* INBOUND: may the principal use the workload's endpoint? EGRESS: may the workload's bytes go to this upstream, under
  this account's credential? No other workload can piggyback on either.
* An upstream that the workload's routes do not name, or an account other than the configured one, is refused by the
  shipped policies, whoever asks.
* A connection through the egress proxy uses no upstream and no account of ours: at EGRESS it is none of this control's
  business, and the allow-list judges where it goes. At INBOUND its caller is judged like any other.
* Any error in Cedar's diagnostics is Deny: Cedar itself skips a policy that errors, even a `forbid`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.facts import Destination, Identity
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.ports import Policy
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPolicySettings(Settings):
    """What a workload may set."""

    verified_only: bool = setting(
        Stricter.TRUE, "Whether the shipped policies permit verified principals only, and never merely claimed ones."
    )


class EndpointPolicy(Control):
    """Asks Cedar who may use this endpoint and which upstream account."""

    id = ControlId("identity_data.endpoint_policy")
    settings_type = EndpointPolicySettings
    checkpoints = frozenset({Checkpoint.INBOUND, Checkpoint.EGRESS})
    needs = frozenset({Identity})
    cost = Cost.POLICY

    def __init__(self, settings: EndpointPolicySettings, *, policy: Policy) -> None:
        self._settings = settings
        self._policy = policy

    async def examine(self, vantage: Vantage) -> Verdict:
        """Ask about the endpoint at INBOUND, about the upstream at EGRESS."""
        interaction = vantage.interaction
        if interaction.action is Action.CONNECT and vantage.checkpoint is Checkpoint.EGRESS:
            return Allow(vantage.everything)
        identity = vantage.facts[Identity]
        context: dict[str, object] = {
            "entitled": identity.workloads is not None and interaction.workload in identity.workloads,
            "claims_accepted": not self._settings.verified_only,
            "credential": identity.credential,
        }
        if vantage.checkpoint is Checkpoint.EGRESS:
            to = vantage.facts[Destination]
            action, kind, name, refused = "use_upstream", "Upstream", to.upstream, "upstream_not_permitted"
            context |= {"account": to.account, "scheme": to.scheme, "host": to.host, "port": to.port}
            context |= {"region": to.region, "model": to.model}
        else:
            action, kind, name, refused = "use_endpoint", "Endpoint", interaction.workload, "endpoint_not_permitted"
        answer = await self._policy.decide(interaction.principal, action, (kind, name), context, interaction.workload)
        if answer.errors:
            return _deny(vantage, "policy_error")
        return Allow(vantage.everything) if answer.allowed else _deny(vantage, refused)


_REMEDIES = {
    "policy_error": "the policies for this endpoint could not be evaluated; the operator of this gateway can see why",
    "endpoint_not_permitted": "no policy lets you use this application; ask its owner for access",
    "upstream_not_permitted": "no policy lets this application use the provider behind this model; ask its owner",
}


def _deny(vantage: Vantage, code: str) -> Deny:
    return Deny(vantage.everything, code, _REMEDIES[code], DenyKind.FORBIDDEN, (Evidence(code),))


CONTROL = EndpointPolicy
