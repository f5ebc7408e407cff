"""How does a program log a person in? The code flow with PKCE against any OpenID Connect issuer, for `ringwall login`.

* In a browser: the answer comes back to a loopback address that is open for this one login (RFC 8252).
* Without a browser: the embedded issuer's own form is filled in by prompts. No other issuer is driven that way.
* Checked on the way back: `state`, `iss` (RFC 9207), that the tokens are for us, that the `nonce` is ours.
* It opens no connection of its own: documents come through the `Http` that it is given, which follows no redirects.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from ringwall.model.errors import UpstreamError
from ringwall.model.ports import Clock

ANSWER_TIMEOUT_S = 300.0
MAX_LINE_BYTES = 8192
LEEWAY_S = 30
_HIDDEN = re.compile(r'<input type="hidden" name="request" value="([^"]{1,200})">')


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered; header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Http(Protocol):
    """The requests that a login needs. Redirects are returned, never followed."""

    async def get(self, url: str) -> HttpAnswer:
        """A GET."""
        ...

    async def post_form(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> HttpAnswer:
        """A POST of an URL-encoded form."""
        ...


@dataclass(frozen=True, slots=True)
class Prompts:
    """How a person is asked, where there is no browser. The password must not be shown."""

    username: Callable[[], str]
    password: Callable[[], str]
    totp: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login came to.

    Attributes:
        access_token: For the gateway.
        id_token: For this program; empty when the issuer gave none.
        expires_s: When the access token expires, seconds since 1970-01-01 UTC.
        subject: Who logged in, as the issuer names them.
    """

    access_token: str
    id_token: str
    expires_s: int
    subject: str


@dataclass(frozen=True, slots=True)
class _Flow:
    """One login: what was sent, and what must come back."""

    issuer: str
    authorization: str
    token: str
    names_issuer: bool
    redirect: str
    state: str
    nonce: str
    verifier: str

    def url(self, client: str, scope: str) -> str:
        """Where the person goes to log in."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": client,
                "redirect_uri": self.redirect,
                "scope": scope,
                "state": self.state,
                "nonce": self.nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{self.authorization}{'&' if urlsplit(self.authorization).query else '?'}{query}"


class LoginClient:
    """Logs a person in at one issuer."""

    def __init__(
        self, issuer: str, *, http: Http, clock: Clock, client_id: str = "ringwall-cli", scope: str = "openid profile"
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._http = http
        self._clock = clock
        self._client = client_id
        self._scope = scope

    async def in_browser(
        self, open_browser: Callable[[str], Awaitable[bool] | bool], timeout_s: float = ANSWER_TIMEOUT_S
    ) -> Tokens:
        """Open the login page and wait for the answer on a loopback address.

        Args:
            open_browser: Opens a URL, or shows it to the person; False when it could do neither.
            timeout_s: How long the person may take.

        Raises:
            UpstreamError: The issuer refused, answered something wrong, or nobody logged in.
        """
        answers: asyncio.Queue[dict[str, str]] = asyncio.Queue(maxsize=1)
        states: list[str] = []

        async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                found = await _read_callback(reader)
                # A request without our state is somebody else's: it does not end the waiting.
                is_ours = found is not None and bool(states) and _same(found.get("state", ""), states[0])
                writer.write(_PAGE_DONE if is_ours else _PAGE_ODD)
                await writer.drain()
                if is_ours and found is not None and not answers.full():
                    answers.put_nowait(found)
            except ConnectionError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(receive, "127.0.0.1", 0, limit=MAX_LINE_BYTES)
        async with server:
            port = server.sockets[0].getsockname()[1]
            flow = await self._begin(f"http://127.0.0.1:{port}/callback")
            states.append(flow.state)
            opened = open_browser(flow.url(self._client, self._scope))
            if not (await opened if isinstance(opened, Awaitable) else opened):
                raise _failed("no browser could be opened")
            try:
                answer = await asyncio.wait_for(answers.get(), timeout_s)
            except TimeoutError as error:
                raise _failed("nobody logged in in time") from error
        return await self._finish(flow, answer)

    async def by_prompts(self, prompts: Prompts) -> Tokens:
        """Log in at the embedded issuer without a browser, by filling in its form.

        Raises:
            UpstreamError: The issuer refused, or is no embedded one.
        """
        flow = await self._begin("http://127.0.0.1:1/callback")
        page = await self._http.get(flow.url(self._client, self._scope))
        hidden = _HIDDEN.search(page.body.decode("utf-8", "replace"))
        cookie = page.headers.get("set-cookie", "").partition(";")[0]
        if page.status != 200 or hidden is None or not cookie:
            raise _failed("this issuer cannot be used without a browser")
        fields = {
            "request": unescape(hidden[1]),
            "username": prompts.username(),
            "password": prompts.password(),
            "totp": prompts.totp(),
        }
        answer = await self._http.post_form(f"{self._issuer}/login", fields, {"cookie": cookie})
        location = answer.headers.get("location", "")
        if answer.status != 303 or not location.startswith(f"{flow.redirect}?"):
            raise _failed("username, password or digits are wrong, or the account is locked for a while")
        return await self._finish(flow, _once(urlsplit(location).query) or {})

    async def _begin(self, redirect: str) -> _Flow:
        """Read what the issuer says about itself, and prepare a login."""
        answer = await self._http.get(f"{self._issuer}/.well-known/openid-configuration")
        found = _json(answer)
        if str(found.get("issuer", "")).rstrip("/") != self._issuer:
            raise _failed("the issuer calls itself by another name")
        endpoints = [found.get("authorization_endpoint"), found.get("token_endpoint")]
        if not all(isinstance(each, str) and is_safe(each) for each in endpoints):
            raise _failed("the issuer names an endpoint that is neither https nor on this machine")
        return _Flow(
            str(found["issuer"]),
            str(endpoints[0]),
            str(endpoints[1]),
            found.get("authorization_response_iss_parameter_supported") is True,
            redirect,
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(64),
        )

    async def _finish(self, flow: _Flow, answer: Mapping[str, str]) -> Tokens:
        """Check the answer and exchange its code.

        1. `state` and `iss` must be what they should.
        2. The code is exchanged, with the verifier.
        3. The ID token must be this issuer's, for us, in time, with our nonce.
        """
        if not _same(answer.get("state", ""), flow.state):  # 1
            raise _failed("the answer belongs to another login")
        if "iss" in answer or flow.names_issuer:
            if not _same(answer.get("iss", ""), flow.issuer):
                raise _failed("the answer comes from another issuer")
        if "code" not in answer:
            raise _failed(f"the issuer refused: {answer.get('error', 'no reason given')!r}")
        reply = _json(  # 2
            await self._http.post_form(
                flow.token,
                {
                    "grant_type": "authorization_code",
                    "code": answer["code"],
                    "redirect_uri": flow.redirect,
                    "client_id": self._client,
                    "code_verifier": flow.verifier,
                },
                {},
            )
        )
        access, identity, lives_s = reply.get("access_token"), reply.get("id_token"), reply.get("expires_in", 300)
        if not isinstance(access, str) or str(reply.get("token_type", "")).lower() != "bearer":
            raise _failed("the issuer gave no access token")
        if not isinstance(identity, str) or isinstance(lives_s, bool) or not isinstance(lives_s, int):
            raise _failed("the issuer gave no ID token")
        now_s = self._clock.now_us() // 1_000_000
        return Tokens(access, identity, now_s + lives_s, self._subject(flow, identity, now_s))  # 3

    def _subject(self, flow: _Flow, identity: str, now_s: int) -> str:
        # CLAUSE: OpenID Connect Core, 3.1.3.7 (6): straight from the token endpoint, over a connection whose other end
        # is authenticated, the signature need not be checked.
        try:
            payload = identity.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (ValueError, IndexError) as error:
            raise _failed("the ID token cannot be read") from error
        if not isinstance(claims, dict):
            raise _failed("the ID token cannot be read")
        audience = claims.get("aud")
        expires_s = claims.get("exp")
        if claims.get("iss") != flow.issuer or self._client not in (
            audience if isinstance(audience, list) else [audience]
        ):
            raise _failed("the ID token is not for this program")
        if not _same(str(claims.get("nonce", "")), flow.nonce):
            raise _failed("the ID token belongs to another login")
        if not isinstance(expires_s, (int, float)) or now_s >= expires_s + LEEWAY_S or not claims.get("sub"):
            raise _failed("the ID token has expired")
        return str(claims["sub"])


def is_safe(url: str) -> bool:
    """True for https, and for http on this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))
    )


async def _read_callback(reader: asyncio.StreamReader) -> dict[str, str] | None:
    """The parameters of a GET of the callback; None for any other request."""
    try:
        line = await asyncio.wait_for(reader.readline(), 10)
    except (TimeoutError, ValueError):
        return None
    method, _, rest = line.decode("latin-1").partition(" ")
    target = urlsplit(rest.partition(" ")[0])
    return _once(target.query) if method == "GET" and target.path == "/callback" else None


def _once(query: str) -> dict[str, str] | None:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=20)
    except ValueError:
        return None
    return dict(pairs) if len(dict(pairs)) == len(pairs) else None


def _json(answer: HttpAnswer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise _failed("the issuer answered something that is not JSON") from error
    if answer.status != 200 or not isinstance(found, dict):
        raise _failed(f'the issuer answered with status "{answer.status}"')
    return found


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _page(status: str, text: str) -> bytes:
    body = f'<!doctype html><meta charset="utf-8"><title>Ringwall</title><p>{text}</p>'.encode()
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
        "content-security-policy: default-src 'none'\r\nreferrer-policy: no-referrer\r\ncache-control: no-store\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body


_PAGE_DONE = _page("200 OK", "You can close this page and go back to the terminal.")
_PAGE_ODD = _page("400 Bad Request", "This is not the answer to a login.")


def _failed(why: str) -> UpstreamError:
    return UpstreamError(f"login failed: {why}", code="login_failed")
