from __future__ import annotations

from typing import get_args, get_type_hints

from ringwall.compose.upstreams import WIRES, wire_of
from ringwall.config.routes import BUILTIN
from ringwall.config.schema import Upstream
from ringwall.model.features import Feature
from ringwall.model.plan import UpstreamPlan


def test_every_kind_that_a_configuration_may_name_has_its_protocol():
    assert {*WIRES, BUILTIN} == set(get_args(get_type_hints(Upstream)["kind"]))


def test_what_a_plan_says_of_an_upstream_reaches_its_protocol():
    plan = UpstreamPlan("a", "anthropic", "https://api.example.com/v1", "a", "", sampling=True)
    assert Feature.SAMPLING in wire_of(plan).carries
    for kind in WIRES:
        assert wire_of(UpstreamPlan("a", kind, "https://api.example.com/v1", "a", "")).carries
