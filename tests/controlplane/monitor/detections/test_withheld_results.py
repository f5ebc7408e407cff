"""Results that somebody did not get to read."""

from __future__ import annotations

from ringwall.controlplane.monitor.detections.withheld_results import WithheldResults
from tests.controlplane.monitor.sightings import refused, show, sighting


def test_a_burst_of_refused_and_sealed_results_is_found() -> None:
    seen = [refused(1, checkpoint="tool_result"), sighting(2, checkpoint="tool_result", sealed=3),
            refused(3, checkpoint="tool_result")]  # fmt: skip
    [raised] = show(WithheldResults(3, 60), seen)
    assert (raised.count, raised.severity) == (3, "medium")


def test_results_that_were_read_and_refusals_elsewhere_are_left_alone() -> None:
    assert show(WithheldResults(3, 60), [sighting(checkpoint="tool_result") for _ in range(9)]) == []
    assert show(WithheldResults(3, 60), [refused(checkpoint="inbound") for _ in range(9)]) == []
    assert show(WithheldResults(3, 60), [refused(n * 61, checkpoint="tool_result") for n in range(9)]) == []
    assert show(WithheldResults(3, 60), [refused(code="contained", checkpoint="tool_result") for _ in range(9)]) == []
