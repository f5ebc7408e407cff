"""Does the answer or action follow from the rules that the organisation wrote down? Proved by a solver, or refused.

* RESPONSE: what the answer states about the rules' variables, and the arguments of the calls that it proposes, against
  the rules and what our own door delivered. TOOL_CALL: the arguments of the call that is about to be made.
* `rules` is the operator's policy, one form a string (`ringwall.detectors.logic`); it names the tools whose delivered
  results count. A result that a caller made up is not in `Delivered`, and counts for nothing.
* Findings: `valid`, `invalid`, `satisfiable` (fits, but does not follow), `impossible` (what is known contradicts the
  rules), `too_complex`; from the reading `ambiguous` and `no_translation`. `refuse` says which are refused;
  `satisfiable` counts only for what is demanded or required.
* The solver runs in a worker. What it does not answer by the deadline raises, and that is Deny (law 3).
* Without rules there is nothing to prove: everything is covered, and the evidence says `no_rules`.

Seed: "Automated Reasoning uses formal methods to verify the response is logically derivable from the approved product
catalog knowledge base"
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from ringwall.detectors.logic import parse
from ringwall.detectors.logic_delivered import TooComplexError
from ringwall.detectors.logic_frames import Material, Translated, translate
from ringwall.detectors.sexpr import FormError
from ringwall.model.content import JSON, TEXT, Json, Origin, Part, PartId, Place
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Delivered, Fact, Proposed
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.ports import Compute
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

TASK = "logic.check"
FINDINGS = ("invalid", "impossible", "satisfiable", "too_complex", "ambiguous", "no_translation")
MAX_EVIDENCE = 128
REMEDIES = {
    "invalid": "the answer or action contradicts the rules of this application",
    "impossible": "what is known here contradicts the rules of this application; its owner can see which",
    "satisfiable": "the answer or action does not follow from the rules and sources of this application",
    "too_complex": "the answer or action is too involved to be checked against the rules; ask for less at a time",
    "ambiguous": "the answer can be read in two ways where a rule applies; ask for one thing at a time",
    "no_translation": "the answer states something that a rule watches and that cannot be checked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomatedReasoningSettings(Settings):
    """The rules, and what is refused."""

    rules: tuple[str, ...] = setting(
        Stricter.SUPERSET, "The policy: variables, rules, and where values are read from, one form a string."
    )
    refuse: tuple[str, ...] = setting(Stricter.SUPERSET, f"Which findings are refused, of: {', '.join(FINDINGS)}.")
    deadline_s: float = setting(Stricter.LOWER, "Time for the proof.", unit="seconds", least=0.05)


class AutomatedReasoning(Control):
    """Proves claims and calls against the operator's rules."""

    id: ClassVar[ControlId] = ControlId("application.automated_reasoning")
    settings_type: ClassVar[type[Settings]] = AutomatedReasoningSettings
    checkpoints: ClassVar[frozenset[Checkpoint]] = frozenset({Checkpoint.RESPONSE, Checkpoint.TOOL_CALL})
    needs: ClassVar[frozenset[type[Fact]]] = frozenset()  # without `Delivered` less is known, never more
    cost: ClassVar[Cost] = Cost.MODEL
    lookback: ClassVar[int | None] = None

    def __init__(self, settings: AutomatedReasoningSettings, *, compute: Compute) -> None:
        unknown = next((each for each in settings.refuse if each not in FINDINGS), None)
        if unknown is not None:
            raise ConfigError(f'refuse: no such finding "{unknown}"', hint=f"one of: {', '.join(FINDINGS)}")
        try:
            self._policy = parse(settings.rules)
        except FormError as error:
            raise ConfigError(f"rules: {error}") from error
        self._settings = settings
        self._compute = compute

    async def examine(self, vantage: Vantage) -> Verdict:
        """Read what is stated, ask the solver, and refuse what the settings say.

        Steps:
            1. Cover what can be read; say so where there is nothing to prove.
            2. Read texts, calls and delivered results into frames.
            3. Ask the solver, if anything was stated.
            4. Refuse the gravest finding that is to be refused.
        """
        covered = frozenset(part.id for part in vantage.parts if part.media in (TEXT, JSON))  # 1
        if not self._settings.rules:
            return Allow(covered, (Evidence("no_rules"),))
        try:
            translated = translate(self._policy, self._material(vantage))  # 2
        except TooComplexError:
            return self._verdict(covered, [("too_complex", Evidence("too_complex"), [])])
        found: list[tuple[str, Evidence, list[str]]] = [
            (
                each.kind,
                Evidence(each.kind, Place(PartId(each.part), "", each.start, each.end) if each.part else None),
                [],
            )
            for each in translated.unread
        ]
        found += await self._prove(vantage, translated) if translated.frames else []  # 3
        return self._verdict(covered, found)  # 4

    def _material(self, vantage: Vantage) -> Material:
        parts = [part for part in vantage.parts if part.media in (TEXT, JSON)]
        texts = tuple((part.id, part.text) for part in parts if isinstance(part.value, str))
        return Material(texts, tuple(self._calls(vantage, parts)), tuple(_results(vantage)))

    def _calls(self, vantage: Vantage, parts: list[Part]) -> Iterator[tuple[str, str, Json]]:
        documents = [part for part in parts if not isinstance(part.value, str)]
        if vantage.checkpoint is Checkpoint.TOOL_CALL:
            yield from ((part.id, vantage.interaction.resource.name, part.value) for part in documents)
        elif documents and any(each.where == "argument" for each in self._policy.readings):
            calls = vantage.facts[Proposed].calls  # missing is Deny: nobody could say which tool would be called
            yield from ((part.id, calls[part.id], part.value) for part in documents if part.id in calls)

    async def _prove(self, vantage: Vantage, made: Translated) -> list[tuple[str, Evidence, list[str]]]:
        payload = {
            "tenant": vantage.interaction.workload,
            "rules": self._settings.rules,
            "rows": made.rows,
            "values": made.values,
            "frames": [{"premises": each.premises, "claims": each.claims} for each in made.frames],
        }
        answer = await self._compute.run(
            TASK,
            json.dumps(payload).encode(),
            tenant=vantage.interaction.workload,
            deadline_s=self._settings.deadline_s,
        )
        found = []
        for each in json.loads(answer):
            frame = made.frames[each["frame"]] if each["frame"] >= 0 else None
            place = Place(PartId(frame.part), "", frame.start, frame.end) if frame is not None else None
            found.append((self._weighed(each), Evidence(each["finding"], place), list(each["rules"])))
        return found

    def _weighed(self, found: Any) -> str:
        """A finding as it counts: what merely fits is nothing, unless it is demanded or required."""
        binding = found["about"] in self._policy.demanded or found["about"] in self._policy.names
        return "" if found["finding"] == "satisfiable" and not binding else str(found["finding"])

    def _verdict(self, covered: frozenset[PartId], found: list[tuple[str, Evidence, list[str]]]) -> Verdict:
        refused = [each for each in found if each[0] in self._settings.refuse]
        evidence = tuple(each for one in (*refused, *found) for each in _said(*one))
        kept = tuple(dict.fromkeys(evidence))[:MAX_EVIDENCE]
        if not refused:
            return Allow(covered, kept)
        code, _, rules = min(refused, key=lambda each: FINDINGS.index(each[0]))
        named = f' ("{", ".join(rules)}")' if rules and code == "invalid" else ""
        return Deny(covered, code, REMEDIES[code] + named, DenyKind.CONTENT, kept)


def _results(vantage: Vantage) -> Iterator[tuple[str, Json]]:
    """What our own door delivered in this conversation, by tool."""
    tools = vantage.facts[Delivered].tools if Delivered in vantage.facts else {}
    for part in vantage.interaction.parts:
        if part.origin is Origin.TOOL and part.id in tools:
            yield tools[part.id], part.value


def _said(kind: str, evidence: Evidence, rules: list[str]) -> Iterator[Evidence]:
    """A finding, and the rules that carry it: a rule stands in the plan, under its name."""
    yield evidence
    role = {"valid": "supporting_rule", "invalid": "contradicting_rule", "impossible": "contradicting_rule"}
    if evidence.kind in role:
        yield from (Evidence(role[evidence.kind], Place(PartId(f"rules/{name}"), "", 0, 0)) for name in rules)


CONTROL = AutomatedReasoning
