"""A slice decides as the whole set does."""

from __future__ import annotations

import json

import cedarpy
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.policy.schema import ACTIONS, schema_text, uid
from ringwall.policy.slices import PolicyText, can_match, cut, parse

SCHEMA = cedarpy.Schema.from_str(schema_text())
ACTION = st.sampled_from(sorted(ACTIONS))
SCOPES = st.one_of(
    st.just("action"),
    ACTION.map(lambda name: f'action == Ringwall::Action::"{name}"'),
    st.lists(ACTION, min_size=1, max_size=3).map(
        lambda names: "action in [" + ", ".join(f'Ringwall::Action::"{name}"' for name in names) + "]"
    ),
)
POLICIES = st.tuples(st.sampled_from(["permit", "forbid"]), SCOPES).map(
    lambda p: f"{p[0]} (principal, {p[1]}, resource);"
)


@settings(deadline=None, max_examples=100)
@given(policies=st.lists(POLICIES, max_size=6), action=ACTION)
def test_a_slice_decides_as_the_whole_set(policies: list[str], action: str) -> None:
    text = "\n".join(policies)
    request = {
        "principal": uid("Principal", "p"),
        "action": uid("Action", action),
        "resource": uid(ACTIONS[action], "r"),
    }
    whole = cedarpy.is_authorized(request, text, json.dumps([]))
    sliced = cedarpy.is_authorized(
        request, cut(parse(PolicyText("t", text), SCHEMA, may_permit=True))[action], json.dumps([])
    )
    assert sliced.decision is whole.decision


def test_a_policy_of_another_action_is_left_out() -> None:
    (policy,) = parse(
        PolicyText("t", 'forbid (principal, action == Ringwall::Action::"list_models", resource);'),
        SCHEMA,
        may_permit=False,
    )
    assert can_match(policy.template, "list_models")
    assert not can_match(policy.template, "invoke_model")
    assert policy.id == "t#policy0"
