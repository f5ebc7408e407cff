"""Sightings to raise findings from."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from ringwall.controlplane.monitor.detection import Detection, Raised
from ringwall.controlplane.monitor.sighting import Sighting

SECOND_US = 1_000_000
START_US = 1_760_000_000 * SECOND_US
NUMBERS = count()


def sighting(second: float = 0, **more: Any) -> Sighting:
    """A verified person's attempt that was allowed."""
    number = next(NUMBERS)
    given: dict[str, Any] = {
        "id": f"rec_{number:032x}", "kind": "decision", "time_us": START_US + int(second * SECOND_US),
        "interaction": f"req_{number}", "workload": "support", "verified": True,
        "principal": "https://id.example alice", "principal_kind": "person", "session": f"ses_{number}",
        "source": "203.0.113.7", "action": "model.invoke", "checkpoint": "inbound", "effect": "allow",
        "outcome": "proceeds", "content": f"digest {number}",
    }  # fmt: skip
    return Sighting(**{**given, **more})


def refused(second: float = 0, **more: Any) -> Sighting:
    given = {"effect": "deny", "outcome": "refused", "code": "instruction_override", "refusal": "content", **more}
    return sighting(second, **given)


def unverified(second: float = 0, **more: Any) -> Sighting:
    given = {"verified": False, "principal": "", "principal_kind": "", "session": "", "code": "wrong_secret",
             "refusal": "unauthenticated", "content": "", **more}  # fmt: skip
    return refused(second, **given)


def show(detection: Detection, seen: Iterable[Sighting]) -> list[Raised]:
    return [raised for each in seen for raised in detection.see(each)]
