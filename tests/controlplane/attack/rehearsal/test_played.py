"""A play that was promised and leaked is broken, whatever else it says."""

from __future__ import annotations

import pytest

from ringwall.controlplane.attack.rehearsal.played import Aim, Attacker, Cell, Outcome, Played, Report


def played(show: Outcome, *promised: Aim) -> Played:
    cells = {Aim.SHOW: Cell(show, 4, "application.prompt_attack"), Aim.SEND: Cell(Outcome.LEAKED, records_out=30)}
    return Played(Attacker.INSIDER, "direct", (4,), cells, frozenset(promised))


@pytest.mark.parametrize("outcome", Outcome)
def test_only_leaked_does_not_hold(outcome: Outcome) -> None:
    assert Cell(outcome).is_held is (outcome is not Outcome.LEAKED)


def test_a_report_counts_what_was_promised_and_what_of_it_broke() -> None:
    report = Report((played(Outcome.PREVENTED, *Aim), played(Outcome.PREVENTED, Aim.SHOW)), 1.26)
    assert (report.promised, len(report.broken)) == (3, 1)
    said = report.as_json()
    assert (said["promised"], said["broken"], said["seconds"]) == (3, 1, 1.3)


def test_a_play_is_written_as_the_issue_words_it() -> None:
    said = played(Outcome.PREVENTED, Aim.SHOW).as_json()
    assert said["show"] == {"outcome": "prevented", "step": 4, "control": "application.prompt_attack"}
    assert said["send"] == {"outcome": "leaked", "step": None, "control": None, "records_out": 30}
    assert (said["attacker"], said["variant"], said["on"]) == ("insider", "direct", [4])


def test_a_fault_is_said() -> None:
    assert Cell(Outcome.LEAKED, fault="deadline").as_json()["fault"] == "deadline"
