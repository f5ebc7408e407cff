"""One canary is enough."""

from __future__ import annotations

import pytest

from ringwall.controlplane.monitor.detections.canary_seen import CanarySeen
from tests.controlplane.monitor.sightings import refused, show


@pytest.mark.parametrize("checkpoint", ["tool_result", "response", "chunk", "egress", "inbound"])
def test_a_canary_is_found_at_once(checkpoint: str) -> None:
    [raised] = show(CanarySeen(), [refused(checkpoint=checkpoint, evidence=frozenset({"canary"}))])
    assert raised.severity == ("high" if checkpoint == "inbound" else "critical")


def test_other_evidence_is_left_alone() -> None:
    assert show(CanarySeen(), [refused(evidence=frozenset({"card_number"})), refused()]) == []
