"""What came of a play? Two attackers, two aims, four outcomes (decision 0111), and how they are written as JSON.

* A cell holds an aim of one play: what came of it, and which control of which step held it.
* *Prevented*: not a digit got there. *Unreadable*: ciphertext got there. *Contained*: records got there, then the
  attacker was stopped. *Leaked*: none of these, or it cannot be shown that a step that is on was the reason.
* A fault (an error, a deadline, a vacancy, a control of no step) never holds: such a cell is *leaked*, and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

STEPS = tuple(range(1, 11))
"""The ten steps of the worked example."""


class Attacker(StrEnum):
    """Who attacks."""

    OUTSIDER = "outsider"
    """A stolen password without the second factor, from a network that is not allowed, for a model not allowed."""
    INSIDER = "insider"
    """A real account, fully authenticated, allowed to use the assistant."""


class Aim(StrEnum):
    """What the attacker wants."""

    SHOW = "show"
    """The numbers in the answer."""
    SEND = "send"
    """The numbers at a host outside."""


class Outcome(StrEnum):
    """What came of an aim."""

    PREVENTED = "prevented"
    UNREADABLE = "unreadable"
    CONTAINED = "contained"
    LEAKED = "leaked"


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of one aim of a play.

    Attributes:
        outcome: In one word.
        step: The step that held it, or None.
        control: Id of its control that held it, or empty.
        records_out: Records that got there.
        contained_ms: Milliseconds from the first evidence until the attacker was contained, or None.
        fault: Why nothing got there although no step that is on can be shown to have held it, or empty.
    """

    outcome: Outcome
    step: int | None = None
    control: str = ""
    records_out: int = 0
    contained_ms: int | None = None
    fault: str = ""

    @property
    def is_held(self) -> bool:
        """True for everything but *leaked*."""
        return self.outcome is not Outcome.LEAKED

    def as_json(self) -> dict[str, object]:
        """As it is written."""
        said: dict[str, object] = {"outcome": self.outcome.value, "step": self.step, "control": self.control or None}
        if self.outcome in (Outcome.CONTAINED, Outcome.LEAKED):
            said["records_out"] = self.records_out
        if self.outcome is Outcome.CONTAINED:
            said["contained_ms"] = self.contained_ms
        if self.fault:
            said["fault"] = self.fault
        return said


@dataclass(frozen=True, slots=True)
class Played:
    """One play, judged.

    Attributes:
        attacker: Who attacked.
        variant: How the attack was written.
        on: The steps that were on, ascending.
        cells: What came of each aim.
        promised: Aims that decision 0111 promises to hold in this play.
    """

    attacker: Attacker
    variant: str
    on: tuple[int, ...]
    cells: dict[Aim, Cell]
    promised: frozenset[Aim] = frozenset()

    @property
    def broken(self) -> frozenset[Aim]:
        """Aims that were promised and are not held."""
        return frozenset(aim for aim in self.promised if not self.cells[aim].is_held)

    def as_json(self) -> dict[str, object]:
        """As it is written."""
        return {
            "attacker": self.attacker.value,
            "variant": self.variant,
            "on": list(self.on),
            **{aim.value: self.cells[aim].as_json() for aim in Aim},
            "promised": sorted(self.promised),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A whole rehearsal.

    Attributes:
        plays: Every play, in the order of the script.
        seconds: How long it took.
        about: What was attacked: `storefront`, or the name of a workload.
    """

    plays: tuple[Played, ...]
    seconds: float
    about: str = "storefront"

    @property
    def promised(self) -> int:
        """Cells that were promised to hold."""
        return sum(len(each.promised) for each in self.plays)

    @property
    def broken(self) -> Sequence[tuple[Played, Aim]]:
        """Cells that were promised and leaked."""
        return [(each, aim) for each in self.plays for aim in Aim if aim in each.broken]

    def as_json(self) -> dict[str, object]:
        """As it is written."""
        return {
            "about": self.about,
            "plays": [each.as_json() for each in self.plays],
            "promised": self.promised,
            "broken": len(self.broken),
            "seconds": round(self.seconds, 1),
        }
