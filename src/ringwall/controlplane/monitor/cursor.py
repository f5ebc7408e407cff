"""How far was the ledger watched? The marks of the tail, kept in a file beside it, so that a restart misses nothing.

* Kept are the newest marks and some older ones: after a restart detections are shown the last minutes once more, so
  that a window which began before a kill is whole again. What that raises a second time, the findings know.
* The file is replaced whole. One that cannot be read counts as none: the last minutes are read from the segments.
"""

from __future__ import annotations

import json
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from ringwall.store.ledger.segment import NAME
from ringwall.store.ledger.tail import Mark

REWIND_US = 900 * 1_000_000
"""How much is looked at again after a restart, microseconds: no window of a detection is longer."""
STEP_US = 60 * 1_000_000
"""Time between two marks that are kept for it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    time_us: int
    marks: tuple[Mark, ...]


class Cursor:
    """The file with the marks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: deque[_Kept] = deque()

    def load(self, now_us: int) -> dict[str, Mark] | None:
        """The newest marks that are old enough to begin from, or None when there are none."""
        try:
            self._kept = deque(
                _Kept(int(one["time_us"]), _marks(one["marks"])) for one in json.loads(self._path.read_text())
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not self._kept:
            return None
        old = [each for each in self._kept if each.time_us <= now_us - REWIND_US]
        chosen = old[-1] if old else self._kept[0]
        return {each.name: each for each in chosen.marks}

    def save(self, now_us: int, marks: tuple[Mark, ...]) -> None:
        """Keep where the tail stands.

        Raises:
            OSError: It cannot be written.
        """
        kept = self._kept
        if len(kept) > 1 and now_us - kept[-2].time_us < STEP_US:
            kept.pop()  # the newest is renewed until it is a step away from the one before
        kept.append(_Kept(now_us, marks))
        while len(kept) > 2 and kept[1].time_us <= now_us - REWIND_US:
            kept.popleft()
        body = [{"marks": [_plain(mark) for mark in each.marks], "time_us": each.time_us} for each in kept]
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(body), "utf-8")
        os.replace(temporary, self._path)


def _plain(mark: Mark) -> list[object]:
    return [mark.name, mark.offset, mark.records, mark.head.hex(), mark.broken]


def _marks(value: list[list[object]]) -> tuple[Mark, ...]:
    found = []
    for name, offset, records, head, broken in value:
        if not NAME.fullmatch(str(name)) or type(offset) is not int or type(records) is not int:
            raise ValueError("this is not a mark")
        found.append(Mark(str(name), offset, records, bytes.fromhex(str(head)), broken is True))
    return tuple(found)
