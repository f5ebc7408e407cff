"""How is Redis reached? One way to connect, one way to fail, for all that is shared between machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ringwall.model.errors import ConfigError, InternalError

if TYPE_CHECKING:
    from redis.asyncio import Redis

TIMEOUT_S = 1.0
MAX_CONNECTIONS = 64


def connect(url: str) -> Redis:
    """A client with deadlines; it connects when first used.

    Raises:
        ConfigError: The extra `redis` is not installed, or this is no URL.
    """
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
    except ModuleNotFoundError as error:
        raise ConfigError("Redis needs an extra", hint="pip install ringwall[redis]") from error
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
    except ValueError as error:
        raise ConfigError("this is not the URL of a Redis", hint="redis:// or rediss://") from error
    return Redis.from_pool(pool)


@contextmanager
def translated() -> Iterator[None]:
    """Whatever Redis fails with is an `InternalError`."""
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError) as error:
        detail = type(error).__name__
        raise InternalError("shared state cannot be reached", code="redis_unavailable", detail=detail) from error
