"""What are we building, where do controls operate, and how far along is it? The framework's three axes.

Seed: "the right security controls to the right use case, at the right layer, at the right phase".

* Use cases and phases are cumulative: each includes everything from the one before. They compare with `<=`.
* `acts` may carry the trait `physical` (devices, robots, operational technology).
* An entry is *due* for a workload when one of its use cases is at or below the workload's, and its phase is at or
  below the workload's phase. The 3 x 3 x 3 matrix is always computed from entries, never typed in.
* Governance runs across all layers: it is a folder of the catalog, not a layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

ControlId = NewType("ControlId", str)
"""Layer folder, full stop, file stem: `identity_data.tool_permission`. The config key and the file path in one."""

WorkloadId = NewType("WorkloadId", str)
"""The name of one AI application, as the organisation's configuration spells it."""

CONTROL_ID = re.compile(r"(infrastructure|identity_data|application|governance)\.[a-z][a-z0-9_]{1,62}")
WORKLOAD_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")


class _Cumulative(StrEnum):
    """A scale whose members are ordered as they are declared.

    All four comparisons are written out: `total_ordering` would leave `<=` and `>=` to `str`, and the alphabet knows
    no phases.
    """

    @property
    def rank(self) -> int:
        return list(type(self)).index(self)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self.rank < other.rank

    def __le__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self.rank <= other.rank

    def __gt__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self.rank > other.rank

    def __ge__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self.rank >= other.rank


class UseCase(_Cumulative):
    """What the AI does. Seed: "Controls are cumulative-each use case includes everything from the previous one"."""

    ANSWERS = "answers"
    CONNECTS = "connects"
    ACTS = "acts"


class Phase(_Cumulative):
    """How far the workload has come. Seed: "Each phase builds on the previous. You never start over"."""

    FOUNDATIONAL = "foundational"
    ENHANCED = "enhanced"
    ADVANCED = "advanced"


class Layer(StrEnum):
    """Where a control operates."""

    INFRASTRUCTURE = "infrastructure"
    IDENTITY_DATA = "identity_data"
    APPLICATION = "application"


class Trait(StrEnum):
    """What a use case may carry besides: `physical` means that actions move things in the world."""

    PHYSICAL = "physical"


class How(StrEnum):
    """Who does the control: Ringwall itself, a check elsewhere (an AWS account), or a person with dated proof."""

    ENFORCED = "enforced"
    VERIFIED = "verified"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True)
class Workload:
    """One AI application: who answers for it, what it does, and how far it has come.

    Attributes:
        id: The name under which configuration, records and reports speak of it.
        owner: The person or team that answers for it.
        use_case: What it does; turns the due controls on.
        phase: How far it has come; raised by promotion only.
        traits: `physical` for devices, robots and operational technology.
        rehearsal: True for a workload that may be attacked: only built-in models, no real upstream or credential,
            never promoted.
    """

    id: WorkloadId
    owner: str
    use_case: UseCase
    phase: Phase
    traits: frozenset[Trait] = frozenset()
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """The words of the source that an entry answers to.

    Attributes:
        section: The heading of the source under which they stand.
        quote: The words, verbatim.
    """

    section: str
    quote: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A control's page in the catalog.

    Attributes:
        id: Layer folder (or `governance`) and file stem.
        title: A short name for people.
        question: What the control asks, answerable by yes or no.
        layers: Where it operates; all three for governance.
        use_cases: The use cases that need it; the lowest decides when it is due.
        traits: When not empty, due only for a workload that carries one of them.
        phase: The phase from which it is due.
        placement: `seed` where the source places the phase, `ours` where we had to.
        placement_reason: Why there, where the placement is ours.
        how: Enforced, verified or attested.
        built: False until the control runs: a recorded vacancy in the plan, UNKNOWN in posture.
        step: The step (1-10) of the worked example that it carries, or None.
        checkpoints: Names of the checkpoints where it stands; empty unless enforced on the road.
        passage: The words of the source.
        crosswalk: Framework name to ids in it (OWASP, ATLAS, NIST ...).
        probes: Names of the live tests that show it working.
        evidence_days: How old evidence may be before posture reads UNKNOWN again, in days.
        evidence_kinds: Kinds of evidence and reason codes that its control may give.
        defaults: The catalog's value of each setting.
        may_relax: Settings that a workload may loosen with a reason and an end date; `mode` among them or not.
    """

    id: ControlId
    title: str
    question: str
    layers: frozenset[Layer]
    use_cases: frozenset[UseCase]
    traits: frozenset[Trait]
    phase: Phase
    placement: str
    placement_reason: str
    how: How
    built: bool
    step: int | None
    checkpoints: tuple[str, ...]
    passage: Passage
    crosswalk: tuple[tuple[str, tuple[str, ...]], ...]
    probes: tuple[str, ...]
    evidence_days: int
    evidence_kinds: frozenset[str] = frozenset()
    defaults: Mapping[str, object] = field(default_factory=dict)
    may_relax: frozenset[str] = frozenset()

    def is_due(self, workload: Workload) -> bool:
        """True when the workload's declared use case and phase turn this control on."""
        return (
            min(self.use_cases) <= workload.use_case
            and self.phase <= workload.phase
            and (not self.traits or bool(self.traits & workload.traits))
        )


def due(entries: Iterable[Entry], workload: Workload) -> tuple[Entry, ...]:
    """The entries that the workload's use case and phase turn on, in the order of their ids."""
    return tuple(sorted((entry for entry in entries if entry.is_due(workload)), key=lambda entry: entry.id))
