"""A control that somebody switched off."""

from __future__ import annotations

from ringwall.controlplane.monitor.detections.control_off import ControlOff
from tests.controlplane.monitor.sightings import show, sighting


def test_a_control_that_is_off_is_said_once_for_each_workload() -> None:
    seen = [
        sighting(off=("a.b",)),
        sighting(off=("a.b",)),
        sighting(off=("a.b", "a.c")),
        sighting(off=("a.b",), workload="w2"),
    ]
    raised = show(ControlOff(["toy"]), seen)
    assert [each.subject for each in raised] == ["workload support a.b", "workload support a.c", "workload w2 a.b"]


def test_a_rehearsal_may_run_without() -> None:
    assert show(ControlOff(["toy"]), [sighting(off=("a.b",), workload="toy"), sighting()]) == []
