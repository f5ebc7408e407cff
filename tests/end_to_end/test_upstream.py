"""What may a provider do to a gateway? Nothing but fail: its answer is read whole and judged, or there is none."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import openai
import pytest

from tests import ledgers
from tests.process import Gateway, free_port
from tests.provider import DONE, STREAM_HEAD, Provider, choice, cut, delta, event, http, raw, says, stream, whole
from tests.raw import address, events, post, send

SECRET = "sk-upstream-credential-of-the-gateway"
CARD = "4111 1111 1111 1111"
AWS_KEY = "AKIA" + "QWERTYUIOPASDFGH"
ANSWER_BYTES = 300_000


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Gateway]:
    """A gateway in front of it. After all that it was answered it must still answer, with its ledger in order."""
    folder = tmp_path_factory.mktemp("upstream")
    (folder / "secret").write_text(SECRET + "\n")
    (folder / "ringwall.toml").write_text(f"""
[limits]
answer_bytes = {ANSWER_BYTES}
[upstreams.fake]
base_url = "{provider.url}"
private = true
credential = "file:{folder / "secret"}"
connect_s = 1.0
read_s = 1.0
total_s = 5.0
[upstreams.dead]
base_url = "http://127.0.0.1:{free_port()}/v1"
private = true
[upstreams.metadata]
base_url = "http://metadata.invalid/v1"
private = true
[workloads.shop]
owner = "tests"
use_case = "acts"
models = {{ m = {{ upstream = "fake", model = "theirs-1" }}, dead = "dead", nowhere = "metadata" }}
[workloads.shop.controls."infrastructure.rate_limit"]
principal_requests = 100000
address_requests = 100000
principal_tokens = 1000000000
address_tokens = 1000000000
workload_tokens = 1000000000
reason = "tests ask often"
until = {(datetime.now(UTC) + timedelta(days=30)).date()}
[workloads.shop.controls."identity_data.tool_permission"]
undeclared = "allow"
reason = "what a provider may do is tested here"
until = {(datetime.now(UTC) + timedelta(days=30)).date()}
""")
    made = Gateway(folder, ["--config", str(folder / "ringwall.toml")]).start()
    yield made
    provider.behave = says("still there")
    [reply] = send(made.said["base_url"], post(made.said["api_key"], body()))
    assert reply.json["choices"][0]["message"]["content"] == "still there"
    assert "Traceback" not in made.log
    assert "Unclosed" not in made.log
    assert made.stop() == 0
    assert ledgers.verified(made.data_dir).is_green


@pytest.fixture
def client(gateway: Gateway) -> openai.OpenAI:
    return openai.OpenAI(base_url=gateway.said["base_url"], api_key=gateway.said["api_key"], max_retries=0, timeout=30)


def body(text: str = "hello", model: str = "m", **more: object) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}], **more}).encode()


def ask(client: openai.OpenAI, model: str = "m", **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hello"}], **more)


def text_of(answer) -> str:
    return "".join(event.choices[0].delta.content or "" for event in answer if event.choices)


def fails(gateway: Gateway, status: int, code: str, *, model: str = "m", streamed: bool = False, **more) -> dict:
    """Ask; the answer must be this failure, on record, with nothing in it that the provider said."""
    request = post(gateway.said["api_key"], body(model=model, stream=streamed, **more))
    [reply] = send(gateway.said["base_url"], request, wait_s=20)
    assert (reply.status, reply.error["code"]) == (status, code), reply
    assert "theirs" not in reply.body.decode()
    assert SECRET not in reply.body.decode()
    record = ledgers.record(gateway.data_dir, reply.record)
    assert (record["kind"], record["outcome"]) == ("failure", "failed")
    return reply.error


def breaks(gateway: Gateway, code: str, **more) -> str:
    """Ask for a stream that begins well; it must end with this error, well-formed. What was released before."""
    request = post(gateway.said["api_key"], body(stream=True, **more))
    [reply] = send(gateway.said["base_url"], request, wait_s=20)
    found = events(reply.body)
    if reply.status != 200:  # nothing had been released: an ordinary failure
        assert reply.error["code"] == code
        return ""
    assert found[-1] == "[DONE]"
    last = json.loads(found[-2])
    assert last["error"]["code"] == code, last
    told = [each for each in ledgers.records(gateway.data_dir, reply.headers["x-request-id"])]
    assert [each["kind"] for each in told if each["kind"] == "closing"] == ["closing"]
    return "".join(
        choice["delta"].get("content") or "" for each in found[:-2] for choice in json.loads(each)["choices"]
    )


@pytest.mark.parametrize("streamed", [False, True])
def test_only_our_credential_and_what_was_judged_reach_the_provider(gateway, provider, streamed):
    provider.behave = says("fine")
    key = gateway.said["api_key"]
    headers = [
        ("X-Secret", "the-callers-own"),
        ("Cookie", "session=the-callers-own"),
        ("OpenAI-Organization", "the-callers-own"),
        ("traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"),
        ("tracestate", "the=callers-own"),
        ("User-Agent", "the-callers-own"),
        ("Ringwall-Session", "new"),
        ("X-Forwarded-For", "10.9.8.7"),
    ]
    request = body(f"my card is {CARD}", user="the-callers-own", metadata={"x": "the-callers-own"}, stream=streamed)
    [reply] = send(gateway.said["base_url"], post(key, request, *headers))
    assert reply.status == 200
    asked = provider.asked[-1]
    assert asked.line == "POST /v1/chat/completions HTTP/1.1"
    sent = dict(asked.headers)
    assert set(sent) <= {
        "host", "content-type", "content-length", "authorization", "traceparent", "user-agent", "accept",
        "accept-encoding",
    }  # fmt: skip
    assert sent["authorization"] == f"Bearer {SECRET}"
    assert sent["user-agent"] == "ringwall"
    assert re.fullmatch("00-" + "a" * 32 + "-[0-9a-f]{16}-01", sent["traceparent"])
    assert "b" * 16 not in sent["traceparent"]
    whole_request = repr(asked.headers) + asked.body.decode()
    for hidden in (
        str(key),
        "the-callers-own",
        "4111",
        "10.9.8.7",
        "127.0.0.1:" + str(address(gateway.said["base_url"])[1]),
    ):
        assert hidden not in whole_request
    assert asked.json["model"] == "theirs-1"
    assert set(asked.json) <= {"model", "messages", "max_completion_tokens", "stream", "stream_options"}


def test_nothing_of_the_providers_ids_reaches_the_caller(client, provider):
    call = {"id": "call_theirs", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    provider.behave = whole(
        [choice(None, "tool_calls", tool_calls=[call], annotations=[{"url": "theirs"}], reasoning_content="theirs")],
        system_fingerprint="fp_theirs", service_tier="theirs", provider="theirs",
    )  # fmt: skip
    answer = ask(client)
    assert "theirs" not in answer.model_dump_json()
    assert answer.id.startswith("chatcmpl-req_")
    assert re.fullmatch("call_[0-9a-f]{24}", answer.choices[0].message.tool_calls[0].id)


FAILURES = {
    "a server error": (http(b"boom theirs", "500 Internal"), 502, "upstream_failed"),
    "an unknown status": (http(b"", "299 Odd"), 502, "upstream_failed"),
    "no credential": (http(b'{"error": "theirs"}', "401 No"), 502, "upstream_credential"),
    "no leave": (http(b"", "403 No"), 502, "upstream_credential"),
    "its limit": (http(b"", "429 Wait", "text/plain", "Retry-After: 1"), 503, "upstream_limit"),
    "a redirect": (http(b"", "302 Found", "text/html", "Location: http://169.254.169.254/"), 502, "upstream_failed"),
    "a permanent redirect": (http(b"", "308 Moved", "text/html", "Location: /elsewhere"), 502, "upstream_failed"),
    "a bad request": (http(b"theirs", "400 Bad"), 502, "upstream_refused"),
    "no content": (http(b"", "204 None"), 502, "upstream_failed"),
    "a page": (http(b"<html>theirs</html>", kind="text/html"), 502, "upstream_broken"),
    "nothing at all": (raw(b""), 502, "upstream_unreachable"),
    "no HTTP": (raw(b"SSH-2.0-OpenSSH\r\n\r\n"), 502, "upstream_unreachable"),
    "a head without end": (raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000), 502, "upstream_unreachable"),
    "a shorter body than it said": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{}"),
        502,
        "upstream_unreachable",
    ),
    "a bad chunk": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
        502,
        "upstream_unreachable",
    ),
    "a compressed answer": (
        http(b"\x1f\x8b\x08", "200 OK", "application/json", "Content-Encoding: gzip"),
        502,
        "upstream_broken",
    ),
}  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", FAILURES)
def test_a_provider_that_fails(gateway, provider, name, streamed):
    provider.behave, status, code = FAILURES[name]
    if streamed and name == "a shorter body than it said":
        code = "upstream_broken"  # its head already tells that it is no stream
    fails(gateway, status, code, streamed=streamed)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_provider_that_is_not_there(gateway, streamed):
    error = fails(gateway, 502, "upstream_unreachable", model="dead", streamed=streamed)
    assert "127.0.0.1" not in json.dumps(error)
    fails(gateway, 502, "upstream_unreachable", model="nowhere", streamed=streamed)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_provider_that_never_answers(gateway, provider, streamed):
    provider.behave = lambda sock, asked: time.sleep(3)
    began = time.monotonic()
    fails(gateway, 504, "upstream_late", streamed=streamed)
    assert time.monotonic() - began < 3


def test_a_provider_that_never_ends(gateway, provider):
    def drip(sock, asked):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n")
        for _ in range(40):
            sock.sendall(b" ")
            time.sleep(0.2)

    provider.behave = drip
    began = time.monotonic()
    fails(gateway, 504, "upstream_late")
    assert time.monotonic() - began < 7


BROKEN = {
    "no JSON": b"hello theirs",
    "half": b'{"choices": [',
    "a list": b"[]",
    "null": b"null",
    "no choices": b"{}",
    "empty choices": b'{"choices": []}',
    "choices that are none": b'{"choices": "theirs"}',
    "a choice without a message": b'{"choices": [{"index": 0, "finish_reason": "stop"}]}',
    "no reason": json.dumps({"choices": [choice("x", None)]}).encode(),
    "an unknown reason": json.dumps({"choices": [choice("x", "theirs")]}).encode(),
    "text that is a number": json.dumps({"choices": [choice(5)]}).encode(),
    "text in parts": json.dumps({"choices": [choice([{"type": "text", "text": "x"}])]}).encode(),
    "invalid UTF-8": b'{"choices": [{"message": {"content": "\xff\xfe"}, "finish_reason": "stop"}]}',
    "half a character": b'{"choices": [{"message": {"content": "\\ud800"}, "finish_reason": "stop"}]}',
    "deep nesting": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "negative usage": json.dumps(
        {"choices": [choice("x")], "usage": {"prompt_tokens": -5, "completion_tokens": 1}}
    ).encode(),
    "usage without bound": json.dumps(
        {"choices": [choice("x")], "usage": {"prompt_tokens": 10**30, "completion_tokens": 1}}
    ).encode(),
    "a function of old": json.dumps(
        {"choices": [choice(None, "stop", function_call={"name": "f", "arguments": "{}"})]}
    ).encode(),
    "too many choices": json.dumps({"choices": [choice("x")] * 500}).encode(),
    "a call without a name": json.dumps(
        {"choices": [choice(None, "tool_calls", tool_calls=[{"function": {"arguments": "{}"}}])]}
    ).encode(),
    "a call with a bad name": json.dumps(
        {"choices": [choice(None, "tool_calls", tool_calls=[{"function": {"name": "a b\n", "arguments": "{}"}}])]}
    ).encode(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_cannot_be_read_whole_is_none(gateway, provider, name):
    provider.behave = http(BROKEN[name])
    fails(gateway, 502, "upstream_broken")


def test_an_error_in_an_answer_is_an_error(gateway, provider):
    provider.behave = http(b'{"error": {"message": "theirs"}, "choices": []}')
    fails(gateway, 502, "upstream_error")


@pytest.mark.parametrize("arguments", ["{", "[]", "null", '{"a": 1, "a": 2}', '{"a": NaN}', '"text"', "{}{}"])
def test_arguments_that_are_no_object_are_refused(gateway, provider, arguments):
    call = {"id": "x", "type": "function", "function": {"name": "f", "arguments": arguments}}
    provider.behave = whole([choice(None, "tool_calls", tool_calls=[call])])
    fails(gateway, 502, "upstream_arguments")


def test_a_key_twice_in_an_answer_is_read_in_one_way_only(client, provider):
    """What is judged is what is sent on: the caller never gets the provider's bytes."""
    provider.behave = http(
        b'{"choices": [{"message": {"content": "hidden", "content": "my card is 4111 1111 1111 1111"},'
        b' "finish_reason": "stop"}]}'
    )
    text = ask(client).choices[0].message.content
    assert "4111" not in text
    assert "hidden" not in text


@pytest.mark.parametrize("known", [True, False])
def test_an_answer_of_100_mb_is_cut_off(gateway, provider, known):
    sent = []

    def flood(sock, asked):
        length = b"Content-Length: 100000000\r\n" if known else b"Connection: close\r\n"
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + length + b"\r\n")
        for _ in range(1000):
            sock.sendall(b" " * 100_000)
            sent.append(1)

    provider.behave = flood
    fails(gateway, 502, "upstream_too_long")
    time.sleep(0.2)
    assert len(sent) < 200  # megabytes that the sockets hold, not a hundred


def test_a_stream_without_end_is_cut_off(gateway, provider):
    def flood(sock, asked):
        sock.sendall(STREAM_HEAD)
        for _ in range(10_000):
            sock.sendall(delta(content="word " * 200))

    provider.behave = flood
    said = breaks(gateway, "upstream_too_long")
    assert len(said) <= ANSWER_BYTES


def ends(*pieces: bytes) -> tuple[bytes, ...]:
    return (*pieces, delta("stop"), DONE)


WORDS = "Boots keep your feet dry; tents keep all of you dry. "
GOOD = {
    "one event": ends(delta(content=WORDS)),
    "word by word": ends(*(delta(content=piece) for piece in cut(WORDS, 1))),
    "split at every byte": tuple(bytes([each]) for each in b"".join(ends(delta(content=WORDS)))),
    "line ends of Windows": tuple(piece.replace(b"\n", b"\r\n") for piece in ends(delta(content=WORDS))),
    "line ends of old": tuple(piece.replace(b"\n", b"\r") for piece in ends(delta(content=WORDS))),
    "comments": ends(b": hello\n\n", b":\n", delta(content=WORDS), b": OPENROUTER PROCESSING\n\n"),
    "names, ids and retry times": ends(b"event: message\nid: 5\nretry: 10\n" + delta(content=WORDS)),
    "no blank behind the colon": tuple(p.replace(b"data: ", b"data:") for p in ends(delta(content=WORDS))),
    "data over two lines": ends(delta(content=WORDS).replace(b', "object"', b'\ndata: , "object"')),
    "a role first": ends(delta(role="assistant", content=""), delta(content=WORDS)),
    "nulls": ends(delta(content=WORDS, refusal=None, tool_calls=None, function_call=None)),
    "strange extras": ends(event({"choices": [], "x": {"y": 1}}), delta(content=WORDS, reasoning="theirs")),
    "a count at the end": (
        delta(content=WORDS),
        delta("stop"),
        event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}),
        DONE,
    ),
    "something behind the end": (*ends(delta(content=WORDS)), delta(content="more"), b"garbage"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_stream_is_read_in_every_form_that_it_may_have(client, provider, name):
    provider.behave = stream(*GOOD[name])
    assert text_of(ask(client, stream=True)) == WORDS


BAD = {
    "breaks off": ((delta(content=WORDS),), "upstream_broken"),
    "breaks off behind its reason": ((delta(content=WORDS), delta("stop")), "upstream_broken"),
    "breaks off in an event": ((delta(content=WORDS), b'data: {"choi'), "upstream_broken"),
    "is done without a reason": ((delta(content=WORDS), DONE), "upstream_broken"),
    "is done with nothing": ((DONE,), "upstream_broken"),
    "is no JSON": ((delta(content=WORDS), b"data: hello theirs\n\n"), "upstream_broken"),
    "is no object": ((delta(content=WORDS), b"data: []\n\n"), "upstream_broken"),
    "is not UTF-8": (
        (delta(content=WORDS), b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n'),
        "upstream_broken",
    ),
    "has an unknown reason": ((delta(content=WORDS), delta("theirs")), "upstream_broken"),
    "tells an error": ((delta(content=WORDS), event({"error": {"message": "theirs"}})), "upstream_error"),
    "goes on behind its reason": (ends(delta(content=WORDS), delta("stop"), delta(content="x")), "upstream_broken"),
    "ends twice": (ends(delta(content=WORDS), delta("stop")), "upstream_broken"),
    "has a negative index": (ends(delta(content=WORDS, index=-1)), "upstream_broken"),
    "has an index beyond all bounds": (ends(delta(content=WORDS, index=10**9)), "upstream_broken"),
    "has an index without end": (ends(delta(content=WORDS, index=10**30)), "upstream_broken"),
    "never ends a choice": (ends(delta(content=WORDS), delta(content="other", index=1)), "upstream_broken"),
    "counts backwards": (
        (delta(content=WORDS), delta("stop"), event({"choices": [], "usage": {"prompt_tokens": -1}}), DONE),
        "upstream_broken",
    ),
    "has a function of old": (ends(delta(function_call={"name": "f", "arguments": "{}"})), "upstream_broken"),
    "has one huge event": (ends(delta(content="x" * 5_000_000)), "upstream_broken"),
    "has one line without end": ((b"x" * 5_000_000,), "upstream_broken"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_stream_that_cannot_be_read_whole_ends_with_an_error(gateway, provider, name):
    pieces, code = BAD[name]
    provider.behave = stream(*pieces)
    said = breaks(gateway, code)
    assert WORDS.startswith(said)


def test_a_stream_that_stops_for_too_long_ends_with_an_error(gateway, provider):
    def stall(sock, asked):
        stream(delta(content=WORDS))(sock, asked)
        time.sleep(3)

    provider.behave = stall
    breaks(gateway, "upstream_late")


def calls(*pieces: tuple[int | None, str | None, str | None]) -> tuple[bytes, ...]:
    """Pieces of calls: index, name, arguments."""
    made = []
    for index, name, arguments in pieces:
        call: dict[str, object] = {"function": {"arguments": arguments}}
        if index is not None:
            call["index"] = index
        if name is not None:
            call.update(id="call_theirs", type="function", function={"name": name, "arguments": arguments})
        made.append(delta(tool_calls=[call]))
    return (*made, delta("tool_calls"), DONE)


@pytest.mark.parametrize(
    "pieces",
    [
        calls((0, "f", '{"a": 1}'), (1, "g", '{"b": 2}')),
        calls((1, "g", '{"b": '), (0, "f", ""), (0, None, '{"a"'), (1, None, "2}"), (0, None, ": 1}")),
        calls((7, "f", '{"a": 1}'), (4_000_000_000, "g", '{"b": 2}')),
        calls((0, "f", '{"a": 1}'), (0, "f", ""), (1, "g", None), (1, None, '{"b": 2}'), (1, None, None)),
        calls((-3, "f", '{"a": 1}'), (0, "g", '{"b": 2}')),
    ],
)
def test_calls_are_put_together_whatever_order_their_pieces_come_in(client, provider, pieces):
    provider.behave = stream(*pieces)
    found = [
        call for event in ask(client, stream=True) for choice in event.choices for call in choice.delta.tool_calls or ()
    ]
    assert [(call.index, call.function.name, json.loads(call.function.arguments)) for call in found] == [
        (0, "f", {"a": 1}),
        (1, "g", {"b": 2}),
    ]
    assert len({call.id for call in found}) == 2
    assert all(re.fullmatch("call_[0-9a-f]{24}", call.id) for call in found)


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        (calls((0, "f", '{"a": ')), "upstream_arguments"),
        (calls((0, "f", '{"a": 1, "a": 2}')), "upstream_arguments"),
        (calls((0, "f", "[1]")), "upstream_arguments"),
        (calls((0, None, "{}")), "upstream_broken"),
        (calls((0, "a b", "{}")), "upstream_broken"),
        (calls((None, "f", ""), (None, "g", '{"a": 1}')), "upstream_broken"),
        (calls(*((n, "f", "{}") for n in range(200))), "upstream_broken"),
        (calls((0, "f", '{"a": "'), *((0, None, "x" * 5000) for _ in range(20)), (0, None, '"}')), "held_too_long"),
    ],
)
def test_calls_that_cannot_be_read_are_refused(gateway, provider, pieces, code):
    provider.behave = stream(*pieces)
    assert breaks(gateway, code) == ""


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 100])
@pytest.mark.parametrize("spelling", [CARD, "4111-1111-1111-1111", "4111111111111111"])
def test_a_card_number_is_hidden_however_a_stream_is_cut(client, provider, size, spelling):
    text = f"Of course: {spelling}, valid until next year. Anything else?"
    provider.behave = stream(*ends(*(delta(content=piece) for piece in cut(text, size))))
    said = text_of(ask(client, stream=True))
    assert said == text.replace(spelling, "[CARD_NUMBER]")


def test_a_card_number_over_two_choices_is_hidden_in_each(client, provider):
    pieces = [delta(content=piece, index=n) for piece in cut(f"it is {CARD} .", 3) for n in (0, 1)]
    provider.behave = stream(*pieces, delta("stop"), delta("stop", 1), DONE)
    said = ask(client, stream=True, n=2)
    assert "4111" not in "".join(each.choices[0].delta.content or "" for each in said if each.choices)


def test_a_card_number_in_the_arguments_of_a_call_is_hidden(client, provider):
    pieces = [(0, "send", '{"text": "'), *((0, None, piece) for piece in cut(CARD, 3)), (0, None, '"}')]
    provider.behave = stream(*calls(*pieces))
    found = [c for event in ask(client, stream=True) for choice in event.choices for c in choice.delta.tool_calls or ()]
    assert json.loads(found[0].function.arguments) == {"text": "[CARD_NUMBER]"}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_secret_ends_a_stream_with_an_error_that_a_stock_client_raises(client, gateway, provider, size):
    text = f"Here you are. The key is {AWS_KEY} and now go on."
    provider.behave = stream(*ends(*(delta(content=piece) for piece in cut(text, size))))
    said = []
    with pytest.raises(openai.APIError) as caught:
        for each in ask(client, stream=True):
            said += [choice.delta.content or "" for choice in each.choices]
    assert "AKIA" not in "".join(said)
    assert text.startswith("".join(said))
    assert caught.value.body["ringwall"]["control"] == "identity_data.sensitive_data"
    record = ledgers.record(gateway.data_dir, caught.value.body["ringwall"]["record"])
    assert (record["checkpoint"], record["outcome"]) == ("chunk", "refused")
    told = ledgers.records(gateway.data_dir, record["interaction"])
    assert [each["kind"] for each in told] == ["decision", "decision", "opening", "decision", "closing"]


def test_a_client_that_goes_away_ends_the_call_upstream(gateway, provider):
    gone = threading.Event()

    def endless(sock, asked):
        sock.sendall(STREAM_HEAD)
        try:
            for _ in range(2000):
                sock.sendall(delta(content="and on and on "))
                time.sleep(0.01)
        except OSError:
            gone.set()

    provider.behave = endless
    with socket.create_connection(address(gateway.said["base_url"]), timeout=10) as sock:
        sock.sendall(post(gateway.said["api_key"], body(stream=True)))
        data = sock.recv(4096)
        while b"and on" not in data:
            data += sock.recv(4096)
    assert gone.wait(5)
    interaction = re.search(rb"x-request-id: (req_[0-9a-f]+)", data)
    assert interaction is not None
    end = time.monotonic() + 5
    while True:
        told = ledgers.records(gateway.data_dir, interaction[1].decode())
        if told[-1]["kind"] == "closing":
            break
        assert time.monotonic() < end
        time.sleep(0.02)
    assert told[-1]["outcome"] == "ended"
    assert told[-1]["decision"]["characters"] > 0


@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_that_goes_away_before_the_answer_ends_the_call_upstream(gateway, provider, streamed):
    came, gone = threading.Event(), threading.Event()

    def wait(sock, asked):
        came.set()
        sock.settimeout(5)
        if sock.recv(1) == b"":
            gone.set()

    provider.behave = wait
    before = len(ledgers.records(gateway.data_dir))
    with socket.create_connection(address(gateway.said["base_url"]), timeout=10) as sock:
        sock.sendall(post(gateway.said["api_key"], body(stream=streamed)))
        assert came.wait(5)
    assert gone.wait(5)
    end, codes = time.monotonic() + 5, []
    while not codes:
        assert time.monotonic() < end
        time.sleep(0.02)
        said = [each["decision"] for each in ledgers.records(gateway.data_dir)[before:]]
        codes = [each["code"] for each in said if "code" in each]
    assert codes == ["caller_gone"], "the call upstream went on until its own timeout"


def test_a_client_that_does_not_read_holds_the_provider_back(gateway, provider):
    """Back-pressure: what nobody takes is not piled up here."""
    held = threading.Event()

    def flood(sock, asked):
        sock.sendall(STREAM_HEAD)
        sock.settimeout(1.5)
        piece = (delta(content="w ") + delta(content="w ", index=1)) * 50  # neighbours that are not put together
        try:
            for _ in range(1200):  # what the sockets on the way may hold is a fraction of it
                sock.sendall(piece)
        except TimeoutError:
            held.set()

    provider.behave = flood
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(address(gateway.said["base_url"]))
        sock.sendall(post(gateway.said["api_key"], body(stream=True)))
        assert held.wait(20)
