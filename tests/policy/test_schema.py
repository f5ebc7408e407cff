"""The schema and the shipped policies agree."""

from __future__ import annotations

import cedarpy

from ringwall.policy.decide import default_policies
from ringwall.policy.schema import ACTIONS, QUESTIONS, schema_text
from ringwall.policy.slices import parse

SCHEMA = cedarpy.Schema.from_str(schema_text())


def test_the_schema_parses_and_names_every_action() -> None:
    text = str(cedarpy.Schema.from_str(schema_text()))
    assert all(action in text for action in ACTIONS)


def test_the_shipped_policies_validate_and_cover_every_action_once() -> None:
    policies = parse(default_policies(), SCHEMA, may_permit=True)
    assert {policy.template.action.entity.id for policy in policies} == set(ACTIONS)
    assert len(policies) == len(ACTIONS)


def test_a_question_names_what_does_not_conform() -> None:
    good = {"entitled": True, "claims_accepted": False, "credential": "api_key"}
    assert QUESTIONS["invoke_model"].problem(good) is None
    assert "entitled" in str(QUESTIONS["invoke_model"].problem(good | {"entitled": 1}))
    assert "more" in str(QUESTIONS["invoke_model"].problem(good | {"more": 1}))
