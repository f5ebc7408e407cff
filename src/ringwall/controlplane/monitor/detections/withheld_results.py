"""Does somebody pull on data that is withheld? A burst of tool results that were refused or stayed sealed."""

from __future__ import annotations

from collections.abc import Iterable

from ringwall.controlplane.monitor.detection import MAX_EVIDENCE, Raised, Subjects, Window
from ringwall.controlplane.monitor.sighting import Sighting
from ringwall.model.interaction import Checkpoint

MAX_RESULTS = 1000
"""Results that are remembered of a subject."""


class WithheldResults:
    """Counts results of tools that somebody did not get to read."""

    name = "withheld_results"

    def __init__(self, count: int, span_s: int) -> None:
        """Raise at `count` results within `span_s` seconds."""
        self._count = count
        self._withheld = Subjects(lambda: Window(span_s, MAX_RESULTS))

    def see(self, sighting: Sighting) -> Iterable[Raised]:
        """Count it."""
        is_result = sighting.checkpoint == Checkpoint.TOOL_RESULT
        is_withheld = (sighting.effect == "deny" and sighting.code != "contained") or sighting.sealed > 0
        if not (sighting.subject and is_result and is_withheld):
            return ()
        window = self._withheld.of(sighting.subject)
        window.add(sighting)
        if len(window.seen) < self._count:
            return ()
        self._withheld.forget(sighting.subject)
        seen = tuple(window.seen)
        words = f"{len(seen)} results of tools were refused or stayed sealed for one caller"
        return (Raised(self.name, "medium", sighting.subject, words, seen[-MAX_EVIDENCE:], len(seen)),)
