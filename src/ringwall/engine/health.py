"""Which upstream fails again and again? It is left out for a while, then one request tries it.

* After `FAILURES` failures in a row it is left out for `OUT_S`, twice as long after each failed trial, up to
  `LONGEST_OUT_S`. When the time is over, one request is the trial; the others go on leaving it out.
* Left out means asked last, never refused: health puts targets in another order and nothing else.
* It is counted for each workload apart (law 10): what one does to its upstream is nothing that another feels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringwall.model.framework import WorkloadId

FAILURES = 3
OUT_S = 10.0
LONGEST_OUT_S = 120.0
TRIAL_S = 60.0
"""Seconds after which a trial that never said how it ended counts for nothing."""
MAX_KEPT = 4096
"""Upstreams that may be failing at a time; more than any plan has. The longest unheard of is forgotten."""

Key = tuple[WorkloadId, str, str]
"""A workload, the name of its upstream, and where that leads."""


@dataclass(slots=True)
class _Failing:
    failures: int = 0
    out_s: float = 0.0
    until: float = 0.0
    trial_until: float = 0.0


class Health:
    """What is remembered of upstreams that fail. One that answers is forgotten."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Take a clock that never runs back."""
        self._now = monotonic
        self._failing: dict[Key, _Failing] = {}

    def is_well(self, key: Key) -> bool:
        """Whether it is to be asked in its turn."""
        found = self._failing.get(key)
        if found is None or found.failures < FAILURES:
            return True
        now = self._now()
        return now >= found.until and now >= found.trial_until

    def asked(self, key: Key) -> None:
        """A request goes there now. Where it was left out until now, this one is the trial."""
        found = self._failing.get(key)
        if found is not None and found.failures >= FAILURES:
            found.trial_until = self._now() + TRIAL_S

    def answered(self, key: Key) -> None:
        """It answered."""
        self._failing.pop(key, None)

    def failed(self, key: Key) -> None:
        """It failed."""
        found = self._failing.pop(key, None) or _Failing()
        found.failures += 1
        found.trial_until = 0.0
        if found.failures >= FAILURES:
            found.out_s = min(max(found.out_s * 2, OUT_S), LONGEST_OUT_S)
            found.until = self._now() + found.out_s
        while len(self._failing) >= MAX_KEPT:
            del self._failing[next(iter(self._failing))]
        self._failing[key] = found
