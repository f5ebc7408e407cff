from __future__ import annotations

import msgspec
import pytest

from ringwall.config.routes import read_route
from ringwall.config.schema import ModelRoute
from ringwall.model.errors import ConfigError
from ringwall.model.plan import Order, Route, Target
from tests.config.plans import plan_of

UPSTREAMS = """
[upstreams.a]
base_url = "https://a.example.com/v1"
[upstreams.b]
kind = "anthropic"
base_url = "https://b.example.com/v1"
[workloads.shop]
owner = "tests"
use_case = "answers"
"""


def read(given: object) -> Route:
    return read_route("m", msgspec.convert(given, str | ModelRoute))


def test_the_three_forms():
    assert read("a") == Route("m", (Target("a", "m"),))
    assert read({"upstream": "a", "model": "x"}) == Route("m", (Target("a", "x"),))
    several = {"targets": [{"upstream": "a", "weight": 3}, {"upstream": "b", "model": "y"}], "order": "weighted"}
    assert read({**several, "retry_s": 2}) == Route("m", (Target("a", "m", 3), Target("b", "y")), Order.WEIGHTED, 2.0)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "one of upstream and targets"),
        ({"upstream": "a", "targets": [{"upstream": "b"}]}, "one of upstream and targets"),
        ({"model": "x", "targets": [{"upstream": "b"}]}, "in each of the targets"),
        ({"targets": [{"upstream": "b"}, {"upstream": "b", "model": "m"}]}, "twice"),
    ],
)
def test_what_says_nothing_or_two_things_is_an_error(given, problem):
    with pytest.raises(ValueError, match=problem):
        read(given)


@pytest.mark.parametrize(
    ("models", "problem"),
    [
        ('{ m = { targets = [{ upstream = "a" }, { upstream = "none" }] } }', 'no such upstream "none"'),
        ('{ m = { targets = [{ upstream = "a" }, { upstream = "builtin" }] } }', "for rehearsals only"),
        ('{ m = { targets = [{ upstream = "a", weight = 0 }] } }', "whole number >= 1"),
        ('{ m = { targets = [{ upstream = "a", wait = 1 }] } }', 'unknown key "wait"'),
        ("{ m = { } }", "one of upstream and targets"),
    ],
)
def test_every_target_is_checked_and_the_error_names_the_line(models, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        plan_of(UPSTREAMS + f"models = {models}\n")
    assert caught.value.line is not None


def test_the_order_of_targets_counts_and_every_destination_is_the_workloads_own():
    one, other = (
        plan_of(UPSTREAMS + f"models = {{ m = {{ targets = [{targets}] }} }}\n")
        for targets in ('{ upstream = "a" }, { upstream = "b" }', '{ upstream = "b" }, { upstream = "a" }')
    )
    assert one.digest != other.digest
    [workload] = one.workloads.values()
    allowed = repr([each.settings for each in workload.controls if each.id == "infrastructure.egress_allowlist"])
    assert "https://a.example.com" in allowed
    assert "https://b.example.com" in allowed
