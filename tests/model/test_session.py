from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal, PrincipalKind, SessionKey
from ringwall.model.labels import WORST
from ringwall.model.session import Event, SessionState, derive_key

names = st.text(min_size=1, max_size=8)


def key(workload: str, issuer: str, subject: str, seed: bytes, signed: bool) -> SessionKey:
    principal = Principal(issuer.replace(" ", "_"), subject, PrincipalKind.PERSON)
    return derive_key(WorkloadId(workload), principal, seed, signed=signed)


places = st.tuples(names, names.filter(lambda name: " " not in name), names, st.binary(max_size=8), st.booleans())


@given(places, places)
def test_two_tenants_or_two_tasks_never_share_a_key(one, other):
    assert (key(*one) == key(*other)) == (one == other)


def test_fields_cannot_run_into_each_other():
    assert key("ab", "i", "c", b"", True) != key("a", "i", "bc", b"", True)
    assert key("a", "i", "s", b"x", True) != key("a", "i", "s", b"x", False)


def test_a_next_version_adds_events_and_joins_labels():
    state = SessionState(SessionKey("s"))
    event = Event("tool_proposed", "call_1", "rec_1")
    following = state.having((event,), WORST)
    assert (state.version, following.version) == (0, 1)
    assert following.events == (event,)
    assert following.labels == WORST
    assert following.subjects("tool_proposed") == {"call_1"}
    assert following.subjects("tool_called") == frozenset()
