"""What do tasks remember, when many machines serve them? The port `Sessions` over Redis or Valkey.

* Compare-and-set by version, in one script: of two machines that change the same version, one is told.
* A session lives `ttl_s` after its last commit. Redis must not forget one before: a server that may evict keys is
  refused at the start, since a forgotten session has forgotten what it saw.
* What cannot be read or written in time is an `InternalError`: nothing is decided on half a memory.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

from ringwall.model.errors import InternalError
from ringwall.model.interaction import SessionKey
from ringwall.model.labels import BEST, Confidentiality, Labels, Trust
from ringwall.model.session import SessionState
from ringwall.store.redis_client import connect, translated
from ringwall.store.sessions import MAX_EVENTS, TTL_S, decode_events, encode_events

if TYPE_CHECKING:
    from redis.asyncio import Redis

_COMMIT = """
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'confidentiality', ARGV[3], 'trust', ARGV[4], 'events', ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[6])
return 1
"""


class RedisSessions:
    """Port `Sessions` over Redis. Belongs to the event loop that uses it first."""

    def __init__(
        self, url: str, *, prefix: str = "ringwall:session:", ttl_s: int = TTL_S, max_events: int = MAX_EVENTS
    ) -> None:
        """Connect when first asked.

        Args:
            url: `redis://` or `rediss://`.
            prefix: Keeps installations apart that share a server.
            ttl_s: How long a session lives after its last commit.
            max_events: The most events that a session may have.

        Raises:
            ConfigError: The extra `redis` is not installed, or this is no URL.
        """
        self._redis: Redis = connect(url)
        self._commit = self._redis.register_script(_COMMIT)
        self._prefix = prefix
        self._ttl_s = ttl_s
        self._max_events = max_events

    async def start(self) -> None:
        """Ask the server whether it keeps what it is given.

        Raises:
            InternalError: It cannot be reached, or may evict keys when its memory is full.
        """
        with translated():
            memory = await self._redis.info("memory")
        policy = memory.get("maxmemory_policy", "noeviction")
        if memory.get("maxmemory") and policy != "noeviction":
            detail = f'maxmemory-policy is "{policy}", not "noeviction"'
            raise InternalError("this Redis may forget sessions", code="sessions_forgetful", detail=detail)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._redis.aclose()

    async def load(self, key: SessionKey) -> SessionState:
        """See port `Sessions`."""
        with translated():
            stored = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._prefix + key))
        if not stored:
            return SessionState(key, labels=BEST)
        try:
            labels = Labels(Confidentiality(int(stored[b"confidentiality"])), Trust(int(stored[b"trust"])))
            return SessionState(key, int(stored[b"version"]), labels, decode_events(stored[b"events"].decode()))
        except (KeyError, ValueError, TypeError) as error:
            detail = type(error).__name__
            raise InternalError("this session cannot be read", code="session_damaged", detail=detail) from error

    async def commit(self, state: SessionState, expected: int) -> bool:
        """See port `Sessions`.

        Raises:
            InternalError: The store cannot be written, or the session has too many events.
        """
        if len(state.events) > self._max_events:
            raise InternalError("this session is too long", code="session_full", detail=f"{len(state.events)} events")
        if state.version <= expected:
            raise InternalError("a session's version rises", code="session_version")
        labels = (int(state.labels.confidentiality), int(state.labels.trust))
        values: list[str | int] = [expected, state.version, *labels, encode_events(state.events), self._ttl_s]
        with translated():
            return bool(await self._commit(keys=[self._prefix + state.key], args=values))
