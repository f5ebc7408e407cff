"""What is usual, what is too much, and what nobody can know yet."""

from __future__ import annotations

import pytest

from ringwall.controls.infrastructure.egress_volume import CONTROL
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Destination, Traffic
from ringwall.model.interaction import Checkpoint
from ringwall.model.verdict import Allow, Allowance, Deny, DenyKind, Verdict
from tests.controls.judging import build, judge, vantage

HOUR = 3600
TO = Destination("", "https", "files.example", 443, "", "")
MIB = 1024 * 1024


def ask(*slots: tuple[float, int], age_s: float = 0.0, to: Destination = TO, **changed: object) -> Verdict:
    seen = vantage(to, Traffic(tuple(sorted(slots, reverse=True)), age_s), checkpoint=Checkpoint.EGRESS)
    return judge(build(CONTROL, **changed), seen)


def allowance(verdict: Verdict) -> Allowance:
    assert isinstance(verdict, Allow)
    (found,) = verdict.allowances
    return found


def usual(size: int, windows: int = 6) -> tuple[tuple[float, int], ...]:
    """Traffic of so much in each of the last windows before this one."""
    return tuple((HOUR * (number + 1) + 90.0, size) for number in range(windows))


def test_without_a_baseline_the_ceiling_alone_holds_and_evidence_says_so() -> None:
    verdict = ask()
    assert allowance(verdict) == Allowance(256 * MIB, HOUR, "volume_over_ceiling")
    assert [each.kind for each in verdict.evidence] == ["no_baseline"]
    assert [each.kind for each in ask(*usual(5 * MIB, 5)).evidence] == ["no_baseline"]


def test_with_a_baseline_a_factor_over_the_usual_holds() -> None:
    verdict = ask(*usual(5 * MIB))
    assert allowance(verdict) == Allowance(20 * MIB, HOUR, "volume_over_baseline")
    assert verdict.evidence == ()


def test_a_minimum_leaves_room_where_little_is_usual_and_the_ceiling_is_never_passed() -> None:
    assert allowance(ask(*usual(10))).limit_bytes == MIB
    assert allowance(ask(*usual(200 * MIB))) == Allowance(256 * MIB, HOUR, "volume_over_ceiling")


@pytest.mark.parametrize(
    ("slots", "why"),
    [
        (((30.0, 256 * MIB),), "volume_over_ceiling"),
        (((30.0, 128 * MIB), (HOUR - 10.0, 128 * MIB)), "volume_over_ceiling"),
        ((*usual(5 * MIB), (30.0, 20 * MIB)), "volume_over_baseline"),
    ],
)
def test_a_window_that_is_used_up_refuses(slots: tuple[tuple[float, int], ...], why: str) -> None:
    verdict = ask(*slots)
    assert isinstance(verdict, Deny)
    assert (verdict.code, verdict.kind) == (why, DenyKind.EXHAUSTED)


def test_what_left_before_the_window_no_longer_counts_against_it() -> None:
    assert isinstance(ask((HOUR + 61.0, 300 * MIB)), Allow)


def test_an_old_view_is_no_view() -> None:
    for age_s in (61.0, float("inf"), float("nan"), -1.0):
        verdict = ask(age_s=age_s)
        assert isinstance(verdict, Deny)
        assert (verdict.code, verdict.kind) == ("volume_view_too_old", DenyKind.UNAVAILABLE)


def test_a_model_inside_this_process_is_no_destination() -> None:
    verdict = ask((30.0, 300 * MIB), to=Destination("builtin", "builtin", "", 0, "", ""))
    assert verdict == Allow(verdict.covered)


def test_a_window_longer_than_memory_is_named() -> None:
    with pytest.raises(ConfigError, match="window"):
        build(CONTROL, window_s=86_400)
