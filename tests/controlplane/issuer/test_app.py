"""The issuer from outside: the flow as it should be, and attacks on each step."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from ringwall.controlplane.issuer.app import MAX_ATTEMPTS, MAX_BODY_BYTES
from ringwall.controlplane.issuer.login import HttpAnswer
from ringwall.dataplane.gateway.auth import CredentialDirectory
from ringwall.dataplane.gateway.keysets import CachedKeySets
from ringwall.model.identity import TrustedIssuer
from tests.controlplane.issuer.people import AT, NOW, PASSWORD, Scene, play, totp

VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
BACK = "http://127.0.0.1:5000/callback"
ASK = {
    "response_type": "code", "client_id": "ringwall-cli", "redirect_uri": BACK, "scope": "openid", "state": "st",
    "nonce": "no", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
}  # fmt: skip


def ask(scene: Scene, drop: str = "", **change: str) -> HttpAnswer:
    query = {name: value for name, value in {**ASK, **change}.items() if name != drop}
    return play(scene.get(f"{AT}/authorize?{urlencode(query)}"))  # type: ignore[no-any-return]


def parts(page: HttpAnswer) -> tuple[str, dict[str, str]]:
    """The hidden name of a form, and the cookie that goes with it."""
    hidden = re.search(rb'name="request" value="([^"]+)"', page.body)
    assert hidden is not None
    return hidden[1].decode(), {"cookie": page.headers["set-cookie"].partition(";")[0]}


def submit(scene: Scene, page: HttpAnswer, headers: dict[str, str] | None = None, **change: str) -> HttpAnswer:
    name, cookie = parts(page)
    fields = {"request": name, "username": "alice", "password": PASSWORD, "totp": scene.code(), **change}
    return play(scene.post_form(f"{AT}/login", fields, {**cookie, **(headers or {})}))  # type: ignore[no-any-return]


def answer(found: HttpAnswer) -> dict[str, str]:
    assert found.status == 303
    assert found.headers["location"].startswith(f"{BACK}?")
    return dict(parse_qsl(urlsplit(found.headers["location"]).query))


def redeem(scene: Scene, code: str, **change: str) -> tuple[int, dict[str, Any]]:
    fields = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": "ringwall-cli",
        "code_verifier": VERIFIER, **change,
    }  # fmt: skip
    found = play(scene.post_form(f"{AT}/token", fields))
    assert found.headers["cache-control"] == "no-store"
    return found.status, json.loads(found.body)


def test_the_whole_flow_gives_an_access_token_with_its_factors_and_an_id_token_for_the_client() -> None:
    scene = Scene()
    back = answer(submit(scene, ask(scene)))
    assert (back["state"], back["iss"]) == ("st", AT)
    status, found = redeem(scene, back["code"])
    assert (status, found["token_type"], found["expires_in"]) == (200, "Bearer", 3600)
    keys = KeySet.import_key_set(json.loads(play(scene.get(f"{AT}/jwks")).body))
    access = jwt.decode(found["access_token"], keys, algorithms=["ES256"])
    assert access.header["typ"] == "at+jwt"
    claims = access.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (AT, "usr_alice", "ringwall")
    assert (claims["amr"], claims["groups"]) == (["pwd", "otp", "mfa"], ["admins"])
    assert claims["sid"] and claims["jti"] and "nonce" not in claims
    identity = jwt.decode(found["id_token"], keys, algorithms=["ES256"])
    assert (identity.claims["aud"], identity.claims["nonce"]) == ("ringwall-cli", "no")
    half = hashlib.sha256(found["access_token"].encode()).digest()[:16]
    assert identity.claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()


def test_the_gateway_takes_the_access_token_and_refuses_the_id_token() -> None:
    scene = Scene()
    _, found = redeem(scene, answer(submit(scene, ask(scene)))["code"])
    trusted = TrustedIssuer(
        AT, frozenset({"ringwall"}), jwks=json.dumps(scene.keys.jwks()), roles={"admins": frozenset({"admin"})}
    )
    keysets = CachedKeySets([trusted], outbound=None, clock=scene.clock)  # type: ignore[arg-type]  # never asked
    directory = CredentialDirectory([trusted], api_keys=None, keysets=keysets, clock=scene.clock)  # type: ignore[arg-type]
    principal, identity = play(directory.identify(found["access_token"]))
    assert (principal.subject, principal.roles, principal.verified) == ("usr_alice", {"admin"}, True)
    assert (identity.methods, identity.problem) == ({"pwd", "otp", "mfa"}, None)
    assert play(directory.identify(found["id_token"]))[1].problem == "id_token_refused"


@pytest.mark.parametrize("name", ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"])
def test_discovery(name: str) -> None:
    assert json.loads(play(Scene().get(AT + name)).body)["issuer"] == AT


@pytest.mark.parametrize(
    "change",
    [{"client_id": "evil"}, {"redirect_uri": "https://evil.example/callback"}, {"redirect_uri": BACK + "/x"},
     {"redirect_uri": ""}],
)  # fmt: skip
def test_nobody_is_redirected_while_client_or_redirect_are_in_doubt(change: dict[str, str]) -> None:
    found = ask(Scene(), **change)
    assert (found.status, "location" in found.headers) == (400, False)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request_uri": "https://evil.example"}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_the_client_is_told_what_else_is_wrong(change: dict[str, str], error: str) -> None:
    assert answer(ask(Scene(), **change)) | {"error_description": ""} == {
        "error": error, "error_description": "", "iss": AT, "state": "st",
    }  # fmt: skip


def test_pkce_cannot_be_left_out() -> None:
    assert answer(ask(Scene(), drop="code_challenge_method"))["error"] == "invalid_request"


def test_a_parameter_that_stands_twice_is_refused() -> None:
    found = play(Scene().get(f"{AT}/authorize?{urlencode(ASK)}&redirect_uri=https%3A%2F%2Fevil.example"))
    assert (found.status, "location" in found.headers) == (400, False)


@pytest.mark.parametrize(
    "change",
    [{"code_verifier": "w" * 50}, {"code_verifier": ""}, {"client_id": "ringwall-console"}, {"client_id": ""},
     {"redirect_uri": "http://127.0.0.1:5001/callback"}, {"code": "x"}],
)  # fmt: skip
def test_a_stolen_code_is_worth_nothing_and_is_used_up_by_trying(change: dict[str, str]) -> None:
    scene = Scene()
    code = answer(submit(scene, ask(scene)))["code"]
    assert redeem(scene, **({"code": code} | change)) == (400, {"error": "invalid_grant"})
    if "code" not in change:
        assert redeem(scene, code) == (400, {"error": "invalid_grant"})


def test_a_code_is_taken_once_and_dies_soon() -> None:
    scene = Scene()
    code = answer(submit(scene, ask(scene)))["code"]
    assert redeem(scene, code)[0] == 200
    assert redeem(scene, code)[0] == 400
    code = answer(submit(scene, ask(scene)))["code"]
    scene.clock.now_s += 60
    assert redeem(scene, code)[0] == 400


@pytest.mark.parametrize("grant", ["password", "client_credentials", "refresh_token", "implicit", ""])
def test_no_other_grant_is_given(grant: str) -> None:
    assert redeem(Scene(), "x", grant_type=grant) == (400, {"error": "unsupported_grant_type"})


def test_wrong_factors_are_not_told_apart_and_the_attempts_of_a_page_are_few() -> None:
    scene = Scene()
    page = ask(scene)
    said = set()
    for change in ({"password": "wrong"}, {"totp": "000000"}, {"username": "nobody"}, {"totp": ""}):
        page = submit(scene, page, **change)
        assert page.status == 401
        said |= set(re.findall(rb'role="alert">([^<]+)<', page.body))
    assert len(said) == 1
    assert MAX_ATTEMPTS == 5
    assert answer(submit(scene, page, password="wrong"))["error"] == "access_denied"


def test_digits_cannot_be_replayed() -> None:
    scene = Scene()
    digits = scene.code()
    assert answer(submit(scene, ask(scene), totp=digits))["code"]
    assert submit(scene, ask(scene), totp=totp(NOW + 30)).status == 401


def test_a_form_without_its_cookie_is_refused() -> None:
    """Login CSRF: the attacker's own page name, submitted by the victim's browser."""
    scene = Scene()
    page, other = ask(scene), ask(scene)
    name, _ = parts(page)
    fields = {"request": name, "username": "alice", "password": PASSWORD, "totp": scene.code()}
    for headers in ({}, parts(other)[1], {"cookie": "ringwall_issuer="}):
        assert play(scene.post_form(f"{AT}/login", fields, headers)).status == 400


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
     {"sec-fetch-site": "same-site"}],
)  # fmt: skip
def test_a_form_that_another_site_sent_is_refused(headers: dict[str, str]) -> None:
    scene = Scene()
    assert submit(scene, ask(scene), headers).status == 400


def test_a_browsers_own_form_is_taken() -> None:
    scene = Scene()
    own = {"origin": "http://127.0.0.1:8081", "sec-fetch-site": "same-origin"}
    assert submit(scene, ask(scene), own).status == 303


def test_a_login_page_is_used_once_and_does_not_stand_open_for_ever() -> None:
    scene = Scene()
    page = ask(scene)
    assert submit(scene, page).status == 303
    assert submit(scene, page).status == 400
    page = ask(scene)
    scene.clock.now_s += 600
    assert submit(scene, page).status == 400


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    cookie = ask(Scene()).headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/issuer" in cookie


def enrol(scene: Scene, code: str = "one-time-code", **change: str) -> HttpAnswer:
    page = play(scene.post_form(f"{AT}/enrol", {"code": code}))
    if page.status != 200:
        return page  # type: ignore[no-any-return]
    name, cookie = parts(page)
    secret = re.search(rb"<code>([A-Z2-7]+)</code>", page.body)
    assert secret is not None
    digits = totp(scene.clock.now_s, secret[1].decode())
    fields = {"request": name, "password": PASSWORD, "totp": digits, **change}
    return play(scene.post_form(f"{AT}/enrol/finish", fields, cookie))  # type: ignore[no-any-return]


def test_a_person_enrols_with_a_one_time_code_once() -> None:
    scene = Scene()
    assert play(scene.get(f"{AT}/enrol")).status == 200
    assert enrol(scene).status == 200
    assert scene.users.by_subject["usr_bob"].totp_sealed is not None
    assert enrol(scene).status == 401


@pytest.mark.parametrize("code", ["", "wrong", "one-time-code\x00", "reset-code"])
def test_a_wrong_enrolment_code_shows_no_secret(code: str) -> None:
    found = enrol(Scene(), code)
    assert (found.status, b"<svg" in found.body) == (401, False)


def test_enrolment_without_working_digits_is_refused_and_can_be_mended() -> None:
    scene = Scene()
    found = enrol(scene, totp="000000")
    assert (found.status, b"do not match" in found.body) == (400, True)
    assert scene.users.by_subject["usr_bob"].password is None
    assert enrol(scene).status == 200


@pytest.mark.parametrize("path", ["/login", "/token", "/enrol", "/enrol/finish"])
def test_what_is_no_form_is_refused(path: str) -> None:
    scene = Scene()
    for body, kind in [
        (b"{}", "application/json"),
        (b"a=1&a=2", "application/x-www-form-urlencoded"),
        (b"\xff", "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * MAX_BODY_BYTES, "application/x-www-form-urlencoded"),
        (b"&".join(b"%d=" % each for each in range(50)), "application/x-www-form-urlencoded"),
        (b"", "multipart/form-data; boundary=x"),
    ]:
        found = play(scene._call("POST", AT + path, body, {"content-type": kind}))
        assert found.status == 400
    assert play(scene.get(f"{AT}/login")).status == 405
