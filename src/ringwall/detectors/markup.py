"""What in a text would act when it is shown as Markdown or HTML? Images, links, raw HTML, scripts, active fences.

* No parser is asked: readers of Markdown differ, and what one takes for text another shows as an image. Every place
  where any of them could see something active is judged by itself; only code that nobody could doubt is left alone.
* `image`: fetched without a click, so its host must be listed. One whose address stands elsewhere cannot be judged.
* `link`, `data_link`, `active_url`, `misleading_link`: see `ringwall.detectors.links`; misleading is one whose words
  are the address of another host.
* `raw_html`: an element that acts, or an attribute that does. Plain formatting (`<b>`, `<br>`, `<table>`) is none.
* `active_fence`: a directive in a diagram that is drawn where it is shown.
* *Locality*: a finding depends on `LOOKBACK` code points before and behind it. `held` says how much of the end of a
  stream may still change: in prose, the last word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from ringwall.detectors import code, terminal
from ringwall.detectors.elements import MAX_TAG, Found, link_kind, tag
from ringwall.detectors.links import MAX_URL, UNASKED, Hosts, Leads, host_of, leads

KINDS = (
    "image", "link", "data_link", "misleading_link", "active_url", "raw_html", "active_fence", "terminal_escape",
    "control_character", "bidi_control", "invisible_text",
)  # fmt: skip
MAX_LABEL = 512
MAX_WORD = 32
"""Code points of the last word of a stream that may become the scheme of an address."""
REACH = 2 * MAX_LABEL + MAX_URL + MAX_TAG
"""Code points that one construct may be long."""
LOOKBACK = 5120
MAX_TURNS = 16

_DESTINATION = re.compile(r"[ \t]{0,16}\n?[ \t]{0,16}(?:<([^<>\n]{0,2048})>|([^\s<]\S{0,2048}))?")
_DEFINED = re.compile(r"[ \t]{0,16}\n?[ \t]{0,16}<?([^\s<>]{1,2048})")
_TITLE_END = re.compile(r"[^)\n]{0,256}\)")
_BARE_END = re.compile(r"[\s<>\"`（）。，、；：！？「」『』【】《》“”\x00-\x1f\x7f-\x9f]|\]\(")
_SCHEME = re.compile(r"(?i)(?:https?|ftp)\Z")
_BANGS = re.compile(r"!*\Z")
_FILES = frozenset(
    "c cc cfg css csv dll doc docx exe gif go gz h html ini java jpg js json kt lock log md mov mp4 pdf pl png py rb "
    "rs sh so sql svg swift tar toml ts txt webm xlsx xml yaml yml zip".split()
)
"""Ends of names of files that read like names of hosts."""
_OPENED = re.compile(r"<[A-Za-z/]")
_MAY_LEAD = re.compile(r"[:&/\\]")
_RUNS = re.compile(r"(?i)(?:javascript|vbscript|livescript|data|file|blob)[\s]*:\s*\S")
_SCRIPT = re.compile(r"(?i)(?:java|vb|live)s\Z")
_BANG = re.compile(r"!\S[^\n]*\Z")
_STOP = re.compile(r"[\n`]")
_BRACKET = re.compile(r"[\[\]]")
_ROUND = re.compile(r"[()]")
_REFERENCE = re.compile(r"\]\[[^\]\n]{0,256}\]")
_TO_CLOSE = re.compile(r"[^)]{0,512}")
_LABEL = re.compile(r"!?\[([^\[\]\n]{0,256})\Z")
_SAYS_HOST = re.compile(r"(?i)\s*(?:https?://)?((?:[a-z0-9-]{1,63}\.)+[a-z]{2,24})(?:[/:?#]\S*)?\s*")
_DIRECTIVE = re.compile(r"(?<!\S)click[ \t]|%%\{")
_LAST_WORD = re.compile(rf"\S{{1,{MAX_WORD}}}\Z")
_OPEN_LABEL = re.compile(r"!?\[[^\]\n]{0,256}\]?\Z")


def find(
    text: str,
    hosts: Hosts,
    rendered: Collection[str],
    *,
    begins: bool = True,
    start: int = 0,
    kinds: Collection[str] = KINDS,
) -> tuple[Found, ...]:
    """Everything active in a text, by place; findings may overlap.

    Args:
        text: The text, or a window of it.
        hosts: Hosts that may be linked to.
        rendered: Languages of fences that are shown as something else than code.
        begins: Whether the text begins here, and not before.
        start: Where to begin to look; what stands before it is context.
        kinds: What to look for.
    """
    found = [Found(each.kind, each.start, each.end, True, each.endless) for each in terminal.find(text, start)]
    known: code.Code | None = None
    for each in _anchored(text, hosts, start):
        if each.kind in kinds:
            known = known or code.Code(text, rendered, begins=begins)
            if not known.holds(each.start):
                found.append(each)
    if ("click" in text or "%%{" in text) and "active_fence" in kinds:
        known = known or code.Code(text, rendered, begins=begins)
        for match in _DIRECTIVE.finditer(text, start):
            at = match.start()
            is_first = not text[text.rfind("\n", 0, at) + 1 : at].strip()
            if known.language(at) == "mermaid" in rendered and (is_first or match[0] == "%%{"):
                found.append(Found("active_fence", at, match.end()))
    return tuple(sorted((_cut(text, each) for each in found), key=lambda each: (each.start, each.end, each.kind)))


def _cut(text: str, found: Found) -> Found:
    """A finding up to the first line end or backtick in it, and further over what would make a link of its placeholder.

    What makes it act stands before. What is left must be read as it was before: no backtick goes, no line, no end of
    an open tag, so that whether something is code or a tag never turns on what was hidden.
    """
    stop = _STOP.search(text, found.start + 1, found.end)
    end = stop.start() if stop else found.end
    if ">" in text[found.start : end] and _is_in_tag(text, found.start):
        end = max(text.index(">", found.start), found.start + 1)
    while text[end : end + 1] in ("(", ":"):
        end += 1
    return replace(found, end=end)


def _is_in_tag(text: str, at: int) -> bool:
    """True when a tag that began nearby is still open."""
    floor = max(0, at - MAX_TAG)
    opened = max((match.start() for match in _OPENED.finditer(text, floor, at)), default=-1)
    return opened >= 0 and text.find(">", opened, at) < 0


def held(text: str) -> int:
    """How many code points at the end of a text may still become part of a finding, or change one."""
    place = len(text)
    for _ in range(MAX_TURNS):
        more = _unsettled(text[max(0, place - LOOKBACK) : place])
        if not more:
            return len(text) - place
        place -= more
    return min(len(text), LOOKBACK)


def looks_back(text: str) -> int:
    """How much of the end of a text a finding behind it may look back on, where `held` chose that end."""
    return code.looks_back(text)


def _unsettled(text: str) -> int:
    """How much of the end must wait, as the text stands."""
    length = len(text)
    word = _LAST_WORD.search(text, max(0, length - MAX_WORD))
    first = min(length - terminal.held(text), word.start() if word else length)
    line = text.rfind("\n", max(0, length - 2 * MAX_LABEL)) + 1
    label = _OPEN_LABEL.search(text, max(line, length - 260)) if "[" in text else None
    if label:
        first = min(first, label.start())
    if "`" in text or "~" in text:
        fence = text[line : line + 36].lstrip(" \t>*+-0123456789.)")
        if fence[:1] in "`~" and fence[:1] and length - line < MAX_LABEL:
            first = min(first, line)  # a line that may become a fence
    marks: list[code.Code] = []
    blank = max(text.rfind(" "), text.rfind("\n"), 0)
    for sort in _JUDGES:
        if sort[0] in text:
            first = _open(text, first, blank, sort, marks)
    return length - first


def _open(text: str, first: int, blank: int, sort: _Sort, marks: list[code.Code]) -> int:
    """Where the first construct of one sort begins that is not settled; `first` where all are."""
    sign, judge, reach = sort
    at = text.find(sign, max(0, (blank if judge in _OF_ONE_WORD else len(text)) - reach), first)
    while at >= 0:
        each = judge(text, at, UNASKED)
        if not each.settled or (each.kind and each.end >= len(text)):
            return min(first, each.start)
        if each.kind and "`" in text:
            marks += () if marks else (code.Code(text, (), begins=True),)
            if marks[0].may_hold(at):
                return min(first, each.start)
        at = text.find(sign, at + 1, first)
    return first


def _anchored(text: str, hosts: Hosts, start: int) -> Iterator[Found]:
    """What stands at each place where something active may begin. Each is judged by itself."""
    for sign, judge, _ in _JUDGES:
        at = text.find(sign, start)
        while at >= 0:
            yield judge(text, at, hosts)
            at = text.find(sign, at + 1)


def _image(text: str, at: int, hosts: Hosts) -> Found:
    """What a `![` begins: wherever its label may be taken to end, the address there counts."""
    first = at - len(_BANGS.search(text, max(0, at - 8), at)[0])  # type: ignore[index]  # or `!` and a placeholder
    limit = min(len(text), at + 2 + MAX_LABEL)
    paragraph = text.find("\n\n", at, limit)
    limit = paragraph if paragraph >= 0 else limit
    is_whole = paragraph >= 0 or len(text) >= at + 4 + MAX_LABEL
    counted = _matching(text, at + 2, limit)
    label = text[at + 2 : counted if counted >= 0 else limit]
    is_plain = counted >= 0 and "`" not in label and "\\" not in label
    closes = [counted] if is_plain else sorted({counted, text.find("](", at, limit)} - {-1})
    if not closes:
        return Found("image" if paragraph < 0 else "", first, at + 2, is_whole)
    worst, span, settled = Leads.RELATIVE, at + 2, is_whole or text[closes[-1] + 1 : closes[-1] + 2] == "("
    for close in closes:
        if close + 1 >= len(text):
            return Found("image", first, close + 1, False)
        if text[close + 1] != "(":
            reference = _REFERENCE.match(text, close)
            worst, span = Leads.PLAIN, max(span, reference.end() if reference else close + 1)
            settled = settled and (text[close + 1] != "[" or reference is not None or is_whole)
            continue
        address, end, is_over = _destination(text, close + 2)
        worst, span, settled = max(worst, leads(address, hosts)), max(span, end), settled and is_over
    return Found("image" if worst >= Leads.PLAIN else "", first, span, settled)


def _matching(text: str, start: int, limit: int) -> int:
    """The bracket that closes a label, counting brackets; -1 for none."""
    depth = 1
    for match in _BRACKET.finditer(text, start, limit):
        depth += 1 if match[0] == "[" else -1
        if depth == 0:
            return match.start()
    return -1


def _link(text: str, at: int, hosts: Hosts) -> Found:
    """What a `](` leads to. Its label, on the same line, belongs to it."""
    label = _LABEL.search(text, max(0, at - 258), at)
    if label and label[0][0] == "!" and "`" not in label[0]:
        return Found("", at, at + 2)  # it is judged as an image
    start = label.start() if label else at
    address, end, settled = _destination(text, at + 2)
    where = leads(address, hosts)
    more = _TO_CLOSE.match(text, at + 2)
    if more and where < Leads.ACTIVE and more[0] != address and leads(more[0], hosts) is Leads.ACTIVE:
        where = Leads.ACTIVE  # some readers take all up to the bracket, and a browser drops the tab in `java script:`
    kind = link_kind(where)
    if label and kind in ("", "link"):
        says = _SAYS_HOST.fullmatch(label[1])
        host = host_of(address)
        is_file = says is not None and label[1].strip() == says[1] and says[1].rpartition(".")[2].lower() in _FILES
        if says and host and not is_file and not _is_same_site(says[1].lower().rstrip("."), host):
            kind = "misleading_link"
    return Found(kind, start, end, settled)


def _round(text: str, at: int, hosts: Hosts) -> Found:
    """What a `(` holds that another control may turn into a link by hiding what stands before it."""
    if not text[at - 1 : at].strip() or text[at - 1] == "]":
        return Found("", at, at + 1)
    address, end, settled = _destination(text, at + 1)
    if not _MAY_LEAD.search(address):
        return Found("", at, end, settled)
    where = leads(address, hosts)
    if where is Leads.ACTIVE and _RUNS.match(address.strip()) is None and "&" not in address:
        where = Leads.RELATIVE  # `(note: ...)`
    if where in (Leads.PLAIN, Leads.DATA) and not _BANG.search(text, max(0, at - 300), at):
        where = Leads.RELATIVE
    kind = "active_url" if where is Leads.ACTIVE else "image" if where >= Leads.PLAIN else ""
    return Found(kind, at, end, settled)


def _script(text: str, at: int, hosts: Hosts) -> Found:
    """A script that stands in the text as it is."""
    word = _SCRIPT.search(text, max(0, at - 5), at)
    end = at + len("cript:")
    if word is None or not text[end : end + 1].strip():
        return Found("", at, end, word is None or end < len(text))
    return Found("active_url", word.start(), end)


def _definition(text: str, at: int, hosts: Hosts) -> Found:
    """What a `]:` defines an address for."""
    match = _DEFINED.match(text, at + 2)
    if match is None:
        return Found("", at, at + 2, not text[at + 2 :].isspace() and at + 2 < len(text))
    settled = match.end() < len(text) or len(match[1]) >= MAX_URL
    return Found(link_kind(leads(match[1], hosts)), match.start(1), match.end(1), settled)


def _destination(text: str, at: int) -> tuple[str, int, bool]:
    """The address in round brackets that opened before a place, where its construct ends, and whether that is sure."""
    match = _DESTINATION.match(text, at)
    if match is None or (match[1] is None and match[2] is None):
        end = match.end() if match else at
        is_open = end == len(text) or (text[end] == "<" and len(text) < end + MAX_URL and "\n" not in text[end:])
        return "", end, not is_open
    if match[1] is not None:
        address, end = match[1], match.end()
    else:
        address = _balanced(match[2])
        end = match.start(2) + len(address)
        if end == len(text) and len(address) <= MAX_URL:
            return address, end, False
    title = _TITLE_END.match(text, end)
    if title:
        return address, title.end(), True
    return address, end, "\n" in text[end : end + 257] or len(text) > end + 257


def _balanced(raw: str) -> str:
    """An address up to the round bracket that closes what it stands in."""
    depth = 0
    for match in _ROUND.finditer(raw):
        depth += 1 if match[0] == "(" else -1
        if depth < 0:
            return raw[: match.start()]
    return raw


def _bare(text: str, at: int, hosts: Hosts) -> Found:
    """An address that stands in the text as it is, from its `://`."""
    scheme = _SCHEME.search(text, max(0, at - 5), at)
    if scheme and text.startswith("](", scheme.start() - 2):
        return Found("", at, at + 3)  # it is judged as what it is
    return _address(text, scheme.start(), hosts) if scheme else Found("", at, at + 3)


def _named(text: str, at: int, hosts: Hosts) -> Found:
    """An address without a scheme, from its `www.`."""
    if text[at - 1 : at].isalnum() or text[max(0, at - 3) : at] == "://":
        return Found("", at, at + 4)
    return _address(text, at, hosts, "http://")


def _address(text: str, start: int, hosts: Hosts, scheme: str = "") -> Found:
    close = _BARE_END.search(text, start, start + MAX_URL)
    end = close.start() if close else min(len(text), start + MAX_URL)
    address = text[start:end].rstrip(".,;:!?*'_~")
    while address.endswith((")", "]")) and address.count(address[-1]) > address.count(
        "(" if address[-1] == ")" else "["
    ):
        address = address[:-1].rstrip(".,;:!?*'_~")
    settled = close is not None or len(text) >= start + MAX_URL
    where = Leads.DATA if end - start >= MAX_URL else leads(scheme + address, hosts)
    return Found(link_kind(where), start, start + max(1, len(address)), settled)


def _is_same_site(one: str, other: str) -> bool:
    one, other = one.removeprefix("www."), other.removeprefix("www.")
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


_Sort = tuple[str, Callable[[str, int, Hosts], Found], int]
_JUDGES: tuple[_Sort, ...] = (
    ("<", tag, MAX_TAG), ("![", _image, REACH), ("](", _link, MAX_URL + 352), ("]:", _definition, 64),
    ("://", _bare, 8), ("www.", _named, 8), ("(", _round, MAX_URL + 352), ("cript:", _script, 8),
)  # fmt: skip
"""What begins something active, who judges it, and how far before the end of a text it may still be open."""
_OF_ONE_WORD = (_link, _definition, _bare, _named, _round, _script)
"""Those that are open only as far before the last blank."""
