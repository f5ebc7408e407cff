"""Which plan was it? The same for the same meaning, another for any other."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.config.digest import digest
from tests.config import toml
from tests.config.plans import NOW, plan_of, sample

SAMPLE = sample()
DIGEST = plan_of(toml.document(SAMPLE)).digest
NOT_IN_A_PLAN = {("organisation", "plan_days"), ("listen", "data")}
"""How long a plan may be started, and where it is reached: neither is what decides."""


@given(seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_order_and_comments_change_nothing(seed: int) -> None:
    assert plan_of(toml.document(SAMPLE, Random(seed))).digest == DIGEST


def test_neither_time_nor_file_name_changes_it() -> None:
    assert plan_of(toml.document(SAMPLE), now=NOW + timedelta(days=3)).digest == DIGEST


def test_what_is_written_as_the_default_is_the_default() -> None:
    values = copy.deepcopy(SAMPLE)
    values["limits"]["depth"] = 64
    values["upstreams"]["two"]["private"] = False
    assert plan_of(toml.document(values)).digest == DIGEST


def leaves(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, item in value.items():
        if isinstance(item, dict):
            yield from leaves(item, (*above, name))
        else:
            yield (*above, name)


OTHER: dict[object, Any] = {
    "answers": "connects",
    "foundational": "enhanced",
    "refuse": "hide",
    "env:ONE_KEY": "env:OTHER",
    "acts": "connects",
    "one": "two",
    "two": "one",
    "/chat": "/talk",
}


NO_OTHER = {("workloads", "rehearsal", "rehearsal"), ("workloads", "rehearsal", "models", "rehearsal/echo")}
"""What a rehearsal cannot be without."""


@pytest.mark.parametrize("path", [each for each in leaves(SAMPLE) if each not in NO_OTHER], ids="/".join)
def test_any_other_value_changes_it(path: tuple[str, ...]) -> None:
    values = copy.deepcopy(SAMPLE)
    table = values
    for name in path[:-1]:
        table = table[name]
    old = table[path[-1]]
    if isinstance(old, (int, float)):
        table[path[-1]] = old / 2 if isinstance(old, float) else old - 1
    elif isinstance(old, list):
        table[path[-1]] = [*old, "more"]
    else:
        table[path[-1]] = OTHER.get(old, f"{old}x")
    changed = plan_of(toml.document(values)).digest
    assert (changed == DIGEST) is (path in NOT_IN_A_PLAN)


def test_leave_is_part_of_it() -> None:
    values = copy.deepcopy(SAMPLE)
    control = values["workloads"]["chat"]["controls"]["application.prompt_attack"]
    found = set()
    for leave in (
        {"reason": "a", "until": NOW.date()},
        {"reason": "b", "until": NOW.date()},
        {"reason": "a", "until": NOW.date() + timedelta(days=1)},
    ):
        values["workloads"]["chat"]["controls"]["application.prompt_attack"] = {**control, "mode": "observe", **leave}
        found.add(plan_of(toml.document(values)).digest)
    assert len(found) == 3 and DIGEST not in found


def test_the_digest_is_over_everything_but_itself() -> None:
    plan = plan_of(toml.document(SAMPLE))
    assert digest(plan) == plan.digest
    assert plan.digest.startswith("sha256:") and len(plan.digest) == 71


def test_two_workloads_that_differ_in_name_only_differ() -> None:
    values = copy.deepcopy(SAMPLE)
    values["workloads"]["chat2"] = values["workloads"].pop("chat")
    assert plan_of(toml.document(values)).digest != DIGEST
