"""Everything is played once, what breaks off is a fault of that play, and nothing is judged before it is over."""

from __future__ import annotations

import threading

import pytest

from ringwall.controlplane.attack.rehearsal.choice import Play, choose
from ringwall.controlplane.attack.rehearsal.evidence import Evidence
from ringwall.controlplane.attack.rehearsal.judging import Judge, Told
from ringwall.controlplane.attack.rehearsal.played import Aim
from ringwall.controlplane.attack.rehearsal.rehearse import rehearse

PLAYS = choose(sample=50, seed=1)


class _Scene:
    def __init__(self, error: BaseException | None = None) -> None:
        self.played: list[int] = []
        self.lock = threading.Lock()
        self.error = error

    def play(self, play: Play) -> Told:
        with self.lock:
            self.played.append(play.number)
        if self.error is not None and play == PLAYS[3]:
            raise self.error
        return Told(answers=("4111111111111111",), sent=("4111111111111111",))

    def subject(self, play: Play) -> str:
        return str(play.number)

    def close(self) -> Evidence:
        assert len(self.played) == len(PLAYS)
        return Evidence()


def judge(evidence: Evidence) -> Judge:
    return Judge(("4111111111111111",), {}, evidence)


def test_every_play_is_played_once_and_judged_in_its_place() -> None:
    scene, done = _Scene(), []
    report = rehearse(scene, PLAYS, judge, lambda: done.append(1))
    assert sorted(scene.played) == [each.number for each in PLAYS] and len(done) == len(PLAYS)
    assert [(each.attacker, each.variant, each.on) for each in report.plays] == [
        (each.attacker, each.variant, each.on) for each in PLAYS
    ]
    assert not any(cell.is_held for each in report.plays for cell in each.cells.values())


def test_a_play_that_breaks_off_is_a_fault_and_the_others_go_on() -> None:
    report = rehearse(_Scene(OSError("gone")), PLAYS, judge, lambda: None)
    faults = [each for each in report.plays if each.cells[Aim.SHOW].fault]
    assert len(faults) == 1 and "OSError" in faults[0].cells[Aim.SHOW].fault
    assert not faults[0].cells[Aim.SHOW].is_held


def test_an_interrupt_ends_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        rehearse(_Scene(KeyboardInterrupt()), PLAYS, judge, lambda: None)
