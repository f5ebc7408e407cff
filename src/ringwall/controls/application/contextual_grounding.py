"""Is every claim of the answer supported by sanctioned sources? Refuses numbers, names and claims that nobody said.

* RESPONSE, the whole answer: a claim may be supported by what stands anywhere in the sources, so streams are buffered.
* Sources are what our own door delivered from a tool that `sanctioned` names, retrieved documents, and, where the
  settings say so, the operator's own turns. A tool result that a caller made up is none: it is not in `Delivered`, and
  where that fact is not there at all, no tool result is a source.
* The person's own words support restating them. Earlier answers of a model support nothing.
* Without any source, `without_sources` decides; by the catalog, only what identifies somebody (card and account
  numbers and the like) is refused, so that ordinary talk goes on.
* Arguments of proposed tool calls are no claims: they are covered and not judged here, and the evidence says so.
* It stops what is made up. It does not stop real data from a sanctioned source: that is another step's to hold.

Seed: "contextual grounding validates semantic consistency against sanctioned source documents"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ringwall.detectors.grounding import Echo, Grounding, Judged, Problem, assess, identifying
from ringwall.detectors.sources import Source, TooLongError
from ringwall.model.content import JSON, TEXT, Origin, Part, PartId, Place
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.facts import Delivered, Fact
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

MAX_EVIDENCE = 128
"""Findings that a verdict lists; a refusal does not depend on how many there are."""
CODES = {
    "identifier": "unsupported_identifier",
    "number": "unsupported_number",
    "name": "unsupported_name",
    "quote": "unsupported_quote",
    "other_row": "number_of_another_row",
    "contradiction": "contradicted_claim",
}
REMEDY = "the answer states something that no sanctioned source of this application supports"
TOO_LONG_REMEDY = "the answer and its sources are too long to be compared; ask for less at a time"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextualGroundingSettings(Settings):
    """What counts as a source, and how much support is enough."""

    sanctioned: Mapping[str, str] = setting(
        Stricter.HIGHER,
        "For each tool, whether what our own door delivered from it is a source; a tool that is not named is none.",
        scale=("source", "ignored"),
    )
    retrieved: bool = setting(Stricter.FALSE, "Whether retrieved documents are sources.")
    operator: bool = setting(Stricter.FALSE, "Whether the operator's own turns are sources.")
    echo: bool = setting(Stricter.FALSE, "Whether numbers and names of the person's own words may be said back.")
    sentence: float = setting(
        Stricter.HIGHER, "Support below which a sentence that claims something is refused.", least=0
    )
    answer: float = setting(Stricter.HIGHER, "Support below which a whole answer is refused.", least=0)
    names: str = setting(Stricter.HIGHER, "What is done with a name that no source says.", scale=("evidence", "refuse"))
    foreign: str = setting(
        Stricter.HIGHER,
        "What is done with a claim in another script than Latin, which is compared word for word only.",
        scale=("evidence", "refuse"),
    )
    without_sources: str = setting(
        Stricter.HIGHER,
        "What is refused where there is no source: nothing, what identifies somebody, or every claim.",
        scale=("nothing", "identifiers", "claims"),
    )


class ContextualGrounding(Control):
    """Compares answers with their sources."""

    id: ClassVar[ControlId] = ControlId("application.contextual_grounding")
    settings_type: ClassVar[type[Settings]] = ContextualGroundingSettings
    checkpoints: ClassVar[frozenset[Checkpoint]] = frozenset({Checkpoint.RESPONSE})
    needs: ClassVar[frozenset[type[Fact]]] = frozenset()  # without `Delivered` there are fewer sources, never more
    cost: ClassVar[Cost] = Cost.MODEL
    lookback: ClassVar[int | None] = None

    def __init__(self, settings: ContextualGroundingSettings) -> None:
        self._settings = settings
        self._tools = frozenset(tool for tool, use in settings.sanctioned.items() if use == "source")

    async def examine(self, vantage: Vantage) -> Verdict:
        """Judge every text of the answer against what the request brought with it.

        Steps:
            1. Gather the sources, and the person's own words.
            2. Leave what we cannot read uncovered; cover arguments of calls without judging them.
            3. Look up each text, and refuse on the first thing that may not be.
        """
        sources = tuple(self._sources(vantage))  # 1
        said = [part.value for part in vantage.interaction.parts if part.origin is Origin.PERSON]
        echo = Echo(tuple(each for each in said if isinstance(each, str)), self._settings.echo)
        covered: set[PartId] = set()
        evidence: list[Evidence] = [] if sources else [Evidence("no_sources")]
        code = ""
        for part in vantage.parts:
            if part.media not in (TEXT, JSON):  # 2
                continue
            covered.add(part.id)
            if not isinstance(part.value, str):
                evidence.append(Evidence("tool_arguments", Place(part.id, "", 0, 0)))
                continue
            refused, found = self._judge(part, sources, echo)  # 3
            code = code or refused
            evidence += found
        if code:
            remedy = TOO_LONG_REMEDY if code == "too_long" else REMEDY
            return Deny(frozenset(covered), code, remedy, DenyKind.CONTENT, tuple(evidence[:MAX_EVIDENCE]))
        return Allow(frozenset(covered), tuple(evidence[:MAX_EVIDENCE]))

    def _sources(self, vantage: Vantage) -> Iterator[Source]:
        tools = vantage.facts[Delivered].tools if Delivered in vantage.facts else {}
        for part in vantage.interaction.parts:
            delivered = part.origin is Origin.TOOL and tools.get(part.id) in self._tools
            retrieved = part.origin is Origin.RETRIEVED and self._settings.retrieved
            operator = part.origin is Origin.OPERATOR and self._settings.operator
            if part.media in (TEXT, JSON) and (delivered or retrieved or operator):
                yield Source(part.id, part.value)

    def _judge(self, part: Part, sources: tuple[Source, ...], echo: Echo) -> tuple[str, list[Evidence]]:
        """What one text is refused for, or nothing; and what was found."""
        asked = self._settings.without_sources
        if not sources and asked != "claims":
            try:
                found = identifying(part.text, echo)
            except TooLongError:
                return "too_long" if asked == "identifiers" else "", [Evidence("too_long")]
            code = "unsupported_identifier" if found and asked == "identifiers" else ""
            return code, [_evidence(part, each) for each in found]
        grounding = assess(part.text, sources, echo)
        if grounding.exceeded:
            return "too_long", [Evidence("too_long")]
        return self._refusal(grounding), list(_findings(part, grounding))

    def _refusal(self, grounding: Grounding) -> str:
        """The code of what may not be, or nothing."""
        if grounding.identifiers:
            return "unsupported_identifier"
        for sentence in grounding.sentences:
            for problem in sentence.problems:
                if problem.kind != "name" or self._settings.names == "refuse":
                    return CODES[problem.kind]
            if sentence.is_claim and sentence.score < self._settings.sentence:
                return "unsupported_claim"
            if sentence.is_claim and sentence.foreign and self._settings.foreign == "refuse":
                return "foreign_script"
        return "unsupported_claim" if grounding.score < self._settings.answer else ""


def _findings(part: Part, grounding: Grounding) -> Iterator[Evidence]:
    """What is wrong first, then every claim with its score and the place that supports it."""
    for each in grounding.identifiers:
        yield _evidence(part, each)
    for sentence in grounding.sentences:
        yield from (_evidence(part, problem) for problem in sentence.problems)
    for sentence in grounding.sentences:
        if sentence.is_claim:
            yield from _supported(part, sentence)


def _supported(part: Part, sentence: Judged) -> Iterator[Evidence]:
    place = Place(part.id, "", sentence.start, sentence.end)
    yield Evidence("claim", place, sentence.score)
    if sentence.foreign:
        yield Evidence("foreign_script", place)
    if sentence.source:
        yield Evidence("supporting_span", Place(PartId(sentence.source), "", *sentence.span), sentence.score)


def _evidence(part: Part, problem: Problem) -> Evidence:
    return Evidence(CODES[problem.kind], Place(part.id, "", problem.start, problem.end))


CONTROL = ContextualGrounding
