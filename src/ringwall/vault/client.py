"""How does a tool server use a lease of a SQLite file? One statement, over the broker's socket.

For tool servers: it needs nothing but the standard library. Every answer has a deadline; a broker that is gone is an
error at once, and never a wait.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass

MAX_ANSWER_BYTES = 16 * 1024 * 1024
ANSWER_S = 15.0
"""Seconds that one statement may take, with its way there and back."""


class LeaseError(Exception):
    """The statement was not run, or its answer did not come; the code says why.

    Attributes:
        code: `unknown_lease`, `lease_over`, `bad_context`, `another_principal`, `not_lent`, `interrupted`, `busy`,
            `answer_too_large`, `statement_refused`, `constraint`, `database_unavailable`, `malformed` or `broker_gone`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f'the statement was not run: "{code}"')
        self.code = code


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement came to.

    Attributes:
        columns: The names of the columns.
        rows: The rows; a blob is `{"base64": ...}`.
        changes: How many rows were changed.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    changes: int


def execute(
    address: str,
    secret: str,
    context: str,
    sql: str,
    parameters: Sequence[str | int | float | None] = (),
    *,
    timeout_s: float = ANSWER_S,
) -> Rows:
    """Run one statement under a lease.

    Args:
        address: The broker's socket, as the lease names it.
        secret: The lease's secret.
        context: The call context that came with this very call.
        sql: One statement, with `?` for what varies.
        parameters: What varies.
        timeout_s: Seconds to wait.

    Raises:
        LeaseError: It was refused or failed, by its code.
    """
    request = {"lease": secret, "context": context, "sql": sql, "parameters": list(parameters)}
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(address)
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline(MAX_ANSWER_BYTES + 1)
    except OSError as error:
        raise LeaseError("broker_gone") from error
    if not line.endswith(b"\n"):
        raise LeaseError("broker_gone")
    answer = json.loads(line)
    if "error" in answer:
        raise LeaseError(answer["error"])
    return Rows(tuple(answer["columns"]), tuple(tuple(each) for each in answer["rows"]), answer["changes"])
