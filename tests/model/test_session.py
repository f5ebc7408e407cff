"""Which task a request belongs to: two tenants never meet, and memory only grows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal, PrincipalKind, SessionKey
from ringwall.model.labels import BEST, WORST, Confidentiality, Labels, Trust
from ringwall.model.session import Event, SessionState, derive_key

tasks = st.tuples(st.text(max_size=3), st.sampled_from("ab"), st.text("ab ", max_size=3), st.binary(max_size=3))


def key(task: tuple[str, str, str, bytes], *, signed: bool = True) -> SessionKey:
    workload, issuer, subject, seed = task
    return derive_key(WorkloadId(workload), Principal(issuer, subject, PrincipalKind.PERSON), seed, signed=signed)


@given(tasks, tasks)
@settings(deadline=None)
def test_a_key_binds_workload_principal_and_seed(one, two):
    assert (key(one) == key(two)) == (one == two)


@given(tasks)
@settings(deadline=None)
def test_a_first_turn_never_makes_the_key_of_a_handle(task):
    assert key(task, signed=True) != key(task, signed=False)


def test_a_boundary_that_moves_is_another_task():
    assert key(("ab", "i", "s", b"c")) != key(("a", "i", "s", b"bc"))
    assert key(("w", "i", "sx", b"y")) != key(("w", "i", "s", b"xy"))


def test_a_key_is_an_inert_name_of_160_bits():
    made = key(("support", "i", "s\n", b"\xff"))
    assert made.startswith("ses_")
    assert len(bytes.fromhex(made[4:])) == 20


def test_roles_and_methods_do_not_make_another_task():
    ada = Principal("i", "ada", PrincipalKind.PERSON)
    admin = replace(ada, roles=frozenset({"admin"}), methods=frozenset({"mfa"}), verified=True)
    workload = WorkloadId("support")
    assert derive_key(workload, ada, b"x", signed=False) == derive_key(workload, admin, b"x", signed=False)


def test_a_session_remembers_and_its_version_rises_by_one():
    first = SessionState(SessionKey("ses_1"))
    secret = Labels(Confidentiality.CONFIDENTIAL, Trust.TRUSTED)
    second = first.having((Event("tool_proposed", "call_1", "rec_1"),), secret)
    third = second.having((Event("tool_called", "call_1", "rec_2"),), Labels(Confidentiality.PUBLIC, Trust.UNTRUSTED))
    assert (first.version, second.version, third.version) == (0, 1, 2)
    assert third.events[:1] == second.events
    assert third.subjects("tool_proposed") == {"call_1"}
    assert third.subjects("contained") == frozenset()
    assert third.labels == Labels(Confidentiality.CONFIDENTIAL, Trust.UNTRUSTED)
    assert (first.labels, first.events) == (BEST, ())
    assert third.having((), WORST).labels == WORST
