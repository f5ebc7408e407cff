"""Where do unguessable names come from? The operating system's random source, read in larger pieces.

One read for many names: each read costs a system call and gives up the interpreter's lock. A piece is used once and
never kept. After a fork the child reads anew, so that two processes never share a name.
"""

from __future__ import annotations

import os
import threading

_POOL_BYTES = 4096


class _Pool(threading.local):
    """One piece for each thread, so that no two callers ever take the same bytes."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._bytes, self._at = b"", 0

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._bytes):
            self._bytes, self._at = os.urandom(_POOL_BYTES), 0
        taken = self._bytes[self._at : self._at + count]
        self._at += count
        return taken


_POOL = _Pool()
os.register_at_fork(after_in_child=_POOL.forget)


def random_hex(count: int) -> str:
    """So many random bytes, in hexadecimal."""
    return _POOL.take(count).hex()
