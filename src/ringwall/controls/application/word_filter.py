"""Is the content free of the words and phrases that the organisation listed? Hides or refuses them.

* INBOUND and TOOL_RESULT, RESPONSE and CHUNK: every string, but the operator's own instructions unless `operator` says
  so: they may name what must not be said.
* `refuse` and `hide` hold words and phrases; one that stands in both is refused. `profanity` does the same with a list
  that comes with Ringwall. Disguises are undone (`detectors.words`); of an encoded run, all is hidden.
* A key or a number of a JSON document cannot be edited: a listed word there is refused.
* Without words it refuses and hides nothing. With words, media other than text and JSON is not covered, and thereby
  refused (law 3), unless that type may pass unread.

Seed: "You can then iterate to fine-tune your filters for your applications."
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import ClassVar

from ringwall.detectors.words import CONTEXT, LOOKBACK, Words
from ringwall.model.content import JSON, TEXT, LeafKind, Origin, Part, PartId, Place
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Fact
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Edit, EditAction, Evidence, Transform, Verdict

ALLOW, HIDE, REFUSE = "allow", "hide", "refuse"
MAX_EVIDENCE = 256
UNREAD_MEDIA = "unread_media"
REMEDY = "the content holds a word or phrase that may not be used in this application; rephrase it"


@dataclass(frozen=True, slots=True, kw_only=True)
class WordFilterSettings(Settings):
    """What a workload may set."""

    refuse: tuple[str, ...] = setting(
        Stricter.SUPERSET, 'Words and phrases that are refused; "word*" also where the word goes on.'
    )
    hide: tuple[str, ...] = setting(Stricter.SUPERSET, "Words and phrases that are hidden.")
    profanity: str = setting(
        Stricter.HIGHER, "What is done with profanity and slurs of the list that comes with us.",
        scale=(ALLOW, HIDE, REFUSE),
    )  # fmt: skip
    operator: bool = setting(Stricter.TRUE, "Whether the operator's own instructions are judged, too.")
    unread: tuple[str, ...] = setting(Stricter.SUBSET, "Media types that pass without being read, such as image/png.")


class WordFilter(Control):
    """Hides or refuses listed words."""

    id: ClassVar[ControlId] = ControlId("application.word_filter")
    settings_type: ClassVar[type[Settings]] = WordFilterSettings
    checkpoints: ClassVar[frozenset[Checkpoint]] = frozenset(
        {Checkpoint.INBOUND, Checkpoint.TOOL_RESULT, Checkpoint.RESPONSE, Checkpoint.CHUNK}
    )
    needs: ClassVar[frozenset[type[Fact]]] = frozenset()
    cost: ClassVar[Cost] = Cost.PATTERNS
    lookback: ClassVar[int | None] = LOOKBACK
    context: ClassVar[int | None] = CONTEXT

    def __init__(self, settings: WordFilterSettings) -> None:
        if settings.profanity not in (ALLOW, HIDE, REFUSE):
            raise ConfigError(f'"profanity" is "{ALLOW}", "{HIDE}" or "{REFUSE}", not "{settings.profanity}"')
        managed = () if settings.profanity == ALLOW else managed_words()
        listed = [*settings.refuse, *settings.hide]
        self._words = Words([*listed, *managed])
        self._kinds = ["listed_word"] * len(listed) + ["profanity"] * len(managed)
        self._refused = [True] * len(settings.refuse) + [False] * len(settings.hide)
        self._refused += [settings.profanity == REFUSE] * len(managed)
        self._unread = frozenset(settings.unread) - {TEXT, JSON}
        self._operator = settings.operator

    async def examine(self, vantage: Vantage) -> Verdict:
        """Look for every word in every string; refusing wins over hiding."""
        if not self._kinds:
            return Allow(vantage.everything)
        covered: set[PartId] = set()
        evidence: list[Evidence] = []
        edits: list[Edit] = []
        refused = ""
        for part in vantage.parts:
            if part.media in self._unread:
                covered.add(part.id)
                evidence.append(Evidence(UNREAD_MEDIA, Place(part.id, "", 0, 0)))
                continue
            if part.media not in (TEXT, JSON):
                continue
            covered.add(part.id)
            if part.origin is Origin.OPERATOR and not self._operator:
                continue
            code, found, hidden = self._judge(part, vantage)
            refused = refused or code
            evidence += found
            edits += hidden
        said = tuple(evidence[:MAX_EVIDENCE])
        if refused:
            return Deny(frozenset(covered), refused, REMEDY, DenyKind.CONTENT, said)
        return Transform(frozenset(covered), tuple(edits), said) if edits else Allow(frozenset(covered), said)

    def _judge(self, part: Part, vantage: Vantage) -> tuple[str, list[Evidence], list[Edit]]:
        """What one part is refused for, or nothing; what was found; what is to be hidden."""
        refused, is_spelled = "", False
        evidence: list[Evidence] = []
        edits: list[Edit] = []
        for leaf in part.leaves():
            for match in self._words.find(leaf.text):
                if not vantage.in_focus(match.start):
                    continue
                kind = self._kinds[match.entry]
                place = Place(part.id, leaf.pointer, match.start, match.end, leaf.kind)
                is_spelled = is_spelled or leaf.kind is LeafKind.KEY
                evidence.append(Evidence(kind, place))
                if self._refused[match.entry] or leaf.kind is not LeafKind.VALUE:
                    refused = refused or kind
                else:
                    edits.append(Edit(place, EditAction.MASK, kind))
        if is_spelled:  # a pointer spells the keys on its way (law 6)
            evidence = [replace(each, place=None) for each in evidence]
        return refused, evidence, edits

    def held(self, tail: str) -> int:
        return self._words.held(tail)

    def looks_back(self, tail: str) -> int:
        return CONTEXT if self._kinds else 0


def managed_words() -> Sequence[str]:
    """The words that come with us."""
    data = tomllib.loads(files("ringwall.detectors").joinpath("data", "profanity.toml").read_text("utf-8"))
    return [word for words in data.values() for word in words]


CONTROL = WordFilter
