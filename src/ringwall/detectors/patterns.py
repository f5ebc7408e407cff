"""Which of many patterns occur in a text, and where? Compiled once, asked often.

* Patterns stand in data files (`data/<set>.toml`), each with an id, a kind, a score, examples that must match and
  near-misses that must not; the tests hold each file to its examples.
* Semantics are those of bytes: a text is encoded as UTF-8, classes and counts are of bytes, case matters. Whoever wants
  to ignore case folds text and writes patterns in lower case. Only what Hyperscan and RE2 both understand is allowed,
  so there is no look-around and no back-reference, and time is linear in the text whatever the pattern.
* Hyperscan where it has a wheel, RE2 elsewhere; both report the same patterns for the same text.
* Hyperscan's scratch space serves one scan at a time and the scan releases the interpreter lock, so that each thread
  has a scratch of its own.
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol

from ringwall.model.errors import ConfigError

GAP = r"[^a-z0-9]*"
"""What `~` stands for in a data file: bytes that are neither letters nor digits, however many, or none."""


SET_MEMORY_BYTES = 128 << 20
"""What RE2 may keep of a set's automaton. With its usual 8 MB, text outside ASCII makes it start over and over."""
SINGLE_MEMORY_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern.

    Attributes:
        id: Its name in its set.
        kind: The kind of evidence that a hit gives.
        regex: In the common subset of Hyperscan and RE2.
        score: How sure a hit is, 0 to 1.
        spans: Whether hits need a place; a pattern that only says "look closer" does not.
        examples: Texts that must match.
        spared: Near misses that must not.
    """

    id: str
    kind: str
    regex: str
    score: float = 1.0
    spans: bool = True
    examples: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern that occurs.

    Attributes:
        pattern: The pattern.
        start: Offset in bytes; 0 where the pattern gives no place.
        end: Offset one past the last byte; 0 where the pattern gives no place.
    """

    pattern: Pattern
    start: int
    end: int


class PatternSet:
    """Many patterns, asked together."""

    __slots__ = ("_engine", "patterns")

    def __init__(self, patterns: Iterable[Pattern], engine: str = "") -> None:
        """Compile.

        Args:
            patterns: The patterns.
            engine: `hyperscan` or `re2`; empty takes the first that is installed.

        Raises:
            ConfigError: Two patterns share an id, or one does not compile.
        """
        self.patterns = tuple(patterns)
        if len({each.id for each in self.patterns}) != len(self.patterns):
            raise ConfigError("two patterns share an id")
        self._engine: _Engine = _ENGINES[engine or _installed()](self.patterns)

    def scan(self, data: bytes) -> tuple[Hit, ...]:
        """Every pattern that occurs, with the longest match from each place where one starts."""
        found = self._engine.scan(data)
        if not found:
            return ()
        return tuple(Hit(self.patterns[index], start, end) for (index, start), end in sorted(found.items()))


def load_patterns(name: str) -> tuple[Pattern, ...]:
    """The patterns of a data file of this package.

    Raises:
        ConfigError: The file cannot be taken.
    """
    return parse_patterns(files("ringwall.detectors").joinpath("data", f"{name}.toml").read_text("utf-8"), name)


def parse_patterns(text: str, name: str) -> tuple[Pattern, ...]:
    """Patterns from the text of a data file.

    Raises:
        ConfigError: Not valid, or a pattern lacks a field or its examples.
    """
    try:
        data = tomllib.loads(text)
        return tuple(
            Pattern(
                id=id,
                kind=row["kind"],
                regex=row["regex"].replace("~", GAP),
                score=float(row.get("score", 1.0)),
                spans=row.get("spans", True),
                examples=tuple(row["examples"]),
                spared=tuple(row.get("spared", ())),
            )
            for id, row in data.items()
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"not a pattern file: {error!r}", file=f"{name}.toml") from error


class _Engine(Protocol):
    def scan(self, data: bytes) -> Mapping[tuple[int, int], int]:
        """(pattern index, start) to end."""
        ...


class _Hyperscan:
    """Hyperscan in block mode."""

    __slots__ = ("_database", "_local", "_spans")

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        import hyperscan

        if not patterns:
            raise ConfigError("a set of no patterns")
        self._database: Any = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._local = threading.local()
        self._spans = tuple(each.spans for each in patterns)
        try:
            self._database.compile(
                expressions=[each.regex.encode() for each in patterns],
                ids=list(range(len(patterns))),
                elements=len(patterns),
                flags=[
                    hyperscan.HS_FLAG_SOM_LEFTMOST if each.spans else hyperscan.HS_FLAG_SINGLEMATCH for each in patterns
                ],
            )
        except hyperscan.HyperscanError as error:
            raise ConfigError(f"a pattern does not compile: {error}") from error

    def scan(self, data: bytes) -> Mapping[tuple[int, int], int]:
        found: dict[tuple[int, int], int] = {}
        spans = self._spans

        def report(index: int, start: int, end: int, flags: int, context: object) -> None:
            if not spans[index]:
                found[index, 0] = 0
            elif end > found.get((index, start), -1):
                found[index, start] = end

        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = self._database.scratch.clone()
        self._database.scan(data, match_event_handler=report, scratch=scratch)
        return found


class _Re2:
    """RE2: a set says which patterns occur, then each of them is asked where."""

    __slots__ = ("_patterns", "_set", "_single")

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        import re2

        if not patterns:
            raise ConfigError("a set of no patterns")
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.log_errors = False
        options.longest_match = True
        self._patterns = patterns
        try:
            options.max_mem = SET_MEMORY_BYTES
            self._set: Any = re2.Set.SearchSet(options)
            for each in patterns:
                self._set.Add(each.regex.encode())
            self._set.Compile()
            options.max_mem = SINGLE_MEMORY_BYTES
            self._single = [re2.compile(each.regex.encode(), options) for each in patterns]
        except re2.error as error:
            raise ConfigError(f"a pattern does not compile: {error}") from error

    def scan(self, data: bytes) -> Mapping[tuple[int, int], int]:
        found: dict[tuple[int, int], int] = {}
        for index in self._set.Match(data) or ():
            if not self._patterns[index].spans:
                found[index, 0] = 0
                continue
            for match in self._single[index].finditer(data):
                found[index, match.start()] = match.end()
        return found


_ENGINES: Mapping[str, Any] = {"hyperscan": _Hyperscan, "re2": _Re2}


def _installed() -> str:
    try:
        import hyperscan  # noqa: F401
    except ImportError:
        return "re2"
    return "hyperscan"
