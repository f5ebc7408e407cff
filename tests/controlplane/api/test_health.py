from __future__ import annotations

from tests.controlplane.api.office import Desk


def test_alive_and_ready(desk: Desk) -> None:
    assert desk.call("/healthz", prefix="", token=None).json == {"status": "alive"}
    assert desk.call("/readyz", prefix="", token=None).json == {"status": "ready"}


def test_not_ready_while_ending(desk: Desk) -> None:
    desk.place.serves = False
    found = desk.call("/readyz", prefix="", token=None)
    assert (found.status, found.json["why"]) == (503, "ending")
