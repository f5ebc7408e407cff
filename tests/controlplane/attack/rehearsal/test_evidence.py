"""A ledger tells which control refused and whether it judged, what was hidden, and when somebody was contained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ringwall.controlplane.attack.rehearsal import evidence


class _Entry:
    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def fields(self) -> Mapping[str, Any]:
        return self._fields


def record(name: str, subject: str = "mallory", **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"id": name, "principal": {"subject": subject}, "time_us": 0, "cause": (), "action": "x"}
    return {**base, "outcome": "refused", "decision": {}, "checkpoint": "inbound", **more}


def judged(control: str, verdict: str = "deny", **more: Any) -> dict[str, Any]:
    return {"control": control, "verdict": verdict, "mode": "enforce", **more}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    def reading(*records: Mapping[str, Any]) -> evidence.Evidence:
        monkeypatch.setattr(evidence, "entries", lambda _: map(_Entry, records))
        return evidence.read([tmp_path])

    return reading


CAUSE = {"control": "application.prompt_attack", "code": "prompt_attack", "kind": "content"}


def test_a_verdict_is_one_that_was_given(read: Any) -> None:
    found = read(record("rec_1", decision={"cause": CAUSE, "judgements": [judged(CAUSE["control"])]}))
    assert found.refusals["rec_1"].is_judged and found.refusals["rec_1"].control == CAUSE["control"]


@pytest.mark.parametrize(
    "judgements",
    [[judged(CAUSE["control"], silence="timeout")], [judged(CAUSE["control"], "none")], [judged("another.control")]],
)
def test_silence_is_no_verdict(read: Any, judgements: list[dict[str, Any]]) -> None:
    found = read(record("rec_1", decision={"cause": CAUSE, "judgements": judgements}))
    assert not found.refusals["rec_1"].is_judged


def test_a_refusal_by_no_control_is_no_verdict(read: Any) -> None:
    found = read(record("rec_1", decision={"cause": {"control": "", "code": "vacant", "kind": "unavailable"}}))
    assert not found.refusals["rec_1"].is_judged


def test_what_was_hidden_is_known_by_whom_it_was_hidden_from(read: Any) -> None:
    hides = judged("identity_data.sensitive_data", "transform")
    only_would = {**hides, "mode": "observe"}
    found = read(record("rec_1", decision={"judgements": [hides, only_would]}), record("rec_2", "eve"))
    assert found.hidden == {"mallory": ["identity_data.sensitive_data"]}


def test_who_was_contained_follows_from_deed_to_intent_to_evidence(read: Any) -> None:
    found = read(
        record("rec_1", time_us=1_000_000),
        record("rec_2", time_us=1_400_000),
        record("rec_3", "monitor", action="containment.add", outcome="proceeds", cause=("rec_1", "rec_2")),
        record("rec_4", "monitor", action="containment.add", outcome="done", cause=("rec_3",), time_us=1_500_000),
        record("rec_5", "eve"),
    )
    assert found.contained_ms == {"mallory": 500}


def test_an_intent_alone_contains_nobody(read: Any) -> None:
    found = read(
        record("rec_1"), record("rec_3", "monitor", action="containment.add", outcome="proceeds", cause=("rec_1",))
    )
    assert found.contained_ms == {}
