"""What did a guardrail find, in Bedrock's words? Assessments, traces, units of text.

* A guardrail lists what it looks for (`model.guardrail`); what was heard is told by those names. Scores become the four
  buckets of confidence that Bedrock has.
* `match` is what stands in the place of a finding, `[EMAIL]`, and the finding itself only for who may see evidence.
  What a model said before it was refused is never told.
* What was not looked at, or passed unread, is told too, under `ringwall`: a skipped check is no clean one.
* One unit is 1,000 characters, begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ringwall.engine.guarding import IN, Guard, Heard, Hearing, way_of
from ringwall.model.guardrail import GuardrailPlan, LookedFor
from ringwall.model.interaction import Checkpoint
from ringwall.model.plan import Mode

BLOCKED_REASON, MASKED_REASON, NO_REASON = "Guardrail blocked.", "Guardrail masked.", "No action."
UNIT_CHARACTERS = 1000
CONFIDENCE = ((0.9, "HIGH"), (0.75, "MEDIUM"), (0.6, "LOW"))
"""From which score a finding has which confidence."""
_LEAST = {"HIGH": "LOW", "MEDIUM": "MEDIUM", "LOW": "HIGH"}
"""The least confidence that a filter of this strength refuses."""
_RANK = ("NONE", "LOW", "MEDIUM", "HIGH")
_TOLD = {"BLOCK": "BLOCKED", "ANONYMIZE": "ANONYMIZED", "NONE": "NONE"}
Document = dict[str, object]


def confidence(score: float | None) -> str:
    """The bucket of a score; what has none is exact."""
    return "HIGH" if score is None else next((name for least, name in CONFIDENCE if score >= least), "NONE")


def assessment(
    guard: Guard, hearing: Hearing, *, is_in: bool, full: bool, may_see: bool, elapsed_ms: int = 0
) -> Document:
    """What a guardrail found in one direction.

    Args:
        guard: The guardrail.
        hearing: What was heard.
        is_in: What goes in, or what comes out.
        full: Whether what was not found is told too.
        may_see: Whether what was found may be told itself.
        elapsed_ms: How long it took.
    """
    plan = guard.plan
    heard = [each for each in hearing.heard if each.under == plan.name and (each.checkpoint in IN) is is_in]
    way = way_of(plan, Checkpoint.INBOUND if is_in else Checkpoint.RESPONSE)
    told: Document = {}
    filters = list(_filters(way.looked_for, heard, full))
    entities = list(_entities(way.looked_for, heard, full, may_see))
    custom, managed = _words(way.looked_for, heard, may_see)
    if filters:
        told["contentPolicy"] = {"filters": filters}
    if entities:
        told["sensitiveInformationPolicy"] = {"piiEntities": entities, "regexes": []}
    if custom or managed:
        told["wordPolicy"] = {"customWords": custom, "managedWordLists": managed}
    guarded = hearing.characters[is_in] if way.controls else 0
    told["invocationMetrics"] = {
        "guardrailProcessingLatency": elapsed_ms,
        "usage": usage(plan, hearing, is_in=is_in),
        "guardrailCoverage": coverage(guarded, hearing.characters[is_in]),
    }
    told["appliedGuardrailDetails"] = {
        "guardrailId": plan.id,
        "guardrailVersion": plan.version,
        "guardrailArn": plan.arn,
        "guardrailOrigin": ["ACCOUNT_ENFORCED" if guard.enforced else "REQUEST"],
        "guardrailOwnership": "SELF",
    }
    named = frozenset().union(*(each.kinds for each in way.looked_for))
    others = sorted({each.evidence.kind for each in heard if each.evidence.kind in _UNREAD - named})
    return {**told, "ringwall": {"unread": others}} if others else told


_UNREAD = frozenset({"encoded_run", "invisible_run", "unread_media", "too_deeply_encoded"})


def usage(plan: GuardrailPlan, hearing: Hearing, *, is_in: bool) -> Document:
    """Units of text, for each policy that looked at it."""
    way = way_of(plan, Checkpoint.INBOUND if is_in else Checkpoint.RESPONSE)
    units = -(-hearing.characters[is_in] // UNIT_CHARACTERS)
    there = {each.policy for each in way.looked_for}
    return {
        "topicPolicyUnits": 0,
        "contentPolicyUnits": units if "content" in there else 0,
        "wordPolicyUnits": units if there & {"words", "managed"} else 0,
        "sensitiveInformationPolicyUnits": units if "pii" in there else 0,
        "sensitiveInformationPolicyFreeUnits": 0,
        "contextualGroundingPolicyUnits": 0,
        "automatedReasoningPolicyUnits": 0,
        "automatedReasoningPolicies": 0,
    }


def coverage(guarded: int, total: int) -> Document:
    """How much of the text was looked at."""
    return {"textCharacters": {"guarded": guarded, "total": total}}


def trace(
    guards: Sequence[Guard], hearing: Hearing, *, reason: str, full: bool, may_see: bool, elapsed_ms: int
) -> Document:
    """`trace.guardrail` of Converse, and `amazon-bedrock-trace` of InvokeModel."""
    inputs: Document = {}
    outputs: Document = {}
    for guard in guards:
        inputs[guard.plan.id] = assessment(
            guard, hearing, is_in=True, full=full, may_see=may_see, elapsed_ms=elapsed_ms
        )
        if hearing.characters[False]:
            outputs[guard.plan.id] = [
                assessment(guard, hearing, is_in=False, full=full, may_see=may_see, elapsed_ms=elapsed_ms)
            ]
    return {"inputAssessment": inputs, "outputAssessments": outputs, "actionReason": reason}


def _filters(looked_for: Iterable[LookedFor], heard: Sequence[Heard], full: bool) -> Iterable[Document]:
    for each in looked_for:
        if each.policy != "content":
            continue
        found = [one for one in heard if one.control == each.control and one.evidence.kind != "unread_media"]
        sure = max((confidence(one.evidence.score) for one in found), key=_RANK.index, default="NONE")
        refused = any(one.refused for one in found)
        if refused:  # several signs add up: together they are as sure as what the filter refuses, at least
            sure = max(sure, _LEAST[each.strength], key=_RANK.index)
        if sure != "NONE" or full:
            yield {
                "type": each.type,
                "confidence": sure,
                "filterStrength": each.strength,
                "action": "BLOCKED" if refused else "NONE",
                "detected": sure != "NONE",
            }


def _entities(looked_for: Sequence[LookedFor], heard: Sequence[Heard], full: bool, may_see: bool) -> Iterable[Document]:
    told: set[tuple[str, str]] = set()
    entities = [each for each in looked_for if each.policy == "pii"]
    of_kind: dict[str, LookedFor] = {}
    for each in entities:  # of several names for one kind, the one that does most
        for kind in each.kinds:
            best = of_kind.get(kind)
            if best is None or _ORDER[each.action] > _ORDER[best.action]:
                of_kind[kind] = each
    found = {each.type: False for each in entities}
    for one in heard:
        entity = of_kind.get(one.evidence.kind)
        if entity is None or one.control != entity.control:
            continue
        match = _match(one, may_see)
        found[entity.type] = True
        if (entity.type, match) not in told:
            told.add((entity.type, match))
            action = _TOLD[entity.action] if one.mode is Mode.ENFORCE else "NONE"
            yield {"match": match, "type": entity.type, "action": action, "detected": True}
    for name, is_found in found.items():
        if full and not is_found:
            yield {"match": "", "type": name, "action": "NONE", "detected": False}


_ORDER = {"NONE": 0, "ANONYMIZE": 1, "BLOCK": 2}


def _words(
    looked_for: Iterable[LookedFor], heard: Sequence[Heard], may_see: bool
) -> tuple[list[Document], list[Document]]:
    custom: list[Document] = []
    managed: list[Document] = []
    for each in looked_for:
        if each.policy not in ("words", "managed"):
            continue
        mode = Mode.OBSERVE if each.action == "NONE" else Mode.ENFORCE
        for one in heard:
            if one.control != each.control or one.evidence.kind not in each.kinds or one.mode is not mode:
                continue
            told: Document = {"match": _match(one, may_see), "action": _TOLD[each.action], "detected": True}
            if each.policy == "managed":
                managed.append({**told, "type": each.type})
            else:
                custom.append(told)
    return custom, managed


def _match(heard: Heard, may_see: bool) -> str:
    return heard.text if may_see and heard.text else f"[{heard.evidence.kind.upper()}]"


def reason_of(*, refused: bool, edited: bool) -> str:
    """Why it was as it was, in Bedrock's words."""
    return BLOCKED_REASON if refused else MASKED_REASON if edited else NO_REASON
