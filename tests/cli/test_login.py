"""A person's whole way on a real gateway: enrol, log in, use, administer, be stopped."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import MAIN, PASSWORD, Running, environment_of, running, within_a_second
from tests.process import free_port


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("login")) as found:
        yield found


@pytest.fixture(scope="module")
def admin(gateway: Running) -> str:
    """The first administrator's token: invited anew on this machine, since no terminal showed the code."""
    said = gateway.spawn("users", "invite", "admin", "--renew", "--json")
    assert said.returncode == 0, said.stderr
    made = json.loads(said.stdout)
    assert made["url"] == f"{gateway.ready['admin_url']}/issuer/enrol"
    return gateway.log_in("admin", gateway.enrol(made["code"]))


def test_the_first_administrator_logs_in_and_uses_both_listeners(gateway: Running, admin: str) -> None:
    assert gateway.chat(admin).status == 200
    assert gateway.call("/status", token=admin).status == 200
    stored = gateway.folder / "cfg/ringwall/login.json"
    assert stored.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in stored.read_text()


def test_login_says_what_the_token_is_good_for_and_never_prints_it(gateway: Running, admin: str) -> None:
    made = gateway.run_json("users", "invite", "grace", "--group", "rehearsal", "--group", "administrators")
    secret = gateway.enrol(made["code"])
    import pyotp

    typed = f"grace\n{PASSWORD}\n{pyotp.TOTP(secret).at(int(time.time()))}\n"
    done = gateway.run("login", "--no-browser", input_=typed)
    assert done.returncode == 0, done.stderr
    assert "You may administer" in done.stdout and "rehearsal" in done.stdout and "curl" in done.stdout
    token = json.loads((gateway.folder / "cfg/ringwall/login.json").read_text())["access_token"]
    assert token not in done.stdout + done.stderr
    assert gateway.ask(token).status == 200


def test_a_person_without_groups_may_do_nothing(gateway: Running, admin: str) -> None:
    made = gateway.call("/users", token=admin, body={"username": "stranger"})
    assert made.status == 201
    token = gateway.log_in("stranger", gateway.enrol(made.json["code"]))
    assert gateway.chat(token).status == 403
    assert gateway.call("/status", token=token).json["code"] == "not_an_administrator"


def test_a_disabled_person_is_refused_within_a_second_token_and_all(gateway: Running, admin: str) -> None:
    made = gateway.run_json("users", "invite", "ada")
    secret = gateway.enrol(made["code"])
    token = gateway.log_in("ada", secret)
    assert gateway.chat(token).status == 200
    assert gateway.run_json("users", "disable", "ada")["disabled"] is True
    assert "containment" in within_a_second(403, lambda: gateway.chat(token)).body.decode()
    done = gateway.run("login", "--no-browser", input_=f"ada\n{PASSWORD}\n000000\n")
    assert (done.returncode, "wrong, or the account is locked" in done.stderr) == (1, True)


def test_a_contained_person_is_refused_everywhere_until_it_is_lifted(gateway: Running, admin: str) -> None:
    made = gateway.run_json("users", "invite", "bob", "--group", "users", "--group", "administrators")
    token = gateway.log_in("bob", gateway.enrol(made["code"]))
    assert (gateway.chat(token).status, gateway.call("/keys", token=token).status) == (200, 200)
    name = f"{gateway.ready['admin_url']}/issuer {made['user']['subject']}"
    contained = gateway.run_json("contain", "add", "principal", name, "--reason", "odd traffic")
    within_a_second(403, lambda: gateway.chat(token))
    assert gateway.call("/keys", token=token).json["code"] == "contained"
    gateway.run_json("contain", "lift", contained["id"], "--reason", "false alarm")
    within_a_second(200, lambda: gateway.chat(token))


def test_nobody_logs_in_without_a_login_or_with_one_that_cannot_be_read(gateway: Running, tmp_path: Path) -> None:
    stored = gateway.folder / "cfg/ringwall/login.json"
    before = stored.read_bytes() if stored.exists() else None
    stored.unlink(missing_ok=True)
    assert "nobody is logged in" in gateway.run("login", "--show-token").stderr
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text("{")
    assert "cannot be read" in gateway.run("login", "--show-token").stderr
    old = {"issuer": "i", "subject": "s", "expires_s": 1, "access_token": "a.b.c"}
    stored.write_text(json.dumps(old))
    assert "has expired" in gateway.run("login", "--show-token").stderr
    if before is not None:
        stored.write_bytes(before)


@pytest.mark.parametrize("issuer", ["http://id.example", "ftp://127.0.0.1", "javascript:alert(1)"])
def test_an_issuer_that_is_not_safe_is_not_asked(gateway: Running, issuer: str) -> None:
    done = gateway.run("login", "--no-browser", "--issuer", issuer)
    assert (done.returncode, "https, or on this machine" in done.stderr) == (2, True)


def test_an_issuer_that_is_not_there(gateway: Running) -> None:
    done = gateway.run("login", "--no-browser", "--issuer", f"http://127.0.0.1:{free_port()}/issuer")
    assert (done.returncode, "cannot be reached" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def test_a_code_is_not_in_the_log_of_a_gateway_without_a_terminal(gateway: Running) -> None:
    text = gateway.log.read_text()
    assert "ringwall users invite admin --renew" in text
    assert "code " not in text.replace("enrolment", "")


def test_on_a_terminal_the_first_administrators_code_is_shown_and_works_once(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    words = ["up", "--data-dir", str(tmp_path / "d"), "--port", str(free_port()), "--admin-port", str(free_port())]
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [*MAIN, *words, "--ready-file", str(ready)],
        env={**environment_of(tmp_path), "TERM": "dumb", "NO_COLOR": "1"}, stdout=slave, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    os.close(slave)
    said = ""
    try:
        deadline = time.monotonic() + 60
        while "Stop with" not in said:
            assert time.monotonic() < deadline and process.poll() is None, said
            if select.select([master], [], [], 0.2)[0]:
                said += os.read(master, 65_536).decode("utf-8", "replace")
        code = re.search(r"code\s+([A-Za-z0-9_-]{20,})", said)
        assert code is not None, said
        gateway = Running(tmp_path, json.loads(ready.read_text()), environment_of(tmp_path), tmp_path / "none")
        gateway.enrol(code[1])
        with pytest.raises(AssertionError, match="not valid"):
            gateway.enrol(code[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        os.close(master)
