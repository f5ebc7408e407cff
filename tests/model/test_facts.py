from __future__ import annotations

import pytest

from ringwall.model.facts import Demand, Facts, Identity, MissingFactError, Standing


def test_a_fact_is_found_by_its_type_and_a_missing_one_is_an_error():
    facts = Facts((Demand(1, 2),))
    assert facts[Demand] == Demand(1, 2)
    assert Demand in facts
    assert Standing not in facts
    with pytest.raises(MissingFactError, match="Standing"):
        facts[Standing]


def test_a_newer_fact_replaces_the_older_and_leaves_the_first_set_alone():
    facts = Facts((Demand(1, 2), Identity(True)))
    newer = facts.with_(Demand(3, 4))
    assert (facts[Demand], newer[Demand]) == (Demand(1, 2), Demand(3, 4))
    assert newer[Identity] is facts[Identity]
