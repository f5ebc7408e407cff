"""How does the gateway lease PostgreSQL? Each lease is a role of its own that can log in until it expires.

* The role's name is random and ours; no part of it comes from outside. It is a member of the configured group, has no
  right of its own, and can open few connections.
* Its password is sent as a SCRAM verifier (RFC 5802), made here: the server, its log and its statistics never see it.
* Ending a lease takes the right to log in first, then ends its sessions, gives what it owns to the group and drops it.
  Every step may be done twice, so that whoever comes after a process that died can finish its work.
* A server that does not ask for passwords (`trust`) checks neither password nor expiry: then a lease ends with its
  sweep, and not with its clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.plan import CredentialPlan
from ringwall.model.vault import LeaseRow

if TYPE_CHECKING:
    import psycopg

CONNECT_S = 5
STATEMENT_MS = 5_000
CONNECTIONS = 4
"""Connections that a leased role may have at a time."""
ROLE = "rw_lease_"
_HEX = frozenset("0123456789abcdef")


class PostgresLeases:
    """The kind `postgres`: roles that come and go."""

    def __init__(self, credentials: Mapping[str, CredentialPlan], reveal: Callable[[str], str]) -> None:
        """Connect to nothing yet.

        Args:
            credentials: Those of this kind.
            reveal: Reads the administrator's URL from where the credential names it.
        """
        self._credentials = credentials
        self._reveal = reveal

    def open(self, row: LeaseRow, secret: str) -> str:
        """Make the role; the URL to connect to, with its name and without its password. Blocks.

        Raises:
            InternalError: The server cannot be reached or refused. No role is left that could log in.
        """
        from psycopg import sql

        planned = self._credentials[row.credential]
        role = role_of(row.id)
        until = datetime.fromtimestamp(row.expires_us / 1e6, UTC).isoformat()
        with self._connected(planned) as connection:
            verifier = connection.pgconn.encrypt_password(secret.encode(), role.encode(), b"scram-sha-256").decode()
            statement = sql.SQL(
                "CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT "
                "CONNECTION LIMIT {limit} PASSWORD {verifier} VALID UNTIL {until} IN ROLE {group}"
            )
            connection.execute(
                statement.format(
                    role=sql.Identifier(role),
                    limit=sql.Literal(CONNECTIONS),
                    verifier=sql.Literal(verifier),
                    until=sql.Literal(until),
                    group=sql.Identifier(planned.group),
                )
            )
        return address(self._url(planned), role)

    def close(self, row: LeaseRow) -> None:
        """Take the role away. Blocks.

        1. It cannot log in any more.
        2. Its sessions end.
        3. What it owns goes to the group; what it was granted is taken back.
        4. It is gone.

        Raises:
            InternalError: It could not be done. Doing it again goes on where it ended.
        """
        from psycopg import sql

        planned = self._credentials[row.credential]
        name = role_of(row.id)
        role, group = sql.Identifier(name), sql.Identifier(planned.group)
        with self._connected(planned) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is None:
                return
            connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))  # 1
            connection.commit()
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (name,)
            )  # 2
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))  # an administrator may need it for 3
            connection.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(role, group))  # 3
            connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))  # 4

    def stop(self) -> None:
        """Nothing is held open."""

    def _url(self, planned: CredentialPlan) -> str:
        try:
            return self._reveal(planned.database)
        except ConfigError as error:
            detail = f'credential "{planned.name}": {error.problem}'
            raise InternalError("this credential cannot be leased", code="no_credential", detail=detail) from error

    @contextmanager
    def _connected(self, planned: CredentialPlan) -> Iterator[psycopg.Connection[Any]]:
        """A connection as the administrator of roles, in one transaction."""
        try:
            import psycopg
        except ModuleNotFoundError as error:
            detail = "pip install ringwall[postgres]"
            raise InternalError("PostgreSQL needs an extra", code="no_credential", detail=detail) from error
        options = f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={STATEMENT_MS}"
        try:
            with psycopg.connect(self._url(planned), connect_timeout=CONNECT_S, options=options) as connection:
                yield connection
        except psycopg.Error as error:
            # Never its text: a statement of ours holds the verifier.
            detail = f'credential "{planned.name}": {type(error).__name__}'
            raise InternalError(
                "this credential cannot be leased", code="database_unavailable", detail=detail
            ) from error


def role_of(lease: str) -> str:
    """The role of a lease.

    Raises:
        InternalError: This is no lease's id.
    """
    if len(lease) != 32 or set(lease) - _HEX:
        raise InternalError("this is no lease", code="no_lease")
    return ROLE + lease


def address(url: str, role: str) -> str:
    """Where a leased role connects to: the administrator's server and database, and nothing else of his URL."""
    split = urlsplit(url)
    # How the connection is protected is not the administrator's secret, and must not be lost on the way.
    kept = urlencode([(name, value) for name, value in parse_qsl(split.query) if name in ("sslmode", "sslrootcert")])
    host = split.hostname or "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    port = f":{split.port}" if split.port else ""
    return urlunsplit(("postgresql", f"{quote(role)}@{host}{port}", split.path, kept, ""))
