"""What of a streamed text may go out now? A hold-back window over one text, however it was cut (law 5).

The promise: what is released is what the whole would have released, or a prefix of it and then the refusal.

It rests on two things that every control at CHUNK declares: `lookback` L, the longest stretch on which any of its
findings depends, and `held`, how many trailing code points may still become part of a finding. So:

* All before `len(text) - held` is settled: a finding that starts there is complete and will not change.
* A window is judged with L code points of context before it, or with as many as findings look back on where the cut
  before it was chosen by all (no finding spans it). A finding is reported once, by the window in which it starts
  (`Vantage.focus`).
* The release is never cut inside an edit: when one reaches past the settled end, the release stops where it starts.
* Text that cannot be settled within `limit` code points is refused, not released.

This file judges nothing and awaits nothing: it says which window to judge, and takes the decision's edits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ringwall.engine.edits import apply
from ringwall.model.content import Origin, Part, PartId
from ringwall.model.verdict import Edit


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the text that is to be judged now.

    Attributes:
        part: The window with its context, as a part.
        focus: The span of it in which findings are to be reported.
        begins: Whether the window begins where the text begins.
    """

    part: Part
    focus: tuple[int, int]
    begins: bool


class HeldTooLongError(RuntimeError):
    """More text is held back than the limit allows, because no control can settle it."""


class HoldBack:
    """One streamed text: what came, what was released, what is held."""

    def __init__(self, part: PartId, *, lookback: int, held: Callable[[str], tuple[int, int]], limit: int) -> None:
        """Start with nothing.

        Args:
            part: The id under which its windows are judged.
            lookback: The longest stretch on which a finding depends, in code points.
            held: How many trailing code points of a text may still change, and the context that what follows needs.
            limit: The most code points that may be held.
        """
        self._part = part
        self._lookback = lookback
        self._held = held
        self._limit = limit
        self._context = ""
        self._pending = ""
        self._needed = 0
        self.is_edited = False
        """True when what went out is not what came."""
        self._begins = True

    @property
    def held_chars(self) -> int:
        """How many code points are held at this moment."""
        return len(self._pending)

    def push(self, text: str) -> Window | None:
        """Take more text. The window to judge, or None when nothing new is settled.

        Raises:
            HeldTooLongError: More is held than the limit allows.
        """
        self._pending += text
        known = self._context + self._pending
        trailing, self._needed = self._held(known)
        settled = len(known) - min(trailing, len(known))
        held = min(len(known) - settled, len(self._pending))
        if held > self._limit:
            raise HeldTooLongError(f'"{held}" characters are held, "{self._limit}" may be')
        if settled <= len(self._context):
            return None
        return self._window(known, settled)

    def finish(self) -> Window | None:
        """The text has ended: all of it is settled. The last window, or None when nothing is held."""
        if not self._pending:
            return None
        known = self._context + self._pending
        return self._window(known, len(known))

    def _window(self, known: str, settled: int) -> Window:
        return Window(Part(self._part, Origin.MODEL, known), (len(self._context), settled), self._begins)

    def settle(self, window: Window, edits: Sequence[Edit]) -> str:
        """The window was allowed with these merged edits. What goes out now.

        Text that belongs to an edit which reaches past the settled end stays held, and is judged again with more.
        """
        text, (start, end) = window.part.text, window.focus
        straddling = [edit.place.start for edit in edits if edit.place.end > end]
        cut = min([*straddling, end])
        within = [edit for edit in edits if edit.place.end <= cut]
        released = Part(self._part, Origin.MODEL, text[start:cut])
        moved = [_moved(edit, -start) for edit in within]
        self.is_edited = self.is_edited or bool(moved)
        keep = self._needed if cut == end else self._lookback
        self._context = text[max(0, cut - keep) : cut]
        self._begins = self._begins and keep >= cut
        self._pending = text[cut:]
        return apply((released,), moved)[0].text


def _moved(edit: Edit, by: int) -> Edit:
    return replace(edit, place=replace(edit.place, start=edit.place.start + by, end=edit.place.end + by))
