"""`ringwall egress`: what it refuses before it starts; what it does once it serves stands in end_to_end/test_egress."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ringwall.cli.egress import EgressProcess, EgressReady, egress
from ringwall.cli.process import Options
from ringwall.model.errors import ConfigError
from tests.cli.running import MAIN, environment_of
from tests.egress import config, proxy


def test_production_makes_no_token_and_runs_no_rehearsal(tmp_path: Path) -> None:
    file = tmp_path / "ringwall.toml"
    file.write_text(config([]))
    with pytest.raises(ConfigError, match="token"):
        egress(config=file, data_dir=tmp_path / "d", token=True, production=True)
    with pytest.raises(ConfigError, match="rehearsal"):
        EgressProcess(Options(file, tmp_path / "d", production=True)).run()
    assert not (tmp_path / "d").exists()


def test_it_does_not_listen_off_loopback_without_tls(tmp_path: Path) -> None:
    file = tmp_path / "ringwall.toml"
    file.write_text(config([], more='listen = "0.0.0.0:0"'))
    with pytest.raises(ConfigError, match="without TLS"):
        EgressProcess(Options(file, tmp_path / "d")).run()


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ringwall.toml").write_text(config([]))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ["egress", "--config", str(tmp_path / "ringwall.toml"), "--port", str(taken.getsockname()[1])]
        done = subprocess.run(
            [*MAIN, *words, "--data-dir", str(tmp_path / "d")],
            env=environment_of(tmp_path), capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "cannot be bound" in done.stderr and "Traceback" not in done.stderr


def test_what_it_says_is_json(tmp_path: Path) -> None:
    ready = EgressReady("http://127.0.0.1:1", "rw_x", "/d", 7)
    assert json.loads(ready.encode()) == {
        "proxy_url": "http://127.0.0.1:1", "api_key": "rw_x", "data_dir": "/d", "pid": 7,
    }  # fmt: skip


def test_it_starts_says_where_and_ends_cleanly_and_a_wrong_reload_changes_nothing(tmp_path: Path) -> None:
    made = proxy(tmp_path, config(["https://a.example"])).start()
    try:
        assert str(made.said["proxy_url"]).startswith("http://127.0.0.1:")
        assert str(made.said["api_key"]).startswith("rw_")
        assert (tmp_path / "ready.json").stat().st_mode & 0o077 == 0
        assert made.process is not None
        (tmp_path / "ringwall.toml").write_text("[workloads")
        made.process.send_signal(1)  # SIGHUP
        with socket.create_connection(("127.0.0.1", int(str(made.said["proxy_url"]).rpartition(":")[2])), 5) as sock:
            sock.sendall(b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n")
            assert sock.recv(64).startswith(b"HTTP/1.1 407")
    finally:
        assert made.stop() == 0
    assert "configuration not taken" in made.log
    assert sys.executable
