"""Far more than ever before."""

from __future__ import annotations

from ringwall.controlplane.monitor.detections.unusual_use import UnusualUse
from ringwall.controlplane.monitor.sighting import Sighting
from tests.controlplane.monitor.sightings import show, sighting


def rule() -> UnusualUse:
    return UnusualUse(20, 10, 6.0)


def calls(minute: int, number: int, tool: str = "query") -> list[Sighting]:
    return [
        sighting(60 * minute + 0.5 * each, checkpoint="tool_call", resource=("tool", tool)) for each in range(number)
    ]


def steady(minutes: int, number: int = 3) -> list[Sighting]:
    return [each for minute in range(minutes) for each in calls(minute, number)]


def test_a_burst_after_a_steady_past_is_found_once_a_minute() -> None:
    [raised] = show(rule(), [*steady(15), *calls(15, 60)])
    assert raised.subject == "principal https://id.example alice tool query"


def test_a_tool_that_was_never_used_and_is_now_used_often_is_found() -> None:
    assert len(show(rule(), [*steady(15), *calls(15, 30, "export")])) == 1


def test_columns_that_are_opened_count_too() -> None:
    opened = [sighting(900 + each, checkpoint="tool_result", unsealed=("payments.card",)) for each in range(30)]
    assert len(show(rule(), [*steady(15), *opened])) == 1


def test_it_says_nothing_about_the_new_the_few_and_the_usual() -> None:
    assert show(rule(), calls(0, 110)) == []  # nobody knows what is usual for him
    assert show(rule(), [*steady(5), *calls(5, 100)]) == []
    assert show(rule(), [*steady(15), *calls(15, 19)]) == []
    assert show(rule(), steady(20, 50)) == []
    varying = [each for minute in range(30) for each in calls(minute, 10 + 15 * (minute % 3))]
    assert show(rule(), varying) == []
