"""A made report: what a rehearsal would say if each step held exactly what decision 0111 promises of it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from ringwall.controlplane.attack.rehearsal.matrix import ALL_BUT_ONE, DIRECT, NOTHING, PAIRS
from ringwall.controlplane.attack.rehearsal.played import STEPS, Aim, Attacker, Cell, Outcome, Played, Report

VARIANTS = (
    DIRECT,
    "base64",
    "hexadecimal",
    "rot13",
    "morse",
    "leetspeak",
    "look-alikes",
    "invisible characters",
    "german",
    "french",
    "in a tool's result",
    "in a document",
    "in a tool's description",
    "split over turns",
    "streamed",
    "bit by bit",
)
FEW = (NOTHING, *((step,) for step in STEPS), *PAIRS, *ALL_BUT_ONE, STEPS)
EVERY = tuple(on for number in range(11) for on in combinations(STEPS, number))
CONTROLS = {1: ("Authentication",), 4: ("Prompt attack",), 8: ("Sensitive data",)}
_HELD = {
    Attacker.OUTSIDER: {Aim.SHOW: {1, 2, 3, 4, 5, 6, 7, 8, 10}, Aim.SEND: {1, 2, 3, 4, 5, 6, 8, 9, 10}},
    Attacker.INSIDER: {Aim.SHOW: {4, 5, 6, 7, 8, 10}, Aim.SEND: {4, 5, 6, 8, 9, 10}},
}
_OUTCOMES = {6: Outcome.UNREADABLE, 10: Outcome.CONTAINED}
_ORDER = (1, 2, 3, 4, 5, 7, 8, 9, 6, 10)
LEAK = Cell(Outcome.LEAKED, records_out=8)


def cell(attacker: Attacker, aim: Aim, on: Iterable[int]) -> Cell:
    """What 0111 promises of these steps."""
    for step in _ORDER:
        if step in on and step in _HELD[attacker][aim]:
            outcome = _OUTCOMES.get(step, Outcome.PREVENTED)
            if outcome is Outcome.CONTAINED:
                return Cell(outcome, step, "identity_data.canary", 3, 412)
            return Cell(outcome, step, f"layer.step_{step}")
    return LEAK


def play(attacker: Attacker, variant: str, on: tuple[int, ...]) -> Played:
    """One play that keeps every promise."""
    cells = {aim: cell(attacker, aim, on) for aim in Aim}
    return Played(attacker, variant, on, cells, frozenset(aim for aim in Aim if cells[aim].is_held))


def report(*more: Played, variants: Iterable[str] = VARIANTS, without: Iterable[Played] = ()) -> Report:
    """A whole rehearsal: 1,024 subsets for the outsider's direct attack, 67 for every other; other plays in place."""
    plays = {
        (attacker, variant, on): play(attacker, variant, on)
        for attacker in Attacker
        for variant in variants
        for on in (EVERY if attacker is Attacker.OUTSIDER and variant == DIRECT else FEW)
    }
    for each in without:
        del plays[each.attacker, each.variant, each.on]
    for each in more:
        plays[each.attacker, each.variant, each.on] = each
    return Report(tuple(plays.values()), 312.4)
