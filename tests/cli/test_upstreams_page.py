"""The page of the upstreams says what the protocols declare, for every kind that there is."""

from __future__ import annotations

from ringwall.cli.upstreams_page import upstreams_page
from ringwall.compose.upstreams import WIRES, wire_of
from ringwall.model.features import HARMLESS, Feature
from ringwall.model.plan import UpstreamPlan

PAGE = upstreams_page()


def row(start: str) -> list[str]:
    [found] = [line for line in PAGE.splitlines() if line.startswith(f"| {start} |")]
    return [cell.strip() for cell in found.split("|")[2:-1]]


def test_every_kind_and_every_feature_stands_on_it():
    [head] = [line for line in PAGE.splitlines() if line.startswith("| | ")]
    order = [cell.strip().strip("`") for cell in head.split("|")[2:-1]]
    assert set(order) == set(WIRES)
    for feature in Feature:
        said = dict(zip(order, row(feature), strict=True))
        for kind in WIRES:
            carried = feature in wire_of(UpstreamPlan(kind, kind, "", "", "")).carries
            assert said[kind] == ("yes" if carried else "refused")


def test_it_says_that_nothing_was_run_live_and_what_may_be_left_out():
    assert all(row(f"`{kind}`")[-1] == "never" for kind in WIRES)
    assert all(reason in PAGE for reason in HARMLESS.values())
