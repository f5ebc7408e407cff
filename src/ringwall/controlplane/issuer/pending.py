"""What does the issuer keep between two requests? One-time things, in memory, bounded, each with an end.

* A name is 256 random bits; it is kept as its SHA-256, so that a look at memory or a timing tells nobody a live one.
* Taking is single-use: what was taken is gone, whether or not the rest of the request succeeds.
* One process, one memory: the embedded issuer is for one machine. A restart forgets what was pending; people log in
  again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from typing import Generic, TypeVar

from ringwall.model.ports import Clock

T = TypeVar("T")

MAX_PENDING = 1000


class Pending(Generic[T]):
    """One kind of pending thing."""

    def __init__(self, clock: Clock, lifetime_s: float, limit: int = MAX_PENDING) -> None:
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._limit = limit
        self._kept: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def put(self, value: T) -> str:
        """Keep a value; its unguessable name."""
        now_s = self._clock.monotonic()
        while self._kept and (len(self._kept) >= self._limit or next(iter(self._kept.values()))[0] <= now_s):
            self._kept.popitem(last=False)
        name = secrets.token_urlsafe(32)
        self._kept[_digest(name)] = (now_s + self._lifetime_s, value)
        return name

    def look(self, name: str) -> T | None:
        """The value of this name, if it is still pending."""
        found = self._kept.get(_digest(name))
        return found[1] if found is not None and self._clock.monotonic() < found[0] else None

    def take(self, name: str) -> T | None:
        """The value of this name, which is gone from now on."""
        value = self.look(name)
        self._kept.pop(_digest(name), None)
        return value


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
