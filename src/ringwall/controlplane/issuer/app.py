"""How does a person of one machine log in without an identity provider? The embedded OpenID Connect issuer.

* A Starlette application, mounted under `/issuer` on the administration listener; never on the data listener.
* A form is taken only from its own page: its hidden name is 256 random bits, bound to a cookie that no other site can
  send (SameSite=Strict), and a request that a browser marks as coming from elsewhere is refused.
* What goes wrong at login is never told apart. A login page serves a few attempts, then it must be opened anew.
* Not for production from phase `enhanced` up: `ringwall serve` refuses it (HOUSE 5).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ringwall.controlplane.issuer import pages
from ringwall.controlplane.issuer.accounts import Accounts, Users, new_totp_secret, totp_picture
from ringwall.controlplane.issuer.pending import Pending
from ringwall.controlplane.issuer.protocol import (
    Authorization,
    Granted,
    IssuerSettings,
    RefusedHere,
    RefusedThere,
    is_proven,
    issue,
    metadata,
    once,
    read_authorization,
    respond,
)
from ringwall.controlplane.issuer.sealing import Seal
from ringwall.controlplane.issuer.signing import SigningKeys
from ringwall.model.errors import CallerError
from ringwall.model.ports import Clock

MAX_BODY_BYTES = 16_384
MAX_ATTEMPTS = 5
COOKIE = "ringwall_issuer"
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache", "x-content-type-options": "nosniff"}
_WRONG = "Username, password or digits are wrong, or the account is locked for a while."


@dataclass(frozen=True, slots=True)
class _OpenLogin:
    """A login page that stands open."""

    request: Authorization
    cookie: str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class _OpenEnrolment:
    """An enrolment page that stands open."""

    code: str
    username: str
    secret: str
    cookie: str


class Issuer:
    """The embedded issuer. `app` is what is mounted."""

    def __init__(
        self,
        settings: IssuerSettings,
        *,
        users: Users,
        keys: SigningKeys,
        seal: Seal,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._accounts = Accounts(users, clock, seal)
        self._keys = keys
        self._clock = clock
        self._logins: Pending[_OpenLogin] = Pending(clock, settings.login_s)
        self._codes: Pending[Granted] = Pending(clock, settings.code_s)
        self._enrolments: Pending[_OpenEnrolment] = Pending(clock, settings.login_s)
        parts = urlsplit(settings.issuer)
        self._origin, self._path = f"{parts.scheme}://{parts.netloc}", parts.path
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/login", self._login, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
                Route("/enrol", self._ask_code),
                Route("/enrol", self._open_enrolment, methods=["POST"]),
                Route("/enrol/finish", self._finish_enrolment, methods=["POST"]),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        return JSONResponse(metadata(self._settings))

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse(self._keys.jwks(), headers={"cache-control": "public, max-age=300"})

    async def _authorize(self, request: Request) -> Response:
        try:
            asked = read_authorization(self._settings, once(request.query_params.multi_items()))
        except RefusedHere as refusal:
            return pages.message("Refused", str(refusal), 400)
        except RefusedThere as refusal:
            return RedirectResponse(refusal.redirect, 303, _NO_STORE)
        return self._show_login(_OpenLogin(asked, secrets.token_urlsafe(32)))

    def _show_login(self, login: _OpenLogin, problem: str = "") -> Response:
        name = self._logins.put(login)
        page = pages.login(
            f"{self._path}/login", name, login.request.client, login.request.redirect, problem, 401 if problem else 200
        )
        return self._with_cookie(page, login.cookie)

    async def _login(self, request: Request) -> Response:
        """One attempt.

        1. The form must come from its own page.
        2. Both factors.
        3. A code for the client, single-use.
        """
        fields = await self._form(request)  # 1
        login = self._logins.take(fields.get("request", "")) if fields is not None else None
        if fields is None or login is None or not self._is_own(request, login.cookie):
            return pages.message("Refused", "This login page is not valid any more. Start again.", 400)
        found = await self._accounts.log_in(  # 2
            fields.get("username", ""), fields.get("password", ""), fields.get("totp", "")
        )
        asked = login.request
        if found is None:
            if login.attempts + 1 < MAX_ATTEMPTS:
                return self._show_login(replace(login, attempts=login.attempts + 1), _WRONG)
            denied = respond(self._settings, asked.redirect, asked.state, {"error": "access_denied"})
            return RedirectResponse(denied, 303, _NO_STORE)
        code = self._codes.put(Granted(asked, found))  # 3
        return RedirectResponse(respond(self._settings, asked.redirect, asked.state, {"code": code}), 303, _NO_STORE)

    async def _token(self, request: Request) -> Response:
        """Exchange a code for tokens (RFC 6749, 4.1.3; RFC 7636, 4.5). Its first use, good or bad, uses it up."""
        fields = await self._form(request)
        if fields is None or "authorization" in request.headers:
            return _token_error("invalid_request")
        if fields.get("grant_type") != "authorization_code":
            return _token_error("unsupported_grant_type")
        granted = self._codes.take(fields.get("code", ""))
        if (
            granted is None
            or fields.get("client_id") != granted.request.client
            or fields.get("redirect_uri") != granted.request.redirect
            or not is_proven(granted.request.challenge, fields.get("code_verifier", ""))
        ):
            return _token_error("invalid_grant")
        answer = issue(self._settings, self._keys, granted, self._clock.now_us() // 1_000_000)
        return JSONResponse(answer, headers=_NO_STORE)

    async def _ask_code(self, request: Request) -> Response:
        return pages.enrolment_code(f"{self._path}/enrol")

    async def _open_enrolment(self, request: Request) -> Response:
        fields = await self._form(request)
        if fields is None or not self._is_from_here(request):
            return pages.message("Refused", "This form was not sent by its own page.", 400)
        code = fields.get("code", "").strip()
        person = await self._accounts.enrolling(code)
        if person is None:
            return pages.enrolment_code(f"{self._path}/enrol", "This code is not valid.", 401)
        return self._show_enrolment(_OpenEnrolment(code, person.username, new_totp_secret(), secrets.token_urlsafe(32)))

    def _show_enrolment(self, enrolment: _OpenEnrolment, problem: str = "") -> Response:
        name = self._enrolments.put(enrolment)
        picture = totp_picture(enrolment.secret, enrolment.username, "Ringwall")
        page = pages.enrolment(
            f"{self._path}/enrol/finish", name, enrolment.username, enrolment.secret, picture, problem
        )
        return self._with_cookie(page, enrolment.cookie)

    async def _finish_enrolment(self, request: Request) -> Response:
        fields = await self._form(request)
        enrolment = self._enrolments.take(fields.get("request", "")) if fields is not None else None
        if fields is None or enrolment is None or not self._is_own(request, enrolment.cookie):
            return pages.message("Refused", "This enrolment page is not valid any more. Start again.", 400)
        try:
            await self._accounts.enrol(
                enrolment.code,
                fields.get("password", ""),
                enrolment.secret,
                fields.get("totp", ""),
            )
        except CallerError as error:
            if error.param == "code":
                return pages.enrolment_code(f"{self._path}/enrol", "This code is not valid.", 401)
            return self._show_enrolment(enrolment, error.public)
        return pages.message("Enrolled", "You can log in now. Close this page and run: ringwall login", 200)

    async def _form(self, request: Request) -> dict[str, str] | None:
        """The fields of a form, each at most once; None for what is no such form."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            return None
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    return None
            pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=32)
            return once(pairs)
        except (ValueError, RefusedHere, ClientDisconnect):
            return None

    def _is_own(self, request: Request, cookie: str) -> bool:
        sent = request.cookies.get(COOKIE, "")
        return self._is_from_here(request) and hmac.compare_digest(sent.encode(), cookie.encode())

    def _is_from_here(self, request: Request) -> bool:
        """False when a browser says that another site made it send this. Programs send neither header."""
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        return origin in (None, self._origin) and site in (None, "same-origin")

    def _with_cookie(self, response: Response, cookie: str) -> Response:
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=self._settings.login_s,
            path=self._path or "/",
            httponly=True,
            samesite="strict",
            secure=self._origin.startswith("https:"),
        )
        return response


def _token_error(code: str) -> Response:
    return JSONResponse({"error": code}, 400, _NO_STORE)
