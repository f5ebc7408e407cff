"""Content is judged as what it says, and sent as it was judged."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ringwall.dataplane.egress.content import BODY, HEADERS, URL, encode_body, parts_of, request_head
from ringwall.dataplane.egress.target import Header, Target
from ringwall.model.content import JSON, TEXT, freeze, thaw
from ringwall.model.errors import CallerError

TO = Target("http", "shop.example", 80, "/a%20b?q=4111%201111&x=%252034")


def parts(body: bytes = b"", *headers: Header, target: Target = TO):
    return {part.id: part for part in parts_of(target, headers, body)}


def sent(body: bytes, kind: bytes) -> bytes | None:
    made = parts_of(TO, [(b"content-type", kind)], body)
    return encode_body(made, made)


def test_a_url_is_judged_decoded_and_who_escapes_twice_is_read_twice() -> None:
    url = thaw(parts()[URL].value)
    assert url == {"path": "/a b", "query": "q=4111 1111&x= 34", "fields": [["q", "4111 1111"], ["x", "%2034"]]}


def test_headers_that_say_something_are_judged() -> None:
    quiet = (b"accept", b"*/*"), (b"user-agent", b"curl/8.0"), (b"proxy-authorization", b"Basic x"), (b"host", b"h")
    assert HEADERS not in parts(b"", *quiet)
    assert thaw(parts(b"", (b"x-data", b"4111"), (b"user-agent", b"<4111>"))[HEADERS].value) == {
        "x-data": ["4111"], "user-agent": ["<4111>"],
    }  # fmt: skip
    assert HEADERS in parts(b"", (b"user-agent", b"a" * 300))


def test_a_body_is_text_json_or_a_form_and_sent_as_it_was_judged() -> None:
    assert sent(b'{"a": "\\u0062", "n": 1}', b"application/json") == b'{"a":"b","n":1}'
    assert sent(b"a=b+c&d=%41", b"application/x-www-form-urlencoded") == b"a=b+c&d=A"
    assert sent("grüße".encode(), b"text/plain; charset=utf-8") == "grüße".encode()
    assert sent(b'{"form": [["a", "b"]]}', b"application/json") == b'{"form":[["a","b"]]}'
    assert parts(b"x")[BODY].media == TEXT
    assert parts(b"[1]", (b"content-type", b"application/vnd.x+json"))[BODY].media == JSON


def test_what_nobody_reads_keeps_its_media_type_and_its_bytes() -> None:
    body = bytes(range(256))
    assert parts(body, (b"content-type", b"application/octet-stream"))[BODY].media == "application/octet-stream"
    assert sent(body, b"application/octet-stream") == body


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a":1,"a":2}', b"application/json"),
        (b"{", b"application/json"),
        (b"\xff", b"text/plain"),
        (b"a", b"application/x-www-form-urlencoded"),
        (b"a=%ff", b"application/x-www-form-urlencoded"),
        (b"&".join([b"a=b"] * 1001), b"application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(body: bytes, kind: bytes) -> None:
    with pytest.raises(CallerError) as caught:
        parts(body, (b"content-type", kind))
    assert caught.value.code == "bad_body"


def test_a_compressed_body_and_two_content_types_are_refused() -> None:
    with pytest.raises(CallerError, match="compressed"):
        parts(b"x", (b"content-encoding", b"gzip"))
    with pytest.raises(CallerError, match="twice"):
        parts(b"x", (b"content-type", b"text/plain"), (b"content-type", b"application/json"))


def test_what_is_hidden_in_the_body_is_sent_hidden_and_in_a_url_not_at_all() -> None:
    made = parts_of(TO, [(b"content-type", b"application/json")], b'{"card":"4111"}')
    hidden = [replace(p, value=freeze({"json": {"card": "[hidden]"}})) if p.id == BODY else p for p in made]
    assert json.loads(encode_body(hidden, made) or b"") == {"card": "[hidden]"}
    hidden = [replace(p, value=freeze({"path": "[hidden]"})) if p.id == URL else p for p in made]
    with pytest.raises(CallerError) as caught:
        encode_body(hidden, made)
    assert caught.value.code == "cannot_hide"


def test_headers_of_a_hop_and_the_credential_end_here() -> None:
    headers = [
        (b"host", b"evil.example"), (b"proxy-authorization", b"Basic x"), (b"proxy-connection", b"keep-alive"),
        (b"connection", b"X-Mine, close"), (b"x-mine", b"1"), (b"te", b"trailers"), (b"upgrade", b"websocket"),
        (b"transfer-encoding", b"chunked"), (b"content-length", b"9"), (b"expect", b"100-continue"), (b"x-kept", b"2"),
    ]  # fmt: skip
    assert request_head(TO, headers, b"abc") == [
        (b"host", b"shop.example"), (b"x-kept", b"2"), (b"content-length", b"3"), (b"connection", b"close"),
    ]  # fmt: skip
    assert (b"content-length", b"0") not in request_head(TO, [], None)


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "iso-8859-1", '"utf-16le"', "utf-8x", ""])
def test_text_that_is_another_text_elsewhere_is_refused(charset: str) -> None:
    body = "4111".encode("utf-16le")
    with pytest.raises(CallerError) as caught:
        parts(body, (b"content-type", f"text/plain; charset={charset}".encode()))
    assert caught.value.code == "unsupported_charset"
    for fine in (b"text/plain", b"Text/Plain; charset=UTF-8", b'text/plain;charset="us-ascii"; format=flowed'):
        assert parts(b"x", (b"content-type", fine))[BODY].media == TEXT
