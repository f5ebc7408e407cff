"""Which proof of identity is enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringwall.controls.identity_data.authentication import CONTROL
from ringwall.model.facts import Identity
from ringwall.model.interaction import ANONYMOUS, Principal, PrincipalKind
from ringwall.model.verdict import DenyKind
from tests.controls.judging import ALICE, build, code, entry, judge, source, vantage

TOKEN = Identity(verified=True, methods=frozenset({"pwd", "otp", "mfa"}), credential="access_token", key="k", age_s=5.0)
KEY = Identity(verified=True, credential="api_key", key="k1", workloads=frozenset({"support"}))
SERVICE = replace(ALICE, kind=PrincipalKind.SERVICE)


def ask(identity: Identity, principal: Principal = ALICE, address: str = "127.0.0.1", **changed: object) -> str | None:
    return code(build(CONTROL, **changed), vantage(identity, source(address), principal=principal))


def test_a_person_with_a_second_factor_is_let_in() -> None:
    assert ask(TOKEN) is None


def test_a_program_with_a_key_is_let_in() -> None:
    assert ask(KEY, SERVICE) is None


@pytest.mark.parametrize("methods", [frozenset(), frozenset({"pwd"}), frozenset({"otp"}), frozenset({"MFA"})])
def test_a_person_without_a_second_factor_is_refused(methods: frozenset[str]) -> None:
    assert ask(replace(TOKEN, methods=methods)) == "mfa_required"


def test_an_accepted_context_stands_for_the_methods() -> None:
    weak = replace(TOKEN, methods=frozenset({"pwd"}), context="urn:example:mfa")
    assert ask(weak) == "mfa_required"
    assert ask(weak, contexts=("urn:example:mfa",)) is None
    assert ask(replace(weak, context=None), contexts=("urn:example:mfa",)) == "mfa_required"


def test_a_key_is_not_enough_for_a_person_unless_the_workload_says_so() -> None:
    assert ask(KEY) == "mfa_required"
    assert ask(KEY, keys_for_people=True) is None


def test_a_credential_of_another_workload_is_forbidden() -> None:
    verdict = judge(build(CONTROL), vantage(replace(KEY, workloads=frozenset({"hr"})), source(), principal=SERVICE))
    assert (verdict.code, verdict.kind) == ("wrong_workload", DenyKind.FORBIDDEN)  # type: ignore[union-attr]


def test_a_kind_of_credential_that_is_not_accepted_is_refused() -> None:
    assert ask(KEY, SERVICE, credentials=("access_token",)) == "credential_refused"


@pytest.mark.parametrize("age_s", [43_201.0, None])
def test_a_token_that_is_too_old_or_of_unknown_age_is_refused(age_s: float | None) -> None:
    assert ask(replace(TOKEN, age_s=age_s)) == "too_old"


def test_the_token_of_a_process_is_valid_on_its_machine_only() -> None:
    token = replace(KEY, credential="process_token")
    assert ask(token) is None
    assert ask(token, address="192.0.2.1") == "not_on_loopback"
    relayed = vantage(token, source("192.0.2.1", "127.0.0.1"))
    assert code(build(CONTROL), relayed) == "not_on_loopback"


def test_a_verified_credential_with_an_unverified_principal_is_refused() -> None:
    assert ask(TOKEN, replace(ALICE, verified=False)) == "missing"
    assert ask(replace(TOKEN, verified=False)) == "missing"


def test_a_wrong_secret_reads_like_an_unknown_key_but_not_to_operators() -> None:
    verdicts = [
        judge(build(CONTROL), vantage(Identity(False, problem), source(), principal=ANONYMOUS))
        for problem in ("unknown_key", "wrong_secret", "wrong_signature")
    ]
    assert {each.code for each in verdicts} == {"unknown_key"}  # type: ignore[union-attr]
    assert len({each.remedy for each in verdicts}) == 1  # type: ignore[union-attr]
    assert [each.evidence[0].kind for each in verdicts] == ["unknown_key", "wrong_secret", "wrong_signature"]


@pytest.mark.parametrize("problem", [*entry(CONTROL)["evidence_kinds"], "something new"])
def test_every_problem_is_refused_with_a_sentence(problem: str) -> None:
    verdict = judge(build(CONTROL), vantage(Identity(False, problem), source(), principal=ANONYMOUS))
    expected = {"keys_unavailable": DenyKind.UNAVAILABLE, "wrong_workload": DenyKind.FORBIDDEN}
    assert verdict.kind is expected.get(problem, DenyKind.UNAUTHENTICATED)  # type: ignore[union-attr]
