"""Does the tool get a credential that expires in minutes, and does the agent never see it?

* A tool whose credential is declared here gets it leased for this one call, when Cedar permits this principal to take
  it. The lease is made after the last decision, goes from the gateway to the tool server, and ends with the call.
* A tool without a declared credential passes, and gets none.
* Leases never travel through a model: arguments that hold a lease secret, a leased role or a call context are refused,
  and so are arguments with any other secret that can be known by its form.

Seed: "Secrets Manager ensures database credentials are short-lived and automatically rotated".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringwall.detectors import personal_data, sealed
from ringwall.model.content import JSON, TEXT, LeafKind, Part, Place
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Identity
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.ports import Policy
from ringwall.model.vault import CREDENTIAL, LEASE
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Grant, Verdict

MAX_EVIDENCE = 64
SECRET = "secret"  # noqa: S105 - a kind of finding


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLeaseSettings(Settings):
    """What a workload may set."""

    tools: Mapping[str, str] = setting(
        Stricter.FIXED, "Tool to the credential of `[credentials]` that is leased for each of its calls."
    )


class CredentialLease(Control):
    """Lets a tool's credential be leased for whom policy permits, and keeps leases away from models."""

    id = ControlId("identity_data.credential_lease")
    settings_type = CredentialLeaseSettings
    checkpoints = frozenset({Checkpoint.TOOL_CALL})
    needs = frozenset({Identity})
    cost = Cost.POLICY

    def __init__(self, settings: CredentialLeaseSettings, *, policy: Policy) -> None:
        for tool, credential in settings.tools.items():
            if CREDENTIAL.fullmatch(credential) is None:
                raise ConfigError(f'tools: "{credential}" of "{tool}" is not the name of a credential')
        self._tools = settings.tools
        self._policy = policy
        personal_data.warm()

    async def examine(self, vantage: Vantage) -> Verdict:
        """Refuse secrets in arguments, then ask about the tool's credential."""
        covered = frozenset(part.id for part in vantage.parts if part.media in (TEXT, JSON))
        found: list[Evidence] = []
        for part in vantage.parts:
            if part.id in covered:
                found += _secrets(part)
        if found:
            code = found[0].kind
            return Deny(covered, code, _REMEDIES[code], DenyKind.CONTENT, tuple(found[:MAX_EVIDENCE]))
        interaction, identity = vantage.interaction, vantage.facts[Identity]
        credential = self._tools.get(interaction.resource.name)
        if credential is None or interaction.action is not Action.CALL:
            return Allow(covered)
        context = {
            "entitled": identity.workloads is not None and interaction.workload in identity.workloads,
            "claims_accepted": False,
            "credential": identity.credential,
            "tool": interaction.resource.name,
        }
        resource = ("Credential", credential)
        answer = await self._policy.decide(interaction.principal, "take_lease", resource, context, interaction.workload)
        if answer.errors or not answer.allowed:
            code = "policy_error" if answer.errors else "lease_not_permitted"
            return Deny(covered, code, _REMEDIES[code], DenyKind.FORBIDDEN, (Evidence(code),))
        return Allow(covered, grants=(Grant(LEASE, credential),))


def _secrets(part: Part) -> list[Evidence]:
    found = []
    for leaf in part.leaves():
        for start, end in sealed.leases(leaf.text):
            found.append(Evidence("lease_in_arguments", Place(part.id, leaf.pointer, start, end, leaf.kind)))
        if not leaf.text or sealed.whole(leaf.text) is not None:
            continue  # what is sealed says nothing, and looks as random as a secret
        for each in personal_data.find(leaf.text):
            if each.kind == SECRET:
                place = Place(part.id, leaf.pointer, each.start, each.end, leaf.kind)
                found.append(Evidence("secret_in_arguments", place))
    if any(each.place is not None and each.place.kind is LeafKind.KEY for each in found):
        # A pointer spells the keys on its way: where a key holds the secret, no place may be named (law 6).
        return [Evidence(each.kind) for each in found]
    return found


_REMEDIES = {
    "lease_in_arguments": "the arguments hold a leased credential; credentials go from the gateway to the tool only",
    "secret_in_arguments": "the arguments hold a secret; credentials go from the gateway to the tool only",
    "lease_not_permitted": "no policy lets you use the credential of this tool; ask the owner of this application",
    "policy_error": "the policies for this credential could not be evaluated; the operator of this gateway can see why",
}

CONTROL = CredentialLease
