"""How is a gateway started to be attacked? As a process of ours on loopback, with root key and data of its own.

* Free ports are drawn by the process itself, and it says which in its ready file. A process that cannot say so gets a
  socket that listens already (`listening`): a port that was free a moment ago may be somebody's now.
* What was started is ended with this: asked first, then killed. Nothing else is ever ended.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ringwall.model.errors import InternalError

START_S = 120.0
"""Seconds in which a process must serve: a plan of hundreds of workloads takes some."""
STOP_S = 20.0
POLL_S = 0.05
MAX_TOLD_CHARS = 2000
BACKLOG = 512


@dataclass(frozen=True, slots=True)
class StartedGateway:
    """A process that serves.

    Attributes:
        url: Where it is asked.
        token: A credential for this process, or empty.
        ledger: The folder of its ledger.
        pid: The process.
    """

    url: str
    token: str
    ledger: Path
    pid: int


def listening() -> socket.socket:
    """A socket that listens on a free port of loopback, to be handed to a process."""
    return socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)


class LoopbackGateways:
    """Starts processes of ours; a context manager that ends what it started."""

    def __init__(self, folder: Path) -> None:
        """Take a folder for root keys, ready files and logs."""
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def root(self, data_dir: Path) -> Path:
        """The file with the root key of a data directory."""
        return self._folder / f"{data_dir.name}.root"

    def start(self, command: str, config: Path, data_dir: Path) -> StartedGateway:
        """`up` or `egress` over a configuration, serving when this returns.

        Raises:
            InternalError: It did not start.
        """
        return self.wait(self.begin(command, config, data_dir))

    def begin(self, command: str, config: Path, data_dir: Path) -> Starting:
        """Start one, and do not wait for it."""
        ready = self._folder / f"{data_dir.name}.ready.json"
        ready.unlink(missing_ok=True)
        words = [command, "--config", str(config), "--data-dir", str(data_dir), "--ready-file", str(ready)]
        words += ["--root-key", f"file:{self.root(data_dir)}", "--port", "0"]
        words += ["--token"] if command == "egress" else ["--admin-port", "0"]
        log = self._folder / f"{data_dir.name}.log"
        return Starting(self.spawn([sys.executable, "-m", "ringwall", *words], log), ready, log, data_dir)

    def spawn(self, words: list[str], log: Path, sockets: Sequence[socket.socket] = ()) -> subprocess.Popen[bytes]:
        """Start any process of ours, to be ended with the others.

        Args:
            words: Its command line.
            log: What it prints goes there.
            sockets: What it inherits, under the same numbers; closed here.
        """
        handed = [each.fileno() for each in sockets]
        with log.open("ab") as file:
            process = subprocess.Popen(  # noqa: S603 - our own modules
                words, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, pass_fds=handed
            )
        for each in sockets:
            each.close()
        self._started.append(process)
        return process

    def wait(self, starting: Starting) -> StartedGateway:
        """Wait until it serves.

        Raises:
            InternalError: It ended, or does not serve in time.
        """
        end = time.monotonic() + START_S
        while not starting.ready.exists():
            if starting.process.poll() is not None or time.monotonic() > end:
                told = starting.log.read_text("utf-8", "replace")[-MAX_TOLD_CHARS:]
                raise InternalError("a gateway to rehearse on did not start", code="no_gateway", detail=told)
            time.sleep(POLL_S)
        said: dict[str, Any] = json.loads(starting.ready.read_text("utf-8"))
        url = str(said.get("proxy_url") or str(said["base_url"]).removesuffix("/v1"))
        return StartedGateway(url, str(said["api_key"]), starting.data_dir / "ledger", int(said["pid"]))

    def stop(self) -> None:
        """End everything that was started."""
        for process in self._started:
            with suppress(OSError):
                process.terminate()
        end = time.monotonic() + STOP_S
        for process in self._started:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._started.clear()


@dataclass(frozen=True, slots=True)
class Starting:
    """A process that does not serve yet.

    Attributes:
        process: The process.
        ready: Where it will say that it serves.
        log: What it printed.
        data_dir: Its data directory.
    """

    process: subprocess.Popen[bytes]
    ready: Path
    log: Path
    data_dir: Path
