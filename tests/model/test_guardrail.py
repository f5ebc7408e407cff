"""Ids, ARNs and roles: what names a guardrail, and who may change one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringwall.model.framework import WorkloadId
from ringwall.model.guardrail import ADMINISTRATOR, ARN_PREFIX, has_role, own_id
from tests.fakes import PERSON
from tests.guardrails import guard

SHOP = WorkloadId("shop")


def test_an_id_and_an_arn_of_ours_name_the_same():
    assert own_id("gr1") == own_id(ARN_PREFIX + "gr1") == "gr1"
    assert guard().plan.arn == ARN_PREFIX + "gr1" and guard().plan.name == "gr1:1"


@pytest.mark.parametrize(
    "identifier",
    ["", "GR1", "gr-1", ARN_PREFIX, "arn:aws:bedrock:us-east-1:123456789012:guardrail/gr1", "../gr1", "a" * 3000],
)
def test_what_names_none_of_ours_is_nothing(identifier):
    assert own_id(identifier) == ""


def test_a_role_holds_in_the_organisation_or_in_this_workload_and_for_a_verified_principal_only():
    everywhere = replace(PERSON, roles=frozenset({ADMINISTRATOR}))
    here, elsewhere = (replace(PERSON, roles=frozenset({f"{name}/{ADMINISTRATOR}"})) for name in ("shop", "bank"))
    assert has_role(everywhere, ADMINISTRATOR, SHOP) and has_role(here, ADMINISTRATOR, SHOP)
    assert not has_role(elsewhere, ADMINISTRATOR, SHOP) and not has_role(PERSON, ADMINISTRATOR, SHOP)
    assert not has_role(replace(everywhere, verified=False), ADMINISTRATOR, SHOP)
