"""Did a canary turn up? Nobody has an honest reason to read one: a single record is a finding.

* At INBOUND the caller wrote it himself, so he had it before; at TOOL_RESULT a tool delivered it; in an answer or on
  its way out it would have left. All of these are critical but the first, which is high.
"""

from __future__ import annotations

from collections.abc import Iterable

from ringwall.controlplane.monitor.detection import Raised
from ringwall.controlplane.monitor.sighting import Sighting
from ringwall.model.interaction import Checkpoint

KIND = "canary"
"""The kind of evidence that `identity_data.canary` gives."""


class CanarySeen:
    """Raises at the first record with a canary."""

    name = "canary_seen"

    def see(self, sighting: Sighting) -> Iterable[Raised]:
        """Look for the evidence."""
        if KIND not in sighting.evidence:
            return ()
        severity = "high" if sighting.checkpoint == Checkpoint.INBOUND else "critical"
        words = f'a canary was seen at "{sighting.checkpoint}"'
        subject = sighting.subject or f"workload {sighting.workload}"
        return (Raised(self.name, severity, subject, words, (sighting,), 1),)
