"""What is a guardrail of Amazon Bedrock here? A set of our controls with settings, for each direction.

* It belongs to one workload and is named by an id; `DRAFT` may change, the versions "1", "2" ... never do.
* Its controls are added to the workload's own, and only where a request, or an enforced configuration, names it.
* What it looks for is listed by the names that Bedrock has for it, with the kinds of evidence that mean it here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ringwall.model.framework import ControlId, WorkloadId
from ringwall.model.interaction import Principal
from ringwall.model.plan import PlannedControl

DRAFT = "DRAFT"
ADMINISTRATOR = "guardrail-administrator"
"""The role that may make and change guardrails on the data port, in the organisation or in one workload."""
EVIDENCE_READER = "evidence-reader"
"""The role that may see, in a trace, what was found."""
GUARDRAIL_ID = re.compile(r"[a-z0-9]{1,64}")
GUARDRAIL_VERSION = re.compile(r"DRAFT|[1-9][0-9]{0,7}")
REGION, ACCOUNT = "ringwall", "000000000000"
"""What stands in our ARNs for region and account; the workload is the tenant, and stands in none of them."""
ARN_PREFIX = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/"
MAX_IDENTIFIER = 2048


@dataclass(frozen=True, slots=True)
class LookedFor:
    """One thing that a guardrail looks for in one direction.

    Attributes:
        policy: `content`, `pii`, `words` or `managed`.
        type: Bedrock's name: `PROMPT_ATTACK`, `EMAIL`; empty for words.
        control: Which control finds it.
        kinds: The kinds of its evidence that mean it; empty for all of them.
        action: `BLOCK`, `ANONYMIZE`, or `NONE` where it is only reported.
        strength: Of a content filter.
    """

    policy: str
    type: str
    control: ControlId
    kinds: frozenset[str]
    action: str
    strength: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """One direction.

    Attributes:
        controls: What runs.
        looked_for: What it looks for.
    """

    controls: tuple[PlannedControl, ...]
    looked_for: tuple[LookedFor, ...]


@dataclass(frozen=True, slots=True)
class GuardrailPlan:
    """A guardrail, at one version.

    Attributes:
        id: Its id.
        version: `DRAFT` or a number.
        workload: Whose it is.
        digest: SHA-256 of its definition.
        blocked_input: What is answered where it refuses what goes in.
        blocked_output: What is answered where it refuses what comes out.
        inbound: What it does with what goes in.
        outbound: What it does with what comes out.
    """

    id: str
    version: str
    workload: WorkloadId
    digest: str
    blocked_input: str
    blocked_output: str
    inbound: Way
    outbound: Way

    @property
    def arn(self) -> str:
        """Its ARN."""
        return ARN_PREFIX + self.id

    @property
    def name(self) -> str:
        """Its name in records."""
        return f"{self.id}:{self.version}"


@dataclass(frozen=True, slots=True)
class GuardrailCall:
    """One call that administers guardrails, from somebody who may.

    Attributes:
        operation: Bedrock's name for it: `CreateGuardrail`.
        workload: Whose guardrails.
        by: Who calls.
        source: The caller's address.
        path: What the path names, decoded.
        query: What the query says.
        body: The body; empty where there is none.
    """

    operation: str
    workload: WorkloadId
    by: Principal
    source: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, object]


class GuardrailOffice(Protocol):
    """Administers guardrails; each change is on record before it is made, and again when it was."""

    async def answer(self, call: GuardrailCall) -> Mapping[str, object]:
        """Do it.

        Raises:
            CallerError: What AWS would refuse, or what no control of ours does yet.
            InternalError: It could not be recorded or stored.
        """
        ...


def own_id(identifier: str) -> str:
    """The id in an identifier, which is an id or an ARN of ours; empty where it can name none of ours."""
    found = identifier.removeprefix(ARN_PREFIX) if len(identifier) <= MAX_IDENTIFIER else ""
    return found if GUARDRAIL_ID.fullmatch(found) else ""


def has_role(principal: Principal, role: str, workload: WorkloadId) -> bool:
    """Whether this principal holds a role in the organisation or in this workload."""
    return principal.verified and bool({role, f"{workload}/{role}"} & principal.roles)
