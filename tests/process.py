"""Starts a real gateway in a process of its own, on free ports, and ends it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"
"""What is started is what stands here, whatever is installed."""
PORT_TRIES = 5
FIRST_PORT, PORTS = 10_000, 22_000
START_S = 60.0
"""Seconds in which it must serve; generous, since the machine may be busy."""


def free_port() -> int:
    """A port that nobody listens on, and that no system hands out by itself to whoever connects or binds to port 0."""
    while True:
        port = FIRST_PORT + secrets.randbelow(PORTS)
        with socket.socket() as sock, suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", port))
            return port


@dataclass
class Gateway:
    """A running gateway.

    `folder` holds its data directory, its configuration directory and what it printed.
    """

    folder: Path
    arguments: Sequence[str] = ()
    command: str = "up"
    said: dict[str, object] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_DATA_HOME": str(self.folder / "share"),
        }

    def start(self) -> Gateway:
        """Start it; a free port that another took in between is drawn anew."""
        for _ in range(PORT_TRIES - 1):
            try:
                return self._start()
            except AssertionError as error:
                if "Address already in use" not in str(error).rpartition("ended with")[2]:
                    raise
                (self.folder / "log").write_text("")
        return self._start()

    def _start(self) -> Gateway:
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        ports = ["--port", str(free_port())]
        ports += ["--admin-port", str(free_port())] if self.command != "egress" else []
        command = [sys.executable, "-m", "ringwall", self.command, "--data-dir", str(self.data_dir), *ports]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--ready-file", str(ready), *self.arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.environment(),
                cwd=self.folder,
            )
        end = time.monotonic() + START_S
        while not ready.exists():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.log}")
            if time.monotonic() > end:
                self.kill()
                raise AssertionError(f"not ready: {self.log}")
            time.sleep(0.02)
        self.said = json.loads(ready.read_text())
        return self

    def stop(self) -> int:
        """End it as an operator would; its exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command, over the same installation."""
        return subprocess.run(
            [sys.executable, "-m", "ringwall", *arguments],
            capture_output=True, text=True, env=self.environment(), cwd=self.folder, timeout=120, check=False,
        )  # fmt: skip
