"""What does the framework ask for? The catalog: one entry per control, read from TOML files in this package.

* `<layer>/<name>.toml` is the entry of the control `<layer>.<name>`; the folder says where it operates. Entries in
  `governance/` run across all three layers.
* `crosswalk/<framework>.toml` holds ids and short titles of one outside framework, with its version and licence. An
  entry may only name ids that stand there.
* Nothing is guessed: an unknown key, a missing field, a value of the wrong type or an unknown id is a `ConfigError`
  that names file and line. A catalog is taken whole or not at all.
* Each default keeps the file and line that set it, so that `ringwall plan` can say where a value came from.
* The 3 x 3 x 3 matrix is computed from the entries. Governance stands in every layer's row.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, TypeVar

from ringwall.model.errors import ConfigError
from ringwall.model.framework import CONTROL_ID, ControlId, Entry, How, Layer, Passage, Phase, Trait, UseCase
from ringwall.model.interaction import Checkpoint
from ringwall.model.plan import Provenance

S = TypeVar("S", bound=StrEnum)

GOVERNANCE = "governance"
FOLDERS = (*(layer.value for layer in Layer), GOVERNANCE)
PLACEMENTS = ("seed", "ours")
STEPS = range(1, 11)
"""The steps of the worked example."""

REQUIRED: Mapping[str, type | tuple[type, ...]] = {
    "title": str,
    "question": str,
    "use_cases": list,
    "phase": str,
    "placement": str,
    "how": str,
    "built": bool,
    "evidence_days": int,
    "passage": dict,
    "crosswalk": dict,
}
OPTIONAL: Mapping[str, type | tuple[type, ...]] = {
    "traits": list,
    "placement_reason": str,
    "step": int,
    "checkpoints": list,
    "probes": list,
    "evidence_kinds": list,
    "may_relax": list,
    "defaults": dict,
}
_NAME = re.compile(r"[a-z][a-z0-9_]{1,62}(?:\.[a-z][a-z0-9_]{1,62})?")
"""A name, or `setting.key` for one key of a setting that is a table."""
_KEY_LINE = re.compile(r'\s*"?([A-Za-z0-9_-]+)"?\s*=')
_TABLE_LINE = re.compile(r"\s*\[\s*([A-Za-z0-9_.-]+)\s*\]")


@dataclass(frozen=True, slots=True)
class Framework:
    """An outside framework, as far as its licence lets us repeat it: ids and short titles.

    Attributes:
        key: How entries speak of it.
        title: Its name for people.
        version: The version whose ids these are.
        licence: Its licence, and what we took under it.
        ids: Id to short title.
    """

    key: str
    title: str
    version: str
    licence: str
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Catalog:
    """The framework as data.

    Attributes:
        entries: By control id, in the order of the ids.
        provenance: For each control: setting name, and `setting.key` where it is a table, to the file and line of its
            default.
        frameworks: By key.
    """

    entries: Mapping[ControlId, Entry]
    provenance: Mapping[ControlId, Mapping[str, Provenance]]
    frameworks: Mapping[str, Framework]

    def matrix(self) -> Mapping[tuple[UseCase, Layer, Phase], tuple[ControlId, ...]]:
        """The controls that first become due in each cell of use case x layer x phase."""
        cells: dict[tuple[UseCase, Layer, Phase], list[ControlId]] = {
            (use_case, layer, phase): [] for use_case in UseCase for layer in Layer for phase in Phase
        }
        for entry in self.entries.values():
            for layer in sorted(entry.layers):
                cells[min(entry.use_cases), layer, entry.phase].append(entry.id)
        return MappingProxyType({cell: tuple(ids) for cell, ids in cells.items()})

    def covering(self, framework: str, item: str) -> tuple[ControlId, ...]:
        """The controls whose entries answer to one id of an outside framework."""
        return tuple(id for id, entry in self.entries.items() if item in dict(entry.crosswalk).get(framework, ()))


@cache
def load_catalog() -> Catalog:
    """The catalog that ships with Ringwall.

    Raises:
        ConfigError: An entry or a crosswalk cannot be taken.
    """
    return read_catalog(files("ringwall.catalog"))


def read_catalog(root: Traversable) -> Catalog:
    """The catalog in a folder.

    Raises:
        ConfigError: An entry or a crosswalk cannot be taken.
    """
    frameworks = {each.key: each for each in (_framework(file) for file in _toml_files(root / "crosswalk"))}
    entries: dict[ControlId, Entry] = {}
    provenance: dict[ControlId, Mapping[str, Provenance]] = {}
    for folder in FOLDERS:
        for file in _toml_files(root / folder):
            entry, lines = read_entry(folder, file.name, file.read_text("utf-8"), frameworks)
            entries[entry.id] = entry
            provenance[entry.id] = lines
    ordered = {id: entries[id] for id in sorted(entries)}
    return Catalog(MappingProxyType(ordered), MappingProxyType(provenance), MappingProxyType(frameworks))


def read_entry(
    folder: str, name: str, text: str, frameworks: Mapping[str, Framework]
) -> tuple[Entry, Mapping[str, Provenance]]:
    """One entry from its file's text.

    Args:
        folder: Layer folder, or `governance`.
        name: The file's name.
        text: Its content.
        frameworks: The crosswalks whose ids it may name.

    Returns:
        The entry, and where each of its defaults was set.

    Raises:
        ConfigError: It cannot be taken; names file and line.
    """
    source = _Source(f"catalog/{folder}/{name}", text)
    data = source.data
    control = f"{folder}.{name.removesuffix('.toml')}"
    if not CONTROL_ID.fullmatch(control):
        raise source.error(f'not a control id: "{control}"')
    source.check_fields(REQUIRED, OPTIONAL)
    _check(source)
    defaults = source.data.get("defaults", {})
    entry = Entry(
        id=ControlId(control),
        title=data["title"],
        question=data["question"],
        layers=frozenset(Layer) if folder == GOVERNANCE else frozenset({Layer(folder)}),
        use_cases=frozenset(source.several(UseCase, "use_cases")),
        traits=frozenset(source.several(Trait, "traits")),
        phase=source.one(Phase, "phase"),
        placement=data["placement"],
        placement_reason=data.get("placement_reason", ""),
        how=source.one(How, "how"),
        built=data["built"],
        step=data.get("step"),
        checkpoints=tuple(each.value for each in source.several(Checkpoint, "checkpoints")),
        passage=_passage(source),
        crosswalk=_crosswalk(source, frameworks),
        probes=tuple(source.names("probes")),
        evidence_days=data["evidence_days"],
        evidence_kinds=frozenset(source.names("evidence_kinds")),
        defaults=_frozen(defaults),
        may_relax=frozenset(source.names("may_relax")),
    )
    where = {each: Provenance(source.file, source.line("defaults", each)) for each in defaults}
    for name, table in defaults.items():
        if isinstance(table, dict):
            lines = {key: source.line(f"defaults.{name}", key) for key in table}
            where.update((f"{name}.{key}", Provenance(source.file, line)) for key, line in lines.items())
    return entry, MappingProxyType(where)


def _check(source: _Source) -> None:
    """What no single field can say by itself."""
    data = source.data
    how, checkpoints = source.one(How, "how"), source.several(Checkpoint, "checkpoints")
    placement, reason = data["placement"], data.get("placement_reason", "")
    if placement not in PLACEMENTS:
        raise source.error(f'unknown placement "{placement}"', "placement", f"one of: {', '.join(PLACEMENTS)}")
    if (placement == "ours") != bool(reason):
        raise source.error("a placement of ours needs a reason, one of the seed has none", "placement")
    if checkpoints and how is not How.ENFORCED:
        raise source.error("only an enforced control stands at checkpoints", "checkpoints")
    if data["built"] and not checkpoints:
        raise source.error("a built control stands at some checkpoint", "built")
    if data["evidence_days"] < 1:
        raise source.error(f'evidence cannot be younger than "{data["evidence_days"]}" days', "evidence_days")
    if not data["question"].endswith("?"):
        raise source.error("a question ends with a question mark", "question")
    if not data["use_cases"]:
        raise source.error("at least one use case", "use_cases")
    step = data.get("step")
    if step is not None and step not in STEPS:
        raise source.error(f'no such step of the worked example: "{step}"', "step")
    if unknown := sorted(set(source.names("may_relax")) - _paths(data.get("defaults", {})) - {"mode"}):
        raise source.error(f'"{unknown[0]}" may be relaxed but has no default', "may_relax")


def _paths(defaults: Mapping[str, Any]) -> set[str]:
    """The names of all settings, and of every key of those that are tables."""
    tables = {name: value for name, value in defaults.items() if isinstance(value, dict)}
    return {*defaults, *(f"{name}.{key}" for name, table in tables.items() for key in table)}


class _Source:
    """One TOML file: its data, and the lines on which its keys stand."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        if '"""' in text or "'''" in text:
            # Absent on purpose: with them, a line of a string could pass for a line that sets a key.
            raise ConfigError("multi-line strings are not used in the catalog", file=file)
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"not valid TOML: {error}", file=file) from error
        self._lines: dict[tuple[str, str], int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), 1):
            if match := _TABLE_LINE.match(line):
                table = match[1]
                parent, _, child = table.rpartition(".")
                self._lines.setdefault((parent, child), number)
            elif match := _KEY_LINE.match(line):
                self._lines.setdefault((table, match[1]), number)

    def line(self, table: str, key: str) -> int | None:
        """The line that sets a key, or None when it stands in an inline table."""
        return self._lines.get((table, key))

    def error(self, problem: str, key: str = "", hint: str = "") -> ConfigError:
        return ConfigError(problem, file=self.file, line=self.line("", key), hint=hint)

    def check_fields(
        self, required: Mapping[str, type | tuple[type, ...]], optional: Mapping[str, type | tuple[type, ...]]
    ) -> None:
        known = {**required, **optional}
        for key, value in self.data.items():
            if key not in known:
                raise self.error(f'unknown field "{key}"', key, f"known: {', '.join(known)}")
            kind = known[key]
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise self.error(f'field "{key}" has the wrong type', key)
        for key in required:
            if key not in self.data:
                raise self.error(f'field "{key}" is missing')

    def names(self, key: str) -> list[str]:
        found: list[Any] = self.data.get(key, [])
        for each in found:
            if not isinstance(each, str) or not _NAME.fullmatch(each):
                raise self.error(f'not a name: "{each}"', key)
        if len(set(found)) != len(found):
            raise self.error(f'field "{key}" names something twice', key)
        return found

    def one(self, kind: type[S], key: str) -> S:
        return self._member(kind, key, self.data[key])

    def several(self, kind: type[S], key: str) -> list[S]:
        return [self._member(kind, key, each) for each in self.data.get(key, [])]

    def _member(self, kind: type[S], key: str, value: object) -> S:
        for member in kind:
            if member.value == value:
                return member
        raise self.error(f'unknown {key} "{value}"', key, f"one of: {', '.join(kind)}")


def _passage(source: _Source) -> Passage:
    table = source.data["passage"]
    if set(table) != {"section", "quote"} or not all(isinstance(each, str) and each for each in table.values()):
        raise source.error("a passage has a section and a quote", "passage")
    return Passage(table["section"], table["quote"])


def _crosswalk(source: _Source, frameworks: Mapping[str, Framework]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = []
    for key, ids in sorted(source.data["crosswalk"].items()):
        framework = frameworks.get(key)
        line = source.line("crosswalk", key)
        if framework is None:
            raise ConfigError(
                f'unknown framework "{key}"', file=source.file, line=line, hint=f"known: {', '.join(frameworks)}"
            )
        for each in ids:
            if each not in framework.ids:
                raise ConfigError(f'no id "{each}" in framework "{key}"', file=source.file, line=line)
        found.append((key, tuple(ids)))
    return tuple(found)


def _framework(file: Traversable) -> Framework:
    source = _Source(f"catalog/crosswalk/{file.name}", file.read_text("utf-8"))
    source.check_fields({"title": str, "version": str, "licence": str, "ids": dict}, {})
    data = source.data
    for id, title in data["ids"].items():
        if not isinstance(title, str) or not title:
            raise source.error(f'id "{id}" has no title')
    return Framework(
        file.name.removesuffix(".toml"),
        data["title"],
        data["version"],
        data["licence"],
        MappingProxyType(dict(data["ids"])),
    )


def _toml_files(folder: Traversable) -> Iterator[Traversable]:
    if not folder.is_dir():
        return
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            yield file


def _frozen(value: Any) -> Any:
    """TOML values, deeply immutable: lists as tuples, tables as read-only mappings."""
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value
