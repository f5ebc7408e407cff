"""Where does the root key come from? From outside the data directory: a named file, a passphrase or the OS keyring.

* The root key is 32 random bytes. Every other key is derived from it (`keys`), so whoever copies the data directory
  alone has nothing.
* A key file is readable by its owner alone, is no symbolic link, and does not stand inside the data directory; the
  first use makes it. It is written whole or not at all, and never overwritten.
* A passphrase is stretched with Argon2id (RFC 9106, second recommended option) under a salt that is stored in the data
  directory: the salt is no secret.
* A key that cannot be had is an `InternalError`: nothing goes on without it, and none is made where one should be.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ringwall.model.errors import InternalError

ROOT_KEY_BYTES = 32
SALT_BYTES = 16
MIN_PASSPHRASE_CHARS = 12
ARGON2_TIME_COST = 3
ARGON2_MEMORY_KIB = 64 * 1024
ARGON2_LANES = 4
KEYRING_SERVICE = "ringwall"
_PREFIX = b"ringwall-root-1 "
_MODE = 0o600


class RootKey:
    """The 32 bytes from which all keys are derived. Never printed, logged or stored by anything but `root`."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != ROOT_KEY_BYTES:
            raise InternalError("the root key cannot be used", code="root_key", detail="wrong length")
        self._secret = secret

    def reveal(self) -> bytes:
        """The bytes, for derivation."""
        return self._secret

    def __repr__(self) -> str:
        return "RootKey(...)"


def default_path(config_dir: Path, data_dir: Path) -> Path:
    """Where the root key of this data directory stands by default: `<config_dir>/keys/<data-dir-id>.key`.

    The id is a random name that the data directory keeps, so that it can be moved.
    """
    return config_dir / "keys" / f"{data_dir_id(data_dir)}.key"


def data_dir_id(data_dir: Path) -> str:
    """The data directory's name for itself: made once, kept in `<data_dir>/id`."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = _keep(data_dir / "id", lambda: secrets.token_hex(8).encode() + b"\n").decode("ascii", "replace").strip()
    if len(content) != 16 or content.strip("0123456789abcdef"):
        raise InternalError("the data directory has no valid id", code="root_key", detail=f'"{data_dir / "id"}"')
    return content


def from_file(path: Path, data_dir: Path, *, unsafe_inside_data_dir: bool = False) -> RootKey:
    """The root key in this file, made when there is none.

    Args:
        path: The file.
        data_dir: The directory that the key must not stand in.
        unsafe_inside_data_dir: Accept a key beside the data that it protects: a backup of one is a backup of both.

    Raises:
        InternalError: The file is readable by others, stands in the data directory, is no regular file of ours or
            holds no key.
    """
    resolved = path.parent.resolve() / path.name
    if resolved.is_relative_to(data_dir.resolve()) and not unsafe_inside_data_dir:
        raise _refuse(f'the key file "{path}" stands inside the data directory that it protects')
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = _keep(path, lambda: _PREFIX + base64.b64encode(secrets.token_bytes(ROOT_KEY_BYTES)) + b"\n")
    return _decode(content, f'the file "{path}"')


def from_passphrase(passphrase: str, data_dir: Path) -> RootKey:
    """The root key that this passphrase stretches to. Takes about a tenth of a second and 64 MiB, on purpose.

    Raises:
        InternalError: The passphrase is too short, or the salt is damaged.
    """
    if len(passphrase) < MIN_PASSPHRASE_CHARS:
        raise _refuse(f"a passphrase has at least {MIN_PASSPHRASE_CHARS} characters")
    from argon2.low_level import Type, hash_secret_raw  # lazily: only this way of having a root key needs it

    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    salt = _keep(data_dir / "root.salt", lambda: secrets.token_bytes(SALT_BYTES))
    if len(salt) != SALT_BYTES:
        raise _refuse("the salt of the passphrase is damaged")
    secret = hash_secret_raw(
        passphrase.encode(), salt, ARGON2_TIME_COST, ARGON2_MEMORY_KIB, ARGON2_LANES, ROOT_KEY_BYTES, Type.ID
    )
    return RootKey(secret)


def from_keyring(data_dir: Path) -> RootKey:
    """The root key that the operating system's keyring keeps for this data directory, made when there is none.

    Raises:
        InternalError: There is no keyring here, it is locked, or it holds no key.
    """
    import keyring  # lazily: it looks for its backends when imported
    from keyring.errors import KeyringError

    account = data_dir_id(data_dir)
    try:
        stored = keyring.get_password(KEYRING_SERVICE, account)
        if stored is None:
            made = _PREFIX + base64.b64encode(secrets.token_bytes(ROOT_KEY_BYTES))
            keyring.set_password(KEYRING_SERVICE, account, made.decode("ascii"))
            stored = keyring.get_password(KEYRING_SERVICE, account)
    except KeyringError as error:
        raise _refuse(f'the keyring of this system cannot be used: "{type(error).__name__}"') from error
    return _decode((stored or "").encode(), "the keyring")


def _keep(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of a private file, written first by whoever comes first."""
    with suppress(FileNotFoundError):
        return _read_private(path)
    staged = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):  # another process was first: its key holds
            os.link(staged, path)
    except OSError as error:
        raise _refuse(f'the file "{path}" cannot be made: "{error.strerror}"') from error
    finally:
        staged.unlink(missing_ok=True)
    return _read_private(path)


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _refuse(f'the file "{path}" cannot be read: "{error.strerror}"') from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise _refuse(f'the file "{path}" is not a regular file of this user')
        if status.st_mode & 0o077:
            raise _refuse(
                f'the file "{path}" is open to others, mode "{stat.S_IMODE(status.st_mode):04o}"; make it 0600'
            )
        return file.read(4096)


def _decode(content: bytes, where: str) -> RootKey:
    body = content.strip()
    try:
        secret = base64.b64decode(body.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if not body.startswith(_PREFIX) or len(secret) != ROOT_KEY_BYTES:
        raise _refuse(f"{where} holds no root key")
    return RootKey(secret)


def _refuse(detail: str) -> InternalError:
    return InternalError("the root key cannot be used", code="root_key", detail=detail)
