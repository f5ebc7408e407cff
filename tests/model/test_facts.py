"""What is known besides the content: one fact of each type, and no guess for one that was not loaded."""

from __future__ import annotations

import pytest

from ringwall.model.facts import Demand, Facts, Identity, MissingFactError, Source, Standing, Task, Traffic
from tests.fakes import facts


def test_a_fact_is_found_by_its_type():
    found = facts()
    assert found[Demand] == Demand(1, 1)
    assert Demand in found


@pytest.mark.parametrize("kind", [Identity, Source, Demand, Standing, Task])
def test_a_fact_that_was_not_loaded_is_never_guessed(kind):
    assert kind not in Facts()
    with pytest.raises(MissingFactError, match=f'fact "{kind.__name__}" was not loaded'):
        Facts()[kind]


def test_a_later_fact_replaces_one_of_its_type_and_leaves_the_first_set_alone():
    before = facts()
    after = before.with_(Demand(7, 8), Standing(frozenset(), 0.0))
    assert after[Demand] == Demand(7, 8)
    assert after[Identity] is before[Identity]
    assert before[Demand] == Demand(1, 1)
    assert Standing not in before


def test_nothing_can_be_added_to_a_set_of_facts():
    with pytest.raises(AttributeError):
        facts().more = 1
    with pytest.raises(TypeError):
        facts()[Demand] = Demand(9, 9)


def test_a_window_counts_a_slot_that_reaches_into_it_and_the_usual_is_of_the_windows_before() -> None:
    traffic = Traffic(((300.0, 8), (200.0, 4), (159.0, 2), (30.0, 1)), 0.0)
    assert [traffic.within(window) for window in (60, 100, 240)] == [1, 3, 7]
    assert traffic.usual(100) == ((8 + 4) // 2, 2)
    assert traffic.usual(1000) == (0, 0)
    assert Traffic((), 0.0).usual(60) == (0, 0)
