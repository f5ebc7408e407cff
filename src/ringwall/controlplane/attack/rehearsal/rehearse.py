"""How is a rehearsal played? Several plays at a time, each by an attacker of its own; then the ledgers are read.

* A play that breaks off is a fault of that play, and of no other.
* Nothing is judged while it is played: what the ledgers say stands when the gateways have ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from random import Random
from typing import Protocol

from ringwall.controlplane.attack.rehearsal.choice import Play
from ringwall.controlplane.attack.rehearsal.evidence import Evidence
from ringwall.controlplane.attack.rehearsal.judging import Judge, Told
from ringwall.controlplane.attack.rehearsal.played import Report

AT_A_TIME = 16
"""Plays at a time: the gateways are busy, and a play that waits for the monitor keeps nobody else waiting."""


class Scene(Protocol):
    """What is attacked, and how."""

    def play(self, play: Play) -> Told:
        """What the attacker is told."""
        ...

    def subject(self, play: Play) -> str:
        """Who plays it: a name of its own."""
        ...

    def close(self) -> Evidence:
        """End everything, and read the ledgers."""
        ...


def rehearse(
    scene: Scene, plays: Sequence[Play], judge: Callable[[Evidence], Judge], done: Callable[[], None]
) -> Report:
    """Play everything and judge it.

    Args:
        scene: What is attacked.
        plays: What is played.
        judge: Makes the judge of what the ledgers say.
        done: Called after each play.
    """
    began = time.monotonic()
    told: dict[int, Told] = {}
    with ThreadPoolExecutor(AT_A_TIME, "plays") as pool:
        try:
            # In no order: neighbours in the script are played at the same gateway, and the others would wait.
            running = {pool.submit(_played, scene, each): each for each in Random(0).sample(plays, len(plays))}  # noqa: S311 - no secret
            for each in as_completed(running):
                told[running[each].number] = each.result()
                done()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    judging = judge(scene.close())
    judged = tuple(judging.judge(each, scene.subject(each), told[each.number]) for each in plays)
    return Report(judged, time.monotonic() - began)


def _played(scene: Scene, play: Play) -> Told:
    try:
        return scene.play(play)
    except (OSError, ValueError, KeyError) as error:
        return Told(fault=f"broke off: {type(error).__name__}: {error}")
