"""Is the answer free of the operator's instructions and canaries? Refuses an answer that repeats them.

* RESPONSE and CHUNK, every string of the answer and of the arguments that it proposes.
* The operator's own turns are guarded: `run` letters in a row, or `dense` letters close together, are a leak, in any
  spacing, case and encoding that can be undone (`detectors.overlap`). A product's name and a short sentence of a policy
  are quoted without harm. What the person or a tool said first is no leak.
* A canary is a value that stands in the instructions and nowhere else: `canaries`, and every word of the operator's own
  turns that begins with one of `markers`, so that an application can plant a new one in every session. A stream holds
  what may become one, unless it is a planted one written backwards, which is refused when it is complete.
* Instructions too short to be told from ordinary words (`MIN_GUARDED` letters) are not guarded; their canaries are.
* In a stream, fewer letters than a leak has may have left before it is refused: as many as any answer may quote.

Seed: "Apply input validation, content classification, and output validation to every AI endpoint."
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import ClassVar

from ringwall.detectors import encoded_runs, overlap
from ringwall.model.content import JSON, TEXT, LeafKind, Origin, Part, Place
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Fact
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Interaction, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

MIN_GUARDED = 40
"""Letters of the shortest instructions that are guarded."""
MIN_CANARY, MAX_CANARY = 10, 64
"""Letters and digits of a canary."""
MIN_BEGUN = 3
"""Letters of a canary that a stream holds; two are how many words begin."""
MAX_CANARIES = 1000
MAX_MARKERS = 16
MAX_KEPT = 64
"""Instructions whose index is kept."""
MAX_TURNS = 16
CANARY, LEAK = "canary", "system_prompt"
KNOWN = (Origin.PERSON, Origin.TOOL, Origin.RETRIEVED)
REMEDY = "the answer would have repeated instructions of this application; ask for something else"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptLeakSettings(Settings):
    """What a workload may set."""

    canaries: tuple[str, ...] = setting(Stricter.SUPERSET, "Values that stand in the instructions and nowhere else.")
    markers: tuple[str, ...] = setting(
        Stricter.SUPERSET, "What canaries begin with that an application plants in its own instructions."
    )
    run: int = setting(
        Stricter.LOWER,
        "Letters in a row of the instructions that are a leak.",
        unit="letters",
        least=24,
    )
    dense: int = setting(
        Stricter.LOWER, "Letters of the instructions in pieces within 400 characters that are a leak.",
        unit="letters", least=48,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Guard:
    """What one interaction guards.

    Attributes:
        guarded: The instructions.
        run: Letters in a row that are a leak of them.
        canaries: Letters of the canaries, in every direction.
    """

    guarded: overlap.Guarded
    run: int
    canaries: frozenset[str]


class PromptLeak(Control):
    """Refuses answers that repeat the operator's instructions."""

    id: ClassVar[ControlId] = ControlId("application.prompt_leak")
    settings_type: ClassVar[type[Settings]] = PromptLeakSettings
    checkpoints: ClassVar[frozenset[Checkpoint]] = frozenset({Checkpoint.RESPONSE, Checkpoint.CHUNK})
    needs: ClassVar[frozenset[type[Fact]]] = frozenset()
    cost: ClassVar[Cost] = Cost.PATTERNS
    lookback: ClassVar[int | None] = overlap.LOOKBACK
    context: ClassVar[int | None] = overlap.CONTEXT

    def __init__(self, settings: PromptLeakSettings) -> None:
        if len(settings.canaries) > MAX_CANARIES:
            raise ConfigError(f"canaries: there are more than {MAX_CANARIES}")
        values = [overlap.letters_of(each) for each in settings.canaries]
        if not all(MIN_CANARY <= len(each) <= MAX_CANARY for each in values):
            raise ConfigError(f"canaries: each has {MIN_CANARY} to {MAX_CANARY} letters and digits")
        if len(settings.markers) > MAX_MARKERS or not all(
            6 <= len(overlap.letters_of(each)) <= 32 for each in settings.markers
        ):
            raise ConfigError(f"markers: {MAX_MARKERS} at most, each of 6 to 32 letters and digits")
        self._settings = settings
        self._canaries = frozenset(way for each in settings.canaries for way in overlap.ways_of(each))
        self._markers = tuple(way for each in settings.markers for way in overlap.ways_of(each))
        begins = "|".join(map(re.escape, settings.markers))
        self._planted = re.compile(rf"(?i)(?:{begins})[a-z0-9_-]{{4,64}}") if begins else None
        held = (*self._canaries, *self._markers)
        self._begins = frozenset(way[:size] for way in held for size in range(MIN_BEGUN, len(way) + 1))
        self._longest = max(map(len, self._begins), default=0)
        self._key = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, _Guard] = OrderedDict()
        self._latest: OrderedDict[str, tuple[tuple[Part, ...], _Guard]] = OrderedDict()
        overlap.warm()

    async def examine(self, vantage: Vantage) -> Verdict:
        """Look in every string for canaries, then for the instructions; the first is enough."""
        guard = self._guard(vantage.interaction)
        covered = frozenset([part.id for part in vantage.parts if part.media in (TEXT, JSON)])
        known = overlap.Known(_texts(vantage.interaction, KNOWN))
        start = vantage.focus[0] if vantage.focus is not None else 0
        for part in vantage.parts:
            for leaf in part.leaves() if part.id in covered else ():
                kind, first, last = self._judge(leaf.text, guard, known, start)
                if kind:
                    place = Place(part.id, leaf.pointer, first, last, leaf.kind)
                    evidence = Evidence(kind, place if leaf.kind is LeafKind.VALUE else None)
                    if not isinstance(part.value, str):
                        evidence = replace(evidence, place=None)  # the pointer may spell what must not be said (law 6)
                    return Deny(covered, kind, REMEDY, DenyKind.CONTENT, (evidence,))
        return Allow(covered)

    def _judge(self, text: str, guard: _Guard, known: overlap.Known, start: int) -> tuple[str, int, int]:
        """What a string is refused for, and where it stands; empty for nothing."""
        read = overlap.Letters(text)
        runs = tuple(overlap.said_in_runs(text[start:] if start else text)) if guard.canaries or guard.run else ()
        said = (read.letters, *(overlap.letters_of(each) for _, _, each in runs)) if guard.canaries else ()
        if any(each in letters for letters in said for each in guard.canaries):
            return CANARY, 0, len(text)
        if guard.run:
            dense = max(guard.run, self._settings.dense)
            copy = overlap.find_copy(read, runs, guard.guarded, guard.run, dense, known, start)
            if copy is not None:
                return LEAK, copy.start, copy.end
        return "", 0, 0

    def _guard(self, interaction: Interaction) -> _Guard:
        """What this interaction guards; worked out once, and kept under a key over every byte of the instructions."""
        latest = self._latest.get(interaction.id)
        if latest is not None and latest[0] is interaction.parts:
            return latest[1]
        texts = tuple(_texts(interaction, (Origin.OPERATOR,)))
        digest = blake2b(key=self._key)
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
        key = digest.digest()
        guard = self._kept.get(key) or self._made(texts)
        for kept, name, value in ((self._kept, key, guard), (self._latest, interaction.id, (interaction.parts, guard))):
            kept[name] = value  # type: ignore[index, assignment]
            kept.move_to_end(name)  # type: ignore[arg-type]
            if len(kept) > MAX_KEPT:
                kept.popitem(last=False)
        return guard

    def _made(self, texts: tuple[str, ...]) -> _Guard:
        guarded = overlap.Guarded(texts)
        run = min(self._settings.run, max(MIN_GUARDED, guarded.size * 4 // 5))
        planted = [found for text in texts for found in (self._planted.findall(text) if self._planted else ())]
        ways = {way for each in planted for way in overlap.ways_of(each)}
        return _Guard(guarded, run if guarded.size >= MIN_GUARDED else 0, self._canaries | ways)

    def held(self, tail: str) -> int:
        """What may become a canary, or is an encoded run that has not ended."""
        place = len(tail)
        for _ in range(MAX_TURNS):
            more = encoded_runs.held(tail[max(0, place - overlap.LOOKBACK) : place])
            if len(tail) - place + more >= overlap.LOOKBACK:
                break
            begun = self._begun(tail[max(0, place - more - overlap.CONTEXT) : place - more])
            place -= more + begun
            if not begun:
                return len(tail) - place
        return min(len(tail), overlap.LOOKBACK)

    def _begun(self, text: str) -> int:
        """How much of the end of a text may become a canary."""
        if not self._begins:
            return 0
        letters = overlap.letters_of(text)
        size = next(
            (n for n in range(min(self._longest, len(letters)), MIN_BEGUN - 1, -1) if letters[-n:] in self._begins), 0
        )
        for way in self._markers:
            at = letters.rfind(way, max(0, len(letters) - len(way) - MAX_CANARY))
            size = max(size, len(letters) - at if at >= 0 else 0)
        return len(text) - overlap.Letters(text).places[len(letters) - size] if size else 0


def _texts(interaction: Interaction, origins: tuple[Origin, ...]) -> Iterator[str]:
    """Every string that somebody of these origins put into a request, names of members aside."""
    for part in interaction.parts:
        if part.origin in origins and part.media in (TEXT, JSON):
            values = [leaf.text for leaf in part.leaves() if leaf.kind is LeafKind.VALUE]
            yield "\n".join(values)


CONTROL = PromptLeak
