"""Where does a link lead, and does it carry something away? Read as a browser reads it, whatever it was written like.

* A browser drops tabs and line ends inside an address, takes a backslash for a slash, undoes entities; Markdown undoes
  backslashes before punctuation. Every reading is judged and the worst counts.
* `relative`: leads to where the answer is shown. `listed`: to a host that the organisation listed. `plain`: to another,
  with nothing that could hold much. `data`: to another, and it could. `active`: runs, or opens a program.
* A listed host is `data` when its address names an address elsewhere: it may pass on what it is given.
* Room for data is measured: characters of the query's values, words that are no words in the path, the labels of the
  host, a name before the host.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from enum import IntEnum
from urllib.parse import unquote

MAX_URL = 2048
"""Code points of an address that are read; a longer one carries data."""
MAX_VALUES = 24
"""Characters of all values of a query, or of a fragment, that carry nothing: `v=dQw4w9WgXcQ`, `page=2`."""
MAX_SLUG = 80
"""Characters of a fragment of plain words: a heading's."""
MIN_OPAQUE = 24
"""Characters from which a piece of a path or a label of a host that is made of no words could hold something."""
MAX_PATH = 300
MAX_DIGITS = 24
MAX_HOST = 100
MAX_LABELS = 6

_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_DROPPED = str.maketrans("", "", "\t\n\r")
_EDGES = "".join(map(chr, range(0x21)))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_WEB = frozenset({"http", "https", "ftp", "ws", "wss"})
_NESTED = re.compile(r"(?i)(?:https?|ftp):[/\\]*([^/\\?#&\s]+)|=[/\\]{2}([^/\\?#&\s]+)")
_WORDS = re.compile(r"[^\W\d_]{1,24}|[0-9]{1,8}")
_BETWEEN = re.compile(r"[-_.~ +,()'!:;@]+")
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOST_END = re.compile(r"[/\\?#]")
_PORT = re.compile(r":[0-9]*\Z")
_NOTHING = ("", "", "")


class Leads(IntEnum):
    """Where an address leads; the higher is the worse."""

    RELATIVE = 0
    LISTED = 1
    PLAIN = 2
    DATA = 3
    ACTIVE = 4


class Hosts:
    """Hosts that may be linked to: `docs.example.com` itself, `*.example.com` whatever is below."""

    __slots__ = ("_below", "_exact")

    def __init__(self, hosts: Iterable[str]) -> None:
        listed = [_plain_host(each) for each in hosts]
        self._exact = frozenset(each for each in listed if not each.startswith("*."))
        self._below = tuple(each[1:] for each in listed if each.startswith("*."))

    def __contains__(self, host: str) -> bool:
        return host in self._exact or (bool(self._below) and host.endswith(self._below))


UNASKED = Hosts(())
"""For whoever only wants to know where an address ends: it leads somewhere."""


def leads(address: str, hosts: Hosts) -> Leads:
    """Where an address leads, at worst."""
    if hosts is UNASKED:
        return Leads.PLAIN
    return max(_leads(each, hosts) for each in _readings(address))


def host_of(address: str) -> str:
    """The host that an address names, or nothing."""
    return _split(_readings(address)[0])[1]


def _readings(address: str) -> tuple[str, ...]:
    """What a browser may make of an address, with backslashes undone and without."""
    if "&" not in address and "\\" not in address:
        return (_browsed(address),)
    plain = html.unescape(address)
    return tuple(dict.fromkeys((_browsed(plain), _browsed(_ESCAPED.sub(r"\1", plain)))))


def _browsed(address: str) -> str:
    return address.translate(_DROPPED).strip(_EDGES)


def _leads(address: str, hosts: Hosts) -> Leads:
    if len(address) > MAX_URL:
        return Leads.DATA
    scheme, host, rest = _split(address)
    if scheme == "mailto":
        return Leads.DATA if len(_values(rest.partition("?")[2])) > MAX_VALUES else Leads.PLAIN
    if scheme == "tel":
        return Leads.DATA if len(rest) > MAX_VALUES else Leads.PLAIN
    if scheme and scheme not in _WEB:
        return Leads.ACTIVE
    if not scheme and not host:
        return Leads.RELATIVE
    name = host.rpartition("@")[2]
    if name != host:
        return Leads.DATA
    if name in hosts:
        return Leads.DATA if _passes_on(rest, hosts) else Leads.LISTED
    return Leads.DATA if _has_room(name, rest) else Leads.PLAIN


def _split(address: str) -> tuple[str, str, str]:
    """Scheme, host (with a name before it, if there is one) and the rest, in lower case but for the rest."""
    match = _SCHEME.match(address)
    scheme = match[1].lower() if match else ""
    if scheme and scheme not in _WEB:
        return scheme, "", address[len(scheme) + 1 :]
    rest = address[len(scheme) + 1 :] if scheme else address
    if not scheme and not (rest[:1] in "/\\" and rest[1:2] in "/\\" and rest[1:2]):
        return _NOTHING
    rest = rest.lstrip("/\\")
    match = _HOST_END.search(rest)
    end = match.start() if match else len(rest)
    name, _, host = rest[:end].rpartition("@")
    host = _plain_host(_PORT.sub("", host) if ":" in host else host)
    return scheme or "https", f"{name}@{host}" if name else host, rest[end:]


def _plain_host(host: str) -> str:
    if host.isascii() and "%" not in host:
        return host.lower().rstrip(".")
    plain = unicodedata.normalize("NFKC", unquote(host)).lower()
    return plain.replace("\u3002", ".").replace("\u00ad", "").rstrip(".")


def _passes_on(rest: str, hosts: Hosts) -> bool:
    """True when an address names another one, elsewhere."""
    for _ in range(3):
        for match in _NESTED.finditer(rest):
            if _plain_host((match[1] or match[2]).rpartition("@")[2].partition(":")[0]) not in hosts:
                return True
        rest, before = unquote(rest), rest
        if rest == before:
            return False
    return True


def _has_room(host: str, rest: str) -> bool:
    """True when there is room for data."""
    labels = host.split(".")
    if len(host) > MAX_HOST or len(labels) > MAX_LABELS or any(_is_opaque(each) for each in labels):
        return True
    before, _, fragment = rest.partition("#")
    path, _, query = before.partition("?")
    if len(_values(query)) > MAX_VALUES:
        return True
    fragment = unquote(fragment)
    if len(fragment) > (MAX_SLUG if _is_words(fragment) else MAX_VALUES):
        return True
    path = unquote(path)
    if len(path) > MAX_PATH or (sum(map(str.isdigit, path)) > MAX_DIGITS and not _is_digest(path)):
        return True
    return any(_is_opaque(each) for each in re.split(r"[/\\]", path))


def _values(query: str) -> str:
    """The values of a query, and names without a value, as they were meant."""
    pairs = [pair.partition("=") for pair in re.split("[&;]", query)]
    return unquote("".join(value if equals else name for name, equals, value in pairs))


def _is_words(text: str) -> bool:
    return all(_WORDS.fullmatch(each) for each in _BETWEEN.split(text) if each)


def _is_digest(path: str) -> bool:
    return any(_DIGEST.fullmatch(each) for each in path.lower().split("/"))


def _is_opaque(piece: str) -> bool:
    return len(piece) >= MIN_OPAQUE and not _is_words(piece) and not _DIGEST.fullmatch(piece.lower())
