"""Do the policies allow it? One authorisation by Cedar, over entities built from the principal and the plan.

* Implements the port `Policy`. Decides, and does nothing else: no IO, no cache of decisions (law 10).
* An answer with errors is never an approval: Cedar skips a policy that errors, even a `forbid`. Callers deny.
* Names go in as JSON, never as Cedar text, so that no name can be read as syntax.
* Only roles of the organisation and of the workload in question become parents: a role of another workload is not
  there to be matched.
* Parsed entities are kept, bounded: they follow from their key alone and hold no decision.
* Cedar is called below cedarpy's Python wrapper, which spends as long on the answer as Cedar on the decision. The
  release is pinned, and a test holds both ways of asking against each other.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import cedarpy
import msgspec
from cedarpy import _internal

from ringwall.model.content import Json
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal
from ringwall.model.ports import PolicyAnswer
from ringwall.model.tools import Tool
from ringwall.policy import tools as calls
from ringwall.policy.schema import ASKER, QUESTIONS, TARGETS, encoded, schema_text, uid
from ringwall.policy.slices import PolicyText, cut, parse, tool_action
from ringwall.policy.tools import CallType, UnsayableError

MAX_ASKED = 4096
"""Questions whose parsed entities are kept."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What one workload's policies speak about.

    Attributes:
        models: Names of the models that its routes offer.
        upstreams: Name of each upstream that its routes use, to the account whose credential is used there.
        credentials: Names of the credentials that may be leased in it.
        policies: The workload's own policies; they may only forbid.
        tools: Its tools.
    """

    models: frozenset[str] = frozenset()
    upstreams: Mapping[str, str] = field(default_factory=dict)
    policies: tuple[PolicyText, ...] = ()
    tools: tuple[Tool, ...] = ()
    credentials: frozenset[str] = frozenset()


def default_policies() -> PolicyText:
    """The policies that ship with Ringwall."""
    return PolicyText("default.cedar", files("ringwall.policy").joinpath("default.cedar").read_text("utf-8"))


class CedarPolicy:
    """The port `Policy`, decided by Cedar."""

    def __init__(self, *, workloads: Mapping[WorkloadId, Domain], organisation: Sequence[PolicyText] = ()) -> None:
        """Parse, validate and slice everything, or nothing.

        Args:
            workloads: Every workload of the plan.
            organisation: The organisation's policies, which apply to every workload besides the shipped ones.

        Raises:
            ConfigError: A policy does not parse or does not validate; it is named.
        """
        self._domains = dict(workloads)
        self._calls = {
            calls.action_of(tool, name): CallType.of(tool)
            for name, domain in workloads.items()
            for tool in domain.tools
        }
        self._schema = schema = cedarpy.Schema.from_str(schema_text(self._calls))
        texts = (default_policies(), *organisation)
        shared = [policy for text in texts for policy in parse(text, schema, may_permit=True)]
        self._slices = {
            name: cut(
                [*shared, *(own for text in domain.policies for own in parse(text, schema, may_permit=False))],
                (calls.action_of(tool, name) for tool in domain.tools),
            )
            for name, domain in workloads.items()
        }
        self._asked: OrderedDict[_Key, _Asked] = OrderedDict()

    async def decide(
        self, principal: Principal, action: str, resource: tuple[str, str], context: Mapping[str, object], workload: str
    ) -> PolicyAnswer:
        """One authorisation.

        1. The question must conform to the schema: known workload, action, resource type and context.
        2. Ask Cedar, with the slice of this action.
        3. Any diagnostic goes back as an error.
        """
        question = QUESTIONS.get(action)  # 1
        slices = self._slices.get(WorkloadId(workload))
        if question is None or slices is None:
            return _broken(
                f'no such action "{action}"' if question is None else f'no policies for workload "{workload}"'
            )
        if resource[0] != question.resource:
            return _broken(f'action "{action}" takes a "{question.resource}", not a "{resource[0]}"')
        problem = question.problem(context)
        if problem is not None:
            return _broken(problem)
        key = _Key(principal, action, resource, tuple(context.items()), workload)
        return self._authorise(slices[action], key, context)  # 2, 3

    async def decide_call(
        self,
        principal: Principal,
        tool: Tool,
        arguments: Mapping[str, Json],
        stage: str,
        asker: Mapping[str, object],
        workload: str,
    ) -> PolicyAnswer:
        """One authorisation of a tool call; see port `Policy`."""
        name = WorkloadId(workload)
        action = calls.action_of(tool, name)
        handle = self._slices.get(name, {}).get(tool_action(action))
        if handle is None:
            return _broken(f'no policies for tool "{tool.name}" of workload "{workload}"')
        if asker.keys() != ASKER.keys():
            return _broken("it is not said who asks")
        try:
            context = self._calls[action].context(arguments, stage)
        except UnsayableError as error:
            return _broken(f"argument cannot be asked about: {error}")
        key = _Key(principal, action, (calls.SERVER, calls.server_of(tool, name)), tuple(asker.items()), workload, True)
        return self._authorise(handle, key, asker, context)

    def _authorise(
        self,
        policies: cedarpy.PolicySet,
        key: _Key,
        known: Mapping[str, object],
        context: Mapping[str, object] | None = None,
    ) -> PolicyAnswer:
        """Ask Cedar; any diagnostic is an error."""
        try:
            asked = self._ask(key, known)
            request = asked.request if context is None else {**asked.request, "context": json.dumps(context)}
            schema = self._schema if context is not None else None  # what is kept was checked when it was parsed
            (text,) = _internal.is_authorized_batch([request], policies, asked.entities, schema, False)
            answer = _DECODER.decode(text)
        except (ValueError, TypeError, msgspec.DecodeError) as error:
            # A name that is no Unicode text (a lone surrogate) cannot be asked about.
            return _broken(f"request cannot be asked: {error}")
        problems = answer.diagnostics.errors
        if answer.decision not in ("Allow", "Deny"):
            problems = (*problems, "no decision")
        return PolicyAnswer(answer.decision == "Allow" and not problems, problems, answer.diagnostics.reason)

    def _ask(self, key: _Key, context: Mapping[str, object]) -> _Asked:
        found = self._asked.get(key)
        if found is not None:
            self._asked.move_to_end(key)
            return found
        made = _Asked(
            {
                "principal": uid("Principal", key.principal.name),
                "action": uid("Action", key.action, *([calls.NAMESPACE] if key.is_call else [])),
                "resource": uid(*key.resource),
            },
            _internal.Entities.from_json_str(json.dumps(self._describe(key, context)), self._schema),
        )
        self._asked[key] = made
        if len(self._asked) > MAX_ASKED:
            self._asked.popitem(last=False)
        return made

    def _describe(self, key: _Key, context: Mapping[str, object]) -> list[dict[str, object]]:
        """The principal with its roles, and the resource with its place in the plan."""
        principal, workload = key.principal, key.workload
        roles = [role for role in sorted(principal.roles) if "/" not in role or role.split("/", 1)[0] == workload]
        attributes = {
            "issuer": principal.issuer,
            "subject": principal.subject,
            "kind": principal.kind.value,
            "verified": principal.verified,
            "methods": sorted(principal.methods),
            "actors": [f"{actor.issuer} {actor.subject}" for actor in principal.chain],
            "workload": {"__entity": uid("Workload", workload)},
            **encoded(ASKER, context),
        }
        entities = [_entity("Principal", principal.name, [uid("Role", role) for role in roles], attributes)]
        entities += [_entity("Role", role, [uid("Workload", workload)] if "/" in role else []) for role in roles]
        kind, name = key.resource
        known = encoded(TARGETS[kind], context) if kind in TARGETS else None
        entities.append(_entity(kind, name, self._parents(workload, kind, name), known))
        return entities

    def _parents(self, workload: str, kind: str, name: str) -> list[dict[str, str]]:
        domain = self._domains[WorkloadId(workload)]
        match kind:
            case "Model" if name in domain.models:
                return [uid("Workload", workload)]
            case "Endpoint" if name == workload:
                return [uid("Workload", workload)]
            case "Upstream" if name in domain.upstreams:
                return [uid("Workload", workload), uid("Account", domain.upstreams[name])]
            case "Key" if name.startswith(f"{workload}/"):
                return [uid("Workload", workload)]
            case "Credential" if name in domain.credentials:
                return [uid("Workload", workload)]
            case calls.SERVER:
                return [uid("Workload", workload)]
            case _:
                return []


@dataclass(frozen=True, slots=True)
class _Key:
    """All that a question's entities follow from."""

    principal: Principal
    action: str
    resource: tuple[str, str]
    context: tuple[tuple[str, object], ...]
    workload: str
    is_call: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as Cedar takes it."""

    request: dict[str, dict[str, str]]
    entities: _internal.Entities


class _Diagnostics(msgspec.Struct, frozen=True):
    """Why, in Cedar's words: policies that decided, and errors."""

    reason: tuple[str, ...]
    errors: tuple[str, ...]


class _Answer(msgspec.Struct, frozen=True):
    """What Cedar answers; its other fields are timings."""

    decision: str
    diagnostics: _Diagnostics


_DECODER = msgspec.json.Decoder(_Answer)


def _entity(
    kind: str, name: str, parents: list[dict[str, str]], attributes: Mapping[str, object] | None = None
) -> dict[str, object]:
    return {"uid": uid(kind, name), "attrs": dict(attributes or {}), "parents": parents}


def _broken(problem: str) -> PolicyAnswer:
    return PolicyAnswer(False, (problem,), ())
