"""The framework's axes: cumulative scales, and which entries they turn on."""

from __future__ import annotations

import itertools
import operator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.catalog.load import load_catalog
from ringwall.model.framework import CONTROL_ID, WORKLOAD_ID, Phase, Trait, UseCase, Workload, WorkloadId, due

entries = tuple(load_catalog().entries.values())
workloads = st.builds(
    Workload,
    st.just(WorkloadId("support")),
    st.just("ada"),
    st.sampled_from(UseCase),
    st.sampled_from(Phase),
    st.frozensets(st.sampled_from(Trait)),
)


@pytest.mark.parametrize("scale", [UseCase, Phase])
@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_members_compare_as_they_are_declared_and_not_as_the_alphabet_has_them(scale, compare):
    members = list(scale)
    for one, two in itertools.product(members, members):
        assert compare(one, two) == compare(members.index(one), members.index(two))
        assert sorted([one, two], reverse=True)[0] is max(one, two)


def test_the_declared_order_is_not_the_alphabet():
    assert Phase.ADVANCED > Phase.ENHANCED > Phase.FOUNDATIONAL
    assert UseCase.ANSWERS < UseCase.CONNECTS
    assert UseCase.CONNECTS > UseCase.ANSWERS
    assert not UseCase.ACTS <= UseCase.ANSWERS


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_a_use_case_does_not_compare_with_a_phase(compare):
    # Comparing with a plain string falls back on `str`; between two scales there is no answer at all.
    assert getattr(UseCase, f"__{compare.__name__}__")(UseCase.ACTS, Phase.ADVANCED) is NotImplemented


@given(workloads, workloads)
@settings(deadline=None)
def test_each_step_keeps_everything_from_the_one_before(one, two):
    higher = replace(
        one,
        use_case=max(one.use_case, two.use_case),
        phase=max(one.phase, two.phase),
        traits=one.traits | two.traits,
    )
    assert {each.id for each in due(entries, one)} <= {each.id for each in due(entries, higher)}


@given(workloads, st.permutations(entries))
@settings(deadline=None)
def test_due_is_the_rule_word_by_word_in_the_order_of_ids(workload, shuffled):
    found = due(shuffled, workload)
    assert [each.id for each in found] == sorted(each.id for each in found)
    scales = list(UseCase), list(Phase)
    for each in entries:
        reached = any(scales[0].index(case) <= scales[0].index(workload.use_case) for case in each.use_cases)
        early = scales[1].index(each.phase) <= scales[1].index(workload.phase)
        fits = not each.traits or bool(each.traits & workload.traits)
        assert (each in found) == (reached and early and fits)


def test_what_moves_things_in_the_world_is_due_only_where_things_move():
    physical = [each for each in entries if Trait.PHYSICAL in each.traits]
    still = Workload(WorkloadId("w"), "ada", UseCase.ACTS, Phase.ADVANCED)
    assert physical
    moving = due(entries, replace(still, traits=frozenset({Trait.PHYSICAL})))
    assert all(each not in due(entries, still) for each in physical)
    assert all(each in moving for each in physical)


@pytest.mark.parametrize("name", ["Support", "-x", "", "a" * 64, "a_b", "a/b", "ä", "a\n"])
def test_what_is_no_workload_id(name):
    assert WORKLOAD_ID.fullmatch(name) is None


@pytest.mark.parametrize("name", ["application", "model.x1", "application.X", "application.a.b", "application.a-b"])
def test_what_is_no_control_id(name):
    assert CONTROL_ID.fullmatch(name) is None
    assert all(CONTROL_ID.fullmatch(each.id) for each in entries)
