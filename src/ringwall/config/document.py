"""What does a configuration file say, and on which line? TOML values with the line of every key.

`tomllib` reads the values; lines are found by reading statement after statement with `tomllib` itself, so that the two
can never disagree about what a statement is.

* Whatever is in a file, reading it ends in a document or in a `ConfigError`: numbers that Python will not read, tables
  nested without end and names that are no text are refused here, and none of them reaches who reads on.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ringwall.model.errors import ConfigError
from ringwall.model.plan import Provenance

MAX_FILE_BYTES = 1024 * 1024
"""The largest configuration file that is read."""

MAX_NESTING = 32
"""Levels of tables and arrays; what a configuration can mean needs eight."""
_CLOSING = ("]", '"""', "'''")
"""Only a line with one of these can end a value of several lines."""

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One file.

    Attributes:
        file: Its name, as the user gave it.
        values: What it says.
        lines: The line, from 1, of every key and table, by path.
    """

    file: str
    values: Mapping[str, object]
    lines: Mapping[KeyPath, int]

    def where(self, *path: str) -> Provenance:
        """Where the value at a path was set; the nearest table above it when it has no line of its own."""
        for length in range(len(path), 0, -1):
            line = self.lines.get(path[:length])
            if line is not None:
                return Provenance(self.file, line)
        return Provenance(self.file)

    def error(self, problem: str, *path: str, hint: str = "") -> ConfigError:
        """An error that names file and line of a path."""
        return ConfigError(problem, file=self.file, line=self.where(*path).line, hint=hint)


def read_file(path: Path) -> Document:
    """Read a configuration file.

    Raises:
        ConfigError: It is not there, too large, not UTF-8, or not TOML.
    """
    name = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=name, hint="ringwall init writes one") from error
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(f'larger than "{MAX_FILE_BYTES}" bytes', file=name)
    return read_text(content, name)


def read_text(content: bytes, file: str) -> Document:
    """Read configuration from bytes, under the name of a file.

    Raises:
        ConfigError: Not UTF-8, or not TOML; names the line.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError("not UTF-8", file=file, line=content[: error.start].count(b"\n") + 1) from error
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(f'nested deeper than "{MAX_NESTING}" levels', file=file) from error
    except ValueError as error:  # a TOMLDecodeError, or a number or date that Python will not read
        message, line = _problem(error)
        raise ConfigError(f"not TOML: {message}", file=file, line=line) from error
    if _is_deep(values):
        raise ConfigError(f'nested deeper than "{MAX_NESTING}" levels', file=file)
    return Document(file, values, _lines(text))


def _problem(error: BaseException) -> tuple[str, int | None]:
    message, _, where = str(error).partition(" (at line ")
    line = where.partition(",")[0]
    return message[:1].lower() + message[1:], int(line) if line.isdigit() else None


def _is_deep(value: object) -> bool:
    """True when nested deeper than the limit; found without recursion, since dotted keys nest without any."""
    below = [value]
    for _ in range(MAX_NESTING):
        below = [
            item
            for each in below
            if isinstance(each, (dict, list))
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not below:
            return False
    return any(isinstance(each, (dict, list)) for each in below)


def _lines(text: str) -> dict[KeyPath, int]:
    """The line of every key and table of a text that is known to be TOML."""
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    statement, began = "", 0
    # Absent on purpose: `splitlines`, which also splits at U+2028, U+0085 and others that TOML allows inside a string.
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not statement and (not line.strip() or line.lstrip().startswith("#")):
            continue
        began = began if statement else number
        goes_on = bool(statement)
        statement = f"{statement}\n{line}" if goes_on else line
        if goes_on and not any(mark in line for mark in _CLOSING):
            continue
        try:
            read = tomllib.loads(statement)
        except ValueError:
            continue  # the statement goes on in the next line
        if statement.lstrip().startswith("["):
            table = _header(read)
            _note(found, (), table, began)
        else:
            for path in _paths(read):
                _note(found, table, path, began)
        statement = ""
    return found


def _note(found: dict[KeyPath, int], table: KeyPath, path: KeyPath, line: int) -> None:
    for length in range(1, len(path) + 1):
        found.setdefault(table + path[:length], line)


def _header(read: object) -> KeyPath:
    """The path of the one table that a header opens: `[a.b]`, `[[a.b]]`."""
    path: KeyPath = ()
    while isinstance(read, dict) and read:
        (key, read), *_ = read.items()
        path = (*path, key)
    return path


def _paths(value: object, above: KeyPath = ()) -> list[KeyPath]:
    """Every path of a small document, tables before what is in them."""
    if not isinstance(value, dict):
        return []
    return [path for key, item in value.items() for path in ((*above, key), *_paths(item, (*above, key)))]
