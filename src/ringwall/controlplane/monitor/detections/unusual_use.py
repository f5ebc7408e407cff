"""Does somebody use a tool, or open a column, far more than he ever did?

* Counted by minute, for each caller and tool, and for each caller and key of a column that was opened for him.
* Compared with the caller's own past: the median of his minutes, and the median deviation from it. Far is more than
  `factor` robust deviations (1.4826 times the median deviation, at least one) above the median.
* It says nothing before the caller was seen for `minutes` minutes, and nothing below `count` uses: few numbers say
  nothing. A minute without a use counts as zero. What was learnt is gone when the process ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from ringwall.controlplane.monitor.detection import MAX_EVIDENCE, Raised, Subjects
from ringwall.controlplane.monitor.sighting import Sighting
from ringwall.model.interaction import Checkpoint

MINUTE_US = 60_000_000
MAX_MINUTES = 120
"""Minutes of the past that are compared with."""
TO_DEVIATION = 1.4826
"""Makes a median deviation comparable with a standard deviation (of a normal distribution)."""


@dataclass(slots=True)
class _Use:
    minute: int = -1
    said: int = -1
    count: int = 0
    past: deque[int] = field(default_factory=lambda: deque(maxlen=MAX_MINUTES))
    evidence: deque[Sighting] = field(default_factory=lambda: deque(maxlen=MAX_EVIDENCE))


class UnusualUse:
    """Compares this minute with the minutes before."""

    name = "unusual_use"

    def __init__(self, count: int, minutes: int, factor: float) -> None:
        """Raise above `count` uses and `factor` deviations, after `minutes` minutes."""
        self._least = count
        self._minutes = minutes
        self._factor = factor
        self._first = Subjects(lambda: [-1])
        self._uses = Subjects(_Use)

    def see(self, sighting: Sighting) -> Iterable[Raised]:
        """Count what was used."""
        if not sighting.verified or not sighting.subject:
            return
        minute = sighting.time_us // MINUTE_US
        first = self._first.of(sighting.subject)
        if first[0] < 0:
            first[0] = minute
        used = []
        if sighting.checkpoint == Checkpoint.TOOL_CALL and sighting.effect == "allow":
            used.append(f"tool {sighting.resource[1]}")
        if sighting.checkpoint == Checkpoint.TOOL_RESULT:
            used += [f"column {each}" for each in sighting.unsealed]
        for what in used:
            raised = self._count(sighting, what, minute, first[0])
            if raised is not None:
                yield raised

    def _count(self, sighting: Sighting, what: str, minute: int, first: int) -> Raised | None:
        use = self._uses.of(f"{sighting.subject}\n{what}")
        if use.minute < 0:  # the minutes of this caller before were minutes without it
            use.minute = minute
            use.past.extend([0] * min(minute - first, MAX_MINUTES))
        if minute > use.minute:
            use.past.append(use.count)
            use.past.extend([0] * min(minute - use.minute - 1, MAX_MINUTES))
            use.minute, use.count = minute, 0
            use.evidence.clear()
        use.count += 1
        use.evidence.append(sighting)
        if len(use.past) < self._minutes or use.count < self._least or use.said == minute:
            return None
        middle = median(use.past)
        deviation = max(1.0, TO_DEVIATION * median(abs(each - middle) for each in use.past))
        if use.count <= middle + self._factor * deviation:
            return None
        use.said = minute
        words = (
            f"{what} was used {use.count} times within a minute; the median of {len(use.past)} minutes is {middle:g}"
        )
        subject = f"{sighting.subject} {what}"
        return Raised(self.name, "medium", subject, words, tuple(use.evidence), use.count)
