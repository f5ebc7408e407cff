"""What does bad input get? A clear refusal in the protocol's own shape, a record, and a gateway that lives on."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests import ledgers
from tests.process import Gateway
from tests.raw import Reply, address, chat, head, post, read, send

CONFIG = """
[limits]
body_bytes = 65536
header_bytes = 16384
depth = 32
read_s = 2.0

[workloads.rehearsal]
owner = "tests"
use_case = "acts"
rehearsal = true
models = { "rehearsal/echo" = "builtin", "rehearsal/compromised" = "builtin" }

[workloads.other]
owner = "tests"
use_case = "answers"
rehearsal = true
path_prefix = "/other"
models = { "rehearsal/echo" = "builtin" }
"""
PATH = "/w/rehearsal/v1/chat/completions"


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with small limits. After all that it suffered it must still answer, with its ledger in order."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "ringwall.toml").write_text(CONFIG)
    made = Gateway(folder, ["--config", str(folder / "ringwall.toml")]).start()
    yield made
    [reply] = send(made.said["base_url"], post(made.said["api_key"], chat("still there?"), path=PATH))
    assert reply.status == 200
    assert reply.json["choices"][0]["message"]["content"] == "still there?"
    assert "Traceback" not in made.log
    assert made.stop() == 0
    assert ledgers.verified(made.data_dir).is_green


def refused(gateway: Gateway, reply: Reply, status: int, code: str | None = None, param: str | None = None) -> dict:
    """The error, after checking that it has the protocol's shape and is on record."""
    assert reply.status == status, reply
    error = reply.error
    assert set(error) >= {"message", "type", "param", "code"}
    if code is not None:
        assert error["code"] == code
    if param is not None:
        assert error["param"] == param
    assert reply.record == error["ringwall"]["record"]
    record = ledgers.record(gateway.data_dir, reply.record)
    assert record["outcome"] == "refused"
    assert record["interaction"] == reply.headers["x-request-id"]
    return error


def ask(gateway: Gateway, body: bytes, *headers: tuple[str, str], **more) -> Reply:
    [reply] = send(gateway.said["base_url"], post(gateway.said["api_key"], body, *headers, path=PATH), **more)
    return reply


NOT_JSON = {
    "nothing": (b"", "not_json"),
    "half an object": (b'{"model": "rehearsal/echo", ', "not_json"),
    "two documents": (chat() + chat(), "not_json"),
    "a trailing comma": (b'{"model": "m", "messages": [],}', "not_json"),
    "single quotes": (b"{'model': 'm'}", "not_json"),
    "a comment": (b'{"model": "m" /* or so */}', "not_json"),
    "NaN": (b'{"model": "m", "messages": [], "temperature": NaN}', "bad_number"),
    "a number beyond all bounds": (b'{"model": "m", "messages": [], "temperature": 1e999}', "bad_number"),
    "an integer without end": (b'{"seed": ' + b"9" * 10_000 + b"}", "bad_number"),
    "bytes that are not UTF-8": (b'{"model": "\xff\xfe"}', "not_utf8"),
    "UTF-16": (chat().decode().encode("utf-16"), "not_utf8"),
    "an overlong slash": (b'{"model": "\xc0\xaf"}', "not_utf8"),
    "a raw surrogate": (b'{"model": "\xed\xa0\x80"}', "not_utf8"),
    "half of a character": (b'{"model": "m", "messages": [{"role": "user", "content": "\\ud83d"}]}', "bad_text"),
    "a byte order mark": (b"\xef\xbb\xbf" + chat(), "not_json"),
    "a raw line break in a string": (b'{"model": "a\nb"}', "not_json"),
    "a key twice": (b'{"model": "a", "model": "b"}', "duplicate_key"),
    "a key twice, spelled otherwise": (b'{"model": "a", "\\u006dodel": "b"}', "duplicate_key"),
    "a key twice, deep down": (
        b'{"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "a", "text": "b"}]}]}',
        "duplicate_key",
    ),
    "a key twice in a schema": (
        b'{"model": "m", "messages": [], "tools": [{"function": {"parameters": {"a": {"b": 1, "b": 2}}}}]}',
        "duplicate_key",
    ),
    "deep nesting": (b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", "too_deep"),
    "nesting without an end": (b"[" * 60_000, "too_deep"),
    "nesting of objects": (b'{"a":' * 40 + b"1" + b"}" * 40, "too_deep"),
    "a list": (b"[]", "invalid_type"),
    "a string": (b'"hello"', "invalid_type"),
    "null": (b"null", "invalid_type"),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_one_json_object_read_in_one_way_is_refused(bad, name):
    body, code = NOT_JSON[name]
    refused(bad, ask(bad, body), 400, code)


def test_a_key_twice_in_a_calls_arguments_is_refused(bad):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"to": "a", "to": "b"}'}}
    body = json.dumps({"model": "rehearsal/echo", "messages": [{"role": "assistant", "tool_calls": [call]}]}).encode()
    refused(bad, ask(bad, body), 400, "duplicate_key", "messages[0].tool_calls[0]")


BAD_SHAPES = {
    "no messages": ({"messages": None}, "messages"),
    "empty messages": ({"messages": []}, "messages"),
    "messages that are none": ({"messages": "hello"}, "messages"),
    "a message that is none": ({"messages": ["hello"]}, "messages[0]"),
    "no role": ({"messages": [{"content": "x"}]}, "messages[0]"),
    "an unknown role": ({"messages": [{"role": "root", "content": "x"}]}, "messages[0].role"),
    "a role that is a number": ({"messages": [{"role": 1, "content": "x"}]}, "messages[0].role"),
    "content that is a number": ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
    "content that is an object": ({"messages": [{"role": "user", "content": {"text": "x"}}]}, "messages[0].content"),
    "an unknown kind of content": (
        {"messages": [{"role": "user", "content": [{"type": "video", "url": "x"}]}]},
        "messages[0].content[0].type",
    ),
    "an unknown field": ({"jailbreak": True}, "jailbreak"),
    "an unknown field deeper down": ({"messages": [{"role": "user", "content": "x", "as": "root"}]}, "messages[0].as"),
    "a model that is a number": ({"model": 5}, "model"),
    "a model that is a path": ({"model": "../../etc/passwd"}, None),
    "a model with a line break": ({"model": "a\r\nb"}, "model"),
    "no stream flag but a word": ({"stream": "yes"}, "stream"),
    "a temperature that is text": ({"temperature": "hot"}, "temperature"),
    "a temperature out of range": ({"temperature": 99}, "temperature"),
    "a temperature of many digits": ({"temperature": 10**400}, "temperature"),
    "no choices": ({"n": 0}, "n"),
    "too many choices": ({"n": 10_000}, "n"),
    "a half choice": ({"n": 1.5}, "n"),
    "a negative limit": ({"max_tokens": -1}, "max_tokens"),
    "both limits": ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens"),
    "a seed of many digits": ({"seed": 10**100}, "seed"),
    "tools that are none": ({"tools": "all"}, "tools"),
    "a tool with a bad name": (
        {"tools": [{"type": "function", "function": {"name": "a b\n"}}]},
        "tools[0].function.name",
    ),
    "a schema that is no object": (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": [1]}}]},
        "tools[0].function.parameters",
    ),
    "a hosted tool": ({"tools": [{"type": "web_search"}]}, None),
    "a call id that is none": (
        {"messages": [{"role": "tool", "tool_call_id": "../x", "content": "y"}]},
        "messages[0].tool_call_id",
    ),
    "arguments that are not JSON": (
        {
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}],
                }
            ]
        },
        "messages[0].tool_calls[0]",
    ),
    "an image from elsewhere": (
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}]}
            ]
        },
        None,
    ),
}


@pytest.mark.parametrize("name", BAD_SHAPES)
def test_a_request_of_the_wrong_shape_is_refused_with_the_field(bad, name):
    change, param = BAD_SHAPES[name]
    body = {"model": "rehearsal/echo", "messages": [{"role": "user", "content": "x"}], **change}
    reply = ask(bad, json.dumps(body).encode())
    if name == "a model that is a path":  # it matches the grammar of names, and there is no such model
        assert reply.status in (400, 403, 404)
        refused(bad, reply, reply.status)
        return
    refused(bad, reply, 400, param=param)


def test_a_long_unknown_field_is_not_repeated_at_length(bad):
    body = json.dumps({"model": "m", "messages": [], "x" * 50_000: 1}).encode()
    reply = ask(bad, body)
    refused(bad, reply, 400)
    assert len(reply.body) < 2000


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/xml", "multipart/form-data", "application/json, text/x"]
)
def test_a_content_type_that_nobody_understands_is_refused(bad, kind):
    key, body = bad.said["api_key"], chat()
    headers = [("Authorization", f"Bearer {key}"), ("Content-Length", str(len(body)))]
    if kind:
        headers.append(("Content-Type", kind))
    [reply] = send(bad.said["base_url"], head("POST", PATH, headers) + body)
    refused(bad, reply, 415, "unsupported_media_type")


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x-unknown"])
def test_a_compressed_body_is_refused(bad, coding):
    refused(bad, ask(bad, gzip.compress(chat()), ("Content-Encoding", coding)), 415, "unsupported_encoding")


def test_a_body_said_to_be_too_large_is_refused_before_it_is_sent(bad):
    headers = [
        ("Authorization", f"Bearer {bad.said['api_key']}"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(10**12)),
    ]
    began = time.monotonic()
    [reply] = send(bad.said["base_url"], head("POST", PATH, headers))
    refused(bad, reply, 413, "too_large")
    assert time.monotonic() - began < 2


def test_a_body_that_grows_too_large_is_refused_without_reading_all_of_it(bad):
    key = bad.said["api_key"]
    headers = [
        ("Authorization", f"Bearer {key}"),
        ("Content-Type", "application/json"),
        ("Transfer-Encoding", "chunked"),
    ]
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    [reply] = send(bad.said["base_url"], head("POST", PATH, headers), chunk, chunk, chunk)
    refused(bad, reply, 413, "too_large")


def test_a_body_at_its_limit_is_taken(bad):
    body = chat("x")
    assert ask(bad, body + b" " * (65_536 - len(body))).status == 200


def test_a_client_that_waits_for_leave_gets_none_for_a_body_too_large(bad):
    key = bad.said["api_key"]
    headers = [("Authorization", f"Bearer {key}"), ("Content-Type", "application/json"), ("Expect", "100-continue")]
    with socket.create_connection(address(bad.said["base_url"]), timeout=10) as sock:
        sock.sendall(head("POST", PATH, [*headers, ("Content-Length", "99999999")]))
        data = sock.recv(65_536)
    assert data.startswith(b"HTTP/1.1 413")


def test_a_chunked_body_is_read_whole(bad):
    key, body = bad.said["api_key"], chat("in pieces")
    headers = [
        ("Authorization", f"Bearer {key}"),
        ("Content-Type", "application/json"),
        ("Transfer-Encoding", "chunked"),
    ]
    pieces = [b"%x\r\n%b\r\n" % (1, body[at : at + 1]) for at in range(len(body))]
    [reply] = send(bad.said["base_url"], head("POST", PATH, headers) + b"".join(pieces) + b"0\r\n\r\n")
    assert reply.status == 200
    assert reply.json["choices"][0]["message"]["content"] == "in pieces"


def test_a_body_shorter_than_it_was_said_to_be_is_waited_for_and_given_up(bad):
    key, body = bad.said["api_key"], chat()
    began = time.monotonic()
    [reply] = send(
        bad.said["base_url"], post(key, body, ("Content-Length", str(len(body) + 10)), path=PATH, length=False)
    )
    refused(bad, reply, 408, "body_late")
    assert 1.5 < time.monotonic() - began < 10


def test_a_body_longer_than_it_was_said_to_be_is_no_second_request(bad):
    key, body = bad.said["api_key"], chat("mine")
    request = post(key, body, ("Content-Length", str(len(body))), path=PATH, length=False) + b"GARBAGE GARBAGE\r\n\r\n"
    replies = send(bad.said["base_url"], request, replies=0)
    assert [reply.status for reply in replies] == [200]
    assert replies[0].json["choices"][0]["message"]["content"] == "mine"


def test_a_client_that_goes_away_within_its_body_is_on_record(bad):
    key = bad.said["api_key"]
    before = len(ledgers.records(bad.data_dir))
    with socket.create_connection(address(bad.said["base_url"]), timeout=10) as sock:
        sock.sendall(post(key, b'{"model"', ("Content-Length", "5000"), path=PATH, length=False))
    wait_for(lambda: len(ledgers.records(bad.data_dir)) > before)
    assert ledgers.records(bad.data_dir)[-1]["decision"]["code"] == "body_broken"


def wait_for(condition, wait_s: float = 10.0) -> None:
    end = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


SMUGGLED = {
    "length and chunks": [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
    "chunks and length": [("Transfer-Encoding", "chunked"), ("Content-Length", "5")],
    "two lengths": [("Content-Length", "5"), ("Content-Length", "6")],
    "two lengths in one": [("Content-Length", "5, 6")],
    "a signed length": [("Content-Length", "+5")],
    "a negative length": [("Content-Length", "-5")],
    "a hexadecimal length": [("Content-Length", "0x5")],
    "a length without end": [("Content-Length", "9" * 40)],
    "chunks that are not last": [("Transfer-Encoding", "chunked, identity")],
    "chunks by another name": [("Transfer-Encoding", "xchunked")],
    "chunks twice": [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
    "chunks behind a tab": [("Transfer-Encoding", "\x0bchunked")],
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_body_whose_end_could_be_read_in_two_ways_is_refused_and_the_connection_ends(bad, name):
    key = bad.said["api_key"]
    headers = [("Authorization", f"Bearer {key}"), ("Content-Type", "application/json"), *SMUGGLED[name]]
    smuggled = post(key, chat("smuggled"), path=PATH)
    replies = send(bad.said["base_url"], head("POST", PATH, headers) + b"0\r\n\r\n" + smuggled, replies=0, half=True)
    assert [reply.status for reply in replies] == [400]
    assert "error" in replies[0].json


@pytest.mark.parametrize(
    "line",
    [
        "Transfer-Encoding : chunked",
        "Content-Length : 5",
        " folded: yes",
        "no colon",
        "bad\x00name: x",
        "name: bad\x00value",
        "name: bad\rvalue",
    ],
)
def test_a_header_that_is_none_ends_the_connection(bad, line):
    data = head("POST", PATH, [("Authorization", f"Bearer {bad.said['api_key']}")])[:-2] + line.encode() + b"\r\n\r\n"
    replies = send(bad.said["base_url"], data, replies=0, half=True)
    assert [reply.status for reply in replies] == [400]


@pytest.mark.parametrize("size", ["zz", "-1", "0x5", "5;" + "x" * 100_000, "fffffffffffffffff", ""])
def test_a_chunk_of_no_size_ends_the_connection(bad, size):
    key = bad.said["api_key"]
    headers = [
        ("Authorization", f"Bearer {key}"),
        ("Content-Type", "application/json"),
        ("Transfer-Encoding", "chunked"),
    ]
    request = head("POST", PATH, headers) + size.encode() + b"\r\nhello\r\n"
    replies = send(bad.said["base_url"], request, replies=1)
    assert [reply.status for reply in replies] in ([400], [408])  # what is only endless is given up


def test_trailers_without_end_are_cut_off(bad):
    key, body = bad.said["api_key"], chat()
    headers = [
        ("Authorization", f"Bearer {key}"),
        ("Content-Type", "application/json"),
        ("Transfer-Encoding", "chunked"),
    ]
    request = head("POST", PATH, headers) + b"%x\r\n%b\r\n0\r\n" % (len(body), body)
    replies = send(bad.said["base_url"], request, *[b"x-%d: %s\r\n" % (n, b"y" * 4000) for n in range(60)], replies=0)
    assert [reply.status for reply in replies] in ([400], [431], [])


def test_requests_in_a_row_are_answered_in_their_order(bad):
    key = bad.said["api_key"]
    rows = b"".join(post(key, chat(f"number {n}"), path=PATH) for n in range(5))
    replies = send(bad.said["base_url"], rows, replies=5)
    assert [each.json["choices"][0]["message"]["content"] for each in replies] == [f"number {n}" for n in range(5)]


def test_a_refused_request_in_a_row_does_not_stain_the_next(bad):
    key = bad.said["api_key"]
    rows = post(key, b"{", path=PATH) + post("wrong", chat(), path=PATH) + post(key, chat("fine"), path=PATH)
    assert [each.status for each in send(bad.said["base_url"], rows, replies=3)] == [400, 401, 200]


def test_http_1_0_is_answered_and_the_connection_closed(bad):
    key, body = bad.said["api_key"], chat()
    headers = [
        ("Authorization", f"Bearer {key}"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    ]
    replies = send(bad.said["base_url"], head("POST", PATH, headers, "1.0") + body, replies=0)
    assert [reply.status for reply in replies] == [200]


@pytest.mark.parametrize("version", ["0.9", "2.0", "3", "1.11", "x"])
def test_another_http_is_not_spoken(bad, version):
    replies = send(bad.said["base_url"], head("POST", PATH, [], version), replies=0)
    assert [reply.status for reply in replies] == [400]


def test_the_preface_of_http_2_is_not_spoken(bad):
    replies = send(bad.said["base_url"], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", replies=0, half=True)
    assert [reply.status for reply in replies] == [400]


def test_a_tls_hello_on_a_plain_port_is_not_spoken(bad):
    hello = bytes.fromhex("16030100c8010000c403030000") + b"\x00" * 190
    assert [reply.status for reply in send(bad.said["base_url"], hello, replies=0, half=True)] == [400]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PATH),
        ("PUT", PATH),
        ("DELETE", PATH),
        ("OPTIONS", PATH),
        ("TRACE", PATH),
        ("POST", "/w/rehearsal/v1/models"),
        ("GET", "/"),
        ("GET", "/w/rehearsal/"),
        ("POST", "/w/rehearsal/v1/audio/speech"),
        ("POST", "/w/rehearsal/v1/realtime"),
        ("POST", "/w/rehearsal/v1/files"),
        ("POST", "/w/rehearsal/v1/batches"),
        ("POST", "/w/rehearsal/v1/chat/completions/"),
        ("POST", "/w/rehearsal//v1/chat/completions"),
        ("POST", "/w/rehearsal/v1/chat%2fcompletions"),
        ("POST", "/w/rehearsal/%76%31/chat/completions"),
        ("POST", "/w/rehearsal/x/../v1/chat/completions"),
        ("POST", "/w/rehearsal/v1/chat/completions%00"),
        ("GET", "/w/rehearsal/healthz"),
        ("GET", "/w/rehearsal/api/v1/status"),
        ("POST", "/w/nobody/v1/chat/completions"),
        ("POST", "/v1/chat/completions"),
    ],
)
def test_what_is_not_here_is_refused(bad, method, path):
    """The last two: no such workload, and none named though the token is good for two."""
    headers = [("Authorization", f"Bearer {bad.said['api_key']}"), ("Content-Length", "0")]
    [reply] = send(bad.said["base_url"], head(method, path, headers))
    refused(bad, reply, 404)


def test_a_head_request_gets_no_body(bad):
    headers = [("Authorization", f"Bearer {bad.said['api_key']}"), ("Connection", "close")]
    with socket.create_connection(address(bad.said["base_url"]), timeout=10) as sock:
        sock.sendall(head("HEAD", "/w/rehearsal/v1/models", headers))
        data = b"".join(iter(lambda: sock.recv(65_536), b""))
    top, _, rest = data.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 404")
    assert rest == b""


@pytest.mark.parametrize("target", ["*", "ringwall.test:80", "http://", "//", "chat", "http://[::1", "/\xff"])
def test_a_target_that_is_no_path_is_refused(bad, target):
    method = "CONNECT" if ":80" in target else "OPTIONS"
    [reply] = send(bad.said["base_url"], head(method, target, [("Authorization", "Bearer x")]))
    assert reply.status in (400, 401)
    assert reply.error["message"]


def test_a_target_with_scheme_and_host_is_its_path(bad):
    key = bad.said["api_key"]
    [reply] = send(bad.said["base_url"], post(key, chat("whole target"), path="http://evil.example" + PATH))
    assert reply.status == 200


def test_a_query_changes_nothing(bad):
    [reply] = send(bad.said["base_url"], post(bad.said["api_key"], chat(), path=PATH + "?api_key=x&model=y#z"))
    assert reply.status == 200


def test_a_websocket_is_not_opened(bad):
    headers = [
        ("Authorization", f"Bearer {bad.said['api_key']}"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    [reply] = send(bad.said["base_url"], head("GET", "/w/rehearsal/v1/realtime", headers))
    refused(bad, reply, 404)
    assert "upgrade" not in reply.headers
    assert "Unsupported upgrade" not in bad.log


def test_http_2_by_upgrade_is_refused_because_its_body_cannot_be_read(bad):
    headers = (("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__"))
    refused(bad, ask(bad, chat(), *headers), 400, "no_upgrade")


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer {key}"), ("Authorization", "Bearer {key}")],
        [("Authorization", "Bearer {key}"), ("Authorization", "Bearer other")],
        [("Authorization", "Bearer {key}"), ("x-api-key", "{key}")],
        [("x-api-key", "{key}"), ("api-key", "{key}")],
        [("x-api-key", "{key}"), ("x-api-key", "{key}")],
        [("Authorization", "Bearer {key}, Bearer {key}")],
        [("Authorization", "Basic {key}")],
        [("Authorization", "{key}")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer \xff\xfe")],
        [("Cookie", "key={key}")],
        [],
    ],
)
def test_no_credential_or_two_are_refused(bad, headers):
    given = [(name, value.replace("{key}", str(bad.said["api_key"]))) for name, value in headers]
    body = chat()
    request = head("POST", PATH, [*given, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    [reply] = send(bad.said["base_url"], request + body)
    refused(bad, reply, 401)
    assert reply.headers["www-authenticate"].startswith("Bearer")


def test_who_is_not_known_learns_nothing_about_workloads(bad):
    found = set()
    for path in (PATH, "/w/other/v1/chat/completions", "/w/nobody/v1/chat/completions", "/other/v1/models", "/x", "/"):
        [reply] = send(bad.said["base_url"], post("rw_000000000000_" + "x" * 43, chat(), path=path))
        error = refused(bad, reply, 401)
        found.add((reply.status, error["code"], error["type"]))
    assert len(found) == 1


def test_a_body_is_not_read_for_who_is_not_known(bad):
    headers = [("Authorization", "Bearer wrong"), ("Content-Type", "application/json"), ("Content-Length", "1000000")]
    [reply] = send(bad.said["base_url"], head("POST", PATH, headers))
    refused(bad, reply, 401)


@pytest.mark.parametrize("handle", ["forged", "rws_" + "a" * 22 + "." + "b" * 43, "new, new", "\xff"])
def test_a_session_handle_that_was_never_given_is_refused(bad, handle):
    refused(bad, ask(bad, chat(), ("Ringwall-Session", handle)), 403, "bad_session")


@pytest.mark.parametrize("trace", ["", "00-0-0-0", "ff-" + "a" * 32 + "-" + "b" * 16 + "-01", "x" * 4000])
def test_a_trace_that_is_none_begins_a_new_one(bad, trace):
    reply = ask(bad, chat(), ("traceparent", trace))
    assert reply.status == 200
    record = ledgers.record(bad.data_dir, reply.record)
    assert len(record["trace"]) == 55
    assert trace not in ("", record["trace"]) or not trace


def test_a_head_that_is_too_large_is_refused(bad):
    many = [(f"x-{n}", "y" * 1000) for n in range(20)]
    replies = send(bad.said["base_url"], head("POST", PATH, many), replies=0)
    assert [reply.status for reply in replies] == [431]
    assert replies[0].error["code"] == "head_too_large"


def test_one_header_without_end_is_refused(bad):
    replies = send(bad.said["base_url"], head("POST", PATH, [])[:-2] + b"x-long: ", *[b"y" * 8000] * 10, replies=0)
    assert [reply.status for reply in replies] == [431]


def test_a_target_without_end_is_refused(bad):
    replies = send(bad.said["base_url"], b"GET /" + b"a" * 40_000, replies=0)
    assert [reply.status for reply in replies] == [431]


def test_a_large_head_behind_an_answer_that_still_comes_is_refused_too(bad):
    first = post(bad.said["api_key"], chat("x" * 30_000, stream=True), path=PATH)
    many = b"".join(b"x-%d: %b\r\n" % (n, b"y" * 1000) for n in range(200))
    replies = send(bad.said["base_url"], first + b"POST / HTTP/1.1\r\n" + many, replies=0)
    assert 200 not in [reply.status for reply in replies[1:]]


@pytest.mark.deep
def test_a_head_that_never_ends_is_cut_off(bad):
    began = time.monotonic()
    with socket.create_connection(address(bad.said["base_url"]), timeout=30) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n")
        for _ in range(60):
            time.sleep(0.5)
            try:
                sock.sendall(b"x: y\r\n")
            except OSError:
                break
    assert 8 < time.monotonic() - began < 25


@pytest.mark.deep
def test_a_body_that_never_ends_behind_an_early_answer_is_cut_off(bad):
    headers = [("Authorization", "Bearer wrong"), ("Content-Type", "application/json"), ("Content-Length", "1000000")]
    began = time.monotonic()
    with socket.create_connection(address(bad.said["base_url"]), timeout=30) as sock:
        sock.sendall(head("POST", PATH, headers))
        assert read(sock)[0].status == 401
        for _ in range(60):
            time.sleep(0.5)
            try:
                sock.sendall(b" ")
            except OSError:
                break
    assert time.monotonic() - began < 25


def test_noise_is_answered_or_cut_off(bad):
    import random

    chance = random.Random(7)
    for _ in range(30):
        data = chance.randbytes(chance.randrange(1, 3000))
        replies = send(bad.said["base_url"], data + b"\r\n\r\n", replies=0, half=True)
        assert all(reply.status >= 400 for reply in replies)
