"""What does a plain request carry? Its content as parts to be judged, and the same content as bytes to be sent (law 9).

* Three parts, of origin TOOL: `url` (path and query, decoded), `headers`, and `body`. What is sent is encoded from them
  as they were judged; a URL or a header is never sent otherwise than it came, so an edit of one is a refusal.
* A body is text, JSON or a form; JSON and forms are read strictly and written anew. Any other media type is a part that
  no control of content understands, and is thereby refused (law 3). Compressed bodies are refused.
* Headers that concern this hop, the framing or the proxy end here. A few say nothing (`accept`, `user-agent` ...) and
  pass as they are, bounded. `authorization` passes unread: it is the destination's own credential. The rest is judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, unquote, urlencode

from ringwall.dataplane.egress.target import Header, Target
from ringwall.model.content import JSON, TEXT, Json, Origin, Part, PartId, freeze, thaw
from ringwall.model.errors import CallerError
from ringwall.model.strict_json import JsonError, loads

URL, HEADERS, BODY = PartId("url"), PartId("headers"), PartId("body")
FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 1000
"""Fields that a form, or a query, may have."""
MAX_QUIET_CHARS = 256
"""Characters of a header that passes because it says nothing; a longer one is judged."""
MAX_QUIET_DIGITS = 8
"""Digits of such a header; one with more could carry a number of somebody's."""

MAX_ESCAPES = 4
"""Layers of %XX that are read."""

CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
"""Ways of writing text that UTF-8 reads."""

HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"http2-settings",
})  # fmt: skip
"""Headers that concern one hop (RFC 9110, 7.6.1)."""
_OURS = frozenset({b"host", b"content-length", b"expect", b"content-encoding"})
"""Headers that are made anew from what is sent."""
_QUIET: Mapping[bytes, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        b"accept": r"[a-zA-Z0-9*/+.;=, _-]*",
        b"accept-encoding": r"[a-z0-9*;=., -]*",
        b"accept-language": r"[a-zA-Z0-9*;=., -]*",
        b"cache-control": r"[a-z0-9=, -]*",
        b"content-type": r"[a-zA-Z0-9/+.;=\" _-]*",
        b"pragma": r"no-cache",
        b"user-agent": r"[A-Za-z0-9()/.;:,+ _-]*",
    }.items()
}
_UNREAD = frozenset({b"authorization"})


def media_type(headers: Sequence[Header]) -> str:
    """The media type of the body, without its parameters; text where none is named.

    Raises:
        CallerError: It is named twice, or its text is written in another way than it is read here.
    """
    found = [value for name, value in headers if name == b"content-type"]
    if len(found) > 1:
        raise CallerError("the content type is given twice", code="bad_content_type")
    if not found:
        return TEXT
    media, *parameters = found[0].decode("latin-1").lower().split(";")
    charsets = [value.strip(' "') for key, _, value in (each.partition("=") for each in parameters) if "charset" in key]
    if any(each not in CHARSETS for each in charsets):
        # Bytes that are one text here and another one there would be judged as what they are not.
        raise CallerError("text is sent in UTF-8 here", code="unsupported_charset", status=415)
    return media.strip()


def parts_of(target: Target, headers: Sequence[Header], body: bytes) -> tuple[Part, ...]:
    """The content of a request.

    Raises:
        CallerError: It cannot be read, or in more than one way.
    """
    parts = [Part(URL, Origin.TOOL, _url(target), JSON)]
    judged = _judged(headers)
    if judged:
        parts.append(Part(HEADERS, Origin.TOOL, freeze(judged), JSON))
    if any(name == b"content-encoding" and value.lower() != b"identity" for name, value in headers):
        raise CallerError("the body must not be compressed: nobody could read it", code="unsupported_encoding")
    if body:
        parts.append(_body(media_type(headers), body))
    return tuple(parts)


def request_head(target: Target, headers: Sequence[Header], body: bytes | None) -> list[Header]:
    """The headers to send; `body` is None for a request without one."""
    named = {each.strip().lower() for name, value in headers if name == b"connection" for each in value.split(b",")}
    dropped = HOP | _OURS | named
    sent = [(b"host", target.authority.encode())]
    sent += [(name, value) for name, value in headers if name not in dropped]
    if body is not None:
        sent.append((b"content-length", str(len(body)).encode()))
    return [*sent, (b"connection", b"close")]


def encode_body(judged: Sequence[Part], original: Sequence[Part]) -> bytes | None:
    """The body to send, from the judged parts; None where there is none.

    Raises:
        CallerError: Something was to be hidden in the URL or in a header, which would say something else then.
    """
    before = {part.id: part for part in original}
    for part in judged:
        if part.id != BODY and part.value != before[part.id].value:
            problem = "the address or a header holds what may not leave, and cannot be sent without it"
            raise CallerError(problem, code="cannot_hide", status=403)
    body = next((part for part in judged if part.id == BODY), None)
    if body is None:
        return None
    if body.media == TEXT and isinstance(body.value, str):
        return body.value.encode("utf-8")
    value = thaw(body.value)
    if isinstance(value, dict) and set(value) == {"form"}:
        return urlencode([(name, text) for name, text in value["form"]]).encode()
    if isinstance(value, dict) and set(value) == {"json"}:
        return json.dumps(value["json"], ensure_ascii=False, separators=(",", ":")).encode()
    if isinstance(body.value, str):
        return body.value.encode("latin-1")  # of a type that nobody reads: sent as it came, where a plan allows it
    raise CallerError("the body cannot be sent", code="bad_body")


def _url(target: Target) -> Json:
    path, _, query = target.path.partition("?")
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace")
    except ValueError as error:
        raise CallerError("the query has too many fields", code="bad_path") from error
    # The query stands here twice: as its fields, and as the text that it is, because not every query is made of fields.
    return freeze({"path": _decoded(path), "query": _decoded(query.replace("+", " ")), "fields": fields})


def _decoded(text: str) -> str:
    """What an escaped text says in the end; who escapes twice is read twice."""
    for _ in range(MAX_ESCAPES):
        once = unquote(text, errors="replace")
        if once == text:
            break
        text = once
    return text


def _judged(headers: Sequence[Header]) -> dict[str, list[str]]:
    named = {each.strip().lower() for name, value in headers if name == b"connection" for each in value.split(b",")}
    found: dict[str, list[str]] = {}
    for name, raw in headers:
        value = raw.decode("latin-1")
        quiet = _QUIET.get(name)
        says_nothing = quiet is not None and quiet.fullmatch(value) and _is_short(value)
        if name in HOP or name in _OURS or name in named or name in _UNREAD or says_nothing:
            continue
        found.setdefault(name.decode("latin-1"), []).append(value)
    return found


def _is_short(value: str) -> bool:
    return len(value) <= MAX_QUIET_CHARS and sum(map(str.isdigit, value)) <= MAX_QUIET_DIGITS


def _body(media: str, body: bytes) -> Part:
    try:
        if media == JSON or media.endswith("+json"):
            return Part(BODY, Origin.TOOL, freeze({"json": loads(body)}), JSON)
        if media == FORM:
            return Part(BODY, Origin.TOOL, freeze({"form": _form(body)}), JSON)
        if media.startswith("text/"):
            return Part(BODY, Origin.TOOL, body.decode("utf-8"), TEXT)
    except (JsonError, UnicodeDecodeError) as error:
        raise CallerError(f"the body is not {media}", code="bad_body") from error
    except ValueError as error:
        raise CallerError("the body is nested too deep, or has too many fields", code="bad_body") from error
    return Part(BODY, Origin.TOOL, body.decode("latin-1"), media)


def _form(body: bytes) -> list[tuple[str, str]]:
    text = body.decode("ascii")
    pairs = parse_qsl(
        text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FIELDS, separator="&"
    )
    return [(str(name), str(value)) for name, value in pairs]
