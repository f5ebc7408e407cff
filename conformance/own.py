"""Ringwall as the gateway under attack: a configuration whose provider and tools are this program, and a process.

What is switched on is what its defaults switch on; three leaves are taken, because the cells need tools that nobody
declared, calls that nobody proposed, and many requests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from conformance.doors import Target

START_S = 60.0
MODEL = "conformance"
_CEDAR = """
@id("conformance_lookup")
permit (principal, action == Tool::Action::"tools/lookup", resource);
@id("conformance_model")
permit (principal, action == Ringwall::Action::"invoke_model", resource);
"""


class OwnGateway:
    """A gateway of this installation of Ringwall, while in here."""

    def __init__(self, folder: Path, *, provider_port: int, tools_port: int, off: Sequence[str] = ()) -> None:
        self._folder = folder
        until = (datetime.now(UTC) + timedelta(days=2)).date()
        leave = f'reason = "an attack from outside"\nuntil = {until}'
        rates = "\n".join(
            f"{name} = 1000000000"
            for name in (
                "principal_requests", "address_requests", "principal_tokens", "address_tokens", "workload_tokens"
            )
        )  # fmt: skip
        vacant = "\n".join(
            f'[workloads.conformance.controls."{each}"]\nmode = "off"\n{leave}' for each in dict.fromkeys(off)
        )
        (folder / "conformance.cedar").write_text(_CEDAR)
        (folder / "ringwall.toml").write_text(f"""
[organisation]
name = "conformance"
policies = ["conformance.cedar"]
[monitor]
enabled = false
[upstreams.provider]
base_url = "http://127.0.0.1:{provider_port}/v1"
private = true
[tool_servers.tools]
url = "http://127.0.0.1:{tools_port}/mcp"
private = true
definitions = "lookup.tools.json"
[workloads.conformance]
owner = "conformance"
use_case = "acts"
tool_servers = ["tools"]
models = {{ {MODEL} = "provider" }}
[workloads.conformance.controls."infrastructure.rate_limit"]
{rates}
{leave}
[workloads.conformance.controls."identity_data.tool_permission"]
undeclared = "allow"
{leave}
{vacant}
""")
        from conformance.tools import TOOL

        (folder / "lookup.tools.json").write_text(json.dumps({"tools": [TOOL]}))

    def __enter__(self) -> Target:
        ready = self._folder / "ready.json"
        words = [sys.executable, "-m", "ringwall", "up", "--config", str(self._folder / "ringwall.toml")]
        words += ["--data-dir", str(self._folder / "data"), "--ready-file", str(ready), "--port", "0"]
        words += ["--admin-port", "0", "--root-key", f"file:{self._folder / 'root.key'}"]
        self._log = (self._folder / "log").open("wb")
        environment = {**os.environ, "HOME": str(self._folder)}
        self._process = subprocess.Popen(words, stdout=self._log, stderr=self._log, env=environment)
        end = time.monotonic() + START_S
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                raise SystemExit(f"the gateway did not start:\n{(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)
        said = json.loads(ready.read_text())
        aws = (said.get("aws_access_key_id", ""), said.get("aws_secret_access_key", ""))
        return Target(said["base_url"].removesuffix("/v1"), said["api_key"], MODEL, aws)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self._process.kill()
        self._log.close()
