"""With which keys does the embedded issuer sign? ES256 keys, one in use, with rotation.

* The key in use signs; the one before it stays published until the last token that it signed has expired.
* Key ids are thumbprints (RFC 7638): the same key has the same id after a restart.
* `export` is the only way in which private keys leave; what it returns is to be sealed by the vault.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ringwall.model.errors import InternalError
from ringwall.model.ports import Clock

ALGORITHM = "ES256"


@dataclass(frozen=True, slots=True)
class _Held:
    """A key, and when it ceases to be published."""

    key: ECKey
    until_us: int | None


class SigningKeys:
    """The issuer's keys: the one in use first."""

    def __init__(self, clock: Clock, sealed: str = "") -> None:
        """Take up exported keys, or make the first one.

        Args:
            clock: For rotation.
            sealed: What `export` returned earlier; empty for none.

        Raises:
            InternalError: The exported keys cannot be read. New ones would silently log everybody out.
        """
        self._clock = clock
        self._held = _read(sealed) if sealed else (_Held(_new(), None),)

    def rotate(self, publish_s: int) -> None:
        """Sign with a new key; publish the old ones on for this long (at least a token's life), in seconds."""
        now_us = self._clock.now_us()
        until_us = now_us + publish_s * 1_000_000
        old = [
            _Held(each.key, until_us if each.until_us is None else each.until_us)
            for each in self._held
            if each.until_us is None or each.until_us > now_us
        ]
        self._held = (_Held(_new(), None), *old)

    def sign(self, token_type: str, claims: Mapping[str, object]) -> str:
        """A signed token with this `typ`."""
        key = self._held[0].key
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": token_type}
        return jwt.encode(header, dict(claims), key, algorithms=[ALGORITHM])

    def jwks(self) -> dict[str, object]:
        """The public keys, as published."""
        now_us = self._clock.now_us()
        live = [each.key for each in self._held if each.until_us is None or each.until_us > now_us]
        return {"keys": [key.as_dict(private=False, use="sig", alg=ALGORITHM) for key in live]}

    def export(self) -> str:
        """All keys with their private halves. To be sealed; never to be logged or stored in the clear."""
        return json.dumps([{"key": each.key.as_dict(private=True), "until_us": each.until_us} for each in self._held])


def _new() -> ECKey:
    return _named(ECKey.generate_key("P-256"))


def _named(key: ECKey) -> ECKey:
    return ECKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint()})


def _read(sealed: str) -> tuple[_Held, ...]:
    try:
        held = tuple(_Held(_named(ECKey.import_key(each["key"])), each["until_us"]) for each in json.loads(sealed))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise InternalError("the issuer's keys cannot be read", code="issuer_keys", detail=str(error)) from error
    if not held or held[0].until_us is not None:
        raise InternalError("the issuer's keys cannot be read", code="issuer_keys", detail="no key in use")
    return held
