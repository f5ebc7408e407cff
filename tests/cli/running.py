"""A gateway as a real process, on free ports, and the commands beside it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pyotp

from ringwall.cli.main import main
from tests.process import free_port

ROOT = Path(__file__).parents[2]
MAIN = [sys.executable, "-c", "from ringwall.cli.main import main; main()"]
START_S = 60.0
PASSWORD = "correct horse battery"


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


OPENER = build_opener(_Stay)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def fetch(
    url: str, *, token: str = "", body: Any = None, method: str = "", headers: dict[str, str] | None = None
) -> Reply:
    """One request. A dict is sent as JSON, bytes as they are."""
    sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    if data is not None:
        sent.setdefault("Content-Type", "application/json")
    request = Request(url, data=data, headers=sent, method=method or ("GET" if data is None else "POST"))
    try:
        with OPENER.open(request, timeout=20) as found:
            return Reply(found.status, {k.lower(): v for k, v in found.headers.items()}, found.read())
    except HTTPError as error:
        with error:
            return Reply(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


def command(*words: str, environment: dict[str, str], data_dir: Path, input_: str = "") -> Said:
    """A command in this process."""
    kept = {name: environment[name] for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "COLUMNS")}
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        patch.dict("os.environ", {**kept, "RINGWALL_DATA_DIR": str(data_dir)}),
        patch.object(sys, "argv", ["ringwall", *words]),
        patch.object(sys, "stdin", io.StringIO(input_)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return Said(code, out.getvalue(), err.getvalue())


@dataclass
class Running:
    """A gateway that serves."""

    folder: Path
    ready: dict[str, Any]
    environment: dict[str, str]
    log: Path

    @property
    def api(self) -> str:
        return f"{self.ready['admin_url']}/api/v1"

    @property
    def admin_token(self) -> str:
        return str(self.ready["admin_token"])

    def call(self, path: str, **kw: Any) -> Reply:
        """The API, with the process token unless another is given."""
        return fetch(f"{self.api}{path}", **{"token": self.admin_token, **kw})

    def ask(self, token: str, path: str = "/models") -> Reply:
        """The data port."""
        return fetch(f"{self.ready['base_url']}{path}", token=token)

    def chat(self, token: str, text: str = "Which boots are waterproof?", *, stream: bool = False) -> Reply:
        body = {"model": "rehearsal/echo", "messages": [{"role": "user", "content": text}], "stream": stream}
        return fetch(f"{self.ready['base_url']}/chat/completions", token=token, body=body)

    def spawn(self, *words: str, input_: str = "") -> Said:
        """A command beside it, as a process of its own."""
        environment = {**self.environment, "RINGWALL_DATA_DIR": str(self.folder / "d")}
        done = subprocess.run(
            [*MAIN, *words], env=environment, input=input_, capture_output=True, text=True, timeout=60, cwd=self.folder
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def run(self, *words: str, input_: str = "", data_dir: Path | None = None) -> Said:
        """A command beside it, in this process: the same entry point, without the seconds that imports take."""
        return command(*words, input_=input_, environment=self.environment, data_dir=data_dir or self.folder / "d")

    def run_json(self, *words: str, input_: str = "") -> Any:
        done = self.run(*words, "--json", input_=input_)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def enrol(self, code: str, password: str = PASSWORD) -> str:
        """What a person does on the page; the secret of the second factor."""
        at = f"{self.ready['admin_url']}/issuer/enrol"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        page = fetch(at, body=urlencode({"code": code}).encode(), headers=form)
        assert page.status == 200, page.body
        name = re.search(rb'name="request" value="([^"]+)"', page.body)
        secret = re.search(rb"<code>([A-Z2-7]+)</code>", page.body)
        assert name is not None and secret is not None
        cookie = page.headers["set-cookie"].partition(";")[0]
        # The code of the step before: the one of this step is left for the login.
        digits = pyotp.TOTP(secret[1].decode()).at(int(time.time()) - 30)
        fields = {"request": name[1].decode(), "password": password, "totp": digits}
        done = fetch(f"{at}/finish", body=urlencode(fields).encode(), headers={**form, "Cookie": cookie})
        assert done.status == 200, done.body
        return secret[1].decode()

    def log_in(self, username: str, secret: str, *, ahead_s: int = 0) -> str:
        """`ringwall login` by prompts; the access token."""
        digits = pyotp.TOTP(secret).at(int(time.time()) + ahead_s)
        done = self.run("login", "--no-browser", input_=f"{username}\n{PASSWORD}\n{digits}\n")
        assert done.returncode == 0, done.stderr
        token = self.run("login", "--show-token").stdout.strip()
        assert token.count(".") == 2
        return token


def environment_of(folder: Path) -> dict[str, str]:
    now = os.environ.copy()
    kept = {name: value for name, value in now.items() if not name.startswith(("RINGWALL_", "XDG_"))}
    return {
        **kept, "PYTHONPATH": str(ROOT / "src"), "XDG_CONFIG_HOME": str(folder / "cfg"),
        "XDG_DATA_HOME": str(folder / "data"), "COLUMNS": "200",
    }  # fmt: skip


@contextmanager
def running(folder: Path, config: Path | None = None) -> Iterator[Running]:
    """`ringwall up`, until the block ends."""
    environment, ready, log = environment_of(folder), folder / "ready.json", folder / "up.log"
    words = ["up", "--data-dir", str(folder / "d"), "--port", str(free_port()), "--admin-port", str(free_port())]
    words += ["--config", str(config)] if config is not None else []
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*MAIN, *words, "--ready-file", str(ready)], env=environment, stdout=file, stderr=file, cwd=folder
        )
    try:
        deadline = time.monotonic() + START_S
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield Running(folder, json.loads(ready.read_text()), environment, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def within_a_second(wanted: int, ask: Any) -> Reply:
    """What is asked until it answers with this status; it must do so within a second."""
    deadline = time.monotonic() + 1.0
    while True:
        found: Reply = ask()
        if found.status == wanted:
            return found
        assert time.monotonic() < deadline, (found.status, found.body)
        time.sleep(0.05)
