"""One connection, fed by hand: what goes out for what comes in. The same over real sockets: tests/end_to_end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from ringwall.dataplane.gateway.protocol import BoundedProtocol, bounded_protocol
from tests.raw import Reply, parse

HEADER_BYTES = 2000
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


class Wire(asyncio.Transport):
    """What a transport does, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.out = b""
        self.closed = self.ended = False

    def write(self, data: bytes) -> None:
        if not self.closed:
            self.out += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default


class Connection:
    """A protocol over such a transport, with an application that answers when it is told."""

    def __init__(self, app: Callable, header_s: float = 60.0) -> None:
        config = uvicorn.Config(app, lifespan="off", log_config=None, ws="none", access_log=False)
        config.load()
        kind = bounded_protocol(header_bytes=HEADER_BYTES, header_s=header_s)
        self.protocol: BoundedProtocol = kind(config, ServerState(), {})
        self.wire = Wire()
        self.protocol.connection_made(self.wire)

    def feed(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.protocol.data_received(piece)

    @property
    def replies(self) -> list[Reply]:
        found, rest = [], self.wire.out
        while (taken := parse(rest, False)) is not None:
            reply, rest = taken
            found.append(reply)
        assert not rest
        return found

    def end(self) -> None:
        self.protocol.connection_lost(None)


async def at_once(scope, receive, send):
    """Answers with the path, without reading a body."""
    body = scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def after_body(scope, receive, send):
    """Answers with what it was sent."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def run(scenario: Callable) -> None:
    asyncio.run(scenario())


async def turn(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_requests_in_a_row_on_one_connection():
    async def scenario():
        made = Connection(at_once)
        for _ in range(3):
            made.feed(GET)
            await turn()
        assert [reply.body for reply in made.replies] == [b"/a"] * 3
        assert not made.wire.closed
        made.end()

    run(scenario)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ([b"GARBAGE\r\n\r\n"], 400),
        ([b"GET /a HTTP/2.0\r\n\r\n"], 400),
        ([b"GET /a HTTP/0.9\r\n\r\n"], 400),
        ([b"GET /" + b"a" * 3000], 431),
        ([b"GET /a HTTP/1.1\r\nx: " + b"y" * 3000 + b"\r\n\r\n"], 431),
        ([b"GET /a HTTP/1.1\r\n", *[b"x-%d: yyyyyyyyyy\r\n" % n for n in range(200)]], 431),
        ([b"GET /a HTTP/1.1\r\nx: ", *[b"y" * 100] * 30], 431),
        ([b"GET /a HTTP/1.1\r\nx: " + b"y" * 3000], 431),
    ],
)
def test_what_is_no_request_is_refused_in_the_protocols_shape_and_nothing_more_is_read(data, status):
    async def scenario():
        made = Connection(at_once)
        made.feed(*data, GET, b"more")
        await turn()
        [reply] = made.replies
        assert reply.status == status
        assert reply.headers["connection"] == "close"
        assert set(reply.error) >= {"message", "type", "code"}
        assert made.wire.ended
        made.end()

    run(scenario)


def test_a_refusal_never_stands_in_the_middle_or_in_the_place_of_an_answer():
    async def scenario():
        going_on = asyncio.Event()

        async def slow(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"one ", "more_body": True})
            await going_on.wait()
            await send({"type": "http.response.body", "body": b"two"})

        made = Connection(slow)
        made.feed(GET)
        await turn()
        made.feed(b"GARBAGE\r\n\r\n")
        going_on.set()
        await turn()
        [reply] = made.replies
        assert (reply.status, reply.body) == (200, b"one two")
        assert made.wire.closed
        made.end()

    run(scenario)


def test_requests_before_what_is_none_have_their_answers():
    async def scenario():
        made = Connection(at_once)
        made.feed(GET + GET.replace(b"/a", b"/b") + b"GARBAGE\r\n\r\n" + GET.replace(b"/a", b"/c"))
        await turn(20)
        assert [reply.body for reply in made.replies] == [b"/a", b"/b"]
        assert made.wire.closed
        made.end()

    run(scenario)


def test_a_body_in_bad_chunks_is_refused_while_it_is_waited_for():
    async def scenario():
        made = Connection(after_body)
        made.feed(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        await turn()
        made.feed(b"zz\r\n")
        await turn()
        assert [reply.status for reply in made.replies] == [400]
        made.end()

    run(scenario)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"5;" + b"x" * 900] + [b"y" * 900] * 5,
        [b"5\r\nhello\r\n0\r\n"] + [b"x: " + b"y" * 900 + b"\r\n"] * 5,
        [b"1\r\nx\r\n0\r\nx: "] + [b"y" * 900] * 5,
    ],
)
def test_framing_and_trailers_are_bounded(pieces):
    async def scenario():
        made = Connection(after_body)
        made.feed(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *pieces)
        await turn()
        assert [reply.status for reply in made.replies] in ([400], [431])
        made.end()

    run(scenario)


def test_single_byte_chunks_are_no_attack():
    async def scenario():
        made = Connection(after_body)
        made.feed(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 5000, b"0\r\n\r\n")
        await turn()
        assert [reply.body for reply in made.replies] == [b"x" * 5000]
        made.end()

    run(scenario)


def test_the_rest_of_a_body_behind_an_early_answer_is_dropped_and_the_next_request_answered():
    async def scenario():
        made = Connection(at_once)
        made.feed(b"POST /early HTTP/1.1\r\nContent-Length: 100\r\n\r\n")
        await turn()
        assert [reply.body for reply in made.replies] == [b"/early"]
        made.feed(b"x" * 60, b"y" * 40)
        assert made.protocol.timeout_keep_alive_task is not None
        made.feed(GET)
        await turn()
        assert [reply.body for reply in made.replies] == [b"/early", b"/a"]
        made.end()

    run(scenario)


@pytest.mark.parametrize(
    ("pieces", "statuses"),
    [
        ([], []),
        ([b"GET /a HT"], [408]),
        ([b"POST /early HTTP/1.1\r\nContent-Length: 100\r\n\r\n", b"x"], [200]),
        ([GET, b"GET /a HTTP/1.1\r\nx"], [200, 408]),
    ],
)
def test_what_never_comes_whole_is_cut_off(pieces, statuses):
    async def scenario():
        made = Connection(at_once, header_s=0.05)
        for piece in pieces:
            made.feed(piece)
            await turn()
        for _ in range(100):
            if made.wire.closed or made.wire.ended:
                break
            await asyncio.sleep(0.01)
        assert made.wire.closed or made.wire.ended
        assert [reply.status for reply in made.replies] == statuses
        made.end()

    run(scenario)


def test_a_head_that_came_in_time_may_be_answered_late():
    async def scenario():
        made = Connection(after_body, header_s=0.02)
        made.feed(b"POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\n")
        await asyncio.sleep(0.06)
        made.feed(b"x")
        await turn()
        assert [reply.body for reply in made.replies] == [b"x"]
        made.end()

    run(scenario)


def test_an_upgrade_is_the_last_request_of_its_connection():
    async def scenario():
        made = Connection(at_once)
        made.feed(GET.replace(b"Host: x", b"Connection: Upgrade\r\nUpgrade: websocket") + GET)
        await turn()
        made.feed(GET)
        await turn()
        assert [reply.status for reply in made.replies] == [200]
        assert made.wire.closed
        made.end()

    run(scenario)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 400), max_size=12))
def test_cuts_change_nothing(cuts):
    data = GET + b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nt: u\r\n\r\n" + GET
    places = sorted({0, *(cut % len(data) for cut in cuts), len(data)})

    async def scenario():
        made = Connection(after_body)
        for start, end in pairwise(places):
            made.feed(data[start:end])
            await turn(1)
        await turn(20)
        assert [reply.body for reply in made.replies] == [b"", b"abc", b""]
        made.end()

    run(scenario)


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=200), max_size=8))
def test_noise_is_refused_or_waited_for(pieces):
    async def scenario():
        made = Connection(at_once)
        made.feed(*pieces)
        await turn()
        for reply in made.replies:
            assert reply.status >= 400
            assert json.loads(reply.body)["error"]["message"]
        made.end()

    run(scenario)
