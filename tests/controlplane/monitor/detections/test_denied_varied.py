"""Refused, then varied."""

from __future__ import annotations

import pytest

from ringwall.controlplane.monitor.detections.denied_varied import DeniedVaried
from ringwall.controlplane.monitor.sighting import Sighting
from tests.controlplane.monitor.sightings import refused, show, sighting, unverified

SERVICE = {"principal": "ringwall:keys app", "principal_kind": "service", "key": "k1"}


def rule() -> DeniedVaried:
    return DeniedVaried(4, 60)


def test_a_caller_who_varies_what_was_refused_is_found_once() -> None:
    [raised] = show(rule(), [refused(second) for second in range(4)])
    assert (raised.subject, raised.count, raised.severity) == ("principal https://id.example alice", 4, "high")
    assert len(raised.evidence) == 4


def test_a_refused_tool_call_counts_and_so_does_an_unverified_address() -> None:
    calls = [refused(second, refusal="forbidden", checkpoint="tool_call") for second in range(4)]
    assert len(show(rule(), calls)) == 1
    guests = [unverified(second, refusal="content", content=f"d{second}") for second in range(4)]
    assert [each.subject for each in show(rule(), guests)] == ["address 203.0.113.7"]


def test_a_client_that_repeats_itself_varies_nothing() -> None:
    assert show(rule(), [refused(second, content="same") for second in range(20)]) == []


def test_slow_ones_different_callers_and_refusals_of_other_kinds_are_left_alone() -> None:
    assert show(rule(), [refused(100 * number) for number in range(10)]) == []
    assert show(rule(), [refused(principal=f"i p{number}") for number in range(10)]) == []
    assert show(rule(), [refused(refusal="exhausted") for _ in range(10)]) == []
    assert show(rule(), [refused(refusal="forbidden") for _ in range(10)]) == []  # a model that one may not use
    assert (
        show(rule(), [refused(code="contained", refusal="forbidden", checkpoint="tool_call") for _ in range(9)]) == []
    )


@pytest.mark.parametrize(("who", "between"), [(SERVICE, 4), ({}, 25)])
def test_a_busy_caller_with_some_refusals_is_left_alone_and_one_with_many_is_not(
    who: dict[str, str], between: int
) -> None:
    def mixed(allowed: int) -> list[Sighting]:
        return [each for second in range(8) for each in (
            *(sighting(second, **who) for _ in range(allowed)), refused(second, **who))]  # fmt: skip

    assert show(rule(), mixed(between)) == []
    assert show(rule(), mixed(2))
