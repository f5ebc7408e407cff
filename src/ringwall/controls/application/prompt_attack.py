"""Does the content try to take over the model? Refuses prompt attacks, direct and hidden, in any disguise we can undo.

* INBOUND and TOOL_RESULT: every part, by its origin. Trust follows origin: an operator's own instructions may speak of
  ignoring things, a tool's result may not.
* Covers text and JSON, keys and numbers included. Any other media is not covered, and thereby refused (law 3), unless
  the organisation lets that type pass unread; what passed so is evidence.
* What one origin said in several parts is read once more as one text: an attack may be split over turns or parts.
* What could not be looked at within bounds (too many encodings inside one another) is refused, not skipped.

Seed: "Detects injection patterns and harmful intent before the prompt reaches the model."
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ringwall.detectors.normalize import Bounds
from ringwall.detectors.prompt_attack import NOTHING, Assessment, assess, warm
from ringwall.model.content import JSON, TEXT, Leaf, LeafKind, Origin, Part, PartId, Place
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.facts import Fact
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

REMEDY = "the content reads like an attempt to override the instructions of this application; rephrase it plainly"
TOO_DEEP = "too_deeply_encoded"
UNREAD_MEDIA = "unread_media"
"""The kind of a part that passed because its media type may, and not because anybody looked."""
JOINED_CHARACTERS = 4096
"""How much of the latest words of one origin is read as one text. The parts by themselves are read whole."""
UNREADABLE_REMEDY = "the content is encoded too deeply to be checked; send it as plain text"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAttackSettings(Settings):
    """From which score content is refused, by origin, and how far disguises are followed."""

    person: float = setting(Stricter.LOWER, "Score from which a person's words are refused.", least=0)
    tool: float = setting(Stricter.LOWER, "Score from which a tool's result is refused.", least=0)
    retrieved: float = setting(Stricter.LOWER, "Score from which a retrieved document is refused.", least=0)
    peer: float = setting(Stricter.LOWER, "Score from which a peer agent's message is refused.", least=0)
    memory: float = setting(Stricter.LOWER, "Score from which remembered content is refused.", least=0)
    model: float = setting(Stricter.LOWER, "Score from which a model's earlier words are refused.", least=0)
    operator: float = setting(Stricter.LOWER, "Score from which the operator's instructions are refused.", least=0)
    max_depth: int = setting(Stricter.FIXED, "Encodings inside one another that are followed.", least=1)
    max_views: int = setting(Stricter.FIXED, "Readings of one text that are looked at.", least=4)
    max_bytes: int = setting(
        Stricter.FIXED, "Size of all readings of one text, besides four times its own.", unit="characters", least=4096
    )
    unread: tuple[str, ...] = setting(Stricter.SUBSET, "Media types that pass without being read, such as image/png.")


class PromptAttack(Control):
    """Refuses content that tries to take over the model."""

    id: ClassVar[ControlId] = ControlId("application.prompt_attack")
    settings_type: ClassVar[type[Settings]] = PromptAttackSettings
    checkpoints: ClassVar[frozenset[Checkpoint]] = frozenset({Checkpoint.INBOUND, Checkpoint.TOOL_RESULT})
    needs: ClassVar[frozenset[type[Fact]]] = frozenset()
    cost: ClassVar[Cost] = Cost.PATTERNS
    lookback: ClassVar[int | None] = None

    def __init__(self, settings: PromptAttackSettings) -> None:
        self._thresholds: Mapping[Origin, float] = {
            Origin.PERSON: settings.person,
            Origin.TOOL: settings.tool,
            Origin.RETRIEVED: settings.retrieved,
            Origin.PEER: settings.peer,
            Origin.MEMORY: settings.memory,
            Origin.MODEL: settings.model,
            Origin.OPERATOR: settings.operator,
        }
        self._bounds = Bounds(settings.max_depth, settings.max_views, settings.max_bytes)
        self._unread = frozenset(settings.unread) - {TEXT, JSON}
        warm()

    async def examine(self, vantage: Vantage) -> Verdict:
        """Judge every part by its origin.

        Steps:
            1. Leave what we cannot read uncovered, unless it may pass unread.
            2. Assess each part, a JSON part as one text and its values as another.
            3. Remember where a score reaches the origin's threshold, or where a bound was exceeded.
            4. Assess what each origin said in its parts together, where no part was refused by itself.
        """
        covered: set[PartId] = set()
        evidence: list[Evidence] = []
        code = ""
        for part in vantage.parts:
            # 1.
            if part.media in self._unread:
                covered.add(part.id)
                evidence.append(Evidence(UNREAD_MEDIA, Place(part.id, "", 0, 0)))
                continue
            if part.media not in (TEXT, JSON):
                continue
            covered.add(part.id)
            # 2.
            for leaves in _readings(part):
                # 3.
                reason = self._judge(part.origin, [(part.id, leaf) for leaf in leaves], evidence)
                code = code or reason
        # 4.
        for origin, placed in () if code else _together(vantage.parts):
            reason = self._judge(origin, placed, evidence)
            code = code or reason
        if code:
            remedy = UNREADABLE_REMEDY if code == TOO_DEEP else REMEDY
            return Deny(frozenset(covered), code, remedy, DenyKind.CONTENT, tuple(dict.fromkeys(evidence)))
        return Allow(frozenset(covered), tuple(dict.fromkeys(evidence)))

    def _judge(self, origin: Origin, placed: Sequence[tuple[PartId, Leaf]], evidence: list[Evidence]) -> str:
        """Assess leaves as one text: adds what was seen to the evidence, gives the reason to refuse or nothing."""
        found = assess("\n".join([leaf.text for _, leaf in placed]), self._bounds)
        if found is NOTHING:
            return ""
        evidence += _evidence(placed, found)
        if found.findings and found.score >= self._thresholds[origin]:
            return found.findings[0].kind
        return TOO_DEEP if found.exceeded else ""


def _readings(part: Part) -> list[list[Leaf]]:
    """The texts of a part: an attack may be cut into leaves that a model reads as one, with keys or without."""
    leaves = list(part.leaves())
    values = [leaf for leaf in leaves if leaf.kind is LeafKind.VALUE]
    return [leaves] if len(values) in (0, 1, len(leaves)) else [leaves, values]


def _together(parts: Sequence[Part]) -> Iterator[tuple[Origin, list[tuple[PartId, Leaf]]]]:
    """The latest words of every origin that spoke in more than one part, operators aside: theirs are one document."""
    for origin in Origin:
        own = [part for part in parts if part.origin is origin and part.media in (TEXT, JSON)]
        if len(own) < 2 or origin is Origin.OPERATOR:
            continue
        placed: list[tuple[PartId, Leaf]] = []
        left = JOINED_CHARACTERS
        for part in reversed(own):
            leaves = [(part.id, leaf) for leaf in part.leaves() if leaf.kind is LeafKind.VALUE]
            left -= sum(len(leaf.text) for _, leaf in leaves)
            if left < 0:
                break
            placed = leaves + placed
        if len({part for part, _ in placed}) > 1:
            yield origin, placed


def _evidence(placed: Sequence[tuple[PartId, Leaf]], found: Assessment) -> list[Evidence]:
    evidence = [
        Evidence(each.kind, _place(placed, each.start, each.end), round(each.score, 4)) for each in found.findings
    ]
    if found.exceeded:
        evidence.append(Evidence(TOO_DEEP))
    return evidence


def _place(placed: Sequence[tuple[PartId, Leaf]], start: int, end: int) -> Place | None:
    """The place in the leaf in which a finding of the joined text starts."""
    at = 0
    for part, leaf in placed:
        if start <= at + len(leaf.text):
            return Place(part, leaf.pointer, start - at, min(end - at, len(leaf.text)), leaf.kind)
        at += len(leaf.text) + 1
    return None


CONTROL = PromptAttack
