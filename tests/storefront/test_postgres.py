"""The shop in PostgreSQL: whole, replaced as a whole, and nothing of anybody else's is touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ringwall.model.errors import ConfigError
from ringwall.storefront.data import TABLES, rows
from ringwall.storefront.postgres import SCHEMA, build, group_of
from ringwall.storefront.server import _on_postgres
from tests.services import postgres_database

LENT = {"catalog": ["products", "reviews"], "records": list(TABLES)}


@pytest.fixture
def url() -> Iterator[str]:
    with postgres_database() as made:
        yield made


def run(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


@pytest.mark.postgres
def test_it_is_the_same_shop_sealed_where_it_says_so(url: str) -> None:
    build(url, lambda table, column, row, value: f"sealed {table}.{column} {row['id']}", LENT)
    for table, wanted in rows().items():
        names = ", ".join(wanted[0])
        found = run(url, f"SELECT {names} FROM {SCHEMA}.{table} ORDER BY id")
        if table == "payments":
            wanted = [{**each, "card_number": f"sealed payments.card_number {each['id']}"} for each in wanted]
        assert found == [tuple(each.values()) for each in wanted]


@pytest.mark.postgres
def test_a_group_reads_its_tables_and_can_do_nothing_else(url: str) -> None:
    groups = build(url, None, LENT)
    assert groups == {name: group_of(name, url.rpartition("/")[2]) for name in LENT}
    for name, group in groups.items():
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"SET ROLE {group}")  # type: ignore[call-overload]
            for table in TABLES:
                for statement, may in (
                    (f"SELECT * FROM {SCHEMA}.{table}", table in LENT[name]),
                    (f"DELETE FROM {SCHEMA}.{table}", False),
                ):
                    if may:
                        connection.execute(statement)  # type: ignore[call-overload]
                    else:
                        with pytest.raises(psycopg.errors.InsufficientPrivilege):
                            connection.execute(statement)  # type: ignore[call-overload]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"CREATE TABLE {SCHEMA}.mine (id int)")  # type: ignore[call-overload]
        (login,) = run(url, f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{group}'")
        assert login == (False,)


@pytest.mark.postgres
def test_it_is_replaced_as_a_whole_and_beside_it_nothing_changes(url: str) -> None:
    run(url, "CREATE TABLE products (mine text); INSERT INTO products VALUES ('kept')")
    build(url, None, LENT)
    run(url, f"DELETE FROM {SCHEMA}.orders; UPDATE {SCHEMA}.products SET name = 'x'")
    assert build(url, None, LENT) == build(url, None, LENT)
    assert run(url, f"SELECT count(*) FROM {SCHEMA}.orders") == [(len(rows()["orders"]),)]
    assert run(url, "SELECT * FROM products") == [("kept",)]


FOREIGN = {
    "a schema of that name": f"CREATE SCHEMA {SCHEMA}; CREATE TABLE {SCHEMA}.products (mine text)",
    "a schema whose mark was taken away": f"COMMENT ON SCHEMA {SCHEMA} IS NULL",
    "a table among ours": f"CREATE TABLE {SCHEMA}.invoices (mine text)",
    "a view among ours": f"CREATE VIEW {SCHEMA}.short AS SELECT 1 AS one",
    "a view over one of ours": f"CREATE VIEW public.short AS SELECT name FROM {SCHEMA}.products",
    "a group that may log in": "ALTER ROLE {group} LOGIN",
    "a group whose mark was taken away": "COMMENT ON ROLE {group} IS NULL",
}


@pytest.mark.postgres
@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_the_shops_stays_as_it_is(url: str, name: str) -> None:
    if name != "a schema of that name":
        build(url, None, LENT)
        run(url, f"UPDATE {SCHEMA}.products SET stock = 1000")
    run(url, FOREIGN[name].format(group=group_of("catalog", url.rpartition("/")[2])))
    before = run(url, f"SELECT * FROM {SCHEMA}.products ORDER BY 1")
    with pytest.raises(ConfigError, match=r"not made by ringwall storefront|cannot be written"):
        build(url, None, LENT)
    assert run(url, f"SELECT * FROM {SCHEMA}.products ORDER BY 1") == before


@pytest.mark.postgres
def test_words_are_found_in_any_case_as_sqlite_finds_them(url: str) -> None:
    build(url, None, LENT)
    sql = "SELECT id, name FROM products WHERE name LIKE ? OR about LIKE ? ORDER BY id LIMIT ?"
    assert _on_postgres(url, "", sql, ("%FEN BOOT%", "%FEN BOOT%", 5)) == [{"id": 2, "name": "Fen boot"}]
    assert _on_postgres(url, "", "SELECT name FROM products WHERE id = ?", ("2",)) == [{"name": "Fen boot"}]


@pytest.mark.parametrize("wrong", ["", "sqlite:///x", "postgresql://host", "mysql://host/db"])
def test_what_is_no_url_of_a_database_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="not the URL"):
        build(wrong, None, LENT)


def test_a_server_that_is_not_there_is_an_error_without_the_password() -> None:
    with pytest.raises(ConfigError, match="cannot be written") as raised:
        build("postgresql://admin:the-password@127.0.0.1:1/db", None, LENT)
    assert "the-password" not in str(raised.value)
