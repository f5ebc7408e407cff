"""May this principal call this tool with these arguments? The tool's schema first, then Cedar.

* Twice: at RESPONSE, when a model proposes a call (intent), and at TOOL_CALL, when the call is made. A model that was
  talked into something is stopped where it says so, before any agent acts on it.
* Arguments are validated against the tool's own schema, without coercion: what does not conform is refused before Cedar
  sees it.
* Nothing is permitted unless a policy permits it. Any error in Cedar's diagnostics is Deny.
* A tool that the plan does not declare cannot be judged. It is refused; where the organisation lets an application keep
  tools of its own that nobody declared, their proposals pass as unjudged intent, and evidence says so.

Seed: "Enforces provable least-privilege on every tool call and data access with Cedar authorization."
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ringwall.detectors.tool_schema import ToolSchema
from ringwall.model.content import Json, Part, Place
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Identity, Proposed
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.ports import Policy
from ringwall.model.tools import Tool
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

ALLOW, REFUSE = "allow", "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolPermissionSettings(Settings):
    """What a workload may set."""

    undeclared: str = setting(
        Stricter.HIGHER, "What is done with a proposed call of a tool that nobody declared.", scale=(ALLOW, REFUSE)
    )
    verified_only: bool = setting(
        Stricter.TRUE, "Whether policies see a merely claimed principal as not accepted, as the shipped ones demand."
    )


class ToolPermission(Control):
    """Asks the schema and Cedar about every tool call."""

    id = ControlId("identity_data.tool_permission")
    settings_type = ToolPermissionSettings
    checkpoints = frozenset({Checkpoint.RESPONSE, Checkpoint.TOOL_CALL})
    needs = frozenset({Identity})
    cost = Cost.POLICY
    lookback = 0

    def __init__(self, settings: ToolPermissionSettings, *, policy: Policy, tools: Iterable[Tool]) -> None:
        if settings.undeclared not in (ALLOW, REFUSE):
            raise ConfigError(f'"undeclared" is "{ALLOW}" or "{REFUSE}", not "{settings.undeclared}"')
        self._settings = settings
        self._policy = policy
        self._tools = {tool.name: tool for tool in tools}
        self._schemas = {name: _compiled(tool) for name, tool in self._tools.items()}

    async def examine(self, vantage: Vantage) -> Verdict:
        """Judge every call that is proposed or made; parts that are no arguments of a call are not its question."""
        evidence: list[Evidence] = []
        for part, name, stage in _calls(vantage):
            tool = self._tools.get(name)
            if tool is None:
                if stage == "proposed" and self._settings.undeclared == ALLOW:
                    evidence.append(Evidence("undeclared_tool", Place(part.id, "", 0, 0)))
                    continue
                return _deny(vantage, part, "undeclared_tool")
            if not isinstance(part.value, Mapping) or self._schemas[name].problems(part.value):
                return _deny(vantage, part, "invalid_arguments")
            refused = await self._ask(vantage, tool, part.value, stage)
            if refused:
                return _deny(vantage, part, refused)
        return Allow(vantage.everything, tuple(evidence))

    async def _ask(self, vantage: Vantage, tool: Tool, arguments: Mapping[str, Json], stage: str) -> str:
        """The code of a refusal, or empty."""
        interaction, identity = vantage.interaction, vantage.facts[Identity]
        asker = {
            "entitled": identity.workloads is not None and interaction.workload in identity.workloads,
            "claims_accepted": not self._settings.verified_only,
            "credential": identity.credential,
        }
        answer = await self._policy.decide_call(
            interaction.principal, tool, arguments, stage, asker, interaction.workload
        )
        if answer.errors:
            return "policy_error"
        return "" if answer.allowed else "tool_not_permitted"


def _calls(vantage: Vantage) -> list[tuple[Part, str, str]]:
    """The calls that stand here: the part with the arguments, the tool's name, and the stage."""
    if vantage.checkpoint is Checkpoint.TOOL_CALL:
        if vantage.interaction.action is not Action.CALL:
            return []
        return [(part, vantage.interaction.resource.name, "called") for part in vantage.parts]
    calls = vantage.facts[Proposed].calls
    return [(part, calls[part.id], "proposed") for part in vantage.parts if part.id in calls]


def _compiled(tool: Tool) -> ToolSchema:
    try:
        return ToolSchema(tool.schema)
    except ConfigError as error:
        raise ConfigError(f'tool "{tool.name}": {error.problem}', hint=error.hint) from error


_REMEDIES = {
    "undeclared_tool": "this tool is not declared for this application; its owner can declare it and write a policy",
    "invalid_arguments": "the arguments are not what this tool's schema takes",
    "policy_error": "the policies for this tool could not be evaluated; the operator of this gateway can see why",
    "tool_not_permitted": "no policy permits this call with these arguments; ask the owner of this application",
}


def _deny(vantage: Vantage, part: Part, code: str) -> Deny:
    evidence = (Evidence(code, Place(part.id, "", 0, 0)),)
    return Deny(vantage.everything, code, _REMEDIES[code], DenyKind.FORBIDDEN, evidence)


CONTROL = ToolPermission
