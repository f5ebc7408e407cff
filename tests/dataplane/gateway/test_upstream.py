"""The pool behind one provider; how it bears misbehaviour stands in tests/end_to_end/test_upstream.py."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.gateway.addresses import RefusedAddressError
from ringwall.dataplane.gateway.upstream import HttpUpstream, joined
from ringwall.dataplane.wire.openai_request import parse_request
from ringwall.dataplane.wire.openai_upstream import OpenAI
from ringwall.model.conversation import CallDelta, Counted, Finish, Finished, TextDelta, TextKind, Usage
from ringwall.model.errors import UpstreamError
from ringwall.model.plan import UpstreamPlan
from ringwall.model.upstreams import Invocation
from tests.process import free_port
from tests.provider import DONE, Provider, delta, event, http, says, stream


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


def upstream(url: str, *, private: bool = True, secret: str = "", answer_bytes: int = 10_000, **more) -> HttpUpstream:
    plan = UpstreamPlan("up", "openai", url, "acme", "", private=private, **more)
    return HttpUpstream(plan, OpenAI(), secret=lambda: secret, answer_bytes=answer_bytes)


def invocation(trace: str = "") -> Invocation:
    chat = parse_request(b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}', depth=64)
    return Invocation(chat.conversation, chat.parts, "theirs", trace, 7)


def complete(made: HttpUpstream, **more):
    async def scenario():
        try:
            return await made.complete(invocation(**more))
        finally:
            await made.close()

    return asyncio.run(scenario())


def take(made: HttpUpstream):
    async def scenario():
        try:
            return [each async for each in made.stream(invocation())]
        finally:
            await made.close()

    return asyncio.run(scenario())


def test_a_whole_answer_and_a_stream(provider):
    provider.behave = says("fine words")
    assert complete(upstream(provider.url)).parts[0].value == "fine words"
    assert "".join(each.text for each in take(upstream(provider.url)) if isinstance(each, TextDelta)) == "fine words"


def test_the_credential_and_the_trace_are_sent_only_where_there_are_any(provider):
    complete(upstream(provider.url + "/", secret="s3cret"), trace="00-a")
    complete(upstream(provider.url))
    with_both, bare = (dict(asked.headers) for asked in provider.asked)
    assert (with_both["authorization"], with_both["traceparent"]) == ("Bearer s3cret", "00-a")
    assert not {"authorization", "traceparent"} & bare.keys()
    assert [asked.line for asked in provider.asked] == ["POST /v1/chat/completions HTTP/1.1"] * 2


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://API.Example.com./v1", "api.example.com", 443, "/v1/chat/completions"),
        ("https://api.example.com:8443/v1/", "api.example.com", 8443, "/v1/chat/completions"),
        ("http://api.example.com", "api.example.com", 80, "/chat/completions"),
    ],
)
def test_a_destination_has_one_spelling(url, host, port, path):
    found = upstream(url, private=False, region="eu").destination("m")
    assert (found.region, found.model) == ("eu", "m")
    assert (found.host, found.port, found.path, found.account) == (host, port, path, "acme")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/v1", "http://127.1/v1", "http://[::1]/v1", "http://169.254.169.254/v1"]
)
def test_an_address_that_may_not_be_connected_to_is_refused_before_anything_is_sent(url):
    with pytest.raises(RefusedAddressError):
        upstream(url, private=False)


def test_a_name_that_leads_to_this_machine_is_not_connected_to(provider):
    with pytest.raises(UpstreamError) as caught:
        complete(upstream(f"http://localhost:{provider.port}/v1", private=False))
    assert caught.value.code == "upstream_unreachable"
    assert provider.asked == []


def test_an_answer_is_bounded_whole_and_as_a_stream(provider):
    provider.behave = http(b" " * 20_000)
    with pytest.raises(UpstreamError, match="too long"):
        complete(upstream(provider.url))
    provider.behave = stream(*(delta(content="word " * 100) for _ in range(100)), delta("stop"), DONE)
    with pytest.raises(UpstreamError, match="too long"):
        take(upstream(provider.url))
    provider.behave = stream(*(event({"choices": [], "x": "y" * 5000}) for _ in range(200)), delta("stop"), DONE)
    with pytest.raises(UpstreamError, match="too long"):
        take(upstream(provider.url))


def test_closing_a_stream_closes_its_connection(provider):
    gone = threading.Event()

    def behave(sock, asked):
        stream(delta(content="a"))(sock, asked)
        sock.settimeout(5)
        if sock.recv(1) == b"":
            gone.set()

    provider.behave = behave

    async def scenario():
        made = upstream(provider.url)
        events = made.stream(invocation())
        assert await anext(events) == TextDelta(0, "a")
        await events.aclose()
        assert await asyncio.to_thread(gone.wait, 5)
        await made.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "headers", "code", "undone", "wait_s"),
    [
        ("429 Wait", ["Retry-After: 7"], "upstream_limit", True, 7.0),
        ("429 Wait", ["Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"], "upstream_limit", True, None),
        ("503 Busy", ["Retry-After: 99999999999"], "upstream_failed", True, None),
        ("529 Overloaded", [], "upstream_failed", True, None),
        ("500 Oops", ["Retry-After: 7"], "upstream_failed", False, None),
        ("401 Who", [], "upstream_credential", True, None),
        ("400 No", [], "upstream_refused", False, None),
    ],
)
def test_a_failure_says_whether_anything_was_done_and_when_to_come_back(
    provider, status, headers, code, undone, wait_s
):
    provider.behave = http(b"theirs", status, "text/plain", *headers)
    for ask in (complete, take):
        with pytest.raises(UpstreamError) as caught:
            ask(upstream(provider.url))
        assert (caught.value.code, caught.value.undone, caught.value.retry_after_s) == (code, undone, wait_s)


def test_only_where_no_connection_was_made_is_it_certain_that_nothing_was_done(provider):
    provider.behave = lambda sock, asked: sock.close()
    for url, undone in ((provider.url, False), (f"http://127.0.0.1:{free_port()}/v1", True)):
        with pytest.raises(UpstreamError) as caught:
            complete(upstream(url))
        assert (caught.value.code, caught.value.undone) == ("upstream_unreachable", undone)


texts = st.builds(TextDelta, st.integers(0, 2), st.text(max_size=3), st.sampled_from(TextKind))
others = (
    st.builds(CallDelta, st.integers(0, 1), st.integers(0, 2), st.just("{}"))
    | st.builds(Finished, st.integers(0, 2), st.sampled_from(Finish))
    | st.just(Counted(Usage(1, 1)))
)


@given(st.lists(texts | others, max_size=20))
def test_joining_changes_neither_texts_nor_their_order(deltas):
    found = list(joined(deltas))
    for key in {(each.index, each.kind) for each in deltas if isinstance(each, TextDelta)}:
        whole, after = (
            "".join(each.text for each in some if isinstance(each, TextDelta) and (each.index, each.kind) == key)
            for some in (deltas, found)
        )
        assert whole == after
    assert [each for each in found if not isinstance(each, TextDelta)] == [
        each for each in deltas if not isinstance(each, TextDelta)
    ]
    kinds = [(each.index, each.kind) if isinstance(each, TextDelta) else None for each in found]
    assert not any(one is not None and one == other for one, other in pairwise(kinds))
