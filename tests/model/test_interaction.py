"""Who attempts what, and from where we look: names without ambiguity, and what a vantage covers."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.content import PartId
from ringwall.model.interaction import ANONYMOUS, Principal, PrincipalKind
from tests.fakes import PERSON, text_part, vantage

issuers = st.from_regex(r"[!-~]{1,20}", fullmatch=True)


@given(issuers, st.text(), issuers, st.text())
@settings(deadline=None)
def test_two_principals_never_share_a_name(issuer, subject, other_issuer, other_subject):
    one = Principal(issuer, subject, PrincipalKind.PERSON)
    two = Principal(other_issuer, other_subject, PrincipalKind.PERSON)
    assert (one.name == two.name) == ((issuer, subject) == (other_issuer, other_subject))


def test_nobody_is_not_verified_and_has_no_roles():
    assert not ANONYMOUS.verified
    assert not ANONYMOUS.roles
    assert not Principal("i", "s", PrincipalKind.AGENT).verified


def test_everything_is_every_part_and_nothing_else():
    seen = vantage(text_part("a", "one"), text_part("b", "two"))
    assert seen.everything == {PartId("one"), PartId("two")}
    assert vantage().everything == frozenset()
    assert replace(seen, parts=seen.parts[:1]).everything == {PartId("one")}


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
@settings(deadline=None)
def test_a_finding_is_in_focus_when_it_starts_there(start, end, at):
    seen = vantage(text_part("a"))
    assert seen.in_focus(at)
    assert replace(seen, focus=(start, end)).in_focus(at) == (at in range(start, end))


def test_an_attempt_cannot_be_changed_by_a_control():
    seen = vantage(text_part("a"))
    with pytest.raises(FrozenInstanceError):
        seen.interaction.principal = ANONYMOUS  # type: ignore[misc]
    assert seen.interaction.principal is PERSON
