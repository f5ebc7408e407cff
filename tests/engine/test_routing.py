from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine.chain import Chain
from ringwall.engine.health import FAILURES, Health
from ringwall.engine.routing import BACKOFF_S, GOES_ON, MAX_TRIES, NoWay, Tries, Way, no_such_model, ways
from ringwall.engine.running import RunningWorkload
from ringwall.model.errors import CallerError, InternalError, UpstreamError
from ringwall.model.features import Feature
from ringwall.model.framework import WorkloadId
from ringwall.model.plan import Order, Route, Target
from tests.fakes import Road, ScriptedUpstream, rule, seat

NONE: frozenset[Feature] = frozenset()
SEED = frozenset({Feature.SEED})


def running(**carried: frozenset[Feature]) -> RunningWorkload:
    road = Road(Chain([seat(rule("r"))]))
    return replace(road.running, upstreams={name: ScriptedUpstream(carried=each) for name, each in carried.items()})


def route(*names: str, order: Order = Order.FALLBACK, **weights: int) -> Route:
    return Route("m", tuple(Target(name, f"{name}-1", weights.get(name, 1)) for name in names), order)


def health() -> Health:
    return Health(lambda: 100.0)


def order_of(found: Tries | NoWay) -> list[str]:
    assert isinstance(found, Tries)
    names, way = [], found.first()
    while True:
        names.append(way.target.upstream)
        following = found.after(way, UpstreamError("late", code="upstream_late"))
        if following is None:
            return names
        way = following[0]


def test_what_no_provider_has_a_place_for_is_named():
    lost = ways(running(up=SEED), route("up"), SEED | {Feature.IMAGES, Feature.CHOICES}, "req_1", health())
    assert isinstance(lost, NoWay)
    assert lost.cause.code == "not_carried"
    assert "the provider of model" in lost.cause.remedy
    assert "images of a person, several choices; leave that out" in lost.cause.remedy
    assert lost.body == {"lacking": ["images of a person", "several choices"], "upstream": "up"}
    several = ways(running(a=NONE, b=SEED), route("a", "b"), SEED | {Feature.IMAGES}, "req_1", health())
    assert isinstance(several, NoWay)
    assert 'no provider of model "m" takes images of a person;' in several.cause.remedy


def test_a_target_without_a_place_for_something_is_not_asked_and_the_record_says_so():
    found = ways(running(a=NONE, b=SEED, c=SEED), route("a", "b", "c"), SEED, "req_1", health())
    assert isinstance(found, Tries)
    assert found.left_out == (("a", "not_carried"),)
    assert order_of(found) == ["b", "c"]


def test_one_that_fails_again_and_again_is_asked_last_and_alone_it_is_asked():
    made, workload = health(), running(a=NONE, b=NONE)
    for _ in range(FAILURES):
        made.failed((WorkloadId("support"), "a", "api.example.com:443"))
    found = ways(workload, route("a", "b"), NONE, "req_1", made)
    assert isinstance(found, Tries)
    assert found.left_out == (("a", "failing"),)
    assert order_of(found) == ["b", "a"]
    assert order_of(ways(workload, route("a"), NONE, "req_1", made)) == ["a"]


def test_the_first_is_drawn_by_weight_and_by_nothing_but_the_name_of_the_request():
    workload, made = running(a=NONE, b=NONE, c=NONE), route("a", "b", "c", order=Order.WEIGHTED, a=6, b=3)
    draws = [order_of(ways(workload, made, NONE, f"req_{number}", health())) for number in range(2000)]
    firsts = Counter(each[0] for each in draws)
    assert all(sorted(each) == ["a", "b", "c"] for each in draws)
    for name, share in (("a", 0.6), ("b", 0.3), ("c", 0.1)):
        assert abs(firsts[name] / 2000 - share) < 0.05
    assert draws == [order_of(ways(workload, made, NONE, f"req_{number}", health())) for number in range(2000)]


def test_a_model_that_is_not_there_is_named_without_anything_that_acts():
    assert '"a\\x1bb"' in no_such_model("a\x1bb").cause.remedy


def way(name: str) -> Way:
    return Way(Target(name, "m"), ScriptedUpstream(), (WorkloadId("w"), name, ""))


A, B = way("a"), way("b")


def busy(wait_s: float | None = None) -> UpstreamError:
    return UpstreamError("busy", code="upstream_limit", undone=True, retry_after_s=wait_s)


@pytest.mark.parametrize(
    "error",
    [
        UpstreamError("no", code="upstream_refused"),
        UpstreamError("no", code="upstream_broken"),
        UpstreamError("no", code="upstream_arguments"),
        UpstreamError("no", code="upstream_too_long"),
        UpstreamError("no", code="upstream_error"),
        CallerError("no", code="upstream_failed"),
        InternalError("no", code="upstream_failed"),
    ],
)
def test_what_was_read_there_is_asked_nowhere_else(error):
    tries = Tries([A, B], 60.0)
    assert tries.after(tries.first(), error) is None
    assert tries.in_vain == 1


@pytest.mark.parametrize("code", sorted(GOES_ON))
def test_where_there_was_no_answer_the_next_is_asked_at_once(code):
    tries = Tries([A, B], 0.0)
    assert tries.after(tries.first(), UpstreamError("no", code=code)) == (B, 0.0)
    assert tries.after(B, UpstreamError("no", code=code)) is None


def test_only_what_did_nothing_is_asked_again_and_only_in_time():
    tries = Tries([A, B], 2.0)
    assert tries.after(tries.first(), busy(1.5)) == (B, 0.0)
    assert tries.after(B, UpstreamError("late", code="upstream_late")) == (A, 1.5)
    assert tries.after(A, busy(1.0)) is None
    assert tries.in_vain == 1
    for wait in (None, 0.0):
        hasty = Tries([A], 0.0)
        assert hasty.after(hasty.first(), busy(wait)) is None
    patient = Tries([A], 2.0)
    waits = []
    following = (patient.first(), 0.0)
    while following is not None:
        following = patient.after(A, busy())
        waits += [following[1]] if following is not None else []
    assert waits == [BACKOFF_S, BACKOFF_S * 2, BACKOFF_S * 4]
    assert patient.in_vain == 0


@given(
    st.lists(st.tuples(st.sampled_from(sorted(GOES_ON)), st.booleans(), st.none() | st.floats(0, 100)), max_size=40),
    st.floats(0, 60),
    st.integers(1, 8),
)
def test_tries_are_bounded_in_number_and_time(errors, retry_s, count):
    found = [way(str(number)) for number in range(count)]
    tries = Tries(found, retry_s)
    current, waited, tried = tries.first(), 0.0, 1
    undone = set()
    for code, is_undone, wait in errors:
        if is_undone:
            undone.add(current.key)
        following = tries.after(current, UpstreamError("no", code=code, undone=is_undone, retry_after_s=wait))
        if following is None:
            break
        is_again = tried >= count
        assert not is_again or following[0].key in undone
        current, waited, tried = following[0], waited + following[1], tried + 1
    assert waited <= retry_s + 1e-6
    assert tried <= MAX_TRIES
