"""Whose word do we take about who asks? API keys and the token issuers that an organisation trusts.

* An API key is stored as SHA-256 of its secret: 256 random bits need no slow hash. A password does (issuer). The secret
  of its AWS access key, if it has one, is stored sealed: whoever verifies a signature needs the secret itself.
* A trusted issuer pins its algorithms, its token types and its audiences; what is not named is refused.
* Roles are qualified: `reader` holds in the whole organisation, `support/reader` in the workload `support` only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ringwall.model.interaction import PrincipalKind

ROLE = re.compile(r"([a-z][a-z0-9-]{0,62}/)?[a-z][a-z0-9_-]{0,62}")
"""The closed grammar of roles: optional workload, a slash, a name."""

KEY_ISSUER = "ringwall:keys"
"""The issuer of every principal that presents an API key."""
THIS_MACHINE = "this-machine"
"""The subject of the token that a process makes for whoever started it, on this machine."""

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"}
)
"""Signature algorithms that a trusted issuer may name: asymmetric ones only (RFC 8725, section 3.2)."""


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """One API key, as it is stored.

    Attributes:
        id: Its public half, between the first and the second underscore of `rw_<id>_<secret>`.
        secret_sha256: SHA-256 of the secret half, 32 bytes.
        subject: Whose key it is.
        kind: What sort of principal holds it.
        roles: Qualified roles of the holder.
        workloads: Workloads for which it may be used; never empty.
        expires_us: When it stops working, microseconds since 1970-01-01 UTC; None for never.
        revoked: True when it was taken back.
        process: True for the token of one running process, which is valid on loopback only.
        access_key_id: The AWS access key id under which requests are signed, or empty.
        sealed_secret: The secret access key, sealed; empty without one.
    """

    id: str
    secret_sha256: bytes
    subject: str
    kind: PrincipalKind
    roles: frozenset[str]
    workloads: frozenset[str]
    expires_us: int | None = None
    revoked: bool = False
    process: bool = False
    access_key_id: str = ""
    sealed_secret: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """A token issuer whose access tokens are taken, and on which terms.

    Attributes:
        issuer: Its exact `iss`.
        audiences: A token must be meant for one of these.
        jwks_uri: Where its keys are published; empty when they stand in `jwks`.
        jwks: A JWK set as JSON text, for an issuer without a published one; empty otherwise.
        algorithms: The algorithms that it signs with, a subset of `ALGORITHMS`.
        token_types: Accepted `typ` headers, lower case, without `application/`; RFC 9068 says `at+jwt`.
        clients: Client ids whose tokens are taken; empty for all of this issuer's.
        agents: Client ids that are agents: their tokens make a principal of kind agent.
        groups_claim: The claim with the groups, as a path: `groups`, `realm_access/roles`.
        roles: Group name to qualified roles.
        workloads: Workloads for which its tokens may be used; None leaves it to policy (by role).
        kind: What sort of principal its subjects are, where the token does not say otherwise.
        max_lifetime_s: The longest time between `iat` and `exp`, in seconds.
        leeway_s: How far clocks may differ, in seconds.
    """

    issuer: str
    audiences: frozenset[str]
    jwks_uri: str = ""
    jwks: str = ""
    algorithms: frozenset[str] = frozenset({"RS256", "ES256", "Ed25519"})
    token_types: frozenset[str] = frozenset({"at+jwt"})
    clients: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    groups_claim: str = "groups"
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    workloads: frozenset[str] | None = None
    kind: PrincipalKind = PrincipalKind.PERSON
    max_lifetime_s: int = 86_400
    leeway_s: int = 30
