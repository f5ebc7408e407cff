"""The plays are those that the issue names; a sample is a part of them that always can fail."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from ringwall.controlplane.attack.rehearsal.choice import choose
from ringwall.controlplane.attack.rehearsal.played import STEPS, Attacker
from ringwall.controlplane.attack.rehearsal.variants import DIRECT, VARIANTS

EVERY = choose()
TELLING = 1 + len(STEPS) + len(list(combinations(STEPS, 2))) + len(STEPS) + 1


def played(attacker: Attacker, variant: str) -> set[tuple[int, ...]]:
    return {each.on for each in EVERY if (each.attacker, each.variant) == (attacker, variant)}


def test_the_outsider_plays_every_subset_with_the_seeds_words() -> None:
    assert len(played(Attacker.OUTSIDER, DIRECT)) == 2 ** len(STEPS)


def test_everything_else_is_played_with_none_each_alone_each_pair_all_but_one_and_all() -> None:
    for attacker in Attacker:
        for variant in VARIANTS:
            if (attacker, variant) != (Attacker.OUTSIDER, DIRECT):
                found = played(attacker, variant)
                assert len(found) == TELLING
                assert {len(on) for on in found} == {0, 1, 2, 9, 10}
    assert len(EVERY) == 1024 + (2 * len(VARIANTS) - 1) * TELLING


def test_numbers_name_plays() -> None:
    assert [each.number for each in EVERY] == list(range(1, len(EVERY) + 1))
    assert len(choose(full=True)) == 2 * len(VARIANTS) * 1024


@given(st.integers(1, len(EVERY) + 10), st.integers(0, 2**32))
def test_a_sample_is_a_seeded_part_with_the_proof_that_it_can_fail(size: int, seed: int) -> None:
    drawn = choose(sample=size, seed=seed)
    assert drawn == choose(sample=size, seed=seed) and set(drawn) <= set(EVERY)
    assert len(drawn) == max(min(size, len(EVERY)), 2)
    assert {each.attacker for each in drawn if each.variant == DIRECT and not each.on} == set(Attacker)
