"""How much leaves, and whose is it? What the roads share to count bytes on their way out.

* Nothing is counted for a workload in whose plan no control asks for it (fact `Traffic`).
* The content of a request is counted once, when it is decided that it leaves: its texts and numbers, in UTF-8. A tunnel
  is counted while it flows, by whoever relays it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ringwall.engine.running import RunningWorkload
from ringwall.model.content import Part
from ringwall.model.decision import Cause, Decision
from ringwall.model.errors import InternalError
from ringwall.model.facts import Destination, Facts, Traffic
from ringwall.model.interaction import Interaction
from ringwall.model.verdict import DenyKind
from ringwall.model.volumes import Flow, Volumes


def flow_of(interaction: Interaction, to: Destination) -> Flow:
    """What is counted together with the bytes of this interaction."""
    host = f"[{to.host}]" if ":" in to.host else to.host
    standing = "verified" if interaction.principal.verified else "claimed"
    return Flow(interaction.workload, f"{standing} {interaction.principal.name}", f"{to.scheme}://{host}:{to.port}")


def destined(
    volumes: Volumes, running: RunningWorkload, interaction: Interaction, facts: Facts, to: Destination
) -> Facts:
    """The facts with the destination, and with what has left for it where a control asks. What cannot be known stays
    missing, and missing is Deny.
    """
    facts = facts.with_(to)
    if Traffic not in running.chain.needs:
        return facts
    try:
        return facts.with_(volumes.traffic(flow_of(interaction, to)))
    except InternalError:
        return facts


def size_of(parts: Sequence[Part]) -> int:
    """Bytes of the content, in UTF-8."""
    return sum(len(leaf.text.encode("utf-8", "surrogatepass")) for part in parts for leaf in part.leaves())


def spend(volumes: Volumes, decisions: Sequence[Decision], flow: Flow, amount: int) -> tuple[float, Cause] | None:
    """Count bytes that are about to leave; the seconds after which to try again and the cause, where they may not.

    Raises:
        InternalError: They cannot be counted. Nothing may leave.
    """
    allowed = [each for decision in decisions for each in decision.allowances]
    if not allowed:
        return None
    over = volumes.take(flow, amount, [allowance for _, allowance in allowed])
    if over is None:
        return None
    control = next(control for control, allowance in allowed if allowance == over)
    remedy = "with this more would leave for this destination than is allowed for now; try again later"
    return float(over.window_s), Cause(control, over.code, remedy, DenyKind.EXHAUSTED)
