"""Attacks on policy decisions, each by what it does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.errors import ConfigError
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import ANONYMOUS, Actor, Principal, PrincipalKind
from ringwall.model.ports import PolicyAnswer
from ringwall.policy.decide import CedarPolicy, Domain
from ringwall.policy.slices import PolicyText

SUPPORT = WorkloadId("support")
HR = WorkloadId("hr")
ALICE = Principal(
    "https://id.example", "alice", PrincipalKind.PERSON, frozenset({"support/agent", "staff"}), True, frozenset({"otp"})
)
MALLORY = replace(ALICE, subject="mallory", roles=frozenset({"hr/agent", "staff"}))
WHO = {"entitled": False, "claims_accepted": False, "credential": "access_token"}
TO = {"account": "main", "scheme": "https", "host": "api.example", "port": 443, "region": "eu", "model": "m-1"}


def build(organisation: str = "", own: str = "") -> CedarPolicy:
    domain = Domain(frozenset({"gpt-small", "gpt-large"}), {"provider": "main"})
    texts = (PolicyText("own.cedar", own),) if own else ()
    return CedarPolicy(
        workloads={SUPPORT: replace(domain, policies=texts), HR: Domain(frozenset({"hr-model"}), {"vault": "hr"})},
        organisation=(PolicyText("org.cedar", organisation),) if organisation else (),
    )


def invoke(policy: CedarPolicy, principal: Principal = ALICE, model: str = "gpt-small", **who: object) -> PolicyAnswer:
    return asyncio.run(policy.decide(principal, "invoke_model", ("Model", model), WHO | who, SUPPORT))


def test_a_holder_of_the_workloads_role_may_invoke_its_models() -> None:
    answer = invoke(build())
    assert answer == PolicyAnswer(True, (), ("default.cedar#own_models",))


def test_a_credential_that_names_the_workload_is_enough() -> None:
    assert invoke(build(), replace(ALICE, roles=frozenset()), entitled=True).allowed


def test_an_unknown_principal_is_denied() -> None:
    assert not invoke(build(), Principal("https://else.example", "nobody", PrincipalKind.PERSON, verified=True)).allowed
    assert not invoke(build(), ANONYMOUS).allowed


def test_a_claimed_principal_is_denied_unless_a_waiver_accepts_claims() -> None:
    claimed = replace(ALICE, verified=False)
    assert not invoke(build(), claimed).allowed
    assert invoke(build(), claimed, claims_accepted=True).allowed


def test_a_role_of_another_workload_does_not_count() -> None:
    assert not invoke(build(), MALLORY).allowed


def test_a_role_of_another_workload_cannot_be_matched_even_by_a_policy_that_names_it() -> None:
    text = 'permit (principal in Ringwall::Role::"hr/agent", action, resource);'
    assert not invoke(build(text), MALLORY).allowed
    assert invoke(build('permit (principal in Ringwall::Role::"staff", action, resource);'), MALLORY).allowed


@pytest.mark.parametrize(
    "role", ["support", "support/", "/agent", "hr/support/agent", "support\n/agent", "SUPPORT/agent"]
)
def test_a_role_that_only_looks_like_one_of_the_workload_does_not_count(role: str) -> None:
    answer = invoke(build(), replace(ALICE, roles=frozenset({role})))
    assert answer.allowed == (role == "support/")  # the grammar of roles, checked where they are mapped, forbids it


@pytest.mark.parametrize(
    "model",
    [
        "gpt-smаll",  # a Cyrillic a
        "ｇｐｔ-small",
        "GPT-small",
        "gpt-small ",
        "gpt-small\u200b",
        "gpt-small\x00",
        'gpt-small"',
        'gpt-small", resource in Ringwall::Workload::"support',
        "gpt-small\n",
        "../gpt-small",
        'Ringwall::Model::"gpt-small"',
        "",
        "hr-model",
    ],
)
def test_a_confusable_or_injected_model_name_is_not_the_model(model: str) -> None:
    assert not invoke(build(), model=model).allowed


def test_a_lone_surrogate_is_an_error_and_not_a_crash() -> None:
    answer = invoke(build(), model="gpt-small\ud800")
    assert not answer.allowed
    assert answer.errors


def test_a_principal_named_like_another_one_is_another_one() -> None:
    text = 'permit (principal == Ringwall::Principal::"https://id.example alice", action, resource);'
    policy = build(text)
    assert invoke(policy, replace(ALICE, roles=frozenset())).allowed
    for subject in ('alice"', "alice\n", "аlice", "Alice"):
        assert not invoke(policy, replace(ALICE, subject=subject, roles=frozenset())).allowed


def test_a_forbid_that_errors_is_reported_and_never_an_approval() -> None:
    """Cedar skips it: without looking at the errors, the answer would be Allow."""
    text = """
    @id("overflow")
    forbid (principal, action == Ringwall::Action::"use_upstream", resource)
    when { resource.port + 9223372036854775807 > 0 };
    """
    answer = asyncio.run(build(text).decide(ALICE, "use_upstream", ("Upstream", "provider"), WHO | TO, SUPPORT))
    assert not answer.allowed
    assert "overflow" in answer.errors[0]


@pytest.mark.parametrize("lost", sorted(WHO))
def test_a_question_that_lacks_an_attribute_is_an_error(lost: str) -> None:
    """A forbid `when principal has x && ...` would otherwise pass in silence."""
    context = {name: value for name, value in WHO.items() if name != lost}
    answer = asyncio.run(build().decide(ALICE, "invoke_model", ("Model", "gpt-small"), context, SUPPORT))
    assert not answer.allowed
    assert lost in answer.errors[0]


@pytest.mark.parametrize("entitled", [1, "true", None, ["x"]])
def test_a_context_value_of_another_type_is_an_error(entitled: object) -> None:
    answer = invoke(build(), entitled=entitled)
    assert (answer.allowed, len(answer.errors)) == (False, 1)


def test_one_and_true_are_kept_apart_in_what_is_remembered() -> None:
    policy = build()
    assert invoke(policy, replace(ALICE, roles=frozenset()), entitled=True).allowed
    assert invoke(policy, replace(ALICE, roles=frozenset()), entitled=1).errors


def test_a_forbid_wins_over_every_permit() -> None:
    text = 'forbid (principal, action, resource == Ringwall::Model::"gpt-large");'
    assert invoke(build(own=text)).allowed
    assert not invoke(build(own=text), model="gpt-large").allowed


def test_a_workload_cannot_permit() -> None:
    with pytest.raises(ConfigError, match=r'own.cedar: policy "policy0" permits'):
        build(own="permit (principal, action, resource);")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('@id("typo") permit (principal, action, resource) when { principal.verfied };', "typo"),
        ('@id("gone") forbid (principal, action == Ringwall::Action::"fly", resource);', "gone"),
        ('@id("odd") forbid (principal == Ringwall::Robot::"x", action, resource);', "odd"),
        ('@id("kind") forbid (principal, action, resource) when { principal.kind > 3 };', "kind"),
        ("permit (principal, action", "org.cedar"),
        ("permit (principal == ?principal, action, resource);", "templates"),
        ('@id("a") forbid (principal, action, resource);' * 2, '"a" stands twice'),
    ],
)
def test_a_policy_that_does_not_validate_is_named_and_nothing_is_loaded(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        build(text)


def test_an_unknown_workload_action_or_resource_type_is_an_error() -> None:
    policy = build()
    for action, resource, workload in [
        ("invoke_model", ("Model", "gpt-small"), "payroll"),
        ("fly", ("Model", "gpt-small"), SUPPORT),
        ("invoke_model", ("Upstream", "gpt-small"), SUPPORT),
    ]:
        answer = asyncio.run(policy.decide(ALICE, action, resource, WHO, workload))
        assert (answer.allowed, len(answer.errors)) == (False, 1)


def test_an_upstream_is_used_only_with_its_own_account_and_by_its_own_workload() -> None:
    policy = build()

    def use(upstream: str, account: str, workload: str = SUPPORT) -> bool:
        asked = policy.decide(ALICE, "use_upstream", ("Upstream", upstream), WHO | TO | {"account": account}, workload)
        return asyncio.run(asked).allowed

    assert use("provider", "main")
    assert not use("provider", "hr")
    assert not use("vault", "hr")
    assert not use("provider", "main", HR)


def test_endpoint_and_list_are_the_workloads_own() -> None:
    policy = build()

    def ask(action: str, kind: str, name: str) -> bool:
        return asyncio.run(policy.decide(ALICE, action, (kind, name), WHO, SUPPORT)).allowed

    assert ask("use_endpoint", "Endpoint", "support")
    assert not ask("use_endpoint", "Endpoint", "hr")
    assert ask("list_models", "Workload", "support")
    assert not ask("list_models", "Workload", "hr")


def test_policies_can_speak_of_delegation_and_second_factors() -> None:
    text = """
    forbid (principal, action, resource) unless { principal.methods.contains("otp") };
    forbid (principal, action, resource) when { principal.actors.contains("https://id.example bot") };
    """
    policy = build(text)
    assert invoke(policy).allowed
    assert not invoke(policy, replace(ALICE, methods=frozenset({"pwd"}))).allowed
    assert not invoke(policy, replace(ALICE, chain=(Actor("https://id.example", "bot"),))).allowed


KEY = {"table": "customers", "column": "email", "tool": "query"}


def test_nobody_uses_a_key_or_a_credential_until_a_policy_permits_it() -> None:
    def ask(policy: CedarPolicy, action: str, kind: str, name: str, **who: object) -> bool:
        fields = KEY if kind == "Key" else {"tool": "query"}
        return asyncio.run(policy.decide(ALICE, action, (kind, name), {**WHO, **fields, **who}, SUPPORT)).allowed

    def leased(text: str = "") -> CedarPolicy:
        domain = Domain(credentials=frozenset({"orders"}))
        texts = (PolicyText("org.cedar", text),) if text else ()
        return CedarPolicy(workloads={SUPPORT: domain, HR: Domain()}, organisation=texts)

    broad = "permit (principal, action, resource);"
    asked = [("use_key", "Key", "support/customers.email"), ("take_lease", "Credential", "orders")]
    for action, kind, name in asked:
        assert not ask(leased(), action, kind, name, entitled=True)
        assert ask(leased(broad), action, kind, name)
    for action, kind, name in [
        ("use_key", "Key", "hr/customers.email"),
        ("use_key", "Key", "support"),
        ("use_key", "Key", "supporters/customers.email"),
        ("take_lease", "Credential", "payroll"),
    ]:
        assert not ask(leased(broad), action, kind, name)


def test_a_key_policy_can_speak_of_its_encryption_context() -> None:
    text = """
    permit (principal, action == Ringwall::Action::"use_key", resource)
    when { resource.table == "customers" && resource.column == "email" && resource.tool == "query" };
    """
    policy = build(text)

    def ask(**changed: object) -> bool:
        resource = ("Key", "support/customers.email")
        return asyncio.run(policy.decide(ALICE, "use_key", resource, {**WHO, **KEY, **changed}, SUPPORT)).allowed

    assert ask()
    assert not ask(table="orders") and not ask(column="card") and not ask(tool="export")


@settings(deadline=None, max_examples=200)
@given(name=st.text(max_size=40), subject=st.text(min_size=1, max_size=40), role=st.text(max_size=20))
def test_whatever_the_names_only_routed_models_and_own_roles_are_allowed(name: str, subject: str, role: str) -> None:
    who = Principal("https://id.example", subject, PrincipalKind.PERSON, frozenset({role}), verified=True)
    answer = invoke(POLICY, who, name)
    assert answer.allowed == (name in ("gpt-small", "gpt-large") and role.startswith("support/"))


POLICY = build()


@pytest.mark.parametrize("principal", [ALICE, MALLORY])
@pytest.mark.parametrize("port", [443, 2])
def test_the_short_way_to_cedar_answers_as_the_public_one(principal: Principal, port: int) -> None:
    """cedarpy is pinned; an upgrade that changes what is under its wrapper fails here."""
    text = """
    forbid (principal, action == Ringwall::Action::"use_upstream", resource)
    when { resource.port + 9223372036854775805 > 0 };
    """
    policy = build(text)
    answer = asyncio.run(
        policy.decide(principal, "use_upstream", ("Upstream", "provider"), WHO | TO | {"port": port}, SUPPORT)
    )
    (asked,) = policy._asked.values()
    public = cedarpy.is_authorized(asked.request, policy._slices[SUPPORT]["use_upstream"], str(asked.entities))
    assert answer.errors == tuple(public.diagnostics.errors)
    assert answer.reasons == tuple(public.diagnostics.reasons)
    assert answer.allowed == (public.allowed and not public.diagnostics.errors)
