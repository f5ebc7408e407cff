"""Is this JWT an access token for us, from an issuer that we trust, and whose is it?

Read strictly, checked in this order; the first check that fails names the problem:

1. Form: three base64url segments, a JSON object each in header and payload, no key twice, bounded.
2. Issuer: `iss` is exactly one that the organisation trusts.
3. Header: nothing that points to a key (`jku`, `x5u`, `jwk`, `x5c`) or changes processing (`crit`, `b64`, `zip`);
   the algorithm is one that this issuer signs with. `none` and the HMAC family can never be (RFC 8725, 3.1 and 3.2).
4. Type: an access token (RFC 9068: `at+jwt`, or what is configured); an ID token is refused whatever it says (RFC 8725,
   3.11 and 3.12).
5. Signature, with the issuer's key of that id.
6. Claims: audience, client, subject, times with leeway, lifetime.

What a token claims before step 5 is only ever a *claimed* principal, marked unverified.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from ringwall.model.facts import Identity
from ringwall.model.identity import ALGORITHMS, ROLE, TrustedIssuer
from ringwall.model.interaction import ANONYMOUS, Actor, Principal, PrincipalKind
from ringwall.model.ports import KeySets

MAX_TOKEN_CHARS = 16_384
MAX_NAME_CHARS = 255
MAX_GROUPS = 1024
MAX_METHODS = 16
MAX_ACTORS = 8
MAX_TIME_S = 2**53

_SEGMENT = re.compile(r"[A-Za-z0-9_-]*")
_FORBIDDEN_HEADERS = frozenset({"jku", "x5u", "jwk", "x5c", "crit", "b64", "zip"})
_ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
_REGISTRY = JWSRegistry(algorithms=ALGORITHMS - {"EdDSA"})


class TokenRefusedError(Exception):
    """A token that is not taken.

    Attributes:
        code: Machine code of the first check that failed.
        claimed: Whom the token claims to speak for, unverified; anonymous when that cannot be read.
    """

    def __init__(self, code: str, claimed: Principal = ANONYMOUS) -> None:
        super().__init__(code)
        self.code = code
        self.claimed = claimed


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token that passed every check.

    Attributes:
        issuer: Its terms.
        kid: The id of the key that signed it.
        algorithm: How it was signed.
        key: The key itself, to notice a rotation.
        principal: Who stands behind it.
        identity: What checking came to, at the moment of issue (`age_s` is 0).
        issued_s: `iat`.
        expires_s: `exp`.
    """

    issuer: TrustedIssuer
    kid: str
    algorithm: str
    key: object
    principal: Principal
    identity: Identity
    issued_s: float
    expires_s: float


async def verify(
    text: str, issuers: Mapping[str, TrustedIssuer], keysets: KeySets, now_s: float, digest: str
) -> VerifiedToken:
    """Check a token, as the module says.

    Args:
        text: The compact serialisation.
        issuers: The trusted issuers by `iss`.
        keysets: Their keys.
        now_s: The time, seconds since 1970-01-01 UTC.
        digest: SHA-256 of the token, hexadecimal: its id when it has no `jti`.

    Raises:
        TokenRefusedError: Some check failed.
        InternalError: The issuer's keys cannot be had.
    """
    header, claims, signed, signature = _read(text)  # 1
    issuer = issuers.get(claims["iss"]) if isinstance(claims.get("iss"), str) else None  # 2
    if issuer is None:
        raise TokenRefusedError("unknown_issuer")
    claimed = _principal(issuer, claims)
    algorithm, kid = _check_header(header, issuer, claimed)  # 3
    _check_type(header, claims, issuer, claimed)  # 4
    key = await keysets.key(issuer.issuer, kid, algorithm)  # 5
    if key is None:
        raise TokenRefusedError("unknown_signing_key", claimed)
    if not _is_signed(algorithm, signed, signature, key):
        raise TokenRefusedError("bad_signature", claimed)
    issued_s, expires_s = _check_claims(claims, issuer, claimed, now_s)  # 6
    principal = replace(claimed, verified=True)
    return VerifiedToken(
        issuer, kid, algorithm, key, principal, _identity(issuer, claims, principal, digest), issued_s, expires_s
    )


def _read(text: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    segments = text.split(".")
    if len(text) > MAX_TOKEN_CHARS or len(segments) != 3 or not all(_SEGMENT.fullmatch(each) for each in segments):
        raise TokenRefusedError("malformed")
    try:
        header, payload, signature = (_decode(each) for each in segments)
        return _object(header), _object(payload), f"{segments[0]}.{segments[1]}".encode("ascii"), signature
    except (ValueError, binascii.Error, RecursionError) as error:
        raise TokenRefusedError("malformed") from error


def _decode(segment: str) -> bytes:
    return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)


def _object(data: bytes) -> dict[str, Any]:
    found = json.loads(data.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constants(name: str) -> None:
    raise ValueError(f'not a JSON value: "{name}"')


def _check_header(header: Mapping[str, Any], issuer: TrustedIssuer, claimed: Principal) -> tuple[str, str]:
    if not _FORBIDDEN_HEADERS.isdisjoint(header):
        raise TokenRefusedError("header_refused", claimed)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms or algorithm not in ALGORITHMS:
        raise TokenRefusedError("algorithm_refused", claimed)
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_NAME_CHARS:
        raise TokenRefusedError("malformed", claimed)
    return algorithm, kid


def _check_type(
    header: Mapping[str, Any], claims: Mapping[str, Any], issuer: TrustedIssuer, claimed: Principal
) -> None:
    kind = header.get("typ", "")
    kind = kind.lower().removeprefix("application/") if isinstance(kind, str) else "?"
    audience, client = _strings(claims.get("aud")), _client(claims)
    is_id_token = (
        not _ID_TOKEN_CLAIMS.isdisjoint(claims)
        or claims.get("token_use", "access") != "access"
        or str(claims.get("typ", "")).lower() == "id"
        # An ID token is meant for the client that asked for it; RFC 9068 types cannot be confused with one.
        or (kind != "at+jwt" and client is not None and client in audience)
    )
    if is_id_token:
        raise TokenRefusedError("id_token_refused", claimed)
    if kind not in issuer.token_types:
        raise TokenRefusedError("wrong_type", claimed)


def _is_signed(algorithm: str, signed: bytes, signature: bytes, key: object) -> bool:
    try:
        # RFC 9864 renames EdDSA; the curve is checked by the new name.
        model = _REGISTRY.get_alg("Ed25519" if algorithm == "EdDSA" else algorithm)
        model.check_key(key)
        return model.verify(signed, signature, key)
    except (JoseError, ValueError, TypeError):
        return False


def _check_claims(
    claims: Mapping[str, Any], issuer: TrustedIssuer, claimed: Principal, now_s: float
) -> tuple[float, float]:
    if claimed is ANONYMOUS:
        raise TokenRefusedError("malformed")
    if issuer.audiences.isdisjoint(_strings(claims.get("aud"))):
        raise TokenRefusedError("wrong_audience", claimed)
    if issuer.clients and _client(claims) not in issuer.clients:
        raise TokenRefusedError("wrong_client", claimed)
    expires_s, issued_s = _time(claims, "exp"), _time(claims, "iat")
    starts_s = _time(claims, "nbf") if "nbf" in claims else issued_s
    if expires_s is None or issued_s is None or starts_s is None:
        raise TokenRefusedError("malformed", claimed)
    if now_s >= expires_s + issuer.leeway_s:
        raise TokenRefusedError("expired", claimed)
    if now_s < max(issued_s, starts_s) - issuer.leeway_s:
        raise TokenRefusedError("not_yet_valid", claimed)
    if not 0 < expires_s - issued_s <= issuer.max_lifetime_s:
        raise TokenRefusedError("lifetime_refused", claimed)
    return issued_s, expires_s


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < MAX_TIME_S:
        return None
    return float(value) if math.isfinite(value) else None


def _strings(value: object) -> frozenset[str]:
    """A claim that is one string or several; anything else is none."""
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return frozenset(value)
    return frozenset()


def _client(claims: Mapping[str, Any]) -> str | None:
    value = claims.get("client_id", claims.get("azp"))
    return value if isinstance(value, str) else None


def _named(value: object) -> str | None:
    """A name that may stand in a record, a policy and a bucket: text, printable, bounded."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARS and value.isprintable() else None


def _principal(issuer: TrustedIssuer, claims: Mapping[str, Any]) -> Principal:
    """Whom the token claims to speak for; anonymous when its subject or chain cannot be read."""
    subject, chain = _named(claims.get("sub")), _chain(issuer, claims.get("act"))
    if subject is None or chain is None:
        return ANONYMOUS
    client = _client(claims)
    kind = issuer.kind
    if client is not None and client in issuer.agents:
        kind = PrincipalKind.AGENT
    elif client == subject:  # CLAUSE: RFC 9068, 2.2: with client credentials, `sub` is the client.
        kind = PrincipalKind.SERVICE
    roles = frozenset(role for group in _groups(issuer, claims) for role in issuer.roles.get(group, ()))
    return Principal(issuer.issuer, subject, kind, roles, verified=False, methods=_methods(claims), chain=chain)


def _groups(issuer: TrustedIssuer, claims: Mapping[str, Any]) -> frozenset[str]:
    value: object = claims
    for step in issuer.groups_claim.split("/"):
        value = cast("Mapping[str, Any]", value).get(step) if isinstance(value, Mapping) else None
    found = _strings(value)
    # More groups than that is no answer at all: half of them would be somebody else's idea of this principal.
    return found if len(found) <= MAX_GROUPS else frozenset()


def _methods(claims: Mapping[str, Any]) -> frozenset[str]:
    found = _strings(claims.get("amr"))
    return frozenset(each for each in found if _named(each)) if len(found) <= MAX_METHODS else frozenset()


def _chain(issuer: TrustedIssuer, act: object) -> tuple[Actor, ...] | None:
    """The delegation chain (RFC 8693, 4.1), current actor first; None when it is no such chain."""
    chain: list[Actor] = []
    while act is not None:
        if not isinstance(act, Mapping) or len(chain) == MAX_ACTORS:
            return None
        subject, vouching = _named(act.get("sub")), _named(act.get("iss", issuer.issuer))
        if subject is None or vouching is None or " " in vouching:
            return None
        chain.append(Actor(vouching, subject))
        act = act.get("act")
    return tuple(chain)


def _identity(issuer: TrustedIssuer, claims: Mapping[str, Any], principal: Principal, digest: str) -> Identity:
    token = _named(claims.get("jti"))
    return Identity(
        verified=True,
        methods=principal.methods,
        context=_named(claims.get("acr")),
        credential="access_token",
        key=f"{issuer.issuer} {token}" if token is not None else f"sha256:{digest}",
        workloads=issuer.workloads,
        session=_named(claims.get("sid")),
        age_s=0.0,
    )


def unsound(issuer: TrustedIssuer) -> str | None:
    """What keeps these terms from being taken, or None."""
    if not issuer.issuer or any(not each.isprintable() or each == " " for each in issuer.issuer):
        return "an issuer has a name without blanks"
    if not issuer.algorithms or not issuer.algorithms <= ALGORITHMS:
        return f"algorithms must be some of: {', '.join(sorted(ALGORITHMS))}"
    if not issuer.audiences or not issuer.token_types:
        return "an issuer needs at least one audience and one token type"
    if bool(issuer.jwks_uri) == bool(issuer.jwks):
        return "an issuer needs either jwks_uri or jwks"
    if bad := sorted(role for roles in issuer.roles.values() for role in roles if not ROLE.fullmatch(role)):
        return f'not a role: "{bad[0]}"'
    if issuer.max_lifetime_s <= 0 or not 0 <= issuer.leeway_s <= 300:
        return "max_lifetime_s must be positive and leeway_s at most 300"
    return None
