"""Logging in as a program does, and answers that must not be believed."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from ringwall.controlplane.issuer.login import HttpAnswer, LoginClient, Prompts, Tokens, is_safe
from ringwall.model.errors import UpstreamError
from tests.controlplane.issuer.people import AT, PASSWORD, Scene, play


def client(scene: Any, **kw: Any) -> LoginClient:
    return LoginClient(AT, http=scene, clock=scene.clock, **kw)


def prompts(scene: Scene, password: str = PASSWORD) -> Prompts:
    return Prompts(lambda: "alice", lambda: password, scene.code)


def test_by_prompts_against_the_embedded_issuer() -> None:
    scene = Scene()
    tokens = play(client(scene).by_prompts(prompts(scene)))
    assert (tokens.subject, tokens.expires_s) == ("usr_alice", int(scene.clock.now_s) + 3600)
    assert tokens.access_token.count(".") == 2


def test_a_wrong_password_is_a_clear_error() -> None:
    scene = Scene()
    with pytest.raises(UpstreamError, match="password"):
        play(client(scene).by_prompts(prompts(scene, "wrong")))


async def send(url: str) -> str:
    """What a browser does with the redirect: one GET on loopback."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
    writer.write(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    await writer.drain()
    found = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return found


class FakeIssuer:
    """An issuer that answers what it is told to, and hands out a code at once."""

    def __init__(self, **change: Any) -> None:
        self.clock = Scene().clock
        self.change = change
        self.nonce = ""
        self.back = ""

    async def get(self, url: str) -> HttpAnswer:
        found = {
            "issuer": AT, "authorization_endpoint": f"{AT}/authorize", "token_endpoint": f"{AT}/token",
            "authorization_response_iss_parameter_supported": True, **self.change.get("metadata", {}),
        }  # fmt: skip
        return HttpAnswer(200, json.dumps(found).encode())

    async def post_form(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> HttpAnswer:
        claims = {
            "iss": AT, "sub": "alice", "aud": "ringwall-cli", "exp": self.clock.now_s + 60, "nonce": self.nonce,
            **self.change.get("claims", {}),
        }  # fmt: skip
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        reply = {
            "access_token": "a.b.c", "token_type": "Bearer", "expires_in": 60, "id_token": f"x.{body}.y",
            **self.change.get("reply", {}),
        }  # fmt: skip
        return HttpAnswer(self.change.get("status", 200), json.dumps(reply).encode())

    def redirect(self, url: str) -> str:
        asked = dict(parse_qsl(urlsplit(url).query))
        self.nonce = asked["nonce"]
        answer = {"code": "c", "state": asked["state"], "iss": AT, **self.change.get("answer", {})}
        return f"{asked['redirect_uri']}?{urlencode({k: v for k, v in answer.items() if v is not None})}"


def browse(issuer: FakeIssuer, before: Callable[[str], list[str]] = lambda url: []) -> Tokens:
    async def run() -> Tokens:
        sent: list[asyncio.Future[Any]] = []

        def open_browser(url: str) -> bool:
            async def visit() -> None:
                for stray in before(issuer.redirect(url)):
                    assert "400 Bad Request" in await send(stray)
                await send(issuer.redirect(url))

            sent.append(asyncio.ensure_future(visit()))
            return True

        try:
            return await client(issuer).in_browser(open_browser, timeout_s=1)
        finally:
            await asyncio.gather(*sent, return_exceptions=True)

    return asyncio.run(run())


def test_in_a_browser() -> None:
    found = browse(FakeIssuer())
    assert (found.access_token, found.subject) == ("a.b.c", "alice")


def test_a_request_without_our_state_does_not_end_the_waiting() -> None:
    def strays(url: str) -> list[str]:
        base = url.partition("?")[0]
        return [
            f"{base}?code=evil&state=guessed",
            f"{base}?code=evil",
            base,
            base.replace("callback", "x") + "?state=1",
        ]

    assert browse(FakeIssuer(), strays).subject == "alice"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"answer": {"iss": "https://evil.example"}}, "another issuer"),  # RFC 9207, mix-up
        ({"answer": {"iss": None}}, "another issuer"),
        ({"answer": {"code": None, "error": "access_denied"}}, "access_denied"),
        ({"claims": {"nonce": "old"}}, "another login"),
        ({"claims": {"aud": "other"}}, "not for this program"),
        ({"claims": {"iss": "https://evil.example"}}, "not for this program"),
        ({"claims": {"exp": 1}}, "expired"),
        ({"claims": {"sub": ""}}, "expired"),
        ({"reply": {"id_token": "x"}}, "cannot be read"),
        ({"reply": {"id_token": None}}, "no ID token"),
        ({"reply": {"token_type": "mac"}}, "no access token"),
        ({"status": 400}, "status"),
        ({"metadata": {"issuer": "https://evil.example"}}, "another name"),
        ({"metadata": {"token_endpoint": "http://evil.example/token"}}, "neither https"),
        ({"metadata": {"authorization_endpoint": "javascript:alert(1)"}}, "neither https"),
    ],
)
def test_an_answer_that_must_not_be_believed(change: dict[str, Any], why: str) -> None:
    with pytest.raises(UpstreamError, match=why):
        browse(FakeIssuer(**change))


def test_nobody_logs_in_in_time() -> None:
    with pytest.raises(UpstreamError, match="in time"):
        asyncio.run(client(FakeIssuer()).in_browser(lambda url: True, timeout_s=0.01))
    with pytest.raises(UpstreamError, match="no browser"):
        asyncio.run(client(FakeIssuer()).in_browser(lambda url: False))


def test_another_issuer_cannot_be_driven_by_prompts() -> None:
    with pytest.raises(UpstreamError, match="without a browser"):
        play(client(FakeIssuer()).by_prompts(Prompts(lambda: "", lambda: "", lambda: "")))


@pytest.mark.parametrize(
    ("url", "safe"),
    [("https://id.example/x", True), ("http://127.0.0.1:1/x", True), ("http://[::1]/x", True),
     ("http://id.example", False),
     ("ftp://127.0.0.1", False), ("https://", False), ("http://127.0.0.1.evil.example", False)],
)  # fmt: skip
def test_which_endpoints_are_safe(url: str, safe: bool) -> None:
    assert is_safe(url) == safe
