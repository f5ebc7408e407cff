from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ringwall.catalog.load import load_catalog
from ringwall.model.framework import Phase, Trait, UseCase, Workload, WorkloadId, due

ENTRIES = tuple(load_catalog().entries.values())


def workload(use_case: UseCase, phase: Phase, *traits: Trait) -> Workload:
    return Workload(WorkloadId("w"), "ada", use_case, phase, frozenset(traits))


def test_use_cases_and_phases_rise_in_their_order_and_not_by_their_letters():
    assert UseCase.ANSWERS < UseCase.CONNECTS < UseCase.ACTS
    assert Phase.FOUNDATIONAL < Phase.ENHANCED < Phase.ADVANCED
    assert Phase.ADVANCED >= Phase.ENHANCED > Phase.FOUNDATIONAL
    assert max(UseCase) is UseCase.ACTS


@given(st.sampled_from(UseCase), st.sampled_from(Phase))
def test_what_is_due_stays_due_further_up(use_case, phase):
    here = {entry.id for entry in due(ENTRIES, workload(use_case, phase))}
    for higher_case in UseCase:
        for higher_phase in Phase:
            if use_case <= higher_case and phase <= higher_phase:
                assert here <= {entry.id for entry in due(ENTRIES, workload(higher_case, higher_phase))}


def test_an_entry_with_a_trait_is_due_only_where_the_workload_has_it():
    entry = replace(
        ENTRIES[0], traits=frozenset(Trait), use_cases=frozenset({UseCase.ANSWERS}), phase=Phase.FOUNDATIONAL
    )
    assert not entry.is_due(workload(UseCase.ACTS, Phase.ADVANCED))
    assert entry.is_due(workload(UseCase.ANSWERS, Phase.FOUNDATIONAL, *Trait))


def test_due_entries_come_in_the_order_of_their_ids():
    found = [entry.id for entry in due(reversed(ENTRIES), workload(UseCase.ACTS, Phase.ADVANCED))]
    assert found == sorted(found)
