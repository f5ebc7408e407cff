"""Which plays are played? All subsets for the seed's own attack, and the telling ones for everything else.

* The outsider with the seed's words: every subset of the ten steps, 1,024.
* Every other variant, and the insider: nothing on, each step alone, each pair, all but one, all ten.
* `full`: every subset for everybody. `sample`: a seeded part, always with the plays that prove that it can fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from ringwall.controlplane.attack.rehearsal.played import STEPS, Attacker
from ringwall.controlplane.attack.rehearsal.variants import DIRECT, VARIANTS

_FEW = (0, 1, 2, len(STEPS) - 1, len(STEPS))
"""How many steps are on in the telling subsets."""


@dataclass(frozen=True, slots=True)
class Play:
    """One play to be played.

    Attributes:
        number: Its place in the script; names it.
        attacker: Who attacks.
        variant: How the attack is written.
        on: The steps that are on, ascending.
    """

    number: int
    attacker: Attacker
    variant: str
    on: tuple[int, ...]


def choose(*, full: bool = False, sample: int | None = None, seed: int = 0) -> tuple[Play, ...]:
    """The plays of a rehearsal.

    Args:
        full: Whether every subset is played for everybody.
        sample: How many plays are drawn of those, or None for all of them.
        seed: What the draw depends on.
    """
    every = [Play(number, attacker, variant, on) for number, (attacker, variant, on) in enumerate(_all(full), 1)]
    if sample is None or sample >= len(every):
        return tuple(every)
    always = [each for each in every if each.variant == DIRECT and not each.on]
    rest = [each for each in every if each not in always]
    drawn = Random(seed).sample(rest, max(0, sample - len(always)))  # noqa: S311 - a draw, no secret
    return tuple(sorted((*always, *drawn), key=lambda each: each.number))


def subsets(sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The subsets of the ten steps that have as many steps, smallest first."""
    for size in sorted(set(sizes)):
        yield from combinations(STEPS, size)


def _all(full: bool) -> Iterator[tuple[Attacker, str, tuple[int, ...]]]:
    for attacker in Attacker:
        for variant in VARIANTS:
            whole = full or (attacker is Attacker.OUTSIDER and variant == DIRECT)
            for on in subsets(range(len(STEPS) + 1) if whole else _FEW):
                yield attacker, variant, on
