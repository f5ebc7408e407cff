"""ApplyGuardrail and InvokeGuardrailChecks: a body -> parts, and what a guardrail made of them -> Bedrock's shapes.

* `source` says where the content comes from: INPUT is what a person says, OUTPUT what a model does. A grounding source
  is a retrieved text. Qualifiers narrow nothing: every text is judged.
* Images are refused: no control looks at them, and an answer would say that somebody did.
* Masked text is what our controls leave: their placeholders are ours (`[EMAIL]`), as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from ringwall.dataplane.wire.bedrock_assessment import (
    assessment,
    coverage,
    reason_of,
    usage,
)
from ringwall.dataplane.wire.bedrock_types import Struct
from ringwall.dataplane.wire.reading import Fields, read_as
from ringwall.engine.applying import Applied
from ringwall.engine.guarding import Guard
from ringwall.model.content import Origin, Part, PartId
from ringwall.model.decision import Effect
from ringwall.model.errors import CallerError
from ringwall.model.interaction import Checkpoint
from ringwall.model.verdict import DenyKind

MAX_TEXTS = 10_000
_ENCODER = msgspec.json.Encoder()
_NO_FIELDS = Fields({})
_Qualifiers = Annotated[list[Literal["grounding_source", "query", "guard_content"]], msgspec.Meta(max_length=3)]


class _Text(Struct):
    text: str
    qualifiers: _Qualifiers | None = None


class _Content(Struct):
    text: _Text | None = None
    image: object = None


class _Apply(Struct):
    source: Literal["INPUT", "OUTPUT"]
    content: Annotated[list[_Content], msgspec.Meta(min_length=1, max_length=MAX_TEXTS)]
    output_scope: Literal["INTERVENTIONS", "FULL"] | None = None


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """What is to be judged.

    Attributes:
        checkpoint: INBOUND for what goes in, RESPONSE for what comes out.
        parts: The texts.
        full: Whether what was not found is to be told too.
    """

    checkpoint: Checkpoint
    parts: tuple[Part, ...]
    full: bool


def parse_apply(document: Mapping[str, object]) -> ApplyRequest:
    """Read a request.

    Raises:
        CallerError: It cannot be read, or holds what no control looks at.
    """
    asked = read_as(document, _Apply, _NO_FIELDS)
    speaker = Origin.PERSON if asked.source == "INPUT" else Origin.MODEL
    parts = []
    for number, each in enumerate(asked.content):
        at = f"content[{number}]"
        if each.image is not None:
            raise CallerError(
                "no control looks at images yet; send text", code="unsupported_field", param=f"{at}.image"
            )
        if each.text is None:
            raise CallerError(f'"{at}" must have exactly one member', code="invalid_request", param=at)
        qualifiers = each.text.qualifiers or []
        origin = speaker
        if "guard_content" not in qualifiers and qualifiers:
            origin = Origin.PERSON if "query" in qualifiers else Origin.RETRIEVED
        parts.append(Part(PartId(f"content/{number}"), origin, each.text.text))
    checkpoint = Checkpoint.INBOUND if asked.source == "INPUT" else Checkpoint.RESPONSE
    return ApplyRequest(checkpoint, tuple(parts), asked.output_scope == "FULL")


def render_applied(guard: Guard, asked: ApplyRequest, applied: Applied, *, may_see: bool) -> bytes:
    """What ApplyGuardrail answers."""
    decision, hearing = applied.decision, applied.hearing
    is_in = asked.checkpoint is Checkpoint.INBOUND
    refused = decision.effect is not Effect.ALLOW
    outputs: list[dict[str, object]] = []
    if refused:
        outputs = [{"text": guard.plan.blocked_input if is_in else guard.plan.blocked_output}]
    elif decision.edits:
        outputs = [{"text": "\n".join(part.text for part in decision.parts)}]
    total = sum(len(part.text) for part in asked.parts)
    elapsed_ms = round(decision.elapsed_us / 1000)
    found = assessment(guard, hearing, is_in=is_in, full=asked.full, may_see=may_see, elapsed_ms=elapsed_ms)
    return _ENCODER.encode(
        {
            "action": "GUARDRAIL_INTERVENED" if outputs else "NONE",
            "actionReason": reason_of(refused=refused, edited=bool(decision.edits)),
            "outputs": outputs,
            "assessments": [found],
            "usage": usage(guard.plan, hearing, is_in=is_in),
            "guardrailCoverage": coverage(hearing.characters[is_in], total),
        }
    )


def is_broken(applied: Applied) -> bool:
    """Whether a control could not judge: that is no finding, and is not told as one."""
    cause = applied.decision.cause
    return cause is not None and cause.kind is not DenyKind.CONTENT


_Role = Literal["user", "assistant", "system"]


class _CheckText(Struct):
    text: Annotated[str, msgspec.Meta(min_length=1)]


class _Message(Struct):
    role: _Role
    content: Annotated[list[_CheckText], msgspec.Meta(min_length=1, max_length=MAX_TEXTS)]


class _Category(Struct):
    category: Literal["JAILBREAK", "PROMPT_INJECTION", "PROMPT_LEAKAGE"]


class _Attacks(Struct):
    categories: Annotated[list[_Category], msgspec.Meta(min_length=1, max_length=3)]


class _EntityType(Struct):
    type: Annotated[str, msgspec.Meta(max_length=64)]


class _Sensitive(Struct):
    entities: Annotated[list[_EntityType], msgspec.Meta(min_length=1, max_length=31)]


class _Checks(Struct):
    prompt_attack: _Attacks | None = None
    sensitive_information: _Sensitive | None = None


class _Invoke(Struct):
    messages: Annotated[list[_Message], msgspec.Meta(min_length=1, max_length=MAX_TEXTS)]
    checks: _Checks


_ORIGINS: Mapping[str, Origin] = {"user": Origin.PERSON, "assistant": Origin.MODEL, "system": Origin.OPERATOR}
CATEGORIES: Mapping[str, frozenset[str]] = {
    "JAILBREAK": frozenset({"jailbreak_persona", "authority_claim"}),
    "PROMPT_INJECTION": frozenset(
        {"instruction_override", "marker_smuggling", "hidden_instruction", "hidden_text", "too_deeply_encoded"}
    ),
    "PROMPT_LEAKAGE": frozenset({"prompt_extraction", "exfiltration"}),
}
"""Bedrock's categories of attacks, and the kinds of evidence that mean them."""
MAX_RESULTS = 1000


@dataclass(frozen=True, slots=True)
class ChecksRequest:
    """What is to be looked at.

    Attributes:
        parts: The texts, named by message and content.
        attacks: The categories that are asked for; None where attacks are not.
        entities: The same of personal data.
    """

    parts: tuple[Part, ...]
    attacks: tuple[str, ...] | None
    entities: tuple[str, ...] | None


def parse_checks(document: Mapping[str, object], guard: Guard) -> ChecksRequest:
    """Read a request.

    Raises:
        CallerError: It cannot be read, or asks for what nothing here finds.
    """
    checks = document.get("checks")
    if isinstance(checks, Mapping) and checks.get("contentFilter") is not None:
        named = checks["contentFilter"]
        rows = named.get("categories") if isinstance(named, Mapping) else None
        names = [each.get("category") for each in rows if isinstance(each, Mapping)] if isinstance(rows, list) else []
        known = ", ".join(str(each) for each in names if each in _HARMS) or "contentFilter"
        problem = f"checks.contentFilter is refused: nothing here finds {known} yet"
        raise CallerError(problem, code="unsupported_field", param="checks.contentFilter")
    asked = read_as(document, _Invoke, _NO_FIELDS)
    attacks, sensitive = asked.checks.prompt_attack, asked.checks.sensitive_information
    if attacks is None and sensitive is None:
        raise CallerError("at least one check must be asked for", code="invalid_request", param="checks")
    built = {each.type for each in guard.plan.inbound.looked_for}
    wanted = [each.type for each in sensitive.entities] if sensitive is not None else []
    for each in wanted:
        if each not in built:
            problem = f'"{each}" is refused: nothing here finds that yet'
            raise CallerError(problem, code="unsupported_field", param="checks.sensitiveInformation.entities")
    parts = tuple(
        Part(PartId(f"messages/{number}/content/{index}"), _ORIGINS[message.role], content.text)
        for number, message in enumerate(asked.messages)
        for index, content in enumerate(message.content)
    )
    categories = tuple(each.category for each in attacks.categories) if attacks is not None else None
    return ChecksRequest(parts, categories, tuple(wanted) if sensitive is not None else None)


_HARMS = frozenset({"VIOLENCE", "HATE", "SEXUAL", "MISCONDUCT", "INSULTS"})


def render_checks(guard: Guard, asked: ChecksRequest, applied: Applied) -> bytes:
    """What InvokeGuardrailChecks answers; scores in steps of .2, as they are there."""
    heard = applied.hearing.heard
    units = {"textUnits": usage(guard.plan, applied.hearing, is_in=True)["contentPolicyUnits"]}
    results: dict[str, object] = {}
    counted: dict[str, object] = {}
    if asked.attacks is not None:
        scores = {}
        for category in asked.attacks:
            found = [each.evidence for each in heard if each.evidence.kind in CATEGORIES[category]]
            scores[category] = max((stepped(1.0 if each.score is None else each.score) for each in found), default=0.0)
        told = [{"category": category, "severityScore": score} for category, score in scores.items()]
        results["promptAttack"], counted["promptAttack"] = {"results": told}, units
    if asked.entities is not None:
        found_entities = _found(guard, asked.entities, applied)
        results["sensitiveInformation"] = {
            "results": found_entities[:MAX_RESULTS],
            "truncated": len(found_entities) > MAX_RESULTS,
        }
        counted["sensitiveInformation"] = units
    return _ENCODER.encode({"results": results, "usage": counted})


def stepped(score: float) -> float:
    """A score in steps of .2."""
    return min(5, max(0, round(score * 5))) / 5


def _found(guard: Guard, entities: Sequence[str], applied: Applied) -> list[dict[str, object]]:
    kinds = {each.type: each.kinds for each in guard.plan.inbound.looked_for if each.policy == "pii"}
    told: list[dict[str, object]] = []
    for each in applied.hearing.heard:
        place = each.evidence.place
        name = next((entity for entity in entities if each.evidence.kind in kinds[entity]), None)
        if name is None or place is None:
            continue
        _, message, _, content = place.part.split("/")
        told.append(
            {
                "type": name,
                "confidenceScore": 1.0,
                "beginOffset": place.start,
                "endOffset": place.end,
                "messageIndex": int(message),
                "contentIndex": int(content),
            }
        )
    return told
