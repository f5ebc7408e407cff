"""Who is it that presents this credential? API keys and access tokens, checked before any control is asked.

* Implements the port `Directory`. Never raises for a bad credential: it returns the *claimed* principal, marked
  unverified, and the code of the first check that failed. The control `identity_data.authentication` judges that.
* An API key is `rw_<id>_<secret>`. Found or not, one digest is computed and compared in constant time; whether the id
  or the secret was wrong is for operators only.
* A verified token is remembered by its SHA-256, bounded, until it expires or its key is no longer the issuer's. What
  failed is never remembered: nobody can fill memory with rubbish, and a mended clock or key is noticed at once.
* Trust that changes with configuration needs no invalidation here: a new plan brings a new directory.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace

from ringwall.dataplane.gateway.tokens import TokenRefusedError, VerifiedToken, unsound, verify
from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.facts import Identity
from ringwall.model.identity import KEY_ISSUER, ApiKeyRow, TrustedIssuer
from ringwall.model.interaction import ANONYMOUS, Principal
from ringwall.model.ports import ApiKeys, Clock, KeySets

API_KEY = re.compile(r"rw_([a-z0-9]{4,32})_([A-Za-z0-9_-]{32,128})")
MAX_REMEMBERED = 10_000
"""Verified tokens that are remembered."""

_NOBODY = hashlib.sha256(b"no such key").digest()


class CredentialDirectory:
    """The port `Directory`, over stored API keys and trusted token issuers."""

    def __init__(
        self,
        issuers: Iterable[TrustedIssuer],
        *,
        api_keys: ApiKeys,
        keysets: KeySets,
        clock: Clock,
        max_remembered: int = MAX_REMEMBERED,
    ) -> None:
        """Take the terms of every issuer, or none.

        Raises:
            ConfigError: Some issuer's terms are unsound, or two have the same name.
        """
        self._issuers: dict[str, TrustedIssuer] = {}
        for issuer in issuers:
            problem = "named twice" if issuer.issuer in self._issuers else unsound(issuer)
            if problem is not None:
                raise ConfigError(f'issuer "{issuer.issuer}": {problem}')
            self._issuers[issuer.issuer] = issuer
        self._api_keys = api_keys
        self._keysets = keysets
        self._clock = clock
        self._max_remembered = max_remembered
        self._remembered: OrderedDict[bytes, VerifiedToken] = OrderedDict()

    async def identify(self, credential: str | None) -> tuple[Principal, Identity]:
        """The principal, and what checking the credential came to."""
        if credential is None or credential == "":
            return ANONYMOUS, Identity(verified=False, problem="missing")
        if credential.startswith("rw_"):
            return self._by_key(credential)
        if credential.count(".") == 2:
            return await self._by_token(credential)
        return ANONYMOUS, Identity(verified=False, problem="malformed")

    def _by_key(self, credential: str) -> tuple[Principal, Identity]:
        match = API_KEY.fullmatch(credential)
        if match is None:
            return ANONYMOUS, Identity(verified=False, problem="malformed", credential="api_key")
        key_id, secret = match.groups()
        try:
            row = self._api_keys.find(key_id)
        except InternalError:
            return ANONYMOUS, Identity(verified=False, problem="keys_unavailable", credential="api_key")
        stored = _NOBODY if row is None else row.secret_sha256
        matches = hmac.compare_digest(hashlib.sha256(secret.encode("ascii")).digest(), stored)
        if row is None:
            return ANONYMOUS, Identity(verified=False, problem="unknown_key", credential="api_key")
        return holder(row, None if matches else "wrong_secret", self._clock.now_us())

    async def _by_token(self, credential: str) -> tuple[Principal, Identity]:
        now_s = self._clock.now_us() / 1_000_000
        digest = hashlib.sha256(credential.encode("utf-8", "surrogatepass"))
        try:
            token = await self._recall(digest.digest(), now_s)
            if token is None:
                token = await verify(credential, self._issuers, self._keysets, now_s, digest.hexdigest())
                self._remember(digest.digest(), token)
        except TokenRefusedError as error:
            return error.claimed, Identity(verified=False, problem=error.code, credential="access_token")
        except InternalError:
            return ANONYMOUS, Identity(verified=False, problem="keys_unavailable", credential="access_token")
        return token.principal, replace(token.identity, age_s=max(0.0, now_s - token.issued_s))

    async def _recall(self, digest: bytes, now_s: float) -> VerifiedToken | None:
        token = self._remembered.get(digest)
        if token is None:
            return None
        # INVARIANT: a token is good only while its very key is still the issuer's: rotation forgets it.
        key = await self._keysets.key(token.issuer.issuer, token.kid, token.algorithm)
        if now_s < token.expires_s and key is token.key:
            self._remembered.move_to_end(digest)
            return token
        self._remembered.pop(digest, None)
        return None

    def _remember(self, digest: bytes, token: VerifiedToken) -> None:
        self._remembered[digest] = token
        if len(self._remembered) > self._max_remembered:
            self._remembered.popitem(last=False)


def holder(row: ApiKeyRow, problem: str | None, now_us: int) -> tuple[Principal, Identity]:
    """Whoever presents a key, and what checking it came to.

    Args:
        row: The key.
        problem: What was wrong with the proof, or None.
        now_us: The time.
    """
    if problem is None and row.revoked:
        problem = "revoked"
    elif problem is None and row.expires_us is not None and now_us >= row.expires_us:
        problem = "expired"
    principal = Principal(KEY_ISSUER, row.subject, row.kind, row.roles, verified=problem is None)
    return principal, Identity(
        verified=problem is None,
        problem=problem,
        credential="process_token" if row.process else "api_key",
        key=row.id,
        workloads=row.workloads,
    )
