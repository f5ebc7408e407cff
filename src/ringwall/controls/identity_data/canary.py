"""Is a canary about to pass? A value that was planted where nobody has an honest reason to read.

* Refused wherever it stands: in a request, in what a tool answers, in an answer, on its way out. The evidence (kind
  `canary`) is what the monitor waits for.
* Found as it is written, whatever the case of ASCII letters. One that was encoded or taken apart is not found here;
  `sensitive_data` hides what it cannot read.
* With values, media other than text and JSON is not covered, and thereby refused (law 3). Without values it refuses
  nothing.

Seed: step 10, "detects the anomalous behavior".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ringwall.model.content import JSON, TEXT, Leaf, PartId, Place
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Fact
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

MIN_CANARY_CHARS = 12
"""A shorter value would turn up by chance."""
MAX_CANARY_CHARS = 128
MAX_CANARIES = 1000
REMEDY = "the content holds something that may not be read here; the operator of this gateway was told"
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySettings(Settings):
    """What a workload may set."""

    values: tuple[str, ...] = setting(Stricter.SUPERSET, "Values that nobody has an honest reason to read.")
    inbound: bool = setting(Stricter.TRUE, "Whether a canary in a request is refused, too.")


class Canary(Control):
    """Refuses canaries."""

    id: ClassVar[ControlId] = ControlId("identity_data.canary")
    settings_type: ClassVar[type[Settings]] = CanarySettings
    checkpoints: ClassVar[frozenset[Checkpoint]] = frozenset(Checkpoint) - {Checkpoint.TOOL_CALL}
    needs: ClassVar[frozenset[type[Fact]]] = frozenset()
    cost: ClassVar[Cost] = Cost.PATTERNS
    lookback: ClassVar[int | None] = MAX_CANARY_CHARS

    def __init__(self, settings: CanarySettings) -> None:
        if len(settings.values) > MAX_CANARIES:
            raise ConfigError(f"values: there are more than {MAX_CANARIES} canaries")
        for each in settings.values:
            if not MIN_CANARY_CHARS <= len(each) <= MAX_CANARY_CHARS:
                raise ConfigError(f"values: a canary has {MIN_CANARY_CHARS} to {MAX_CANARY_CHARS} characters")
        self._values = tuple(each.translate(_LOWER) for each in settings.values)
        self._inbound = settings.inbound

    async def examine(self, vantage: Vantage) -> Verdict:
        """Look for every canary in every string."""
        if not self._values or (not self._inbound and _is_request(vantage)):
            return Allow(vantage.everything)
        evidence = []
        covered = frozenset([part.id for part in vantage.parts if part.media in (TEXT, JSON)])
        for part in vantage.parts:
            if part.id not in covered:
                continue
            for leaf in part.leaves():
                text = leaf.text.translate(_LOWER)
                for value in self._values:
                    at = text.find(value)
                    while at >= 0 and not vantage.in_focus(at):
                        at = text.find(value, at + 1)
                    if at >= 0:
                        evidence.append(Evidence("canary", _place(part.id, leaf, at, value)))
        if evidence:
            found = tuple(evidence[:MAX_CANARIES])
            return Deny(covered, "canary", REMEDY, DenyKind.CONTENT, found)
        return Allow(covered)

    def held(self, tail: str) -> int:
        """Only an end that may still become a canary is held back."""
        text = tail.translate(_LOWER)
        longest = 0
        for value in self._values:
            for size in range(min(len(value) - 1, len(text)), longest, -1):
                if text.endswith(value[:size]):
                    longest = size
                    break
        return longest


def _place(part: PartId, leaf: Leaf, at: int, value: str) -> Place | None:
    """Where it stands; nowhere when that would say it: the pointer of a member of a document holds its name."""
    if value in leaf.pointer.translate(_LOWER):
        return None
    return Place(part, leaf.pointer, at, at + len(value), leaf.kind)


def _is_request(vantage: Vantage) -> bool:
    """True for what a caller wrote, on its way to a model."""
    is_invocation = vantage.interaction.action is Action.INVOKE
    return is_invocation and vantage.checkpoint in (Checkpoint.INBOUND, Checkpoint.EGRESS)


CONTROL = Canary
