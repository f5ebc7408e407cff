"""Guessing at credentials."""

from __future__ import annotations

from ringwall.controlplane.monitor.detections.unverified_attempts import UnverifiedAttempts
from tests.controlplane.monitor.sightings import refused, show, unverified


def test_many_guesses_from_one_address_are_found() -> None:
    [raised] = show(UnverifiedAttempts(5, 60), [unverified(second) for second in range(5)])
    assert (raised.subject, raised.count) == ("address 203.0.113.7", 5)


def test_few_slow_or_scattered_ones_and_verified_callers_are_left_alone() -> None:
    rule = UnverifiedAttempts(5, 60)
    assert show(rule, [unverified(second * 20) for second in range(20)]) == []
    assert show(rule, [unverified(source=f"198.51.100.{number}") for number in range(20)]) == []
    assert show(rule, [refused() for _ in range(20)]) == []
    assert show(rule, [unverified(code="contained") for _ in range(20)]) == []
