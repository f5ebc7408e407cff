"""Does one address guess at credentials? Many attempts that could not be verified."""

from __future__ import annotations

from collections.abc import Iterable

from ringwall.controlplane.monitor.detection import MAX_EVIDENCE, Raised, Subjects, Window
from ringwall.controlplane.monitor.sighting import Sighting

MAX_ATTEMPTS = 1000
"""Attempts that are remembered of an address."""


class UnverifiedAttempts:
    """Counts refused attempts of an address whose credential did not hold."""

    name = "unverified_attempts"

    def __init__(self, count: int, span_s: int) -> None:
        """Raise at `count` attempts within `span_s` seconds."""
        self._count = count
        self._attempts = Subjects(lambda: Window(span_s, MAX_ATTEMPTS))

    def see(self, sighting: Sighting) -> Iterable[Raised]:
        """Count it."""
        if sighting.verified or not sighting.source or sighting.outcome != "refused" or sighting.code == "contained":
            return ()
        window = self._attempts.of(sighting.source)
        window.add(sighting)
        if len(window.seen) < self._count:
            return ()
        self._attempts.forget(sighting.source)
        seen = tuple(window.seen)
        words = f"{len(seen)} attempts from one address could not be verified"
        return (Raised(self.name, "medium", sighting.subject, words, seen[-MAX_EVIDENCE:], len(seen)),)
