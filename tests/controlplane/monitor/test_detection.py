"""What detections remember is bounded."""

from __future__ import annotations

from ringwall.controlplane.monitor.detection import Subjects, Window
from tests.controlplane.monitor.sightings import sighting


def test_the_subject_that_was_quiet_longest_makes_room() -> None:
    kept = Subjects(list[int], limit=2)
    kept.of("a").append(1)
    kept.of("b")
    kept.of("a")
    kept.of("c")
    assert (len(kept), kept.of("a"), kept.of("b")) == (2, [1], [])
    kept.forget("a")
    kept.forget("nobody")
    assert kept.of("a") == []


def test_a_window_lets_go_of_what_is_old_and_of_what_is_too_much() -> None:
    window = Window(10, 3)
    for second in (0, 1, 2, 3):
        window.add(sighting(second))
    assert len(window.seen) == 3
    window.add(sighting(12.5))
    assert len(window.seen) == 2
    window.add(sighting(100))
    assert len(window.seen) == 1
