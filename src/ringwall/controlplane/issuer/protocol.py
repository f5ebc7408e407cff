"""Which requests does the embedded issuer answer? OAuth 2.1's code flow and OpenID Connect, the strict part of them.

* Authorization code with PKCE, S256 only (RFC 7636); public clients only; nothing implicit, no passwords of clients.
* A redirect goes to a registered address, compared as a string; a loopback address may carry any port (RFC 8252, 7.3).
  While client or redirect are in doubt, nobody is redirected anywhere.
* Responses name their issuer (RFC 9207). A parameter that stands twice is refused (RFC 6749, 3.1).
* Access tokens are RFC 9068's `at+jwt`; ID tokens are for the client that asked, and never for this gateway.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from ringwall.controlplane.issuer.accounts import Login
from ringwall.controlplane.issuer.signing import SigningKeys

SCOPES = ("openid", "profile")
METHODS = ("pwd", "otp", "mfa")
"""What every login here vouches for (RFC 8176): a password, a one-time code, and so several factors."""

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\])):[0-9]{1,5}(/.*)?")
MAX_PARAM_CHARS = 512


@dataclass(frozen=True, slots=True)
class Client:
    """A program that may ask for tokens.

    Attributes:
        id: Its `client_id`.
        redirects: Its registered redirect addresses; a loopback one is written without a port.
    """

    id: str
    redirects: frozenset[str]


CLI = Client("ringwall-cli", frozenset({"http://127.0.0.1/callback", "http://[::1]/callback"}))
"""The client behind `ringwall login`."""


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """How the issuer runs.

    Attributes:
        issuer: Its name: the exact URL under which it is mounted, without a slash at the end.
        audience: For whom its access tokens are meant.
        clients: The programs that may ask.
        token_s: How long a token lives, in seconds.
        login_s: How long a login page may stand open, in seconds.
        code_s: How long an authorization code lives, in seconds.
    """

    issuer: str
    audience: str
    clients: tuple[Client, ...] = (CLI,)
    token_s: int = 3600
    login_s: int = 600
    code_s: int = 60


@dataclass(frozen=True, slots=True)
class Authorization:
    """A checked authorization request."""

    client: str
    redirect: str
    challenge: str
    scope: str
    state: str | None
    nonce: str | None


@dataclass(frozen=True, slots=True)
class Granted:
    """What an authorization code stands for."""

    request: Authorization
    login: Login


class RefusedHere(Exception):  # an answer, not an error of ours
    """The request is answered with a page: client or redirect are in doubt."""


class RefusedThere(Exception):  # as above, but the client may be told
    """The request is refused, and the client is told by redirect.

    Attributes:
        redirect: Where to.
    """

    def __init__(self, redirect: str) -> None:
        super().__init__(redirect)
        self.redirect = redirect


def once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Parameters, each at most once.

    Raises:
        RefusedHere: One stands twice, or is too long.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found or len(value) > MAX_PARAM_CHARS:
            raise RefusedHere("a parameter stands twice or is too long")
        found[name] = value
    return found


def read_authorization(settings: IssuerSettings, params: Mapping[str, str]) -> Authorization:
    """Check an authorization request.

    1. Client and redirect address, before anything is sent anywhere.
    2. Everything else; what is wrong is told to the client.

    Raises:
        RefusedHere: Step 1 failed.
        RefusedThere: Step 2 failed.
    """
    client = next((each for each in settings.clients if each.id == params.get("client_id")), None)  # 1
    if client is None:
        raise RefusedHere("this program is not known here")
    redirect = params.get("redirect_uri", "")
    if not is_registered(client, redirect):
        raise RefusedHere("this program may not have its answer sent to that address")
    state, nonce = params.get("state"), params.get("nonce")  # 2

    def refused(error: str, why: str) -> RefusedThere:
        return RefusedThere(respond(settings, redirect, state, {"error": error, "error_description": why}))

    if params.get("response_type") != "code":
        raise refused("unsupported_response_type", "response_type must be code")
    if params.get("response_mode", "query") != "query" or "request" in params or "request_uri" in params:
        raise refused("invalid_request", "response_mode, request and request_uri are not supported")
    if params.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(params.get("code_challenge", "")):
        raise refused("invalid_request", "PKCE with S256 is required")
    scope = params.get("scope", "").split(" ")
    if "openid" not in scope or not set(scope) <= set(SCOPES):
        raise refused("invalid_scope", f"scope must hold openid and may hold: {' '.join(SCOPES)}")
    if params.get("prompt") == "none":
        raise refused("login_required", "nobody stays logged in here")
    return Authorization(client.id, redirect, params["code_challenge"], " ".join(scope), state, nonce)


def is_registered(client: Client, redirect: str) -> bool:
    """True when this address is one of the client's: the same string, or the same loopback address with a port."""
    if not redirect.isascii() or not redirect.isprintable() or "#" in redirect:
        return False
    loopback = _LOOPBACK.fullmatch(redirect)
    if loopback is not None:
        return f"{loopback[1]}{loopback[2] or ''}" in client.redirects
    return redirect in client.redirects and not redirect.startswith(("http://127.0.0.1/", "http://[::1]/"))


def respond(settings: IssuerSettings, redirect: str, state: str | None, fields: Mapping[str, str]) -> str:
    """The redirect that carries an answer to the client."""
    answer = {**fields, "iss": settings.issuer, **({} if state is None else {"state": state})}
    return f"{redirect}{'&' if urlsplit(redirect).query else '?'}{urlencode(answer)}"


def is_proven(challenge: str, verifier: str) -> bool:
    """True when the verifier is the one behind the challenge (RFC 7636, 4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(_left(hashlib.sha256(verifier.encode("ascii")).digest()), challenge)


def issue(settings: IssuerSettings, keys: SigningKeys, granted: Granted, now_s: int) -> dict[str, object]:
    """The answer of the token endpoint: an access token for the gateway, an ID token for the client."""
    login, request = granted.login, granted.request
    common: dict[str, object] = {
        "iss": settings.issuer,
        "sub": login.person.subject,
        "iat": now_s,
        "exp": now_s + settings.token_s,
        "auth_time": login.at_s,
        "amr": list(METHODS),
        "sid": login.session,
    }
    access = keys.sign(
        "at+jwt",
        {
            **common,
            "aud": settings.audience,
            "client_id": request.client,
            "jti": secrets.token_urlsafe(18),
            "scope": request.scope,
            "groups": sorted(login.person.groups),
        },
    )
    half = hashlib.sha256(access.encode("ascii")).digest()[:16]
    identity: dict[str, object] = {
        **common,
        "aud": request.client,
        "at_hash": _left(half),
        "preferred_username": login.person.username,
    }
    if request.nonce is not None:
        identity["nonce"] = request.nonce
    return {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": settings.token_s,
        "scope": request.scope,
        "id_token": keys.sign("JWT", identity),
    }


def metadata(settings: IssuerSettings) -> dict[str, object]:
    """What the issuer says about itself (RFC 8414, OpenID Connect Discovery)."""
    at = settings.issuer
    return {
        "issuer": at,
        "authorization_endpoint": f"{at}/authorize",
        "token_endpoint": f"{at}/token",
        "jwks_uri": f"{at}/jwks",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "amr", "sid", "groups"],
    }


def _left(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
