"""Redis that is not there, or not a Redis, refuses in time."""

from __future__ import annotations

import asyncio

import pytest

from ringwall.model.errors import ConfigError, InternalError
from ringwall.store.redis_client import connect, translated


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(ConfigError):
        connect("http://127.0.0.1")


def test_a_server_that_is_not_there_is_an_internal_error() -> None:
    async def run() -> None:
        client = connect("redis://127.0.0.1:1/0")
        with pytest.raises(InternalError) as raised, translated():
            await client.ping()
        assert raised.value.code == "redis_unavailable"
        await client.aclose()

    asyncio.run(run())
