from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from ringwall.dataplane.gateway.fetch import HttpOutbound
from ringwall.model.errors import InternalError
from tests.provider import Provider, http, raw


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


def fetch(url: str, *, private: bool = True, limit: int = 1000, timeout_s: float = 2.0) -> bytes:
    return asyncio.run(HttpOutbound(private=private).fetch(url, limit_bytes=limit, timeout_s=timeout_s))


def fails(url: str, detail: str | None = None, **more) -> None:
    with pytest.raises(InternalError) as caught:
        fetch(url, **more)
    assert caught.value.code == "outbound"
    assert "127.0.0.1" not in caught.value.public
    if detail is not None:
        assert caught.value.detail == detail


def test_a_document_is_fetched(provider):
    provider.behave = http(b'{"keys": []}')
    assert fetch(provider.url) == b'{"keys": []}'


def test_a_form_is_posted(provider):
    provider.behave = http(b"ok")
    outbound = HttpOutbound(private=True)
    assert asyncio.run(outbound.post_form(provider.url, {"a": "b c"}, limit_bytes=10, timeout_s=2)) == b"ok"
    assert provider.asked[0].body == b"a=b+c"


def test_what_is_wrong_with_an_answer_is_one_error(provider):
    provider.behave = http(b"x", "404 No")
    fails(provider.url, "status 404")
    provider.behave = http(b"", "302 Found", "text/html", f"Location: {provider.url}/elsewhere")
    fails(provider.url, "status 302")
    assert len(provider.asked) == 2
    provider.behave = http(b"x" * 2000)
    fails(provider.url, "too large")
    provider.behave = raw(b"no HTTP at all\r\n\r\n")
    fails(provider.url)
    provider.behave = lambda sock, asked: time.sleep(1)
    fails(provider.url, timeout_s=0.2)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{}/",
        "http://127.1:{}/",
        "http://[::ffff:127.0.0.1]:{}/",
        "http://localhost:{}/",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_nothing_on_this_machine_is_fetched_without_an_entry(provider, url):
    fails(url.format(provider.port), private=False)
    assert provider.asked == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x/", "ftp://x/", "", "//x"])
def test_only_http_is_spoken(url):
    fails(url, "not an HTTP URL")
