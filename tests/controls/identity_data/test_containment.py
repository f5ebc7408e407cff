"""Contained, or decided on too old a view."""

from __future__ import annotations

import math

import pytest

from ringwall.controls.identity_data.containment import CONTROL
from ringwall.model.facts import Standing
from ringwall.model.interaction import Action, Checkpoint
from ringwall.model.verdict import DenyKind
from tests.controls.judging import build, code, judge, vantage


@pytest.mark.parametrize("checkpoint", list(Checkpoint))
def test_a_contained_scope_is_refused_everywhere(checkpoint: Checkpoint) -> None:
    seen = vantage(Standing(frozenset({"principal:https://id.example alice", "weird"}), 0.0), checkpoint=checkpoint)
    verdict = judge(build(CONTROL), seen)
    assert verdict.code == "contained"  # type: ignore[union-attr]
    assert {each.kind for each in verdict.evidence} == {"contained_principal", "contained_other"}


@pytest.mark.parametrize(
    ("age_s", "action", "checkpoint", "found"),
    [
        (0.0, Action.INVOKE, Checkpoint.INBOUND, None),
        (59.0, Action.INVOKE, Checkpoint.INBOUND, None),
        (59.0, Action.INVOKE, Checkpoint.CHUNK, None),
        (59.0, Action.LIST, Checkpoint.INBOUND, None),
        (61.0, Action.INVOKE, Checkpoint.INBOUND, "view_too_old"),
        (1.0, Action.INVOKE, Checkpoint.TOOL_CALL, None),
        (1.1, Action.INVOKE, Checkpoint.TOOL_CALL, "view_too_old"),
        (1.1, Action.CALL, Checkpoint.INBOUND, "view_too_old"),
        (1.1, Action.CONNECT, Checkpoint.EGRESS, "view_too_old"),
        (math.inf, Action.LIST, Checkpoint.INBOUND, "view_too_old"),
        (math.nan, Action.LIST, Checkpoint.INBOUND, "view_too_old"),
        (-1.0, Action.LIST, Checkpoint.INBOUND, "view_too_old"),
    ],
)
def test_effects_need_a_young_view_and_reads_go_on_for_a_while(
    age_s: float, action: Action, checkpoint: Checkpoint, found: str | None
) -> None:
    seen = vantage(Standing(frozenset(), age_s), action=action, checkpoint=checkpoint)
    assert code(build(CONTROL), seen) == found


def test_an_old_view_is_our_fault_and_not_the_callers() -> None:
    verdict = judge(build(CONTROL), vantage(Standing(frozenset(), 99.0)))
    assert verdict.kind is DenyKind.UNAVAILABLE  # type: ignore[union-attr]
