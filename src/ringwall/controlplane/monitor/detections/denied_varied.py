"""Does somebody who was refused try variants until one passes?

* Refusals of content count, and of tool calls by policy; a limit that is used up, a database that is down or a model
  that somebody may not use at all is nobody's attack. Nor is the refusal of who is contained already.
* Only differing content counts: a client that repeats one request again and again varies nothing.
* A share of the caller's attempts must have been refused, and more of a service's than of a person's or an agent's:
  whoever asks a lot is refused now and then, and among a thousand users of one application some always are.

Seed: step 10, "detects the anomalous behavior".
"""

from __future__ import annotations

from collections.abc import Iterable

from ringwall.controlplane.monitor.detection import MAX_EVIDENCE, Raised, Subjects, Window
from ringwall.controlplane.monitor.sighting import Sighting
from ringwall.model.interaction import Checkpoint
from ringwall.model.verdict import DenyKind

MAX_ATTEMPTS = 1000
"""Attempts that are remembered of a subject."""
SHARE = 0.05
"""The share of a caller's attempts in the window that must have been refused."""
SERVICE_SHARE = 0.25
"""The same where several people may stand behind the caller."""


class DeniedVaried:
    """Counts refused variants of one subject."""

    name = "denied_varied"

    def __init__(self, count: int, span_s: int) -> None:
        """Raise at `count` refused variants within `span_s` seconds."""
        self._count = count
        self._refused = Subjects(lambda: Window(span_s, MAX_ATTEMPTS))
        self._asked = Subjects(lambda: Window(span_s, MAX_ATTEMPTS))

    def see(self, sighting: Sighting) -> Iterable[Raised]:
        """Count it."""
        subject = sighting.subject
        if not subject or not sighting.checkpoint:
            return ()
        if sighting.checkpoint in (Checkpoint.INBOUND, Checkpoint.TOOL_CALL):
            self._asked.of(subject).add(sighting)
        if not is_refused_content(sighting):
            return ()
        window = self._refused.of(subject)
        window.add(sighting)
        variants = {each.content: each for each in window.seen}
        if len(variants) < self._count:
            return ()
        asked = {each.interaction for each in self._asked.of(subject).seen}
        refused = {each.interaction for each in window.seen}
        if len(refused) < (SERVICE_SHARE if sighting.principal_kind == "service" else SHARE) * len(asked):
            return ()
        self._refused.forget(subject)
        words = f"{len(variants)} differing attempts of one caller were refused, one after the other"
        evidence = tuple(variants.values())[-MAX_EVIDENCE:]
        return (Raised(self.name, "high", subject, words, evidence, len(variants)),)


def is_refused_content(sighting: Sighting) -> bool:
    """True for an attempt that was refused for what is in it."""
    if sighting.effect != "deny" or not sighting.content or sighting.code == "contained":
        return False
    if sighting.refusal == DenyKind.CONTENT:
        return True
    calls = (Checkpoint.TOOL_CALL, Checkpoint.RESPONSE)
    return sighting.refusal == DenyKind.FORBIDDEN and sighting.checkpoint in calls
