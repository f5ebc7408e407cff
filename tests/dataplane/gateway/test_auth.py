"""Attacks on API keys and tokens, each by what it does, with really signed tokens."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from ringwall.dataplane.gateway.auth import CredentialDirectory
from ringwall.dataplane.gateway.keysets import CachedKeySets
from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.facts import Identity
from ringwall.model.identity import ApiKeyRow, TrustedIssuer
from ringwall.model.interaction import ANONYMOUS, Actor, Principal, PrincipalKind

NOW = 1_800_000_000
ISS = "https://id.example"
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"})
PLAIN_RSA = RSAKey.import_key({k: v for k, v in RSA.as_dict(private=True).items() if k not in ("alg", "use")})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
STRANGER = ECKey.generate_key("P-256", {"kid": "ec"})
JWKS = json.dumps({"keys": [key.as_dict(private=False) for key in (RSA, EC, ED)]})
ISSUER = TrustedIssuer(
    ISS, frozenset({"ringwall"}), jwks=JWKS, roles={"agents": frozenset({"support/agent"}), "all": frozenset({"staff"})}
)
CLAIMS = {
    "iss": ISS, "sub": "alice", "aud": "ringwall", "iat": NOW, "exp": NOW + 600, "groups": ["agents", "all", "other"],
    "amr": ["pwd", "otp", "mfa"], "acr": "aal2", "sid": "s-1", "jti": "t-1", "client_id": "cli",
}  # fmt: skip
HEADER = {"alg": "ES256", "kid": "ec", "typ": "at+jwt"}
SECRET = "s" * 40


class FakeClock:
    def __init__(self) -> None:
        self.now_s = float(NOW)

    def now_us(self) -> int:
        return int(self.now_s * 1_000_000)

    def monotonic(self) -> float:
        return self.now_s


class Keys:
    """API keys in memory."""

    def __init__(self, *rows: ApiKeyRow) -> None:
        self.rows = {row.id: row for row in rows}

    def find(self, key_id: str) -> ApiKeyRow | None:
        return self.rows.get(key_id)


class NoOutbound:
    async def fetch(self, url: str, *, limit_bytes: int, timeout_s: float) -> bytes:
        raise InternalError("unreachable", code="unreachable")


ROW = ApiKeyRow(
    "k1abc", hashlib.sha256(SECRET.encode()).digest(), "bot", PrincipalKind.SERVICE, frozenset({"support/agent"}),
    frozenset({"support"}),
)  # fmt: skip


def directory(*issuers: TrustedIssuer, rows: tuple[ApiKeyRow, ...] = (ROW,), **kw: Any) -> CredentialDirectory:
    clock = kw.pop("clock", FakeClock())
    keysets = kw.pop("keysets", CachedKeySets(issuers, outbound=NoOutbound(), clock=clock))
    return CredentialDirectory(issuers, api_keys=Keys(*rows), keysets=keysets, clock=clock, **kw)


def identify(credential: str | None, issuer: TrustedIssuer = ISSUER, **kw: Any) -> tuple[Principal, Identity]:
    return asyncio.run(directory(issuer, **kw).identify(credential))


def problem(credential: str | None, issuer: TrustedIssuer = ISSUER, **kw: Any) -> str | None:
    principal, identity = identify(credential, issuer, **kw)
    assert principal.verified == identity.verified == (identity.problem is None)
    return identity.problem


def sign(header: Mapping[str, Any] = HEADER, key: Any = EC, drop: tuple[str, ...] = (), **claims: Any) -> str:
    body = {name: value for name, value in {**CLAIMS, **claims}.items() if name not in drop}
    return jwt.encode(dict(header), body, key, algorithms=[str(header["alg"])], default_type=None)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header: object, claims: object, signature: bytes = b"x") -> str:
    return ".".join([b64(json.dumps(header).encode()), b64(json.dumps(claims).encode()), b64(signature)])


# ---- what must be let in


def test_a_good_token_names_issuer_and_subject_roles_and_factors() -> None:
    principal, identity = identify(sign())
    assert principal == Principal(
        ISS,
        "alice",
        PrincipalKind.PERSON,
        frozenset({"support/agent", "staff"}),
        True,
        frozenset({"pwd", "otp", "mfa"}),
    )
    assert identity == Identity(
        True, None, frozenset({"pwd", "otp", "mfa"}), "aal2", "access_token", f"{ISS} t-1", None, "s-1", 0.0
    )


@pytest.mark.parametrize(("alg", "kid", "key"), [("RS256", "rsa", RSA), ("ES256", "ec", EC), ("Ed25519", "ed", ED)])
def test_each_pinned_algorithm_is_taken_with_its_own_key(alg: str, kid: str, key: Any) -> None:
    assert problem(sign({**HEADER, "alg": alg, "kid": kid}, key)) is None


def test_the_old_name_of_ed25519_is_taken_only_where_it_is_configured() -> None:
    token = sign({**HEADER, "alg": "Ed25519", "kid": "ed"}, ED)
    _, body, _ = token.split(".")
    header = b64(json.dumps({**HEADER, "alg": "EdDSA", "kid": "ed"}).encode())
    private = ED.private_key
    assert private is not None
    token = f"{header}.{body}.{b64(private.sign(f'{header}.{body}'.encode()))}"  # type: ignore[call-arg,union-attr]
    assert problem(token) == "algorithm_refused"
    assert problem(token, replace(ISSUER, algorithms=frozenset({"EdDSA"}))) is None


def test_the_delegation_chain_is_kept_outermost_first() -> None:
    act = {"sub": "agent-1", "act": {"sub": "agent-0", "iss": "https://other.example"}}
    principal, _ = identify(sign(act=act))
    assert principal.chain == (Actor(ISS, "agent-1"), Actor("https://other.example", "agent-0"))


def test_kinds_follow_from_client_and_configuration() -> None:
    assert identify(sign(client_id="alice"))[0].kind is PrincipalKind.SERVICE
    assert identify(sign(client_id="bot"), replace(ISSUER, agents=frozenset({"bot"})))[0].kind is PrincipalKind.AGENT


def test_groups_are_found_along_a_path() -> None:
    issuer = replace(ISSUER, groups_claim="realm_access/roles")
    assert identify(sign(realm_access={"roles": ["all"]}), issuer)[0].roles == {"staff"}
    assert identify(sign(realm_access=["all"]), issuer)[0].roles == frozenset()


def test_a_token_without_jti_is_named_by_its_digest() -> None:
    token = sign(drop=("jti",))
    assert identify(token)[1].key == "sha256:" + hashlib.sha256(token.encode()).hexdigest()


# ---- algorithm confusion


def test_alg_none_is_refused() -> None:
    for alg in ("none", "None", "NONE", "nOnE", ""):
        assert problem(forge({**HEADER, "alg": alg}, CLAIMS, b"")) == "algorithm_refused"


def test_hs256_signed_with_the_public_key_is_refused() -> None:
    """CVE-2015-9235 and its children: the public RSA key used as an HMAC secret."""
    pem = RSA.as_pem(private=False)
    for secret in (pem, json.dumps(RSA.as_dict(private=False)).encode()):
        head = b64(json.dumps({"alg": "HS256", "kid": "rsa", "typ": "at+jwt"}).encode())
        body = b64(json.dumps(CLAIMS).encode())
        mac = hmac.new(secret, f"{head}.{body}".encode(), "sha256").digest()
        assert problem(f"{head}.{body}.{b64(mac)}") == "algorithm_refused"


def test_hmac_cannot_even_be_configured() -> None:
    with pytest.raises(ConfigError, match="algorithms"):
        directory(replace(ISSUER, algorithms=frozenset({"HS256"})))


def test_a_symmetric_key_in_the_key_set_is_not_there() -> None:
    shared = OctKey.generate_key(256, {"kid": "oct"})
    keys = json.loads(JWKS)["keys"] + [shared.as_dict(private=True)]
    token = sign({"alg": "HS256", "kid": "oct", "typ": "at+jwt"}, shared)
    assert problem(token, replace(ISSUER, jwks=json.dumps({"keys": keys}))) == "algorithm_refused"


def test_an_algorithm_that_the_issuer_does_not_use_is_refused() -> None:
    for algorithm in ("RS512", "PS256"):
        assert problem(sign({**HEADER, "alg": algorithm, "kid": "rsa"}, PLAIN_RSA)) == "algorithm_refused"


def test_a_key_is_used_only_with_its_own_algorithm() -> None:
    """The key says RS256; a PS256 signature by it is not taken even where PS256 is."""
    issuer = replace(ISSUER, algorithms=frozenset({"RS256", "PS256", "ES256"}))
    assert problem(sign({**HEADER, "alg": "PS256", "kid": "rsa"}, PLAIN_RSA), issuer) == "unknown_signing_key"
    assert problem(sign({**HEADER, "kid": "rsa"}), issuer) == "unknown_signing_key"


def test_the_zero_signature_is_refused() -> None:
    """CVE-2022-21449, psychic signatures: r = s = 0."""
    head, body, _ = sign().split(".")
    assert problem(f"{head}.{body}.{b64(bytes(64))}") == "bad_signature"


# ---- headers that point to a key


@pytest.mark.parametrize(
    "extra",
    [
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": STRANGER.as_dict(private=False)},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"], "exp": 1},
        {"b64": False, "crit": ["b64"]},
        {"zip": "DEF"},
    ],
)
def test_a_header_that_points_to_a_key_or_changes_processing_is_refused(extra: dict[str, Any]) -> None:
    assert problem(forge({**HEADER, **extra}, CLAIMS)) == "header_refused"


@pytest.mark.parametrize("kid", ["nope", "../../dev/null", "' UNION SELECT 'x", "ec\x00"])
def test_a_wrong_kid_finds_no_key(kid: str) -> None:
    assert problem(forge({**HEADER, "kid": kid}, CLAIMS)) == "unknown_signing_key"


@pytest.mark.parametrize("kid", [None, 1, "", ["ec"], "k" * 300])
def test_a_kid_that_is_no_name_is_malformed(kid: object) -> None:
    assert problem(forge({**HEADER, "kid": kid}, CLAIMS)) == "malformed"


# ---- signatures


def test_a_stranger_with_the_same_kid_is_refused_and_only_claims() -> None:
    principal, identity = identify(sign(key=STRANGER))
    assert identity.problem == "bad_signature"
    assert (principal.subject, principal.verified, identity.key) == ("alice", False, None)


def test_changed_claims_are_refused() -> None:
    head, _, signature = sign().split(".")
    assert problem(f"{head}.{b64(json.dumps({**CLAIMS, 'sub': 'root'}).encode())}.{signature}") == "bad_signature"


def test_a_stripped_signature_is_refused() -> None:
    head, body, _ = sign().split(".")
    assert problem(f"{head}.{body}.") == "bad_signature"


# ---- claims


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({"exp": NOW - 31}, "expired"),
        ({"exp": NOW - 29, "iat": NOW - 100}, None),
        ({"iat": NOW + 31}, "not_yet_valid"),
        ({"iat": NOW + 29}, None),
        ({"nbf": NOW + 31}, "not_yet_valid"),
        ({"nbf": "soon"}, "malformed"),
        ({"exp": NOW + 86_401}, "lifetime_refused"),
        ({"exp": NOW, "iat": NOW}, "lifetime_refused"),
        ({"exp": "9999999999"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"exp": -1}, "malformed"),
        ({"exp": 10**30}, "malformed"),
        ({"exp": None}, "malformed"),
        ({"aud": "other"}, "wrong_audience"),
        ({"aud": ["other", "ringwall"]}, None),
        ({"aud": []}, "wrong_audience"),
        ({"aud": {"ringwall": 1}}, "wrong_audience"),
        ({"aud": "ringwall.evil.example"}, "wrong_audience"),
        ({"aud": "RINGWALL"}, "wrong_audience"),
        ({"iss": "https://id.example/"}, "unknown_issuer"),
        ({"iss": "https://ID.example"}, "unknown_issuer"),
        ({"iss": "https://evil.example"}, "unknown_issuer"),
        ({"iss": ["https://id.example"]}, "unknown_issuer"),
        ({"iss": None}, "unknown_issuer"),
        ({"sub": ""}, "malformed"),
        ({"sub": 7}, "malformed"),
        ({"sub": "alice\nadmin"}, "malformed"),
        ({"sub": "a" * 256}, "malformed"),
        ({"act": "agent"}, "malformed"),
        ({"act": {"sub": 3}}, "malformed"),
        ({"act": {"sub": "a", "iss": "https://x y"}}, "malformed"),
    ],
)
def test_claims_are_checked(claims: dict[str, Any], found: str | None) -> None:
    assert problem(sign(**claims)) == found


@pytest.mark.parametrize(("name", "found"), [("exp", "malformed"), ("iat", "malformed"), ("aud", "wrong_audience"),
                                             ("iss", "unknown_issuer"), ("sub", "malformed")])  # fmt: skip
def test_a_claim_that_is_missing_is_refused(name: str, found: str) -> None:
    assert problem(sign(drop=(name,))) == found


def test_an_endless_delegation_chain_is_refused() -> None:
    act: dict[str, Any] = {"sub": "a"}
    for _ in range(20):
        act = {"sub": "a", "act": act}
    assert problem(sign(act=act)) == "malformed"


def test_a_token_for_another_client_is_refused_where_clients_are_named() -> None:
    issuer = replace(ISSUER, clients=frozenset({"console"}))
    assert problem(sign(), issuer) == "wrong_client"
    assert problem(sign(drop=("client_id",)), issuer) == "wrong_client"
    assert problem(sign(client_id="console"), issuer) is None


# ---- ID tokens and other types


LAX = replace(ISSUER, token_types=frozenset({"at+jwt", "jwt", ""}))


@pytest.mark.parametrize(
    "claims",
    [{"nonce": "n"}, {"at_hash": "h"}, {"c_hash": "h"}, {"token_use": "id"}, {"typ": "ID"}, {"client_id": "ringwall"},
     {"azp": "ringwall", "client_id": "ringwall", "aud": ["ringwall"]}],
)  # fmt: skip
def test_an_id_token_is_refused_as_an_access_token(claims: dict[str, Any]) -> None:
    assert problem(sign({**HEADER, "typ": "JWT"}, **claims), LAX) == "id_token_refused"


def test_an_id_token_that_wears_the_type_of_an_access_token_is_refused() -> None:
    assert problem(sign(nonce="n")) == "id_token_refused"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", "", 7])
def test_another_type_is_refused_by_default(typ: object) -> None:
    assert problem(sign({**HEADER, "typ": typ}) if isinstance(typ, str) else forge({**HEADER, "typ": typ}, CLAIMS)) == (
        "wrong_type"
    )


def test_a_configured_type_is_taken() -> None:
    assert problem(sign({**HEADER, "typ": "JWT"}), LAX) is None
    assert problem(sign({"alg": "ES256", "kid": "ec"}), LAX) is None
    assert problem(sign({**HEADER, "typ": "application/AT+JWT"})) is None


# ---- form


@pytest.mark.parametrize(
    "credential",
    ["", "x", "a.b", "a.b.c", "a.b.c.d", "..", "eyJ.eyJ.", " ", "\x00", "a" * 20_000, "Bearer x", "é.é.é", "\ud800.a.b",
     b64(b"{}") + "." + b64(b"[]") + ".x", b64(b"\xff") + "." + b64(b"{}") + ".eA",
     b64(b"[" * 9000) + "." + b64(b"{}") + ".eA", b64(b'{"a":NaN}') + "." + b64(b"{}") + ".eA"],
)  # fmt: skip
def test_what_is_no_credential_is_refused_and_raises_nothing(credential: str) -> None:
    principal, identity = identify(credential)
    assert principal is ANONYMOUS
    assert identity.problem in ("malformed", "missing")


def test_a_key_that_stands_twice_in_the_claims_is_refused() -> None:
    body = b64(json.dumps(CLAIMS).encode()[:-1] + b',"sub":"root"}')
    assert problem(f"{b64(json.dumps(HEADER).encode())}.{body}.eA") == "malformed"


def test_nothing_presented_is_missing() -> None:
    assert identify(None) == (ANONYMOUS, Identity(False, "missing"))


@settings(deadline=None, max_examples=200)
@given(st.one_of(st.text(max_size=60), st.from_regex(r"rw_[a-z0-9_]{0,20}_[A-Za-z0-9_]{0,60}"),
                 st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}")))  # fmt: skip
def test_whatever_is_presented_nothing_is_raised_and_nobody_is_verified(credential: str) -> None:
    assert not asyncio.run(SHARED.identify(credential))[1].verified


@settings(deadline=None, max_examples=150)
@given(position=st.integers(0, 10_000), bit=st.integers(0, 5))
def test_a_token_with_one_character_changed_is_never_taken_as_somebody_else(position: int, bit: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at = position % len(GOOD)
    if GOOD[at] == ".":
        return
    changed = GOOD[:at] + alphabet[alphabet.index(GOOD[at]) ^ (1 << bit)] + GOOD[at + 1 :]
    principal, identity = asyncio.run(SHARED.identify(changed))
    # The last character of a segment has bits that stand for nothing; then it is the same token.
    assert not identity.verified or principal.subject == "alice"


GOOD = sign()
SHARED = directory(ISSUER)

# ---- API keys


def test_a_good_key_is_taken() -> None:
    principal, identity = identify(f"rw_k1abc_{SECRET}")
    assert principal == Principal("ringwall:keys", "bot", PrincipalKind.SERVICE, frozenset({"support/agent"}), True)
    assert identity == Identity(verified=True, credential="api_key", key="k1abc", workloads=frozenset({"support"}))


@pytest.mark.parametrize(
    ("credential", "found"),
    [
        ("rw_nope1_" + SECRET, "unknown_key"),
        ("rw_k1abc_" + "t" * 40, "wrong_secret"),
        ("rw_k1abc_" + SECRET + "s", "wrong_secret"),
        ("rw_k1abc_short", "malformed"),
        ("rw_k1abc", "malformed"),
        ("rw_K1ABC_" + SECRET, "malformed"),
        ("rw_k1abc_" + SECRET + "\n", "malformed"),
        ("rw_k1abc_" + "ｓ" * 40, "malformed"),
        (" rw_k1abc_" + SECRET, "malformed"),
    ],
)
def test_a_wrong_key_is_refused(credential: str, found: str) -> None:
    assert problem(credential) == found


def test_a_revoked_or_expired_key_is_refused_and_says_so_only_with_its_secret() -> None:
    for row, found in [(replace(ROW, revoked=True), "revoked"), (replace(ROW, expires_us=NOW * 1_000_000), "expired")]:
        assert problem(f"rw_k1abc_{SECRET}", rows=(row,)) == found
        assert problem("rw_k1abc_" + "t" * 40, rows=(row,)) == "wrong_secret"
    assert problem(f"rw_k1abc_{SECRET}", rows=(replace(ROW, expires_us=NOW * 1_000_000 + 1),)) is None


def test_the_token_of_a_process_is_marked() -> None:
    assert identify(f"rw_k1abc_{SECRET}", rows=(replace(ROW, process=True),))[1].credential == "process_token"


def test_a_key_store_that_cannot_be_read_is_refused() -> None:
    class Broken(Keys):
        def find(self, key_id: str) -> ApiKeyRow | None:
            raise InternalError("down", code="down")

    clock = FakeClock()
    broken = CredentialDirectory(
        [], api_keys=Broken(), keysets=CachedKeySets([], outbound=NoOutbound(), clock=clock), clock=clock
    )
    assert asyncio.run(broken.identify(f"rw_k1abc_{SECRET}"))[1].problem == "keys_unavailable"


# ---- what is remembered


class Counting:
    """A key set that counts, and can change its keys."""

    def __init__(self, keys: dict[str, object]) -> None:
        self.keys = keys

    async def key(self, issuer: str, kid: str, algorithm: str) -> object | None:
        return self.keys.get(kid)


def test_a_remembered_token_dies_when_it_expires() -> None:
    clock = FakeClock()
    memory = directory(ISSUER, clock=clock)
    token = sign()

    async def twice() -> list[str | None]:
        first = (await memory.identify(token))[1]
        clock.now_s += 10
        second = (await memory.identify(token))[1]
        assert (first.age_s, second.age_s) == (0.0, 10.0)
        clock.now_s = NOW + 600 + 30
        return [first.problem, second.problem, (await memory.identify(token))[1].problem]

    assert asyncio.run(twice()) == [None, None, "expired"]


def test_a_remembered_token_dies_when_its_key_is_rotated_away() -> None:
    keysets = Counting({"ec": EC})
    memory = directory(ISSUER, keysets=keysets)

    async def rotate() -> list[str | None]:
        found = [(await memory.identify(GOOD))[1].problem]
        keysets.keys = {"ec": STRANGER}
        found.append((await memory.identify(GOOD))[1].problem)
        keysets.keys = {}
        return [*found, (await memory.identify(GOOD))[1].problem]

    assert asyncio.run(rotate()) == [None, "bad_signature", "unknown_signing_key"]


def test_memory_is_bounded_and_failures_take_none() -> None:
    memory = directory(ISSUER, max_remembered=2)

    async def fill() -> int:
        for each in range(5):
            await memory.identify(sign(jti=f"t-{each}"))
            await memory.identify(sign(key=STRANGER, jti=f"t-{each}"))
        return len(memory._remembered)

    assert asyncio.run(fill()) == 2


@pytest.mark.parametrize(
    "change",
    [{"issuer": "has a blank"}, {"audiences": frozenset()}, {"jwks": ""}, {"jwks_uri": "https://x"},
     {"roles": {"g": frozenset({"NotARole"})}}, {"max_lifetime_s": 0}, {"leeway_s": 4000},
     {"token_types": frozenset()}],
)  # fmt: skip
def test_unsound_terms_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        directory(replace(ISSUER, **change), keysets=Counting({}))


def test_two_issuers_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="twice"):
        directory(ISSUER, ISSUER)
