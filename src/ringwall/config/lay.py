"""How are a control's settings laid over each other? Each step may only tighten (HOUSE 5).

1. Start from the catalog's defaults, with `mode = "enforce"`.
2. Lay a table over them: the organisation's, then the workload's. A value that is not stricter than what was there
   is a loosening: the entry must list it under `may_relax` (a key of a table as `setting.key`), and the table must
   give a reason and an end date.
3. `mode` is a value like the others: `enforce` is strictest, then `observe`, then `off`. A rehearsal workload may
   switch off any control, listed or not: it exists to be attacked.

* Every value, and every key of a table of values, keeps the file and line that set it.
* Leave that loosened nothing is not kept. Of several that did, the earliest end holds for all.
* A setting that names files holds their text too: the plan's digest covers what they say.
* Numbers are finite: no comparison with "nan" refuses anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec

from ringwall.config.document import Document
from ringwall.config.read import nearest
from ringwall.config.schema import Override
from ringwall.model.control import Settings, tightens
from ringwall.model.framework import Entry
from ringwall.model.plan import Mode, PlannedControl, Provenance, Waiver

MAX_LEAVE_DAYS = 366
"""The longest time for which a loosening may be granted."""
_MODE_RANK = {"off": 0, "observe": 1, "enforce": 2}


class Laying:
    """One control's values while they are laid over each other."""

    def __init__(
        self,
        document: Document,
        entry: Entry,
        kind: type[Settings],
        provenance: Mapping[str, Provenance],
        now: datetime,
        *,
        beside: Callable[..., str],
        rehearsal: bool = False,
    ) -> None:
        """Start from the catalog.

        Args:
            document: The configuration file.
            entry: The control's page in the catalog.
            kind: The class of its settings.
            provenance: Where the catalog set each default.
            now: The present.
            beside: Reads a file that a setting names; takes its name and where that stands.
            rehearsal: Whether it is laid for a rehearsal workload.
        """
        self._document = document
        self._entry = entry
        self._kind = kind
        self._now = now
        self._beside = beside
        self._may_relax = entry.may_relax | {"mode"} if rehearsal else entry.may_relax
        self._values: dict[str, object] = dict(entry.defaults)
        self._mode = "enforce"
        self._waiver: Waiver | None = None
        self._from: dict[str, Provenance] = {name: Provenance("catalog") for name in ("mode", *entry.defaults)}
        self._from.update(provenance)

    def lay(self, table: Mapping[str, object], where: tuple[str, ...]) -> None:
        """Lay a table over what is there."""
        own = {each.name for each in fields(self._kind)}
        rest = {name: value for name, value in table.items() if name not in own}
        try:
            override = msgspec.convert(rest, Override, strict=True)
        except msgspec.ValidationError as error:
            unknown = next((name for name in rest if name not in Override.__struct_fields__), None)
            if unknown is not None:
                hint = nearest(unknown, [*own, *Override.__struct_fields__])
                raise self._document.error(
                    f'"{self._entry.id}" has no setting "{unknown}"', *where, unknown, hint=hint
                ) from error
            raise self._document.error(f'"{self._entry.id}": {error}', *where) from error
        leave = self._leave(override, where)
        if override.mode is not None:
            if _MODE_RANK[override.mode] < _MODE_RANK[self._mode]:
                self._loosen("mode", leave, (*where, "mode"))
            self._mode = override.mode
            self._from["mode"] = self._document.where(*where, "mode")
        for each in fields(self._kind):
            if each.name in table:
                at = (*where, each.name)
                value = table[each.name]
                self._set(each.name, self._read(value, at) if each.metadata["is_file"] else value, leave, at)

    def _read(self, names: object, where: tuple[str, ...]) -> object:
        """Files by their names; what is no list of names is left for the check of types."""
        if not isinstance(names, (list, tuple)) or not all(isinstance(each, str) for each in names):
            return names
        return [{"name": each, "text": self._beside(each, *where)} for each in names]

    def _set(self, name: str, value: object, leave: Waiver | None, where: tuple[str, ...]) -> None:
        current = self._values.get(name)
        keys: tuple[str, ...] = ()
        if isinstance(value, Mapping) and isinstance(current, Mapping):
            keys = tuple(value)
            value = {**current, **value}  # a mapping is laid over key by key
        typed = getattr(self._typed({**self._values, name: value}, where), name)
        before = getattr(self._typed(self._values, where), name)
        if not tightens(self._kind, name, before, typed):
            for loose in self._looser(name, before, typed):
                self._loosen(loose, leave, where)
        self._values[name] = value
        self._from[name] = self._document.where(*where)
        for key in keys:
            self._from[f"{name}.{key}"] = self._document.where(*where, key)

    def _looser(self, name: str, before: object, after: object) -> list[str]:
        """What became looser: the setting, or the keys of it that did."""
        if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
            return [name]
        one_by_one = ((key, {key: before[key]}, {key: after[key]}) for key in before)
        return [f"{name}.{key}" for key, old, new in one_by_one if not tightens(self._kind, name, old, new)]

    def _loosen(self, name: str, leave: Waiver | None, where: tuple[str, ...]) -> None:
        """Take leave for one loosening, if there is any to be had.

        Raises:
            ConfigError: The catalog lets nobody loosen this, or no reason or no end date was given.
        """
        if name not in self._may_relax and name.partition(".")[0] not in self._may_relax:
            known = ", ".join(sorted(self._may_relax)) or "nothing"
            problem = f'"{name}" of "{self._entry.id}" may not be loosened'
            raise self._document.error(problem, *where, hint=f"what may be, with a reason and an end date: {known}")
        if leave is None:
            problem = f'"{name}" of "{self._entry.id}" is looser than before'
            raise self._document.error(problem, *where, hint='add reason = "..." and until = YYYY-MM-DD')
        held = self._waiver
        if held is None or held == leave:
            self._waiver = leave
        elif leave.reason not in held.reason.split("; "):
            self._waiver = Waiver(f"{held.reason}; {leave.reason}", min(held.until, leave.until))
        else:
            self._waiver = Waiver(held.reason, min(held.until, leave.until))

    def _leave(self, override: Override, where: tuple[str, ...]) -> Waiver | None:
        if override.until is None or not override.reason.strip():
            return None
        if override.until > (self._now + timedelta(days=MAX_LEAVE_DAYS)).date():
            problem = f'leave for "{self._entry.id}" may last "{MAX_LEAVE_DAYS}" days at most'
            raise self._document.error(problem, *where, "until")
        until = datetime.combine(override.until + timedelta(days=1), time(), UTC)
        if until <= self._now:
            problem = f'the leave for "{self._entry.id}" ended on {override.until.isoformat()}'
            raise self._document.error(problem, *where, "until", hint="mend what it waited for, or decide anew")
        return Waiver(override.reason, until)

    def _typed(self, values: Mapping[str, object], where: tuple[str, ...]) -> Settings:
        try:
            made = msgspec.convert(values, self._kind, strict=True)
        except msgspec.ValidationError as error:
            problem, _, at = str(error).partition(" - at `$.")
            name = at.partition("`")[0].partition(".")[0].partition("[")[0]
            text = problem.replace("`", '"')
            problem = f'"{self._entry.id}": "{name}": {text[:1].lower()}{text[1:]}'
            raise self._document.error(problem, *where) from error
        for each in fields(self._kind):
            self._check_field(each.name, each.metadata, getattr(made, each.name), where)
        return made

    def _check_field(self, name: str, meta: Mapping[str, Any], value: object, where: tuple[str, ...]) -> None:
        scale, least = meta["scale"], meta["least"]
        given = value.values() if isinstance(value, Mapping) else (value,)
        if scale and any(str(each) not in scale for each in given):
            wrong = next(str(each) for each in given if str(each) not in scale)
            problem = f'"{name}" of "{self._entry.id}" cannot be "{wrong}"'
            raise self._document.error(problem, *where, hint=nearest(wrong, tuple(scale)))
        if isinstance(value, float) and not math.isfinite(value):
            raise self._document.error(f'"{name}" of "{self._entry.id}" must be a finite number', *where)
        if least is not None and isinstance(value, (int, float)) and value < least:
            raise self._document.error(f'"{name}" of "{self._entry.id}" must be at least "{least}"', *where)

    def expand(self, mark: str, values: Sequence[str]) -> None:
        """Replace a mark in any list by these values."""
        for name, value in self._values.items():
            if isinstance(value, (list, tuple)) and mark in value:
                self._values[name] = sorted({each for each in value if each != mark} | set(values))

    def planned(self) -> PlannedControl:
        """The control as it will run."""
        provenance = tuple(sorted((name, self._from[name]) for name in self._from))
        settings = self._typed(self._values, ("controls", self._entry.id))
        return PlannedControl(self._entry.id, Mode(self._mode), settings, provenance, self._waiver)
