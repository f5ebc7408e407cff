"""Which policies can bear on this action? Text, parsed and validated once, cut into one slice for each action.

* A policy that does not parse or does not validate is named and refused, and then nothing is loaded (HOUSE 5).
* A slice holds the policies whose action scope can match its action, and no other: what is left out could neither
  permit nor forbid, so the decision is that of the whole set.
* Only an organisation may permit. A workload's policies forbid: each step of configuration may only tighten.
* Templates are refused: nobody links them, and an unlinked template looks like a rule and is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import cedarpy
from cedarpy import pst

from ringwall.model.errors import ConfigError
from ringwall.policy import tools
from ringwall.policy.schema import ACTIONS, NAMESPACE

MAX_TEXT_BYTES = 1024 * 1024
"""The most bytes that one policy file may have."""


@dataclass(frozen=True, slots=True)
class PolicyText:
    """Policies in Cedar's syntax, and the name of the file where they stand."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """One policy with an id of ours: `<file>#<@id or ordinal>`, stable while others come and go."""

    id: str
    template: pst.Template


def tool_action(name: str) -> str:
    """How slices call the action of a tool: its id alone could be the name of an action of ours."""
    return f"{tools.NAMESPACE}::{name}"


def parse(text: PolicyText, schema: cedarpy.Schema, *, may_permit: bool) -> tuple[NamedPolicy, ...]:
    """The policies of one file, validated.

    1. Parse, and refuse templates.
    2. Validate against the schema, strictly.
    3. Name each; refuse a permit where only forbids may stand.

    Raises:
        ConfigError: Naming the file and the policy at fault.
    """
    if len(text.text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
        raise ConfigError(f'policy file is larger than "{MAX_TEXT_BYTES}" bytes', file=text.name)
    try:  # 1
        nodes = cedarpy.PolicySet.from_str(text.text).to_pst()
    except ValueError as error:
        raise ConfigError(f"policy file cannot be read: {error}", file=text.name) from error
    if nodes.templates:
        raise ConfigError("policy templates are not allowed", file=text.name, hint="write the principal out")
    found = cedarpy.validate_policies(text.text, schema)  # 2
    if not found.validation_passed:
        faults = "; ".join(f'policy "{_label(nodes, each.policy_id)}": {each.error}' for each in found.errors)
        raise ConfigError(f"policies do not validate: {faults or 'no reason given'}", file=text.name)
    policies: dict[str, NamedPolicy] = {}
    for position, template in nodes.static_policies.items():  # 3
        label = _label(nodes, position)
        if template.effect != "forbid" and not may_permit:
            raise ConfigError(
                f'policy "{label}" permits', file=text.name, hint="a workload may only forbid; the organisation permits"
            )
        name = f"{text.name}#{label}"
        if name in policies:
            raise ConfigError(f'policy id "{label}" stands twice', file=text.name)
        policies[name] = NamedPolicy(name, replace(template, id=name))
    return tuple(policies.values())


def _label(nodes: pst.PolicySet, position: str) -> str:
    template = nodes.static_policies.get(position)
    return (template.annotations.get("id") if template is not None else None) or position or "unknown"


def can_match(template: pst.Template, action: str) -> bool:
    """False only when the policy's action scope excludes this action.

    The schema has no groups of actions, so `action in [...]` matches exactly the actions that it lists.
    """
    match template.action:
        case pst.ScopeAny():
            return True
        case pst.ActionEq(entity=entity):
            return _is_action(entity, action)
        case pst.ActionIn(entities=entities):
            return any(_is_action(entity, action) for entity in entities)


def _is_action(entity: pst.EntityUid, action: str) -> bool:
    name = action.removeprefix(f"{tools.NAMESPACE}::")
    kind = (NAMESPACE if name == action else tools.NAMESPACE, "Action")
    return (*entity.type.namespace, entity.type.basename) == kind and entity.id == name


def cut(policies: Iterable[NamedPolicy], calls: Iterable[str] = ()) -> Mapping[str, cedarpy.PolicySet]:
    """A parsed handle for each action, with the policies that can match it.

    Args:
        policies: All that apply.
        calls: Action ids of tools, besides our own actions.

    Raises:
        ConfigError: Two files of one name hold policies of one id.
    """
    all_policies: Sequence[NamedPolicy] = tuple(policies)
    if len({policy.id for policy in all_policies}) != len(all_policies):
        raise ConfigError("two policy files have the same name and policy ids")
    return {
        action: cedarpy.PolicySet.from_pst(
            pst.PolicySet(
                templates={},
                static_policies={each.id: each.template for each in all_policies if can_match(each.template, action)},
                template_links=(),
            )
        )
        for action in (*ACTIONS, *map(tool_action, calls))
    }
