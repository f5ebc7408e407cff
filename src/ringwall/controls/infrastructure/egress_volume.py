"""Does the amount of data leaving for a destination stay within what is usual for it?

* What is counted: bytes of one principal of one workload to one destination, within a sliding window, over all
  processes (fact `Traffic`). The verdict carries an allowance, which the road holds while the bytes leave: a tunnel is
  cut in its middle.
* Two limits, and the tighter holds: an absolute ceiling, and a factor over the mean of earlier windows in which
  anything left. The second never stands below a minimum, and only once there were enough such windows: before, the
  ceiling alone holds, and evidence says so.
* A view of other processes that is too old is no view: refused.
* Who sends a little more each day raises his own baseline; the ceiling does not move.

Seed: "detect anomalous data transfer volumes leaving your environment".
"""

from __future__ import annotations

from dataclasses import dataclass

from ringwall.model.control import Control, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import TRAFFIC_KEPT_S, TRAFFIC_SLOT_S, Destination, Traffic
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.verdict import Allow, Allowance, Deny, DenyKind, Evidence, Verdict

BUILTIN = "builtin"


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressVolumeSettings(Settings):
    """What a workload may set."""

    window_s: int = setting(Stricter.FIXED, "How long the sliding window is.", unit="seconds", least=TRAFFIC_SLOT_S)
    window_bytes: int = setting(
        Stricter.LOWER, "The most that may leave for one destination within a window.", unit="bytes", least=1
    )
    baseline_factor: float = setting(
        Stricter.LOWER, "How many times the usual amount of a window may leave.", unit="times", least=1
    )
    baseline_minimum_bytes: int = setting(
        Stricter.LOWER, "What may leave within a window, however little is usual.", unit="bytes", least=1
    )
    baseline_windows: int = setting(
        Stricter.LOWER, "Windows with traffic after which a baseline holds.", unit="windows", least=1
    )
    max_age_s: float = setting(
        Stricter.LOWER, "How old our view of what other processes sent may be.", unit="seconds", least=1
    )


class EgressVolume(Control):
    """Allows so many bytes as are usual, and not more than the ceiling."""

    id = ControlId("infrastructure.egress_volume")
    settings_type = EgressVolumeSettings
    checkpoints = frozenset({Checkpoint.EGRESS})
    needs = frozenset({Destination, Traffic})

    def __init__(self, settings: EgressVolumeSettings) -> None:
        if settings.window_s * 2 > TRAFFIC_KEPT_S:
            hint = f"at most {TRAFFIC_KEPT_S // 2}: there is no memory of more than {TRAFFIC_KEPT_S} seconds"
            raise ConfigError(f'a window of "{settings.window_s}" seconds leaves nothing to learn from', hint=hint)
        self._settings = settings

    async def examine(self, vantage: Vantage) -> Verdict:
        """Allow what is left of the window, or refuse when nothing is."""
        if vantage.facts[Destination].scheme == BUILTIN:
            return Allow(vantage.everything)  # a model inside this process: nothing leaves
        settings, traffic = self._settings, vantage.facts[Traffic]
        if not 0 <= traffic.age_s <= settings.max_age_s:
            remedy = "what leaves for this destination cannot be counted at this moment; try again soon"
            return self._deny(vantage, "volume_view_too_old", remedy, DenyKind.UNAVAILABLE)
        usual, windows = traffic.usual(settings.window_s)
        limit, code = settings.window_bytes, "volume_over_ceiling"
        evidence: tuple[Evidence, ...] = (Evidence("no_baseline"),)
        if windows >= settings.baseline_windows:
            evidence = ()
            by_baseline = max(settings.baseline_minimum_bytes, int(usual * settings.baseline_factor))
            if by_baseline < limit:
                limit, code = by_baseline, "volume_over_baseline"
        if traffic.within(settings.window_s) >= limit:
            remedy = "more has left for this destination than is allowed for now; try again later or ask the owner"
            return self._deny(vantage, code, remedy, DenyKind.EXHAUSTED)
        return Allow(vantage.everything, evidence, allowances=(Allowance(limit, settings.window_s, code),))

    def _deny(self, vantage: Vantage, code: str, remedy: str, kind: DenyKind) -> Deny:
        return Deny(vantage.everything, code, remedy, kind, (Evidence(code),))


CONTROL = EgressVolume
