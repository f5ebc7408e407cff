"""Does a gateway run with an enforced control switched off, outside a rehearsal?

* Said once for each workload and control as long as this process remembers it: the plan says the reason and the end.
* It is nobody's attack: nobody is contained for it, whatever the configuration says (its evidence is left out).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ringwall.controlplane.monitor.detection import Raised, Subjects
from ringwall.controlplane.monitor.sighting import Sighting


class ControlOff:
    """Raises where a record names a control that was switched off."""

    name = "control_off"

    def __init__(self, rehearsals: Collection[str]) -> None:
        """Take the workloads that may be attacked, and so may run without."""
        self._rehearsals = frozenset(rehearsals)
        self._said = Subjects(set[str])

    def see(self, sighting: Sighting) -> Iterable[Raised]:
        """Look for vacancies that somebody made."""
        if not sighting.off or sighting.workload in self._rehearsals:
            return
        said = self._said.of(sighting.workload)
        for control in sighting.off:
            if control not in said:
                said.add(control)
                words = f'the control "{control}" is switched off in the workload "{sighting.workload}"'
                subject = f"workload {sighting.workload} {control}"
                yield Raised(self.name, "medium", subject, words, (sighting,), 1)
