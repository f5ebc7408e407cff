"""How does the gateway lease SQLite files? Through the broker, which it starts, tells which leases live, and replaces.

* The broker knows nothing but what it is told over its standard input, and ends with the gateway. Each word to it is
  acknowledged within a deadline, or it is killed: a broker that does not listen could not be told of a revocation.
* A broker that died took its leases with it: they are unknown to the next one, and refused.
* Its socket stands in a folder of mode 0700 that is made for it and removed with it.
"""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from ringwall.model.errors import InternalError
from ringwall.model.plan import CredentialPlan
from ringwall.model.vault import LeaseRow

ACKNOWLEDGE_S = 5.0
"""Seconds in which the broker must say that it has taken something in, its start included."""
END_S = 2.0


class SqliteLeases:
    """The kind `sqlite`: leases that the broker knows."""

    def __init__(self, key: bytes, credentials: Mapping[str, CredentialPlan]) -> None:
        """Start nothing yet: the first lease does.

        Args:
            key: With which call contexts are signed.
            credentials: Those of this kind.
        """
        self._key = key
        self._credentials = credentials
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    @property
    def pid(self) -> int | None:
        """The broker's process, or None while there is none."""
        return None if self._process is None else self._process.pid

    def open(self, row: LeaseRow, secret: str) -> str:
        """Let a lease live; the broker's socket. Blocks for a moment.

        Raises:
            InternalError: There is no broker, and none could be started.
        """
        said = {
            "id": row.id,
            "secret_sha256": row.secret_sha256.hex(),
            "principal": row.principal,
            "workload": row.workload,
            "credential": row.credential,
            "expires_us": row.expires_us,
        }
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            self._say({"admit": said})
            return str(self._socket())

    def close(self, row: LeaseRow) -> None:
        """End a lease. A broker that is gone has ended it already."""
        with self._lock:
            if self._process is None:
                return
            try:
                self._say({"forget": row.id})
            except InternalError:
                return  # it was killed, and its leases with it

    def stop(self) -> None:
        """End the broker."""
        with self._lock:
            self._end()

    def _socket(self) -> Path:
        if self._folder is None:
            raise _gone("not started")
        return self._folder / "broker.sock"

    def _start(self) -> None:
        self._end()
        self._folder = Path(tempfile.mkdtemp(prefix="ringwall-broker-"))  # mode 0700, and short enough for a socket
        served = {
            name: {"path": each.database, "mode": each.mode, "tables": sorted(each.tables)}
            for name, each in self._credentials.items()
        }
        command = [sys.executable, "-I", "-m", "ringwall.vault.broker"]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, nothing from outside
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}, start_new_session=True, bufsize=0
            )
        except OSError as error:
            raise _gone(str(error.strerror)) from error
        self._say({"key": self._key.hex(), "socket": str(self._socket()), "served": served})

    def _say(self, words: Mapping[str, object]) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise _gone("not started")
        try:
            process.stdin.write(json.dumps(words).encode() + b"\n")
            ready, _, _ = select.select([process.stdout], [], [], ACKNOWLEDGE_S)
            if ready and process.stdout.read(1) == b"\n":
                return
        except (OSError, ValueError) as error:
            self._end()
            raise _gone(type(error).__name__) from error
        self._end()
        raise _gone("no answer")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(END_S)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _gone(detail: str) -> InternalError:
    return InternalError("the credential broker cannot be used", code="broker_gone", detail=detail)
