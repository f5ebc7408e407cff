from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine import health as h
from ringwall.engine.health import Health
from ringwall.model.framework import WorkloadId

SHOP, BANK = (WorkloadId("shop"), "up", "a"), (WorkloadId("bank"), "up", "a")


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def failing(time: Time, key=SHOP) -> Health:
    made = Health(time)
    for _ in range(h.FAILURES):
        assert made.is_well(key)
        made.asked(key)
        made.failed(key)
    return made


def test_it_is_left_out_for_a_while_and_then_one_request_tries_it():
    time = Time()
    made = failing(time)
    assert not made.is_well(SHOP)
    time.now += h.OUT_S
    assert made.is_well(SHOP)
    made.asked(SHOP)
    assert not made.is_well(SHOP)
    made.answered(SHOP)
    assert made.is_well(SHOP)


def test_a_failed_trial_leaves_it_out_for_longer_up_to_a_bound():
    time = Time()
    made = failing(time)
    waited = []
    for _ in range(8):
        start = time.now
        while not made.is_well(SHOP):
            time.now += 1
        waited.append(time.now - start)
        made.asked(SHOP)
        made.failed(SHOP)
    assert waited == [10, 20, 40, 80, 120, 120, 120, 120]


def test_a_trial_that_never_ends_is_forgotten():
    time = Time()
    made = failing(time)
    time.now += h.OUT_S
    made.asked(SHOP)
    time.now += h.TRIAL_S
    assert made.is_well(SHOP)


def test_an_answer_between_failures_makes_it_well():
    made = Health(Time())
    for _ in range(5):
        made.failed(SHOP)
        made.failed(SHOP)
        made.answered(SHOP)
    assert made.is_well(SHOP)


@given(st.lists(st.tuples(st.sampled_from(["asked", "answered", "failed"]), st.booleans()), max_size=30))
def test_workloads_never_feel_each_other(deeds):
    """Interleaved = alone (law 10)."""
    together, alone = Health(Time()), Health(Time())
    for deed, is_other in deeds:
        getattr(together, deed)(BANK if is_other else SHOP)
        if not is_other:
            getattr(alone, deed)(SHOP)
    assert together.is_well(SHOP) == alone.is_well(SHOP)


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(h, "MAX_KEPT", 3)
    made = Health(Time())
    for number in range(10):
        made.failed((WorkloadId("w"), f"up{number}", ""))
    assert len(made._failing) == 3
