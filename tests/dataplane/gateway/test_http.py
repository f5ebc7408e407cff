from __future__ import annotations

import asyncio

import pytest

from ringwall.dataplane.gateway.http import (
    CREDENTIALS,
    cancelled_when_gone,
    head_of,
    read_body,
    read_bytes,
    read_head,
    replayed,
    send_piece,
    send_whole,
    start_stream,
)
from ringwall.model.errors import CallerError

JSON = (b"content-type", b"application/json")


def scope(*headers, **more):
    return {
        "type": "http",
        "method": "POST",
        "path": "/decoded",
        "raw_path": b"/v1/%63hat?x=y",
        "headers": list(headers),
        "client": ("10.0.0.9", 5),
        "scheme": "http",
        **more,
    }


def messages(*found):
    pending = list(found)

    async def receive():
        if pending:
            return pending.pop(0)
        await asyncio.sleep(3600)

    return receive


def piece(body: bytes = b"", more: bool = False):
    return {"type": "http.request", "body": body, "more_body": more}


def body(*found, headers=(JSON,), limit=100, timeout_s=1.0) -> bytes:
    request = read_head(scope(*headers))
    return asyncio.run(read_body(request, messages(*found), limit=limit, timeout_s=timeout_s))


def refused(*found, **more) -> CallerError:
    with pytest.raises(CallerError) as caught:
        body(*found, **more)
    return caught.value


def test_controls_see_the_head_as_it_came_without_credentials():
    secrets = [(name, b"s3cret") for name in CREDENTIALS]
    headers = [(b"host", b"a"), *secrets, (b"x", b"1"), (b"host", b"b"), (b"x", b"\xff")]
    seen = head_of(read_head(scope(*headers, query_string=b"x=%2e%2e&y=\xe9")), body_bytes=7)
    assert (seen.method, seen.path, seen.query, seen.body_bytes) == ("POST", "/v1/chat", "x=%2e%2e&y=é", 7)
    assert seen.headers == (("host", "a"), ("x", "1"), ("host", "b"), ("x", "ÿ"))


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/a%2fb", "/a/b"),
        (b"/%C3%A9", "/é"),
        (b"/%c0%ae", "/\udcc0\udcae"),
        (b"/\xff", "/\udcff"),
        (b"/\xc3\xa9", "/é"),
        (b"/%252e", "/%2e"),
        (b"/%zz", "/%zz"),
        (b"/a?b?c", "/a"),
    ],
)
def test_a_path_is_decoded_once_and_nothing_of_it_is_lost(raw, path):
    assert head_of(read_head(scope(raw_path=raw)), body_bytes=0).path == path


def test_a_head_keeps_the_raw_path_and_what_came_twice():
    head = read_head(scope((b"a", b"1"), (b"b", b"2"), (b"a", b"\xff")))
    assert head.path == "/v1/%63hat"
    assert head.headers == {"a": "1, \xff", "b": "2"}
    assert head.repeated == {"a"}
    assert (head.peer, head.encrypted) == ("10.0.0.9", False)
    assert read_head(scope(scheme="https")).encrypted


def test_a_body_is_put_together():
    assert body(piece(b"ab", True), piece(b"", True), piece(b"c")) == b"abc"


def test_a_body_is_read_up_to_its_limit_and_no_further():
    assert len(body(piece(b"x" * 100))) == 100
    assert refused(piece(b"x" * 60, True), piece(b"x" * 41, True)).status == 413


@pytest.mark.parametrize("length", [b"101", b"9" * 30, b"0000000000000000000000101"])
def test_a_body_that_says_that_it_is_too_large_is_not_read(length):
    assert refused(headers=(JSON, (b"content-length", length))).code == "too_large"


@pytest.mark.parametrize("length", [b"\xb2", b"x", b"-1", b""])
def test_a_length_that_is_none_is_the_parsers_matter(length):
    assert body(piece(b"x"), headers=(JSON, (b"content-length", length))) == b"x"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ((), "unsupported_media_type"),
        (((b"content-type", b"text/plain"),), "unsupported_media_type"),
        ((JSON, JSON), "unsupported_media_type"),
        ((JSON, (b"content-encoding", b"gzip")), "unsupported_encoding"),
        ((JSON, (b"content-length", b"1"), (b"content-length", b"1")), "bad_framing"),
        ((JSON, (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")), "bad_framing"),
        ((JSON, (b"connection", b"keep-alive, Upgrade"), (b"upgrade", b"h2c")), "no_upgrade"),
    ],
)
def test_a_body_in_another_form_is_refused(headers, code):
    assert refused(piece(b"x"), headers=headers).code == code


@pytest.mark.parametrize("kind", [b"application/json; charset=utf-8", b"APPLICATION/JSON", b" application/json ;x"])
def test_json_by_any_spelling_of_its_type(kind):
    assert body(piece(b"{}"), headers=((b"content-type", kind),)) == b"{}"


def test_a_body_that_is_late_or_breaks_off_is_refused():
    assert refused(piece(b"x", True), timeout_s=0.01).status == 408
    assert refused(piece(b"x", True), {"type": "http.disconnect"}).code == "body_broken"


def test_a_caller_who_goes_away_ends_the_work_and_nothing_else():
    ended = []

    async def scenario():
        gone = asyncio.Event()

        async def receive():
            await gone.wait()
            return {"type": "http.disconnect"}

        async def work():
            async with cancelled_when_gone(receive):
                try:
                    gone.set()
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    ended.append("cleaned")
                    raise
            ended.append("goes on")
            await asyncio.sleep(0)
            return "quiet"

        return await asyncio.ensure_future(work())

    assert asyncio.run(scenario()) == "quiet"
    assert ended == ["cleaned", "goes on"]


def test_a_cancellation_by_somebody_else_goes_through():
    async def scenario():
        async def work():
            async with cancelled_when_gone(messages()):
                await asyncio.sleep(3600)

        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_an_error_inside_comes_out_and_the_watcher_ends():
    async def scenario():
        with pytest.raises(KeyError):
            async with cancelled_when_gone(messages(piece())):
                raise KeyError("x")
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())


def test_answers_are_sent_in_one_piece_or_many():
    sent = []

    async def send(message):
        sent.append(message)

    async def scenario():
        await send_whole(send, 200, b"{}", [(b"x", b"y")])
        await start_stream(send, b"text/event-stream; charset=utf-8", [])
        await send_piece(send, b"a")
        await send_piece(send, b"", last=True)

    asyncio.run(scenario())
    assert sent[0]["headers"] == [(b"content-type", b"application/json"), (b"content-length", b"2"), (b"x", b"y")]
    assert [each.get("more_body") for each in sent] == [None, None, None, True, False]


def test_a_body_that_was_read_before_its_door_is_received_again_once():
    async def read() -> tuple[bytes, dict]:
        again = replayed(b"{}", messages({"type": "http.disconnect"}))
        return await read_body(read_head(scope(JSON)), again, limit=2, timeout_s=1.0), await again()

    assert asyncio.run(read()) == (b"{}", {"type": "http.disconnect"})


def test_bytes_are_read_whatever_they_are_said_to_be_within_the_same_bounds():
    request = read_head(scope((b"content-type", b"x/y"), (b"content-encoding", b"gzip")))
    assert asyncio.run(read_bytes(request, messages(piece(b"ab", True), piece(b"c")), limit=3, timeout_s=1.0)) == b"abc"
    with pytest.raises(CallerError):
        asyncio.run(read_bytes(request, messages(piece(b"abcd")), limit=3, timeout_s=1.0))


def test_another_kind_of_body_is_read_where_the_door_takes_it():
    request = read_head(scope((b"content-type", b"application/octet-stream")))
    kinds = {"application/json", "application/octet-stream"}
    assert asyncio.run(read_body(request, messages(piece(b"{}")), limit=9, timeout_s=1.0, kinds=kinds)) == b"{}"
