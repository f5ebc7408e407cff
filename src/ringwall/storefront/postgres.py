"""How does the shop stand in PostgreSQL? In a schema of its own, with a group for each credential of its configuration.

* Everything is made in one transaction: the shop is there whole, or nothing was changed.
* Only what bears our mark (a comment) is replaced. A schema or a group of our name without it, a table in our schema
  that is not the shop's, and a view of somebody else's over one of our tables end in an error, and everything stays.
* A group can log in nowhere and may read the tables of its credential, and nothing else. Its name holds a digest of the
  database's: groups belong to the whole server, and the shop of one database is not the shop of another.
* The URL's password is never part of an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ringwall.model.errors import ConfigError
from ringwall.storefront.data import COLUMNS, TABLES, Seal, stored

if TYPE_CHECKING:
    import psycopg

SCHEMA = "ringwall_storefront"
MARK = "made by ringwall storefront, which replaces it"
CONNECT_S = 5
STATEMENT_MS = 30_000
_LOCK = 0x52575348
"""Two who make the shop at once do it one after the other."""


def build(url: str, seal: Seal | None, credentials: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Write the shop into a database, anew.

    Steps:
        1. Whatever is there under our names is ours, or nothing is done.
        2. The old shop goes, the new one comes, row by row as `stored` has it.
        3. Each credential's group may read its tables.

    Args:
        url: Of an administrator who may create schemas in this database, and roles.
        seal: Seals what stands in `SEALED_COLUMNS`; None leaves it in clear.
        credentials: For each credential the tables that it may touch.

    Returns:
        Credential to group.

    Raises:
        ConfigError: The database cannot be used, or holds something of that name that is not ours.
    """
    split = urlsplit(url)
    if split.scheme not in ("postgresql", "postgres") or not split.path.strip("/"):
        hint = "postgresql://user@host:5432/database"
        raise ConfigError("this is not the URL of a PostgreSQL database", hint=hint)
    try:
        import psycopg
    except ModuleNotFoundError as error:
        raise ConfigError("PostgreSQL needs an extra", hint="pip install ringwall[postgres]") from error
    options = f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={STATEMENT_MS}"
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_S, options=options) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            groups = {name: group_of(name, connection.info.dbname) for name in credentials}
            _check_ours(connection, list(groups.values()))  # 1
            _write(connection, seal)  # 2
            for name, group in groups.items():
                _permit(connection, group, credentials[name])  # 3
    except psycopg.Error as error:
        said = error.diag.message_primary or type(error).__name__
        raise ConfigError(f"the shop cannot be written to this database: {said}") from error
    return groups


def group_of(credential: str, database: str) -> str:
    """The group whose members may read what a credential names, in one database."""
    return f"storefront_{credential}_{hashlib.sha256(database.encode()).hexdigest()[:8]}"


def _check_ours(connection: psycopg.Connection[Any], groups: Sequence[str]) -> None:
    """Step 1.

    Raises:
        ConfigError: Something bears our name and is not ours.
    """
    found = connection.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", (SCHEMA,)
    ).fetchone()
    if found is not None and found[0] != MARK:
        raise _not_ours(f'schema "{SCHEMA}"')
    others = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind <> 'i' "
        "AND relname <> ALL(%s) ORDER BY relname",
        (SCHEMA, list(TABLES)),
    ).fetchone()
    if others is not None:
        raise _not_ours(f'table "{SCHEMA}.{others[0]}"')
    for group in groups:
        role = connection.execute(
            "SELECT rolcanlogin OR rolsuper, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = %s",
            (group,),
        ).fetchone()
        if role is not None and (role[0] or role[1] != MARK):
            raise _not_ours(f'role "{group}"')


def _not_ours(what: str) -> ConfigError:
    hint = "give the shop a database of its own, or rename what stands there"
    return ConfigError(f"{what} was not made by ringwall storefront, and stays as it is", hint=hint)


def _write(connection: psycopg.Connection[Any], seal: Seal | None) -> None:
    """Step 2."""
    from psycopg import sql

    schema = sql.Identifier(SCHEMA)
    for table in TABLES:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(SCHEMA, table)))
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(schema))
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(schema, sql.Literal(MARK)))
    for table, columns in COLUMNS.items():
        typed = sql.SQL(columns.replace("REAL", "DOUBLE PRECISION"))  # theirs has single precision only
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(SCHEMA, table), typed))
    for table, row in stored(seal):
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(SCHEMA, table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        connection.execute(statement, tuple(row.values()))


def _permit(connection: psycopg.Connection[Any], group: str, tables: Sequence[str]) -> None:
    """Step 3: the group, made if absent, may read these tables."""
    from psycopg import sql

    role = sql.Identifier(group)
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (group,)).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(role, sql.Literal(MARK)))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(SCHEMA), role))
    named = sql.SQL(", ").join(sql.Identifier(SCHEMA, table) for table in tables)
    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(named, role))
