"""Every detection is there, and every name can be configured."""

from __future__ import annotations

from typing import get_args, get_type_hints

from ringwall.compose import read_plan
from ringwall.config.schema import Monitor
from ringwall.controlplane.monitor.rules import detections


def test_the_detections_are_those_that_the_configuration_knows() -> None:
    named = get_args(get_args(get_type_hints(Monitor)["observe"])[0])
    assert {each.name for each in detections(read_plan(None)[0])} == set(named)
