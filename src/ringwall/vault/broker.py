"""May this statement be run under this lease, for this principal? A process that alone opens a database file.

Started by the gateway (`broker_process`). Standard input says what it serves, and then which leases live; it ends when
that closes. Tool servers reach it over a socket in a folder that only its user can enter, one request a line:

    {"lease": <secret>, "context": <call context>, "sql": <one statement>, "parameters": [...]}

* The lease must be known, alive, and the one that the call context names, with its principal, workload and credential.
* The file is opened anew for each statement, with the lease's mode; SQLite's authorizer lets it touch the lease's
  tables and nothing else: no other table, no schema, no pragma, no attached file, no extension.
* A lease that is revoked or expires while a statement runs interrupts it, and its rows are not given out.
* Statements, rows, time and clients are bounded. Answers hold codes; neither secrets nor the file's path.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socketserver
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from ringwall.vault.context import read

MAX_REQUEST_BYTES = 1024 * 1024
MAX_ROWS = 10_000
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_CLIENTS = 64
STATEMENT_S = 10.0
"""Seconds that one statement may run."""
IDLE_S = 60.0
"""Seconds that a connection may say nothing."""
STEPS = 2000
"""Steps of SQLite's machine between two looks at whether its lease still lives."""
MAX_VALUE_BYTES = 1024 * 1024
MAX_SQL_BYTES = 64 * 1024
_BUSY_S = 5.0
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_WRITES = _READS | {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
_ON_TABLES = frozenset({sqlite3.SQLITE_READ, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_NO_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "sqlite_log", "randomblob", "zeroblob"})


class RefusedError(Exception):
    """A request that is not served, by its code."""


@dataclass(frozen=True, slots=True)
class Served:
    """A file and what may be done with it."""

    path: str
    mode: str
    tables: frozenset[str]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A lease that lives."""

    id: str
    secret_sha256: bytes
    principal: str
    workload: str
    credential: str
    expires_us: int


class Broker:
    """The leases that live and the files that they open."""

    def __init__(self, key: bytes, served: Mapping[str, Served], now_us: Callable[[], int]) -> None:
        """Take what it serves.

        Args:
            key: With which call contexts are signed.
            served: Credential name to file.
            now_us: Time, microseconds since 1970-01-01 UTC.
        """
        self._key = key
        self._served = served
        self._now_us = now_us
        self._leases: dict[str, Admitted] = {}

    def admit(self, lease: Admitted) -> None:
        """Let a lease live."""
        for each in [each.id for each in self._leases.values() if each.expires_us <= self._now_us()]:
            self._leases.pop(each, None)
        self._leases[lease.id] = lease

    def forget(self, lease: str) -> None:
        """End a lease. A statement that runs under it is interrupted."""
        self._leases.pop(lease, None)

    def answer(self, line: bytes) -> dict[str, object]:
        """What one request comes to."""
        try:
            request = json.loads(line)
            return self._run(*_checked(request))
        except RefusedError as error:
            return {"error": str(error)}
        except (ValueError, RecursionError):
            return {"error": "malformed"}
        except (sqlite3.Error, sqlite3.Warning) as error:
            return {"error": _code(error)}

    def _run(self, secret: str, context: str, sql: str, parameters: list[object]) -> dict[str, object]:
        lease = self._lease(secret, context)
        served = self._served[lease.credential]
        deadline = time.monotonic() + STATEMENT_S

        def must_stop() -> bool:
            return time.monotonic() > deadline or not self._lives(lease)

        mode = "rw" if served.mode == "write" else "ro"
        uri = f"file:{quote(served.path)}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None, cached_statements=0)
        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
            connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES)
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.set_authorizer(_authorizer(served))
            connection.set_progress_handler(must_stop, STEPS)
            cursor = connection.execute(sql, parameters)
            columns = [each[0] for each in cursor.description or ()]
            rows = _rows(cursor)
            changes = max(cursor.rowcount, 0)
        finally:
            connection.close()
        if not self._lives(lease):
            raise RefusedError("lease_over")
        return {"columns": columns, "rows": rows, "changes": changes}

    def _lease(self, secret: str, context: str) -> Admitted:
        """The lease of a request, checked against its call context.

        Raises:
            RefusedError: Unknown, over, or taken for somebody or something else.
        """
        _, _, rest = secret.partition("_")
        lease = self._leases.get(rest.partition("_")[0])
        # Compared in constant time by comparing digests: nobody can choose a digest's prefix.
        if lease is None or hashlib.sha256(secret.encode()).digest() != lease.secret_sha256:
            raise RefusedError("unknown_lease")
        if not self._lives(lease):
            raise RefusedError("lease_over")
        call = read(self._key, context, self._now_us())
        if call is None:
            raise RefusedError("bad_context")
        if (call.lease, call.principal, call.workload, call.credential) != (
            lease.id, lease.principal, lease.workload, lease.credential,
        ):  # fmt: skip
            raise RefusedError("another_principal")
        return lease

    def _lives(self, lease: Admitted) -> bool:
        return lease.id in self._leases and lease.expires_us > self._now_us()


def _checked(request: object) -> tuple[str, str, str, list[object]]:
    if not isinstance(request, dict) or set(request) != {"lease", "context", "sql", "parameters"}:
        raise RefusedError("malformed")
    lease, context, sql, parameters = (request[each] for each in ("lease", "context", "sql", "parameters"))
    words = all(isinstance(each, str) and "\0" not in each for each in (lease, context, sql))
    plain = isinstance(parameters, list) and all(
        each is None or isinstance(each, (str, int, float)) for each in parameters
    )
    if not words or not plain or any(isinstance(each, int) and abs(each) >= 2**63 for each in parameters):
        raise RefusedError("malformed")
    return lease, context, sql, parameters


def _authorizer(served: Served) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    """Says for each thing that a statement would do whether it may. `source`: the trigger or view that does it."""
    allowed = _WRITES if served.mode == "write" else _READS
    tables = frozenset(each.lower() for each in served.tables)

    def authorize(action: int, one: str | None, two: str | None, database: str | None, source: str | None) -> int:
        if action not in allowed:
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION and (two or "").lower() in _NO_FUNCTIONS:
            return sqlite3.SQLITE_DENY
        if action in _ON_TABLES:
            # A lent view may read what it is made of; a trigger on a lent table may touch lent tables only.
            lent = (
                {(one or "").lower(), (source or "").lower()}
                if action == sqlite3.SQLITE_READ
                else {(one or "").lower()}
            )
            if database not in (None, "main") or not lent & tables:
                return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    return authorize


def _rows(cursor: sqlite3.Cursor) -> list[list[object]]:
    rows: list[list[object]] = []
    size = 0
    for row in cursor:
        made = [{"base64": base64.b64encode(each).decode()} if isinstance(each, bytes) else each for each in row]
        size += sum(len(each) if isinstance(each, (str, bytes)) else 8 for each in row)
        rows.append(made)
        if len(rows) > MAX_ROWS or size > MAX_ANSWER_BYTES:
            raise RefusedError("answer_too_large")
    return rows


def _code(error: sqlite3.Error | sqlite3.Warning) -> str:
    """An error of SQLite as a code: its own text may name what the lease does not lend."""
    name = getattr(error, "sqlite_errorname", "") or ""
    known = {"SQLITE_AUTH": "not_lent", "SQLITE_INTERRUPT": "interrupted", "SQLITE_READONLY": "not_lent"}
    if name in known:
        return known[name]
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "busy"
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_IOERR", "SQLITE_PERM")):
        return "database_unavailable"
    return "constraint" if name.startswith("SQLITE_CONSTRAINT") else "statement_refused"


class _Handler(socketserver.StreamRequestHandler):
    timeout = IDLE_S

    def handle(self) -> None:
        server = cast(_Server, self.server)
        if not server.clients.acquire(blocking=False):
            self._say({"error": "busy"})
            return
        try:
            while line := self.rfile.readline(MAX_REQUEST_BYTES + 1):
                if not line.endswith(b"\n"):
                    self._say({"error": "malformed"})
                    return
                self._say(server.broker.answer(line))
        except OSError:  # the client went away, or said nothing for too long
            return
        finally:
            server.clients.release()

    def _say(self, answer: Mapping[str, object]) -> None:
        self.wfile.write(json.dumps(answer).encode() + b"\n")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, path: str, broker: Broker) -> None:
        self.broker = broker
        self.clients = threading.BoundedSemaphore(MAX_CLIENTS)
        super().__init__(path, _Handler)


def _command(broker: Broker, line: bytes) -> None:
    """Admit or forget, as the gateway says."""
    said: dict[str, Any] = json.loads(line)
    if "forget" in said:
        broker.forget(said["forget"])
        return
    lease = said["admit"]
    broker.admit(Admitted(**{**lease, "secret_sha256": bytes.fromhex(lease["secret_sha256"])}))


def main() -> None:
    """Serve until standard input closes."""
    os.umask(0o077)
    first = json.loads(sys.stdin.buffer.readline())
    served = {
        name: Served(each["path"], each["mode"], frozenset(each["tables"])) for name, each in first["served"].items()
    }
    broker = Broker(bytes.fromhex(first["key"]), served, lambda: time.time_ns() // 1000)
    with _Server(first["socket"], broker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _acknowledge()
        for line in sys.stdin.buffer:
            _command(broker, line)
            _acknowledge()
        server.shutdown()
    with suppress(OSError):  # a gateway that was killed removes nothing
        os.unlink(first["socket"])
        os.rmdir(os.path.dirname(first["socket"]))


def _acknowledge() -> None:
    sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
