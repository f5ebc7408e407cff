"""What is a detection? A rule over records that raises findings: pure, bounded, and told what it sees by nobody else.

* A detection sees every sighting, in the order of the tail, and answers with what it raises. It asks no store and no
  clock: time is that of the records, so a replay raises the same.
* What it remembers is bounded: so many subjects, and of each only a window. A flood of new names pushes out the ones
  that were quiet longest.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ringwall.controlplane.monitor.sighting import Sighting

V = TypeVar("V")
MAX_SUBJECTS = 10_000
"""Subjects that a detection remembers at a time."""
MAX_EVIDENCE = 32
"""Records that a finding names at most; the count tells how many there were."""
SEVERITIES = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Raised:
    """What a detection raises.

    Attributes:
        detection: Its name.
        severity: One of `SEVERITIES`.
        subject: About whom or what; with the detection's name it tells repeats.
        words: One sentence for a person.
        evidence: The sightings that it rests on, oldest first.
        count: How many there were.
    """

    detection: str
    severity: str
    subject: str
    words: str
    evidence: tuple[Sighting, ...]
    count: int


class Detection(Protocol):
    """A rule over records."""

    @property
    def name(self) -> str:
        """Its name, as the configuration has it."""
        ...

    def see(self, sighting: Sighting) -> Iterable[Raised]:
        """Take in one record; what it raises because of that."""
        ...


class Subjects(Generic[V]):
    """What is remembered of each subject, for so many of them."""

    def __init__(self, make: Callable[[], V], limit: int = MAX_SUBJECTS) -> None:
        self._make = make
        self._limit = limit
        self._kept: OrderedDict[str, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, subject: str) -> V:
        """What is remembered of a subject; new when nothing is."""
        found = self._kept.get(subject)
        if found is None:
            found = self._kept[subject] = self._make()
            if len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(subject)
        return found

    def forget(self, subject: str) -> None:
        """Begin anew with a subject."""
        self._kept.pop(subject, None)


class Window:
    """The sightings of the last seconds, at most so many."""

    __slots__ = ("_limit", "_span_us", "seen")

    def __init__(self, span_s: int, limit: int) -> None:
        self._span_us = span_s * 1_000_000
        self._limit = limit
        self.seen: deque[Sighting] = deque()

    def add(self, sighting: Sighting) -> None:
        """Take one in, and let go of what is too old."""
        self.seen.append(sighting)
        # Records of several processes do not come in the order of their times: what is newest counts.
        oldest = max(each.time_us for each in (self.seen[0], sighting)) - self._span_us
        while len(self.seen) > self._limit or self.seen[0].time_us < oldest:
            self.seen.popleft()
