"""How secret is it, and how far is it to be trusted? Two labels that travel with data, and their join.

* Confidentiality rises: data joined with a secret is a secret.
* Trust falls: data joined with something untrusted is untrusted.
* Unknown is the worst case: an unlabelled value is `RESTRICTED` and `UNTRUSTED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Confidentiality(IntEnum):
    """Who may see it; higher is more secret."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    RESTRICTED = 3


class Trust(IntEnum):
    """Whose word it is; higher is more to be trusted."""

    UNTRUSTED = 0
    ENDORSED = 1
    TRUSTED = 2


@dataclass(frozen=True, slots=True)
class Labels:
    """The pair of labels on a value. The default is the worst case."""

    confidentiality: Confidentiality = Confidentiality.RESTRICTED
    trust: Trust = Trust.UNTRUSTED

    def join(self, other: Labels) -> Labels:
        """The labels of what is made from both: the more secret, the less trusted."""
        return Labels(max(self.confidentiality, other.confidentiality), min(self.trust, other.trust))


WORST = Labels()
BEST = Labels(Confidentiality.PUBLIC, Trust.TRUSTED)
