"""How much leaves for which destination? The port `Volumes`, and what is counted together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ringwall.model.facts import Traffic
from ringwall.model.framework import WorkloadId
from ringwall.model.verdict import Allowance


@dataclass(frozen=True, slots=True)
class Flow:
    """Whose bytes go where: what is counted together.

    Attributes:
        workload: The workload.
        principal: Who asks; claimed and verified principals are two.
        destination: `scheme://host:port`.
    """

    workload: WorkloadId
    principal: str
    destination: str


class Volumes(Protocol):
    """How many bytes leave for which destination; shared by all processes of an installation."""

    def traffic(self, flow: Flow) -> Traffic:
        """What has left so far. Never blocks.

        Raises:
            InternalError: Nothing was ever read of what others sent. The fact is missing, and that is Deny.
        """
        ...

    def take(self, flow: Flow, amount: int, allowances: Sequence[Allowance]) -> Allowance | None:
        """Count bytes that are about to leave, if every allowance holds with them. Never blocks.

        Returns:
            The first allowance that does not hold, and then nothing was counted; None when all do.

        Raises:
            InternalError: More flows are counted than there is room for. Nothing was counted.
        """
        ...
