"""Leased roles on a real server: they can do what their group can, until they are gone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets as random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.plan import CredentialPlan
from ringwall.model.vault import Lease
from ringwall.model.verdict import Grant
from ringwall.vault.postgres import PostgresLeases, address, role_of
from tests.services import postgres_schema
from tests.vault.lent import ADA, BOB, Lent, lent

ORDERS = Grant("lease", "orders")


@dataclass
class Server:
    """A schema with orders that a group may read, and leases of that group."""

    url: str
    schema: str
    group: str
    shop: Lent

    def run(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def roles(self) -> list[str]:
        wanted = """
        SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
        JOIN pg_roles g ON g.oid = m.roleid WHERE g.rolname = %s
        """
        return [name for (name,) in self.run(wanted, self.group)]

    def connect(self, lease: Lease, **more: Any) -> psycopg.Connection[Any]:
        options = f"-csearch_path={self.schema}"
        return psycopg.connect(lease.address, password=lease.secret, options=options, autocommit=True, **more)

    def take(self, principal: Any = ADA) -> Lease:
        return asyncio.run(self.shop.take(ORDERS, principal))


@pytest.fixture
def server() -> Iterator[Server]:
    with postgres_schema() as url:
        plain = make_url(url)
        schema = str(plain.query["options"]).partition("=")[2]
        group = f"g_{random.token_hex(6)}"
        planned = CredentialPlan("orders", "postgres", "env:URL", frozenset(), "read", group, 1, frozenset({"shop"}))
        made = Server(url, schema, group, lent({"orders": planned}, {"env:URL": url}))
        made.run(f"CREATE ROLE {group} NOLOGIN")
        made.run(f"CREATE TABLE {schema}.orders (id int); INSERT INTO {schema}.orders VALUES (1), (2)")
        made.run(f"CREATE TABLE {schema}.payments (card text)")
        made.run(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {group}; GRANT SELECT ON {schema}.orders TO {group}")
        try:
            yield made
        finally:
            made.shop.leases.stop()
            left = made.roles()
            for each in left:
                made.run(f"DROP OWNED BY {each}; DROP ROLE {each}")
            made.run(f"REASSIGN OWNED BY {group} TO CURRENT_USER; DROP OWNED BY {group}; DROP ROLE {group}")


@pytest.mark.postgres
def test_a_leased_role_can_do_what_its_group_can_and_no_more(server: Server) -> None:
    lease = server.take()
    assert lease.secret not in lease.address
    with server.connect(lease) as connection:
        assert connection.execute("SELECT current_user, count(*) FROM orders").fetchone() == (role_of(lease.id), 2)
        for forbidden in (
            "SELECT card FROM payments",
            "INSERT INTO orders VALUES (3)",
            "CREATE ROLE other",
            f"ALTER ROLE {role_of(lease.id)} VALID UNTIL 'infinity'",
            f"SET ROLE {server.run('SELECT current_user')[0][0]}",
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(forbidden)  # type: ignore[call-overload]


@pytest.mark.postgres
def test_the_password_is_a_scram_verifier_and_the_role_has_an_end(server: Server) -> None:
    lease = server.take()
    ((verifier, until_us, limit, superuser),) = server.run(
        "SELECT rolpassword, (extract(epoch FROM rolvaliduntil) * 1000000)::bigint, rolconnlimit, rolsuper "
        "FROM pg_authid WHERE rolname = %s",
        role_of(lease.id),
    )
    assert abs(until_us - lease.expires_us) <= 1 and (limit, superuser) == (4, False)
    scheme, iterations, rest = verifier.partition("$")[0], *verifier.partition("$")[2].split("$", 1)
    rounds, salt = iterations.split(":")
    stored = rest.split(":")[0]
    salted = hashlib.pbkdf2_hmac("sha256", lease.secret.encode(), base64.b64decode(salt), int(rounds))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    assert scheme == "SCRAM-SHA-256"
    assert base64.b64decode(stored) == hashlib.sha256(client_key).digest()


@pytest.mark.postgres
def test_given_back_its_sessions_end_and_the_role_is_gone(server: Server) -> None:
    lease = server.take()
    with pytest.raises(psycopg.OperationalError), server.connect(lease) as connection:
        connection.execute("CREATE TABLE left_behind (x int)")
        asyncio.run(server.shop.leases.give_back(lease.id))
        for _ in range(200):
            connection.execute("SELECT pg_sleep(0.01)")
    with pytest.raises(psycopg.OperationalError):
        server.connect(lease)
    assert server.roles() == []
    owner = server.run(
        "SELECT tableowner FROM pg_tables WHERE tablename = 'left_behind' AND schemaname = %s", server.schema
    )
    assert owner == [(server.group,)]
    asyncio.run(server.shop.leases.give_back(lease.id))


@pytest.mark.postgres
def test_containment_takes_the_roles_of_one_and_leaves_the_others(server: Server) -> None:
    ada, bob = server.take(), server.take(BOB)
    assert server.shop.leases.end_concerned([f"principal:{ADA.name}"]) == 1
    assert server.roles() == [role_of(bob.id)]
    with pytest.raises(psycopg.OperationalError):
        server.connect(ada)
    server.connect(bob).close()


@pytest.mark.postgres
def test_what_a_process_that_died_left_is_swept_by_the_next(server: Server) -> None:
    lease = server.take()
    planned = server.shop.leases._credentials
    heir = lent(dict(planned), {"env:URL": server.url})
    heir.store.rows = server.shop.store.rows
    server.shop.leases._live.clear()  # as after kill -9: the record is all that is left
    heir.leases.tend(frozenset())
    assert server.roles() == [role_of(lease.id)]
    heir.clock.behind_us = -61_000_000
    heir.leases.tend(frozenset())
    assert server.roles() == []
    assert heir.store.rows[lease.id].ended_by == "expired"


@pytest.mark.postgres
def test_what_fails_half_way_leaves_no_role_and_tells_no_secret(server: Server) -> None:
    planned = replace(server.shop.leases._credentials["orders"], group="no_such_group")
    server.shop.leases.configure({"orders": planned})
    with pytest.raises(InternalError) as raised:
        server.take()
    (row,) = server.shop.store.rows.values()
    assert raised.value.code == "database_unavailable" and row.ended_by == "failed"
    assert server.run("SELECT 1 FROM pg_roles WHERE rolname = %s", role_of(row.id)) == []
    assert "rwl_" not in str(raised.value) + raised.value.detail and "SCRAM" not in raised.value.detail


def test_a_server_that_is_not_there_is_an_error_with_the_credential_s_name() -> None:
    planned = CredentialPlan("orders", "postgres", "env:URL", frozenset(), "read", "g", 1, frozenset({"shop"}))
    shop = lent({"orders": planned}, {"env:URL": "postgresql://admin:the-password@127.0.0.1:1/db"})
    with pytest.raises(InternalError) as raised:
        asyncio.run(shop.take(ORDERS))
    assert '"orders"' in raised.value.detail and "the-password" not in str(raised.value) + raised.value.detail


def test_a_secret_that_is_not_there_is_an_error() -> None:
    def reveal(_: str) -> str:
        raise ConfigError('the environment variable "URL" is not set')

    planned = CredentialPlan("orders", "postgres", "env:URL", frozenset(), "read", "g", 1, frozenset({"shop"}))
    leases = PostgresLeases({"orders": planned}, reveal)
    with pytest.raises(InternalError, match="cannot be leased"):
        leases.open(replace(_row(), credential="orders"), "s")


def _row() -> Any:
    from tests.vault.test_broker_process import row

    return row()


@pytest.mark.parametrize("name", ["", "a" * 31, "A" * 32, "a" * 31 + '"', "x; DROP ROLE admin; --" + "a" * 10])
def test_a_role_is_named_by_us_alone(name: str) -> None:
    with pytest.raises(InternalError):
        role_of(name)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        (
            "postgresql://admin:pw@db.example:6432/shop?sslmode=require",
            "postgresql://r@db.example:6432/shop?sslmode=require",
        ),
        ("postgresql://admin@[::1]/shop", "postgresql://r@[::1]/shop"),
        ("postgresql:///shop", "postgresql://r@127.0.0.1/shop"),
    ],
)
def test_the_address_holds_nothing_of_the_administrator(url: str, where: str) -> None:
    assert address(url, "r") == where
