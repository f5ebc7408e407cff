"""What must be destroyed so that a key is gone, whoever holds a copy of the database? Its share.

Each version of a column's key is wrapped under a key that is derived from two things: the root key, and a share of 32
random bytes that belongs to this version alone. Shares stand beside the root key, outside the data directory.

* A copy of the database and the root key together open nothing whose share is gone. That is what shredding promises.
* It cannot promise anything against a copy of the shares: leave this folder out of backups that outlive the data, or
  let their retention be the promise. Nor against blocks that a file system or a disk kept, a process's memory before
  its next look (a second at most), or values that were opened before.
* A share is made once, whole or not at all, readable by its owner alone. It is overwritten before it is removed.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from ringwall.model.errors import InternalError

SHARE_BYTES = 32
NAME_BYTES = 16


class Shares:
    """The shares of one installation."""

    __slots__ = ("_folder",)

    def __init__(self, folder: Path) -> None:
        """Use a folder, which is made when the first share is.

        Args:
            folder: Where they stand; outside the data directory.
        """
        self._folder = folder

    def make(self) -> tuple[str, bytes]:
        """A new share, made durable, and its name.

        Raises:
            InternalError: It cannot be kept.
        """
        name = secrets.token_hex(NAME_BYTES)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            share = secrets.token_bytes(SHARE_BYTES)
            descriptor = os.open(
                self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            with os.fdopen(descriptor, "wb") as file:
                file.write(share)
                file.flush()
                os.fsync(descriptor)
            self._sync()
        except OSError as error:
            raise _unusable("made", error) from error
        return name, share

    def read(self, name: str) -> bytes | None:
        """The share of this name; None when there is none.

        Raises:
            InternalError: It is there and cannot be read, is open to others, or is no share.
        """
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable("read", error) from error
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
                raise InternalError(
                    "a key share cannot be used", code="key_share", detail="open to others; make it 0600"
                )
            share = file.read(SHARE_BYTES + 1)
        if len(share) != SHARE_BYTES:
            raise InternalError("a key share cannot be used", code="key_share", detail="it is damaged")
        return share

    def destroy(self, name: str) -> None:
        """Overwrite and remove a share. Nothing happens when it is gone already.

        Raises:
            InternalError: It could not be removed.
        """
        path = self._path(name)
        try:
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                with os.fdopen(descriptor, "r+b", buffering=0) as file:
                    file.write(secrets.token_bytes(SHARE_BYTES))
                    os.fsync(descriptor)
                path.unlink()
                self._sync()
        except OSError as error:
            raise _unusable("destroyed", error) from error

    def _path(self, name: str) -> Path:
        if len(name) != 2 * NAME_BYTES or name.strip("0123456789abcdef"):
            raise InternalError("a key share cannot be used", code="key_share", detail="this is no share's name")
        return self._folder / f"{name}.share"

    def _sync(self) -> None:
        """Make the folder's entries durable."""
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unusable(what: str, error: OSError) -> InternalError:
    detail = f'it cannot be {what}: "{error.strerror}"'
    return InternalError("a key share cannot be used", code="key_share", detail=detail)
