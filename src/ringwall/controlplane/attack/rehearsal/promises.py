"""What was promised? Decision 0111 as data: which step, alone, holds which aim of which attacker.

* Written down before it was played. A variant that is missing here from no step: what 0111 says of a step holds in
  every variant, and one that gets past it is a broken promise.
* What one step holds alone, it holds beside others: a play is promised an aim if any step that is on holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ringwall.controlplane.attack.rehearsal.played import Aim, Attacker

_BOTH = frozenset(Aim)
_NONE = frozenset[Aim]()

HOLDS: Mapping[Attacker, Mapping[int, frozenset[Aim]]] = MappingProxyType(
    {
        attacker: MappingProxyType(
            {
                **dict.fromkeys((1, 2, 3), _BOTH if attacker is Attacker.OUTSIDER else _NONE),
                **dict.fromkeys((4, 5, 6, 8, 10), _BOTH),
                7: frozenset({Aim.SHOW}),
                9: frozenset({Aim.SEND}),
            }
        )
        for attacker in Attacker
    }
)
"""Aims that a step holds alone; what is not there is outside its vantage."""


def promised(attacker: Attacker, on: Iterable[int]) -> frozenset[Aim]:
    """The aims that some step among these holds."""
    return frozenset(aim for step in on for aim in HOLDS[attacker][step])
