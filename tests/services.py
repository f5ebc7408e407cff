"""Where are the services that some tests need? Found, skipped with a reason, or demanded.

A test that needs PostgreSQL, Redis or Debian's ModSecurity skips where there is none. With RINGWALL_REQUIRE_SERVICES=1
it fails instead: that is how a pipeline makes sure that nothing was skipped.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from ringwall.detectors.modsecurity import Profile, make_profile
from ringwall.model.errors import ConfigError

_ENVIRONMENT = os.environ  # where the services are is a matter of the machine, not of the product
POSTGRES = _ENVIRONMENT.get("RINGWALL_TEST_POSTGRES", "postgresql://root@127.0.0.1/test")
REDIS = _ENVIRONMENT.get("RINGWALL_TEST_REDIS", "redis://127.0.0.1:6379/15")


def absent(reason: str) -> NoReturn:
    """Skip this test, or fail it where services are demanded."""
    if _ENVIRONMENT.get("RINGWALL_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def postgres_schema() -> Iterator[str]:
    """The URL of a fresh schema in PostgreSQL, dropped afterwards."""
    url = make_url(POSTGRES).set(drivername="postgresql+psycopg")
    engine = create_engine(url, connect_args={"connect_timeout": 3})
    schema = "t_" + secrets.token_hex(8)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    except OperationalError as error:
        engine.dispose()
        absent(f"no PostgreSQL at {url.render_as_string()}: {type(error.orig).__name__}")
    try:
        fresh = make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
        yield fresh.render_as_string(hide_password=False)
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        engine.dispose()


@contextmanager
def redis_prefix() -> Iterator[tuple[str, str]]:
    """The URL of Redis and a prefix of keys that nobody else uses; they are removed afterwards."""
    import redis

    client = redis.Redis.from_url(REDIS, socket_connect_timeout=3)
    try:
        client.ping()
    except redis.exceptions.ConnectionError:
        client.close()
        absent(f"no Redis at {REDIS}")
    prefix = f"t:{secrets.token_hex(8)}:"
    try:
        yield REDIS, prefix
    finally:
        for key in client.scan_iter(match=prefix + "*"):
            client.delete(key)
        client.close()


def crs_profile() -> Profile:
    """OWASP CRS at its defaults, where Debian's packages are installed."""
    try:
        return make_profile(1, 5)
    except ConfigError as error:
        absent(error.public)


@contextmanager
def postgres_database() -> Iterator[str]:
    """The URL of a fresh database in PostgreSQL, dropped afterwards with the groups that the storefront made for it."""
    from ringwall.storefront.postgres import group_of

    url = make_url(POSTGRES).set(drivername="postgresql+psycopg")
    engine = create_engine(url, connect_args={"connect_timeout": 3}, isolation_level="AUTOCOMMIT")
    name = "t_" + secrets.token_hex(8)
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError as error:
        engine.dispose()
        absent(f"no PostgreSQL at {url.render_as_string()}: {type(error.orig).__name__}")
    try:
        yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            for credential in ("catalog", "records"):
                connection.execute(text(f"DROP ROLE IF EXISTS {group_of(credential, name)}"))
        engine.dispose()
