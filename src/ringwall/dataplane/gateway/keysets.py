"""Which public keys does a token issuer sign with? Its JWKS, cached, refreshed, never trusted blindly.

* Implements the port `KeySets` over `Outbound`. Only the configured address is ever asked, never one from a token.
* Fresh keys are served as they are. Older ones are served while they are renewed; if that fails they serve on until
  `STALE_S`, then the issuer's tokens are refused.
* An unknown key id causes a refresh, at most one in `RETRY_S`: forged ids cannot make us hammer an issuer.
* A key is taken only if it is public, asymmetric, strong enough, meant for signatures, and fits the algorithm asked
  for. A symmetric key in a published set is a mistake or a trap (RFC 8725, 3.2): it is not there for us.
* An id that stands twice is nobody's. A key that did not change stays the same object, so that tokens verified with it
  stay remembered.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.identity import TrustedIssuer
from ringwall.model.ports import Clock, Outbound

FRESH_S = 600.0
STALE_S = 3600.0
RETRY_S = 30.0
"""Seconds between two refreshes for an unknown key id, or after a failure while old keys still serve."""
FIRST_RETRY_S = 5.0
"""Seconds between two attempts while no keys are held at all."""
FETCH_TIMEOUT_S = 5.0
MAX_JWKS_BYTES = 256 * 1024
MAX_KEYS = 64
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192

PublicKey = RSAKey | ECKey | OKPKey

_log = logging.getLogger(__name__)

_FITS: Mapping[str, tuple[type[PublicKey], str | None]] = {
    **{name: (RSAKey, None) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")},
    "ES256": (ECKey, "P-256"),
    "ES384": (ECKey, "P-384"),
    "ES512": (ECKey, "P-521"),
    "Ed25519": (OKPKey, "Ed25519"),
    "EdDSA": (OKPKey, "Ed25519"),
}
_TYPES: Mapping[str, type[PublicKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(slots=True)
class _State:
    """What we hold of one issuer."""

    issuer: TrustedIssuer
    keys: dict[str, PublicKey] | None = None
    fetched_s: float = 0.0
    tried_s: float | None = None
    refresh: asyncio.Task[None] | None = field(default=None, repr=False)


class CachedKeySets:
    """The port `KeySets`: one cached set for each trusted issuer."""

    def __init__(self, issuers: Iterable[TrustedIssuer], *, outbound: Outbound, clock: Clock) -> None:
        """Prepare for these issuers; nothing is fetched before a token asks for it.

        Raises:
            ConfigError: An inline key set holds no usable key.
        """
        self._outbound = outbound
        self._clock = clock
        self._states: dict[str, _State] = {}
        for issuer in issuers:
            state = _State(issuer)
            if issuer.jwks:
                try:
                    state.keys = read_jwks(issuer.jwks.encode(), {})
                except ValueError as error:
                    raise ConfigError(f'issuer "{issuer.issuer}": {error}') from error
            self._states[issuer.issuer] = state

    async def key(self, issuer: str, kid: str, algorithm: str) -> PublicKey | None:
        """The issuer's key of this id for this algorithm, or None.

        Raises:
            InternalError: No keys of this issuer can be had, or those we hold are too old.
        """
        state = self._states.get(issuer)
        if state is None:
            return None
        if not state.issuer.jwks:
            await self._renew(state, kid)
        if not self._can_serve(state):
            raise InternalError(
                "the keys of the token issuer are not available", code="keys_unavailable", detail=f"issuer=<{issuer}>"
            )
        found = (state.keys or {}).get(kid)
        return found if found is not None and _is_fit(found, algorithm) else None

    def _can_serve(self, state: _State) -> bool:
        fixed = bool(state.issuer.jwks)
        return state.keys is not None and (fixed or self._clock.monotonic() - state.fetched_s <= STALE_S)

    async def _renew(self, state: _State, kid: str) -> None:
        """Start a fetch if one is due; wait for it only if we could not answer meanwhile."""
        now_s = self._clock.monotonic()
        is_known = state.keys is not None and kid in state.keys
        if is_known and now_s - state.fetched_s <= FRESH_S:
            return
        pause_s = FIRST_RETRY_S if state.keys is None else RETRY_S
        if state.refresh is None and (state.tried_s is None or now_s - state.tried_s >= pause_s):
            state.tried_s = now_s
            state.refresh = asyncio.get_running_loop().create_task(self._fetch(state))
        if state.refresh is not None and not (is_known and self._can_serve(state)):
            # One fetch serves all who wait; a caller who goes away does not take it with him.
            await asyncio.shield(state.refresh)

    async def _fetch(self, state: _State) -> None:
        try:
            body = await self._outbound.fetch(
                state.issuer.jwks_uri, limit_bytes=MAX_JWKS_BYTES, timeout_s=FETCH_TIMEOUT_S
            )
            state.keys = read_jwks(body, state.keys or {})
            state.fetched_s = self._clock.monotonic()
        except (InternalError, ValueError) as error:
            _log.warning("issuer=<%s>, error=<%s> | key set not refreshed", state.issuer.issuer, error)
        finally:
            state.refresh = None

    async def aclose(self) -> None:
        """Give up fetches that are under way."""
        running = [state.refresh for state in self._states.values() if state.refresh is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def read_jwks(body: bytes, held: Mapping[str, PublicKey]) -> dict[str, PublicKey]:
    """The usable keys of a JWK set, by id.

    Args:
        body: The document.
        held: Keys held so far; one that did not change is kept as the same object.

    Raises:
        ValueError: Not a JWK set, too many keys, or no usable one.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("key set is not JSON") from error
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise ValueError(f'not a set of at most "{MAX_KEYS}" keys')
    found: dict[str, PublicKey] = {}
    doubled: set[str] = set()
    for entry in entries:
        key = _import(entry)
        if key is None:
            continue
        kid = str(entry["kid"])
        if kid in found:
            doubled.add(kid)
        old = held.get(kid)
        found[kid] = old if old is not None and old == key else key
    usable = {kid: key for kid, key in found.items() if kid not in doubled}
    if not usable:
        raise ValueError("key set has no usable key")
    return usable


def _import(entry: Any) -> PublicKey | None:
    """One entry as a public key, or None when it is of no use to us."""
    if not isinstance(entry, dict) or not _PRIVATE.isdisjoint(entry):
        return None
    kind, kid = _TYPES.get(str(entry.get("kty"))), entry.get("kid")
    if kind is None or not isinstance(kid, str) or not kid or entry.get("use", "sig") != "sig":
        return None
    if "verify" not in entry.get("key_ops", ["verify"]):
        return None
    if kind is RSAKey and not MIN_RSA_BITS <= len(str(entry.get("n", ""))) * 6 <= MAX_RSA_BITS + 6:
        return None
    if entry.get("alg") in ("EdDSA", "Ed25519"):
        # RFC 9864: two names for one algorithm. The curve says which it is; `alg` would let only one of them pass.
        entry = {name: value for name, value in entry.items() if name != "alg"}
    try:
        return kind.import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _is_fit(key: PublicKey, algorithm: str) -> bool:
    wanted = _FITS.get(algorithm)
    if wanted is None or not isinstance(key, wanted[0]) or key.get("alg", algorithm) != algorithm:
        return False
    return wanted[1] is None or key.get("crv") == wanted[1]
