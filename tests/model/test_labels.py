"""Labels join as a semilattice: secrets stay secret, what is untrusted stays so, in any order of mixing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.labels import BEST, WORST, Confidentiality, Labels, Trust

labels = st.builds(Labels, st.sampled_from(Confidentiality), st.sampled_from(Trust))


@given(labels, labels, labels)
@settings(deadline=None)
def test_the_join_is_a_semilattice(one, two, three):
    assert one.join(one) == one
    assert one.join(two) == two.join(one)
    assert one.join(two).join(three) == one.join(two.join(three))


@given(labels, labels)
@settings(deadline=None)
def test_confidentiality_rises_and_trust_falls(one, two):
    joined = one.join(two)
    assert joined.confidentiality >= one.confidentiality
    assert joined.trust <= one.trust
    assert joined.confidentiality in (one.confidentiality, two.confidentiality)
    assert joined.trust in (one.trust, two.trust)


@given(labels)
@settings(deadline=None)
def test_the_best_changes_nothing_and_the_worst_takes_all(one):
    assert one.join(BEST) == one
    assert one.join(WORST) == WORST


def test_what_is_unlabelled_is_the_worst_case():
    assert Labels() == WORST == Labels(Confidentiality.RESTRICTED, Trust.UNTRUSTED)
