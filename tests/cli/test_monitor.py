"""`ringwall monitor`: a process of its own that ends when told to, and leaves a ledger that verifies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from tests import ledgers
from tests.process import Gateway


def test_it_watches_until_told_to_stop(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path).start()
    assert gateway.stop() == 0
    command = [sys.executable, "-m", "ringwall", "monitor", "--data-dir", str(gateway.data_dir)]
    with (tmp_path / "monitor.log").open("wb") as log:
        process = subprocess.Popen(command, env=gateway.environment(), cwd=tmp_path, stdout=log, stderr=log)
    end = time.monotonic() + 30
    while "watches" not in (tmp_path / "monitor.log").read_text():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert ledgers.verified(gateway.data_dir).is_green


def test_where_there_is_no_installation_there_is_nothing_to_watch(tmp_path: Path) -> None:
    said = Gateway(tmp_path).run("monitor", "--data-dir", str(tmp_path / "nowhere"))
    assert said.returncode == 2 and "no installation" in said.stderr
