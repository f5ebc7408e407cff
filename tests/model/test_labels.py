from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringwall.model.labels import BEST, WORST, Confidentiality, Labels, Trust

labels = st.builds(Labels, st.sampled_from(Confidentiality), st.sampled_from(Trust))


@given(labels, labels, labels)
def test_joining_is_a_join(one, other, third):
    assert one.join(other) == other.join(one)
    assert one.join(other).join(third) == one.join(other.join(third))
    assert one.join(one) == one


@given(labels, labels)
def test_joining_never_makes_anything_less_secret_or_more_trusted(one, other):
    joined = one.join(other)
    assert joined.confidentiality >= max(one.confidentiality, other.confidentiality)
    assert joined.trust <= min(one.trust, other.trust)


@given(labels)
def test_the_best_changes_nothing_and_the_worst_everything(one):
    assert one.join(BEST) == one
    assert one.join(WORST) == WORST


def test_what_is_not_labelled_is_the_worst():
    assert Labels() == WORST
