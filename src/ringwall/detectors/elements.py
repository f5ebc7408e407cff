"""Does an HTML element act? What a `<` begins, read as a browser would, with and without its quotes.

* Elements that act whatever their attributes (`<script>`, `<svg>`, `<form>` ...), attributes that act on any element
  (`onclick`, `style`, `href` ...), and of elements that HTML knows every attribute that is not known to be harmless.
* Plain formatting is left alone, and so is what only looks like an element: `List<Object>`, `<your-api-key>`.
* A tag that does not end within `MAX_TAG` acts: nobody can tell what it will be.
* `image` for one that is fetched without a click; a link in angle brackets is a link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringwall.detectors.links import MAX_URL, Hosts, Leads, leads

MAX_TAG = 512
"""Code points of a tag."""

_ALWAYS = frozenset(
    "script style svg math iframe frame frameset textarea title noscript noembed noframes xmp plaintext listing "
    "template form applet portal foreignobject fencedframe".split()
)
"""Elements that act, or change how what follows is read, whatever their attributes."""
_HARMLESS = frozenset(
    {"class", "title", "align", "valign", "colspan", "rowspan", "lang", "dir", "start", "type", "open"}
)
_KNOWN = frozenset(
    "a abbr acronym address animate area article aside audio b base basefont bdi bdo bgsound big blink "
    "blockquote body br button canvas caption center cite code col colgroup data datalist dd del details dfn "
    "dialog dir div dl dt em embed fieldset figcaption figure font footer h1 h2 h3 h4 h5 h6 head header "
    "hgroup hr html i image img input ins isindex kbd keygen label legend li link main map mark marquee menu "
    "menuitem meta meter nav nobr object ol optgroup option output p param picture pre progress q rb rp rt "
    "ruby s samp search section select set slot small source span strike strong sub summary sup table tbody "
    "td tfoot th thead time tr track tt u ul use var video wbr".split()
)
_DANGEROUS = re.compile(
    r"(?i)[\s/\"'](?:on[a-z]{2,32}|style|src|srcset|srcdoc|href|xlink:href|action|formaction|background|poster|data|ping"
    r"|code|codebase|dynsrc|lowsrc|manifest|is|http-equiv)[\s\x00-\x1f]*="
)
_ATTRIBUTE = re.compile(r"[\s/\"']([^\s\"'<>/=]{1,64})\s*=")
_NAME = re.compile(r"</?([A-Za-z][^\s/>]{0,63})")
_TAG_END = re.compile(r"(?:[^\"'>]|\"[^\"]*\"|'[^']*')*+>")
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*)>?")


@dataclass(frozen=True, slots=True)
class Found:
    """Something active.

    Attributes:
        kind: One of `KINDS`, or empty: nothing, as far as can be told.
        start: First code point.
        end: One past the last.
        settled: False while more text may change this.
        endless: See `terminal.Acting`.
    """

    kind: str
    start: int
    end: int
    settled: bool = True
    endless: bool = False


def tag(text: str, at: int, hosts: Hosts) -> Found:
    """What a `<` begins."""
    if at + 1 >= len(text):
        return Found("", at, at + 1, False)
    limit = at + MAX_TAG
    is_whole = len(text) >= limit
    if text[at + 1] in "!?":
        if at + 2 >= len(text):
            return Found("", at, at + 2, False)
        if text[at + 1] == "!" and text[at + 2] not in "-[" and not text[at + 2].isalpha():
            return Found("", at, at + 2)
        closer = "-->" if text[at + 2] == "-" else ">"
        close = text.find(closer, at + 2, limit)
        return Found(
            "raw_html", at, close + len(closer) if close >= 0 else min(at + 4, len(text)), close >= 0 or is_whole
        )
    name = _NAME.match(text, at)
    if name is None:
        return Found("", at, at + 1, text[at + 1] != "/" or at + 2 < len(text))
    link = _AUTOLINK.match(text, at, at + MAX_URL)
    if link is not None:
        is_over = link.end() < len(text) or len(text) >= at + MAX_URL
        return Found(link_kind(leads(link[1], hosts)), at, link.end(), is_over or link[0].endswith(">"))
    end = _TAG_END.match(text, at + 1, limit)
    body = text[name.end() : end.end() if end else limit]
    element = name[1].lower()
    acts = element in _ALWAYS or _DANGEROUS.search(body) is not None
    acts = acts or (end is None and is_whole)  # nobody can tell what it will be
    if element in _KNOWN:
        acts = acts or any(each.lower() not in _HARMLESS for each in _ATTRIBUTE.findall(body))
    span = end.end() if end else name.end()
    kind = ("image" if element in ("img", "image") else "raw_html") if acts else ""
    return Found(kind, at, span, end is not None or is_whole)


def link_kind(where: Leads) -> str:
    """The kind of a link that leads there; empty for one that may stand."""
    return {Leads.PLAIN: "link", Leads.DATA: "data_link", Leads.ACTIVE: "active_url"}.get(where, "")
