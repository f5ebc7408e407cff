"""The matrix: which door, streamed or not, where the secret stands, and in which form it comes.

A cell is played twice: once with a benign value, which must get through, and once for every form of the secret, which
must not. A gateway that refuses everything holds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where the secret stands."""

    TEXT = "text"
    """In the text of an answer."""
    ARGUMENTS = "tool arguments"
    """In the arguments of a call: proposed by a model, or made at the MCP door."""
    RESULTS = "tool results"
    """In what a tool returned: sent to a model, or read at the MCP door."""
    SYSTEM = "system"
    """In the system prompt of a request."""
    CHOICES = "multi-choice"
    """In the second of several choices or blocks."""


class Form(StrEnum):
    """How it comes."""

    WHOLE = "whole"
    SPLIT = "split at every byte"
    ENCODED = "encoded"
    DUPLICATE = "duplicate keys"
    UNKNOWN = "unknown fields"


class State(StrEnum):
    """What came of a cell."""

    HOLDS = "holds"
    LEAKS = "leaks"
    REFUSES_ALL = "refuses all"
    """The benign value did not get through either: nothing is shown."""
    NOT_SPOKEN = "not spoken"
    """The gateway has no such door."""
    NOTHING = "nothing there"
    """The protocol has no such place."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the matrix.

    Attributes:
        door: The door's name.
        streamed: Whether the answer is wanted as a stream.
        place: Where.
        form: How.
    """

    door: str
    streamed: bool
    place: Place
    form: Form

    def __str__(self) -> str:
        return f"{self.door}, {'streamed' if self.streamed else 'whole'}, {self.place}, {self.form}"


@dataclass(frozen=True, slots=True)
class Played:
    """A cell, and what came of it.

    Attributes:
        cell: Which.
        state: What.
        why: What got through, or why nothing is shown; holds no secret of anybody but this program.
    """

    cell: Cell
    state: State
    why: str = ""


def cells(doors: list[str]) -> Iterator[Cell]:
    """Every cell of these doors."""
    for door in doors:
        for streamed in (False, True):
            for place in Place:
                for form in Form:
                    yield Cell(door, streamed, place, form)
