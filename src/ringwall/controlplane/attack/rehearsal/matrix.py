"""What does a rehearsal come to? The figures that people look at, read from its report, for picture, page and terminal.

* Held means: the report says so, and names a step that was on. A cell that names another step, or none, is *leaked*
  here, whatever it says (decision 0111: green only if the control that refused belongs to a step that is on).
* A cell that was promised and is not held is broken. One that was not promised, with one step on or two, is *outside
  its vantage*. With nothing on, or with more, what leaked is called *leaked*. A fault is always *leaked*.
* What is not in the report was not played. It is counted as such and never as held; whoever counts "n of m" takes for m
  every variant that the report knows, for either attacker.
* A play that stands in the report twice counts as the worse of the two.
* An attack that gets nowhere with every step off proves nothing for any step: such variants are named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import comb
from types import MappingProxyType

from ringwall.controlplane.attack.rehearsal.played import STEPS, Aim, Attacker, Cell, Outcome, Played, Report

STEP_NAMES: Mapping[int, str] = MappingProxyType(
    {
        1: "authentication",
        2: "network, firewall, rate",
        3: "model and endpoint",
        4: "input",
        5: "tool permission",
        6: "encryption, leases",
        7: "grounding, reasoning",
        8: "output",
        9: "egress",
        10: "monitor",
    }
)
"""The ten steps of the worked example, in short."""
DIRECT = "direct"
"""The variant of which the outsider plays every subset of the steps."""
COLUMNS = tuple((attacker, aim) for attacker in Attacker for aim in Aim)
"""Who wants what: the four columns of every table."""
_HALF = 5
"""Steps along each side of the map."""


class State(StrEnum):
    """What is seen of a cell, the best first."""

    PREVENTED = "prevented"
    UNREADABLE = "unreadable"
    CONTAINED = "contained"
    OUTSIDE = "outside its vantage"
    LEAKED = "leaked"
    NOT_PLAYED = "not played"

    @property
    def is_held(self) -> bool:
        """True for the three that hold."""
        return self in (State.PREVENTED, State.UNREADABLE, State.CONTAINED)


_WORST = (State.NOT_PLAYED, State.PREVENTED, State.UNREADABLE, State.CONTAINED, State.OUTSIDE, State.LEAKED)
"""Ascending: of two reports about one play, the later in this row counts."""
_OUTCOMES = {
    Outcome.PREVENTED: State.PREVENTED,
    Outcome.UNREADABLE: State.UNREADABLE,
    Outcome.CONTAINED: State.CONTAINED,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One aim of one play, as a person sees it.

    Attributes:
        state: In one word.
        cell: What the report says, or None.
        why: What is wrong with it, or empty.
    """

    state: State
    cell: Cell | None = None
    why: str = ""


NOT_PLAYED = Seen(State.NOT_PLAYED)


@dataclass(frozen=True, slots=True)
class Square:
    """One attacker, one aim, some steps on: what came of it in every variant.

    Attributes:
        attacker: Who attacked.
        aim: What was wanted.
        on: The steps that were on.
        seen: Each variant of the report with what came of it.
    """

    attacker: Attacker
    aim: Aim
    on: tuple[int, ...]
    seen: tuple[tuple[str, Seen], ...]

    @property
    def variants(self) -> int:
        """How many there are, played or not."""
        return len(self.seen)

    @property
    def played(self) -> int:
        """How many were played."""
        return sum(each.state is not State.NOT_PLAYED for _, each in self.seen)

    @property
    def held(self) -> int:
        """How many were held."""
        return sum(each.state.is_held for _, each in self.seen)

    @property
    def is_whole(self) -> bool:
        """True when every variant was played and held."""
        return 0 < self.held == self.variants

    @property
    def counts(self) -> tuple[tuple[State, int], ...]:
        """How many variants in each state, the best first."""
        states = [each.state for _, each in self.seen]
        return tuple((state, states.count(state)) for state in State if state in states)

    @property
    def state(self) -> State:
        """In one word: *leaked* if one leaked, else the weakest that holds, else outside its vantage or not played."""
        states = [each.state for _, each in self.seen]
        if State.LEAKED in states:
            return State.LEAKED
        held = [state for state in _WORST if state.is_held and state in states]
        if held:
            return held[-1]
        return State.OUTSIDE if State.OUTSIDE in states else State.NOT_PLAYED

    @property
    def records_out(self) -> int:
        """The most records that got there before an attacker was contained."""
        return max((each.cell.records_out for each in self._contained() if each.cell), default=0)

    @property
    def contained_ms(self) -> int | None:
        """The longest that containing took, in milliseconds, where it is known."""
        took = [each.cell.contained_ms for each in self._contained() if each.cell]
        return max((each for each in took if each is not None), default=None)

    def _contained(self) -> list[Seen]:
        return [each for _, each in self.seen if each.state is State.CONTAINED]


@dataclass(frozen=True, slots=True)
class Tally:
    """Cells that are held, were played, and there are."""

    held: int
    played: int
    of: int


@dataclass(frozen=True, slots=True)
class Spot:
    """One subset of the outsider's steps: what came of each aim."""

    on: tuple[int, ...]
    show: State
    send: State

    @property
    def is_played(self) -> bool:
        """True when it is known of both aims."""
        return State.NOT_PLAYED not in (self.show, self.send)

    @property
    def held(self) -> int:
        """How many of the two aims are held."""
        return self.show.is_held + self.send.is_held


@dataclass(frozen=True, slots=True)
class Count:
    """Subsets counted.

    Attributes:
        of: How many there are.
        played: How many were played.
        show: How many hold the aim *show*.
        send: How many hold the aim *send*.
        one: How many hold at least one.
        both: How many hold both.
    """

    of: int
    played: int
    show: int
    send: int
    one: int
    both: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A cell that was promised and is not held."""

    play: Played
    aim: Aim
    why: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Everything that is shown of a rehearsal.

    Attributes:
        about: What was attacked.
        seconds: How long it took.
        plays: How many plays there are.
        variants: How the attack was written, in the order of the script.
        promised: Cells that were promised to hold.
        broken: Those that do not.
        faults: Cells that nobody promised and that a fault kept.
        index: Every play by attacker, variant and steps.
    """

    about: str
    seconds: float
    plays: int
    variants: tuple[str, ...]
    promised: int
    broken: tuple[Broken, ...]
    faults: tuple[Broken, ...]
    index: Mapping[tuple[Attacker, str, tuple[int, ...]], Mapping[Aim, Seen]]

    def seen(self, attacker: Attacker, variant: str, on: tuple[int, ...], aim: Aim) -> Seen:
        """One cell."""
        return self.index.get((attacker, variant, on), {}).get(aim, NOT_PLAYED)

    def square(self, attacker: Attacker, aim: Aim, on: tuple[int, ...]) -> Square:
        """These steps on, over all variants."""
        return Square(attacker, aim, on, tuple((each, self.seen(attacker, each, on, aim)) for each in self.variants))

    def alone(self, step: int) -> tuple[Square, ...]:
        """One step on, nine off: its row, in the order of `COLUMNS`."""
        return tuple(self.square(attacker, aim, (step,)) for attacker, aim in COLUMNS)

    def tally(self, attacker: Attacker, aim: Aim, subsets: tuple[tuple[int, ...], ...]) -> Tally:
        """Several subsets over all variants, counted."""
        squares = [self.square(attacker, aim, on) for on in subsets]
        held, played = sum(each.held for each in squares), sum(each.played for each in squares)
        return Tally(held, played, sum(each.variants for each in squares))

    @property
    def unproven(self) -> tuple[tuple[Attacker, Aim, str], ...]:
        """Attacks that were played, and of which it is not shown that they leak while every step is off."""
        known = {(attacker, variant) for attacker, variant, _ in self.index}
        return tuple(
            (attacker, aim, variant)
            for attacker, aim in COLUMNS
            for variant, each in self.square(attacker, aim, ()).seen
            if (attacker, variant) in known and (each.state is not State.LEAKED or each.why)
        )

    @property
    def is_complete(self) -> bool:
        """True when both attackers played every subset that a rehearsal has, in every variant that is known."""
        few = (NOTHING, *((step,) for step in STEPS), *PAIRS, *ALL_BUT_ONE, STEPS)
        squares = (self.square(attacker, aim, on) for attacker, aim in COLUMNS for on in few)
        subsets = self.subsets()
        return subsets.played == subsets.of and all(each.played == each.variants for each in squares)

    def spot(self, on: tuple[int, ...]) -> Spot:
        """One subset of the outsider's steps, in the direct variant."""
        show, send = (self.seen(Attacker.OUTSIDER, DIRECT, on, aim).state for aim in (Aim.SHOW, Aim.SEND))
        return Spot(on, show, send)

    def grid(self) -> tuple[tuple[Spot, ...], ...]:
        """The outsider's subsets: a row for each subset of steps 1 to 5, a column for each of 6 to 10, see `sides`."""
        rows, columns = sides()
        return tuple(tuple(self.spot(row + column) for column in columns) for row in rows)

    def subsets(self) -> Count:
        """The outsider's subsets, counted."""
        return _count([spot for row in self.grid() for spot in row])

    def by_number(self) -> tuple[Count, ...]:
        """The same by how many steps are on, from none to all."""
        spots = [spot for row in self.grid() for spot in row]
        return tuple(_count([each for each in spots if len(each.on) == number]) for number in range(len(STEPS) + 1))


NOTHING: tuple[int, ...] = ()
PAIRS = tuple(combinations(STEPS, 2))
ALL_BUT_ONE = tuple(tuple(each for each in STEPS if each != missing) for missing in STEPS)
SUBSETS = sum(comb(len(STEPS), number) for number in range(len(STEPS) + 1))


def matrix_of(report: Report) -> Matrix:
    """Read a report."""
    index: dict[tuple[Attacker, str, tuple[int, ...]], dict[Aim, Seen]] = {}
    broken: list[Broken] = []
    faults: list[Broken] = []
    for play in report.plays:
        at = index.setdefault((play.attacker, play.variant, play.on), {})
        for aim in Aim:
            each = see(play, aim)
            at[aim] = max(at.get(aim, each), each, key=lambda seen: _WORST.index(seen.state))
            if aim in play.promised and not each.state.is_held:
                broken.append(Broken(play, aim, each.why))
            elif each.why:
                faults.append(Broken(play, aim, each.why))
    return Matrix(
        about=report.about,
        seconds=report.seconds,
        plays=len(report.plays),
        variants=tuple(dict.fromkeys(play.variant for play in report.plays)),
        promised=report.promised,
        broken=tuple(broken),
        faults=tuple(faults),
        index=index,
    )


def see(play: Played, aim: Aim) -> Seen:
    """One cell of a play as it counts."""
    cell = play.cells.get(aim)
    if cell is None:
        return NOT_PLAYED
    if cell.is_held:
        if cell.step in play.on and not cell.fault:
            return Seen(_OUTCOMES[cell.outcome], cell)
        return Seen(State.LEAKED, cell, cell.fault or "no step that was on is named as the one that held it")
    if aim in play.promised or cell.fault or len(play.on) not in (1, 2):
        return Seen(State.LEAKED, cell, cell.fault)
    return Seen(State.OUTSIDE, cell)


def sides() -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """The map's rows (subsets of steps 1 to 5) and columns (of 6 to 10); each differs from the next by one step."""
    return _gray(STEPS[:_HALF]), _gray(STEPS[_HALF:])


def _gray(steps: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    codes = [number ^ (number >> 1) for number in range(2 ** len(steps))]
    # The first step has the highest bit: along the map it changes least often.
    return tuple(tuple(step for place, step in enumerate(reversed(steps)) if code >> place & 1)[::-1] for code in codes)


def _count(spots: list[Spot]) -> Count:
    return Count(
        of=len(spots),
        played=sum(each.is_played for each in spots),
        show=sum(each.show.is_held for each in spots),
        send=sum(each.send.is_held for each in spots),
        one=sum(each.held > 0 for each in spots),
        both=sum(each.held == len(Aim) for each in spots),
    )
