"""Does the head of a request look like an attack? Rules over method, path, query and headers, and signs in their form.

* Rules stand in `data/request_firewall.toml`; an operator's own stand in a file of the same form (a rule pack). Each
  names its places, and holds to its examples before it is taken: a rule that finds nothing would only reassure.
* Every place is read as it came and with percent-encoding taken off, up to `MAX_DECODES` times; overlong and fullwidth
  forms of ASCII are undone. What is still encoded then is a sign of its own: something was not looked at.
* Signs in the form need no pattern: a framing header that comes twice, two ways to tell a body's length, a transfer
  coding that is not just `chunked`, a line break inside a value. What the parser below us already refuses is judged
  again here, since another door may have another parser.
* Our own rules run on Hyperscan (RE2 where it has no wheel). Packs always run on RE2: it bounds what a pattern may cost
  to compile, and a pack is compiled in the process that serves.
* Time is linear in the bytes of the head, whatever they say. Nothing here raises for a head, however hostile.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from urllib.parse import unquote_to_bytes

from ringwall.detectors.patterns import Pattern, PatternSet
from ringwall.model.errors import ConfigError
from ringwall.model.facts import RequestHead

MAX_DECODES = 4
"""How often percent-encoding is taken off one place."""
MAX_PACK_RULES = 1000
"""Rules that one pack may hold."""
MAX_REGEX_CHARS = 4096
"""Characters of one rule's expression."""
OWN = "request_firewall"
TARGET, QUERY, HEADER = PLACES = ("target", "query", "header")
SMUGGLING, INJECTION, TOO_DEEP = "request_smuggling", "header_injection", "too_deeply_encoded"
SCRIPTED, SCRAPER, SCANNER = "scripted_client", "scraper", "scanner_signature"
KINDS = (
    "path_traversal", "exploit_probe", "sql_injection", "shell_injection", "lookup_injection", "template_injection",
    "script_injection", INJECTION, SMUGGLING, SCANNER, SCRAPER, SCRIPTED, TOO_DEEP, "own_rule",
)  # fmt: skip
"""What a rule may find. `own_rule` is for packs: what is a matter of the organisation's own."""
_SINGLE = frozenset(
    {"host", "content-length", "transfer-encoding", "content-type", "content-encoding", "user-agent", "expect", "te"}
)
"""Headers that say how a request is read; two of one can be read in two ways."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        pattern: What it looks for.
        where: The places in which it looks.
    """

    pattern: Pattern
    where: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A sign of an attack.

    Attributes:
        kind: What sort of sign.
        rule: The rule that found it; empty for a sign in the form.
        score: How sure it alone is, 0 to 1.
    """

    kind: str
    rule: str
    score: float


class RequestRules:
    """Our rules and the packs of one organisation, ready to be asked about any head."""

    __slots__ = ("_sets",)

    def __init__(self, packs: Sequence[tuple[str, str]] = (), engine: str = "") -> None:
        """Compile.

        Args:
            packs: Names and texts of rule packs.
            engine: For our own rules: `hyperscan` or `re2`; empty takes the first that is installed.

        Raises:
            ConfigError: A pack cannot be taken; names file and line.
        """
        sets = [_own(engine), *(_pack(name, text) for name, text in packs)]
        self._sets: _Sets = {place: tuple(each[place] for each in sets if place in each) for place in PLACES}

    def judge(self, head: RequestHead) -> tuple[Match, ...]:
        """Every sign in a head, each rule once."""
        return _judge(self._sets, head)


def warm() -> None:
    """Compile our own rules, so that the first request does not wait for it."""
    _own("")


def read(raw: bytes) -> tuple[list[bytes], bool]:
    """All readings of a place, in lower case, and whether it was still encoded at the end."""
    readings = [raw.lower()]
    if b"%" not in raw and raw.isascii():
        return readings, False
    current = raw
    for _ in range(MAX_DECODES):
        decoded = unquote_to_bytes(_WIDE.sub(_narrow, current)) if b"%" in current else current
        folded = _fold(decoded)
        if folded == current:
            return readings, False
        readings.append(folded.lower())
        current = folded
    return readings, current != unquote_to_bytes(current)


def parse_rules(text: str, name: str) -> tuple[Rule, ...]:
    """Rules from the text of a file, each held to its examples.

    Args:
        text: TOML, one table a rule: `kind`, `where`, `regex`, `examples`, and if wanted `spared` and `score`.
        name: How errors speak of the file.

    Raises:
        ConfigError: Not valid, a rule that does not compile, or one that does not hold to its examples.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(where[1]) if where else None
        raise ConfigError("not valid TOML", file=name, line=line, hint=str(error).partition(" (at ")[0]) from error
    if len(tables) > MAX_PACK_RULES:
        raise ConfigError(f'more than "{MAX_PACK_RULES}" rules', file=name)
    return tuple(_rule(id, table, name, _line(text, id)) for id, table in tables.items())


def head_of(example: str) -> RequestHead:
    """The head of which an example speaks: `Name: value`, `/path?query` or `METHOD /path?query`."""
    method, blank, rest = example.partition(" ")
    if not (blank and method.isalpha() and method.isupper() and rest.startswith("/")):
        method, rest = "POST", example
    if not rest.startswith("/"):
        header, _, value = example.partition(":")
        return RequestHead("POST", "/v1/chat/completions", "", ((header.lower(), value.strip()),), 0)
    path, _, query = rest.partition("?")
    return RequestHead(method, unquote_to_bytes(path).decode("utf-8", "surrogateescape"), query, (), 0)


_Sets = Mapping[str, tuple[PatternSet, ...]]


def _judge(sets: _Sets, head: RequestHead) -> tuple[Match, ...]:
    """Every sign in a head, each rule once.

    Steps:
        1. The form of the headers.
        2. The readings of each place.
        3. Every rule on every reading.
    """
    found: dict[tuple[str, str], Match] = {}
    for kind in _form(head):  # 1
        found[kind, ""] = Match(kind, "", 1.0)
    for place, raw in _places(head):  # 2
        readings, is_deep = read(raw)
        # The path was decoded once before it came here: nobody who means a path encodes it twice.
        if is_deep or (place == TARGET and "%" in head.path and len(readings) > 1):
            found[TOO_DEEP, ""] = Match(TOO_DEEP, "", 1.0)
        for reading in readings:  # 3
            if place == HEADER and reading.count(b"\n") != len(head.headers):
                found[INJECTION, ""] = Match(INJECTION, "", 1.0)
            for patterns in sets[place]:
                for hit in patterns.scan(reading):
                    rule = hit.pattern
                    found[rule.kind, rule.id] = Match(rule.kind, rule.id, rule.score)
    return tuple(found.values())


_WIDE = re.compile(rb"%u00([0-9a-fA-F]{2})")
_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0\x80[\x80-\xbf]|\xe0\x81[\x80-\xbf]")


def _narrow(match: re.Match[bytes]) -> bytes:
    return b"%" + match[1]


def _fold(data: bytes) -> bytes:
    """Other forms of ASCII as ASCII: overlong UTF-8, fullwidth letters and the like."""
    if data.isascii():
        return data
    data = _OVERLONG.sub(_shortened, data)
    text = data.decode("utf-8", "surrogateescape")
    return data if text.isascii() else unicodedata.normalize("NFKC", text).encode("utf-8", "surrogateescape")


def _shortened(match: re.Match[bytes]) -> bytes:
    """The ASCII character that an overlong form hides."""
    last = match[0][-2:]
    return bytes([((last[0] & 0x01) << 6 | last[1] & 0x3F)])


def _form(head: RequestHead) -> Iterator[str]:
    """Signs that need no pattern."""
    last = dict(head.headers)
    if len(last) != len(head.headers):
        names = [name for name, _ in head.headers]
        if any(names.count(each) > 1 for each in _SINGLE & last.keys()):
            yield SMUGGLING
    length, coding = last.get("content-length"), last.get("transfer-encoding")
    if coding is not None and (length is not None or coding.lower() != "chunked"):
        yield SMUGGLING
    if length is not None and not (length.isascii() and length.isdigit()):
        yield SMUGGLING


def _places(head: RequestHead) -> Iterator[tuple[str, bytes]]:
    """The places of a head, as bytes."""
    yield TARGET, _utf8(f"{head.method} {head.path}")
    if head.query:
        yield QUERY, _wire(head.query).replace(b"+", b" ")
    if head.headers:
        yield HEADER, _wire("\n" + "\n".join(map(": ".join, head.headers)))


def _wire(text: str) -> bytes:
    """The bytes that came, where a door has read them as ISO 8859-1; of any other text its UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return _utf8(text)


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a pair that no byte of a path stands for
        return text.encode("utf-8", "replace")


def _compiled(rules: Sequence[Rule], engine: str) -> Mapping[str, PatternSet]:
    by_place = {place: [each.pattern for each in rules if place in each.where] for place in PLACES}
    return {place: PatternSet(patterns, engine) for place, patterns in by_place.items() if patterns}


@cache
def _own(engine: str) -> Mapping[str, PatternSet]:
    text = files("ringwall.detectors").joinpath("data", f"{OWN}.toml").read_text("utf-8")
    return _compiled([_read_rule(id, table, f"{OWN}.toml", None) for id, table in tomllib.loads(text).items()], engine)


@lru_cache(maxsize=64)
def _pack(name: str, text: str) -> Mapping[str, PatternSet]:
    return _compiled(parse_rules(text, name), "re2")


def _rule(id: str, table: object, name: str, line: int | None) -> Rule:
    """A rule of a pack that compiles and holds to its examples."""
    rule = _read_rule(id, table, name, line)
    try:
        compiled = _compiled([rule], "re2")
    except ConfigError as error:
        problem = f'rule "{id}" does not compile'
        raise ConfigError(problem, file=name, line=line, hint="what both Hyperscan and RE2 understand") from error
    alone = {place: (compiled[place],) if place in compiled else () for place in PLACES}
    for example in rule.pattern.examples:
        if all(match.rule != id for match in _judge(alone, head_of(example))):
            raise ConfigError(f'rule "{id}" does not find its example "{example[:64]}"', file=name, line=line)
    for spared in rule.pattern.spared:
        if any(match.rule == id for match in _judge(alone, head_of(spared))):
            raise ConfigError(f'rule "{id}" finds what it must spare: "{spared[:64]}"', file=name, line=line)
    return rule


def _read_rule(id: str, table: object, name: str, line: int | None) -> Rule:
    """A rule as it is written, checked but not compiled."""

    def wrong(problem: str, hint: str = "") -> ConfigError:
        return ConfigError(f'rule "{id}": {problem}', file=name, line=line, hint=hint)

    if not isinstance(table, dict):
        raise wrong("not a table", "[name_of_the_rule]")
    unknown = table.keys() - {"kind", "where", "regex", "examples", "spared", "score"}
    if unknown:
        raise wrong(f'unknown field "{min(unknown)}"')
    kind, where, regex, score = (table.get(each) for each in ("kind", "where", "regex", "score"))
    if kind not in KINDS:
        raise wrong(f'unknown kind "{kind}"', f"one of: {', '.join(KINDS)}")
    if not isinstance(where, list) or not where or not all(each in PLACES for each in where):
        raise wrong('"where" must be a list of places', f"one or more of: {', '.join(PLACES)}")
    if not isinstance(regex, str) or not 0 < len(regex) <= MAX_REGEX_CHARS:
        raise wrong(f'"regex" must be a text of 1 to "{MAX_REGEX_CHARS}" characters')
    if score is not None and (isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 1):
        raise wrong('"score" must be a number from 0 to 1')
    examples, spared = table.get("examples", []), table.get("spared", [])
    if not all(isinstance(each, list) and all(isinstance(item, str) for item in each) for each in (examples, spared)):
        raise wrong('"examples" and "spared" must be lists of texts')
    if not examples:
        raise wrong('"examples" must hold what it finds', "a path with its query, or a header: Name: value")
    score = 1.0 if score is None else float(score)
    pattern = Pattern(id, kind, regex, score, spans=False, examples=tuple(examples), spared=tuple(spared))
    return Rule(pattern, tuple(dict.fromkeys(where)))


def _line(text: str, id: str) -> int | None:
    """The line on which a rule's table begins."""
    header = re.compile(rf"[ \t]*\[[ \t]*[\"']?{re.escape(id)}[\"']?[ \t]*\]")
    return next((number for number, line in enumerate(text.splitlines(), 1) if header.match(line)), None)
