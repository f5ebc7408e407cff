"""What is a control? Something with an id, a place to stand, and one method that judges.

* `examine` is a pure judgement: it writes nothing and does no IO of its own. It may await `Policy` and `Compute`, which
  decide and compute and nothing else.
* Settings say for each field which direction is stricter, so that configuration can only tighten (HOUSE 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, IntEnum
from typing import Any, ClassVar, Protocol, runtime_checkable

from ringwall.model.facts import Fact
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Interaction, Vantage
from ringwall.model.verdict import Verdict


class Cost(IntEnum):
    """How dear a control is; the cheap are asked first, so that a Deny can end the asking early."""

    LOOKUP = 0
    POLICY = 1
    PATTERNS = 2
    MODEL = 3


@runtime_checkable
class Control(Protocol):
    """Answers "should this be allowed?" from its vantage.

    A control's file names its class once more as `CONTROL`. Its constructor takes its settings and, by keyword, the
    ports that it needs (`policy: Policy`); `compose.py` supplies them by name.

    Attributes:
        id: Layer folder and file stem.
        settings_type: The class of its settings.
        checkpoints: Where it stands.
        needs: Fact types without which it cannot judge.
        cost: How dear it is.
        lookback: At CHUNK: the longest stretch of text, in code points, that any of its findings spans or depends on.
            0 when it does not read the answer's text. None when it must see the whole answer: streams are buffered.
        context: At CHUNK: how many code points before a place that `held` chose a finding behind it may look back on;
            None: as many as `lookback`.
    """

    id: ClassVar[ControlId]
    settings_type: ClassVar[type[Settings]]
    checkpoints: ClassVar[frozenset[Checkpoint]]
    needs: ClassVar[frozenset[type[Fact]]] = frozenset()
    cost: ClassVar[Cost] = Cost.LOOKUP
    lookback: ClassVar[int | None] = None
    context: ClassVar[int | None] = None

    async def examine(self, vantage: Vantage) -> Verdict:
        """Judge what stands before us. Raising anything is a Deny."""
        ...

    def held(self, tail: str) -> int:
        """At CHUNK: how much of the end of a stream's text must not be released yet.

        A control may answer with less than `lookback` where it can tell that what was said is complete: no finding
        then spans the place where the text is cut, or looks across it.

        Args:
            tail: The text so far, or its last `lookback` code points.

        Returns:
            How many trailing code points may still become part of a finding or be changed by one, at most `lookback`.
            With less than `lookback`, the control chose this place: asked about the text before it, it answers 0.
        """
        return min(len(tail), self.lookback or 0)

    def looks_back(self, tail: str) -> int:
        """At CHUNK: how much of the end of a text a finding behind it may look back on, where `held` chose that end.

        Args:
            tail: The text before the place that was chosen, or as much of it as was kept.
        """
        return self.context or self.lookback or 0

    def needs_whole(self, interaction: Interaction) -> bool:
        """At RESPONSE: whether the answer to this must be seen whole, so that it is not streamed but buffered."""
        return self.lookback is None


class Stricter(Enum):
    """Which direction of a setting is stricter. A change in any other direction is a loosening."""

    LOWER = "lower"
    """A limit: a smaller number refuses more."""
    HIGHER = "higher"
    """A demand: a larger number (or a later member of an ordered scale) refuses more."""
    SUBSET = "subset"
    """An allow-list: fewer members refuse more."""
    SUPERSET = "superset"
    """A deny-list or a list of demands: more members refuse more."""
    TRUE = "true"
    """A demand that is switched on."""
    FALSE = "false"
    """A permission that is switched off."""
    FIXED = "fixed"
    """No order: any change needs leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The base of every control's settings: frozen, keyword-only, each field made with `setting`.

    A settings class has no defaults: they stand in the control's catalog entry, under `[defaults]`.
    """


@dataclass(frozen=True, slots=True)
class SettingFile:
    """A file that a setting names. Its text is part of the plan: what runs is what the plan's digest says.

    Attributes:
        name: Its path beside the configuration, as it was written.
        text: What it says.
    """

    name: str
    text: str

    def __str__(self) -> str:
        return self.name


def setting(
    stricter: Stricter,
    meaning: str,
    *,
    unit: str = "",
    scale: tuple[str, ...] = (),
    least: float | None = None,
    is_file: bool = False,
) -> Any:
    """A field of a control's settings.

    Args:
        stricter: Which direction refuses more.
        meaning: One sentence for the reference page.
        unit: The unit of a number.
        scale: For a string, or the values of a mapping: its members from the loosest to the strictest.
        least: For a number: the smallest that makes sense.
        is_file: For a list of `SettingFile`: it is written as names of files, which configuration reads.
    """
    return field(
        metadata={
            "stricter": stricter, "meaning": meaning, "unit": unit, "scale": scale, "least": least, "is_file": is_file
        }
    )  # fmt: skip


def tightens(kind: type[Settings], name: str, old: object, new: object) -> bool:
    """True when changing the setting `name` from `old` to `new` refuses at least as much as before.

    A mapping (`{"card_number": "hide"}`) tightens when no key is lost and each value tightens in the field's direction.
    """
    meta = next(each.metadata for each in fields(kind) if each.name == name)
    if old == new:
        return True
    stricter: Stricter = meta["stricter"]
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return set(old) <= set(new) and all(bool(_TIGHTENS[stricter](old[key], new[key], meta)) for key in old)
    return bool(_TIGHTENS[stricter](old, new, meta))


def _rank(value: object, meta: Mapping[str, Any]) -> Any:
    scale: tuple[str, ...] = meta["scale"]
    return scale.index(str(value)) if scale else value


_TIGHTENS: dict[Stricter, Any] = {
    Stricter.LOWER: lambda old, new, meta: _rank(new, meta) <= _rank(old, meta),
    Stricter.HIGHER: lambda old, new, meta: _rank(new, meta) >= _rank(old, meta),
    Stricter.SUBSET: lambda old, new, meta: set(new) <= set(old),
    Stricter.SUPERSET: lambda old, new, meta: set(new) >= set(old),
    Stricter.TRUE: lambda old, new, meta: bool(new) >= bool(old),
    Stricter.FALSE: lambda old, new, meta: bool(new) <= bool(old),
    Stricter.FIXED: lambda old, new, meta: False,
}
