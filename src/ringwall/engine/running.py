"""What runs at this moment? A plan with its chains and upstreams: a snapshot, taken whole or not at all.

A request keeps the snapshot with which it began; a reload replaces the snapshot for the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ringwall.engine.chain import Chain
from ringwall.model.framework import WorkloadId
from ringwall.model.plan import Plan, WorkloadPlan
from ringwall.model.tools import Tool
from ringwall.model.upstreams import ToolServer, Upstream


@dataclass(frozen=True, slots=True)
class RunningWorkload:
    """One workload, ready to serve.

    Attributes:
        plan: What runs for it.
        digest: The digest of the whole plan, for its records.
        chain: Its controls.
        upstreams: By name.
        hold_chars: The most characters of a streamed text that may be held back.
        tool_servers: By name.
    """

    plan: WorkloadPlan
    digest: str
    chain: Chain
    upstreams: Mapping[str, Upstream]
    hold_chars: int
    tool_servers: Mapping[str, ToolServer] = field(default_factory=dict)

    def tool(self, name: str) -> Tool | None:
        """The tool of this name, or None when the workload has none."""
        return next((each for each in self.plan.tools if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Running:
    """Everything that runs.

    Attributes:
        plan: The plan.
        workloads: Its workloads, ready to serve.
        expires_us: When it may no longer be run, microseconds since 1970-01-01 UTC.
    """

    plan: Plan
    workloads: Mapping[WorkloadId, RunningWorkload]
    expires_us: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expires_us", int(self.plan.expires.timestamp() * 1_000_000))
