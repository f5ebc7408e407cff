"""Which detections are there? All of them, as the plan sets them."""

from __future__ import annotations

from collections.abc import Sequence

from ringwall.controlplane.monitor.detection import Detection
from ringwall.controlplane.monitor.detections.canary_seen import CanarySeen
from ringwall.controlplane.monitor.detections.control_off import ControlOff
from ringwall.controlplane.monitor.detections.denied_varied import DeniedVaried
from ringwall.controlplane.monitor.detections.unusual_use import UnusualUse
from ringwall.controlplane.monitor.detections.unverified_attempts import UnverifiedAttempts
from ringwall.controlplane.monitor.detections.withheld_results import WithheldResults
from ringwall.model.plan import Plan


def detections(plan: Plan) -> Sequence[Detection]:
    """The detections of a plan. What they remember begins with them."""
    wanted = plan.monitor
    rehearsals = [str(name) for name, each in plan.workloads.items() if each.workload.rehearsal]
    return (
        CanarySeen(),
        DeniedVaried(wanted.denied_varied_count, wanted.denied_varied_s),
        WithheldResults(wanted.results_count, wanted.results_s),
        UnverifiedAttempts(wanted.unverified_count, wanted.unverified_s),
        UnusualUse(wanted.unusual_count, wanted.unusual_minutes, wanted.unusual_factor),
        ControlOff(rehearsals),
    )
