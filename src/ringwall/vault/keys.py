"""Which key is for what? One key per purpose, derived from the root key with HKDF (RFC 5869); none serves two.

* Digests of content are HMAC-SHA-256 under a key of the workload: equal content of two workloads looks unequal (laws 6
  and 10), and nobody without the key can test a guess.
* Session handles (`dataplane.gateway.session`) are authenticated with a key of their own.
* Sealing is AES-256-GCM with a fresh random nonce, a key per purpose, and associated data that says what the sealed
  bytes are and to whom they belong: what was sealed for one place does not open in another.
* The ledger's signing key is random, made once and kept sealed: the private half never stands in clear, the public half
  and its fingerprint do, for whoever verifies.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ringwall.model.errors import InternalError
from ringwall.model.framework import WorkloadId
from ringwall.vault.root import RootKey

KEY_BYTES = 32
NONCE_BYTES = 12
MAX_WORKLOAD_KEYS = 4096
"""Derived workload keys that are kept at hand."""
_SALT = b"ringwall/keys/1"
_SEALED = b"\x01"


class Keyring:
    """All keys of one installation, derived from its root key as they are asked for."""

    __slots__ = ("_root", "_sealers")

    def __init__(self, root: RootKey) -> None:
        self._root = root
        self._sealers: dict[str, AESGCM] = {}

    def derive(self, purpose: str) -> bytes:
        """The 32-byte key of a purpose, such as `session-handle`. The same purpose is the same key for ever."""
        hkdf = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=_SALT, info=purpose.encode())
        return hkdf.derive(self._root.reveal())

    def seal(self, purpose: str, content: bytes, context: bytes) -> bytes:
        """Encrypt and authenticate.

        Args:
            purpose: Names the key: `totp`, `ledger-key`.
            content: What to hide.
            context: What it is and whose: must be given again to open it. Not hidden, not stored.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        return _SEALED + nonce + self._sealer(purpose).encrypt(nonce, content, context)

    def unseal(self, purpose: str, sealed: bytes, context: bytes) -> bytes:
        """What was sealed.

        Raises:
            InternalError: Not sealed with this key, for this context, or changed since.
        """
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if sealed[:1] != _SEALED or len(nonce) != NONCE_BYTES:
            raise _sealed_for_another(purpose)
        try:
            return self._sealer(purpose).decrypt(nonce, body, context)
        except InvalidTag as error:
            raise _sealed_for_another(purpose) from error

    def _sealer(self, purpose: str) -> AESGCM:
        found = self._sealers.get(purpose)
        if found is None:
            found = self._sealers.setdefault(purpose, AESGCM(self.derive(f"seal/{purpose}")))
        return found


class WorkloadDigests:
    """Port `Digests`: HMAC-SHA-256, one key for each workload."""

    __slots__ = ("_keyed",)

    def __init__(self, keyring: Keyring) -> None:
        @lru_cache(maxsize=MAX_WORKLOAD_KEYS)
        def keyed(workload: WorkloadId) -> bytes:
            return keyring.derive(f"digest/{workload}")

        self._keyed: Callable[[WorkloadId], bytes] = keyed

    def digest(self, workload: WorkloadId, content: bytes) -> str:
        """See port `Digests`."""
        return hmac.digest(self._keyed(workload), content, "sha256").hex()


def fingerprint(public_key: bytes) -> str:
    """A public key's short name: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


class LedgerKey:
    """Port `Signer`: the Ed25519 key that signs the ledger's checkpoints."""

    __slots__ = ("_private", "name", "public_key")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key = private.public_key().public_bytes_raw()
        self.name = f"ringwall-ledger-{fingerprint(self.public_key)}"

    def sign(self, data: bytes) -> bytes:
        """See port `Signer`."""
        return self._private.sign(data)


def load_ledger_key(folder: Path, keyring: Keyring) -> LedgerKey:
    """The signing key of the ledger, made on first use.

    The private key stands sealed in `<folder>/ledger.key`, the public one in `<folder>/ledger.pub` as
    `<key name> <base64>`.

    Raises:
        InternalError: It was sealed under another root key, or cannot be kept.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "ledger.key"
    context = b"ledger signing key"
    try:
        if not path.exists():
            made = Ed25519PrivateKey.generate().private_bytes_raw()
            _write_once(path, keyring.seal("ledger-key", made, context), 0o600)
        key = LedgerKey(Ed25519PrivateKey.from_private_bytes(keyring.unseal("ledger-key", path.read_bytes(), context)))
        public = f"{key.name} {base64.b64encode(key.public_key).decode('ascii')}\n".encode()
        _write_once(folder / "ledger.pub", public, 0o644)
        stored = (folder / "ledger.pub").read_bytes()
    except OSError as error:
        raise InternalError("the ledger key cannot be kept", code="ledger_key", detail=str(error.strerror)) from error
    if stored != public:
        raise InternalError("the ledger key does not match its public half", code="ledger_key", detail="ledger.pub")
    return key


def read_public_key(path: Path) -> bytes:
    """The public key in a `ledger.pub`, for whoever verifies.

    Raises:
        InternalError: The file holds none.
    """
    try:
        name, _, encoded = path.read_text("ascii").strip().partition(" ")
        public = base64.b64decode(encoded, validate=True)
    except (OSError, ValueError) as error:
        raise InternalError("this is not a public key of a ledger", code="ledger_key", detail=f'"{path}"') from error
    if len(public) != KEY_BYTES or name != f"ringwall-ledger-{fingerprint(public)}":
        raise InternalError("this is not a public key of a ledger", code="ledger_key", detail=f'"{path}"')
    return public


def _write_once(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole, unless somebody was first."""
    if path.exists():
        return
    staged = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(staged, path)
    finally:
        staged.unlink(missing_ok=True)


def _sealed_for_another(purpose: str) -> InternalError:
    return InternalError("this was not sealed here for this", code="unseal", detail=f'purpose "{purpose}"')
