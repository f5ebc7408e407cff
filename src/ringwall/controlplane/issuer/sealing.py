"""How is a small secret kept in the database? Sealed with AES-256-GCM, bound to whose it is.

* The key comes from outside (the vault, or a key derived from the root key) and is never stored next to what it seals.
* A sealed value opens only with the same key and the same binding: moved to another row, it is rubbish.
"""

from __future__ import annotations

import secrets
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ringwall.model.errors import InternalError

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


class Seal(Protocol):
    """Seals and opens small secrets."""

    def seal(self, secret: bytes, binding: bytes) -> bytes:
        """The secret, sealed and bound."""
        ...

    def open(self, sealed: bytes, binding: bytes) -> bytes:
        """The secret.

        Raises:
            InternalError: Another key, another binding, or changed bytes.
        """
        ...


class AesGcmSeal:
    """`Seal` with one key of 256 bits. Random nonces are sound for the few thousand values that an issuer seals."""

    def __init__(self, key: bytes) -> None:
        """Take the key.

        Raises:
            InternalError: Not 32 bytes.
        """
        if len(key) != KEY_BYTES:
            raise InternalError("the sealing key cannot be used", code="sealing_key", detail=f"bytes=<{len(key)}>")
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, binding: bytes) -> bytes:
        """See `Seal`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret, _VERSION + binding)

    def open(self, sealed: bytes, binding: bytes) -> bytes:
        """See `Seal`."""
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != _VERSION:
                raise ValueError("unknown version")
            return self._cipher.decrypt(nonce, body, _VERSION + binding)
        except (InvalidTag, ValueError) as error:
            raise InternalError(
                "a sealed value cannot be opened", code="sealed", detail=type(error).__name__
            ) from error
