"""Which words may a policy use? The Cedar schema: entity types with their attributes, and actions.

* One table is both the text against which policies are validated and the check of every question. A policy that
  validates against it cannot meet a missing attribute; what is left to go wrong is arithmetic.
* What is known about who asks stands on the principal (`principal.workload`, `principal.entitled`), what is known about
  the target on the resource. Cedar's `context` stays empty here: entities are parsed once and kept, a context is parsed
  for each decision, which costs more than the decision.
* A principal is in its roles, and a role of a workload is in that workload: `principal in principal.workload` reads
  "holds a role of the workload through which it asks".
* A model and an upstream are in the workload when the workload's own routes name them; a key when it was made for a
  column of the workload; a credential when the configuration lends it to the workload.
* Tools have a namespace of their own (`ringwall.policy.tools`), with one action each. A question about a call is the
  one that has a context: its arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringwall.policy import tools
from ringwall.policy.tools import CallType

NAMESPACE = "Ringwall"

ASKER: Mapping[str, str] = {"entitled": "Bool", "claims_accepted": "Bool", "credential": "String"}
"""What every question says about who asks, besides the principal itself.

`entitled`: the credential names this workload. `claims_accepted`: a principal that was not verified will do (set only
under a waiver). `credential`: which sort of credential was presented.
"""

TARGETS: Mapping[str, Mapping[str, str]] = {
    "Model": {},
    "Workload": {},
    "Endpoint": {},
    "Upstream": {
        "account": "Account",
        "scheme": "String",
        "host": "String",
        "port": "Long",
        "region": "String",
        "model": "String",
    },
    "Key": {"table": "String", "column": "String", "tool": "String"},
    "Credential": {"tool": "String"},
}
"""What a question says about its resource, by entity type.

`tool`: whose answer holds the sealed values, or who is to use the credential. Table and column of a key, with the
workload that it is in, are the encryption context under which its values were sealed.
"""

ACTIONS: Mapping[str, str] = {
    "invoke_model": "Model",
    "list_models": "Workload",
    "use_endpoint": "Endpoint",
    "use_upstream": "Upstream",
    "use_key": "Key",
    "take_lease": "Credential",
}
"""Every action, and the entity type of its resource."""

_PARENTS = {
    "Model": "Workload",
    "Endpoint": "Workload",
    "Upstream": "Workload, Account",
    "Key": "Workload",
    "Credential": "Workload",
}
_PYTHON: Mapping[str, type] = {"Bool": bool, "Long": int, "String": str, "Account": str}


@dataclass(frozen=True, slots=True)
class Question:
    """What an action is asked with: the fields of its context and their Cedar types; all are required."""

    resource: str
    fields: Mapping[str, str]

    def problem(self, context: Mapping[str, object]) -> str | None:
        """What keeps this context from conforming, or None."""
        if context.keys() != self.fields.keys():
            odd = sorted(context.keys() ^ self.fields.keys())
            return f'context fields missing or unknown: "{", ".join(odd)}"'
        for name, value in context.items():
            if type(value) is not _PYTHON[self.fields[name]]:
                return f'context field "{name}" is not of type "{self.fields[name]}"'
        return None


QUESTIONS: Mapping[str, Question] = {
    action: Question(resource, {**ASKER, **TARGETS[resource]}) for action, resource in ACTIONS.items()
}


def schema_text(calls: Mapping[str, CallType] | None = None) -> str:
    """The schema in Cedar's own syntax.

    Args:
        calls: Action id of every tool to what its calls look like.
    """
    asker = _record(ASKER)
    lines = [
        f"namespace {NAMESPACE} {{",
        "  entity Account;",
        "  entity Role in [Workload];",
        "  entity Principal in [Role] {",
        "    issuer: String, subject: String, kind: String, verified: Bool, methods: Set<String>,",
        f"    actors: Set<String>, workload: Workload, {asker}",
        "  };",
    ]
    for kind, fields in TARGETS.items():
        parents = f" in [{_PARENTS[kind]}]" if kind in _PARENTS else ""
        lines.append(f"  entity {kind}{parents}{f' {{ {_record(fields)} }}' if fields else ''};")
    for action, resource in ACTIONS.items():
        lines.append(
            f"  action {action} appliesTo {{ principal: [Principal], resource: [{resource}], context: {{}} }};"
        )
    lines += [f"  entity {tools.SERVER} in [Workload];", "}"]
    return "\n".join([*lines, tools.actions_text(calls or {}, NAMESPACE)])


def _record(fields: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {kind}" for name, kind in fields.items())


def uid(kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, str]:
    """An entity's name as Cedar's JSON has it: no quoting, so that no name can end a string early."""
    return {"type": f"{namespace}::{kind}", "id": name}


def encoded(fields: Mapping[str, str], context: Mapping[str, object]) -> dict[str, object]:
    """These fields of a conforming context as attributes in Cedar's JSON."""
    return {
        name: {"__entity": uid(kind, str(context[name]))} if kind == "Account" else context[name]
        for name, kind in fields.items()
    }
