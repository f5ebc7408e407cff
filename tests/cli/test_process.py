"""A running gateway: what may not run is refused before anything is made, and signals change or end it cleanly."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ringwall.cli import process
from ringwall.cli.process import bind, refuse_for_production, tls_of, url_of, write_private
from ringwall.compose import read_plan
from ringwall.config.schema import Listen
from ringwall.dataplane.gateway.server import Tls
from ringwall.model.errors import ConfigError
from ringwall.model.framework import Phase, WorkloadId
from ringwall.model.identity import TrustedIssuer
from ringwall.model.plan import Plan
from tests import ledgers
from tests.fakes import workload_plan
from tests.process import Gateway, free_port
from tests.provider import Asked, Provider, says
from tests.raw import address, chat, head, post, read, send

LOOPBACK = "127.0.0.1:0"
WAIT_S = 20.0


def bound(where: str, port: int | None = None, listen: Listen | None = None, tls: Tls | None = None) -> str:
    """Bind, close, and say where it was."""
    with bind("data", where, port, listen or Listen(), tls) as sock:
        return url_of(sock, tls)


def a_plan(phase: Phase = Phase.FOUNDATIONAL, *, rehearsal: bool = False, issuer: bool = False) -> Plan:
    plan, _ = read_plan(None)
    workload = replace(workload_plan().workload, phase=phase, rehearsal=rehearsal)
    issuers = (TrustedIssuer("https://id.example", frozenset({"ringwall"})),) if issuer else ()
    return replace(plan, workloads={WorkloadId("w"): replace(workload_plan(), workload=workload)}, issuers=issuers)


def test_production_never_runs_what_may_be_attacked():
    with pytest.raises(ConfigError, match='"w" is a rehearsal workload'):
        refuse_for_production(a_plan(rehearsal=True, issuer=True))
    with pytest.raises(ConfigError, match="is a rehearsal workload"):
        refuse_for_production(read_plan(None)[0])


@pytest.mark.parametrize("phase", [Phase.ENHANCED, Phase.ADVANCED])
def test_production_past_foundational_needs_an_issuer_of_its_own(phase):
    with pytest.raises(ConfigError, match="needs a token issuer of its own"):
        refuse_for_production(a_plan(phase))
    refuse_for_production(a_plan(phase, issuer=True))
    refuse_for_production(a_plan())


def test_a_socket_is_bound_on_loopback():
    assert bound(LOOPBACK).startswith("http://127.0.0.1:")
    assert bound("127.0.0.1:1", port=0).startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "where", ["", "127.0.0.1", "127.0.0.1:", ":8080", "[]:1", "127.0.0.1:http", "a:\u00b2", "a:-1"]
)
def test_what_is_no_address_is_named(where):
    with pytest.raises(ConfigError, match="is not an address"):
        bound(where)


def test_a_host_or_port_that_cannot_be_is_named():
    with pytest.raises(ConfigError, match='"65536" is not a port'):
        bound("127.0.0.1:65536")
    with pytest.raises(ConfigError, match='"70000" is not a port'):
        bound(LOOPBACK, port=70_000)
    for host in ("ä..b", "a\0b"):
        with pytest.raises(ConfigError, match="is not a host"):
            bound(f"{host}:1")


def test_a_taken_port_is_an_error_that_says_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf'"127\.0\.0\.1:{port}" cannot be bound.*--port'):
            bound(LOOPBACK, port=port)


def test_off_loopback_there_is_no_listener_without_tls():
    with pytest.raises(ConfigError, match="the data listener would be reachable from outside without TLS"):
        bound("0.0.0.0:0")
    assert bound("0.0.0.0:0", tls=Tls(Path("chain.pem"), Path("key.pem"))).startswith("https://")
    assert bound("0.0.0.0:0", listen=Listen(proxies=("10.0.0.0/8",))).startswith("http://")


def test_tls_is_whole_or_not_at_all():
    assert tls_of(Listen()) is None
    assert tls_of(Listen(tls_certificate="c", tls_key="k")) == Tls(Path("c"), Path("k"))
    for half in (Listen(tls_certificate="c"), Listen(tls_key="k")):
        with pytest.raises(ConfigError, match="TLS needs both"):
            tls_of(half)


def test_a_private_file_is_its_owners_only(tmp_path):
    path = tmp_path / "new" / "ready.json"
    before = os.umask(0)
    try:
        write_private(path, "{}")
    finally:
        os.umask(before)
    assert path.read_text() == "{}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_private_file_takes_the_place_of_an_open_one(tmp_path):
    path = tmp_path / "ready.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_private_file_never_goes_where_another_laid_a_link(tmp_path):
    target = tmp_path / "target"
    target.write_text("untouched")
    for name in (".ready.json", f".ready.json.{os.getpid()}", "ready.json"):
        (tmp_path / name).symlink_to(target)
    write_private(tmp_path / "ready.json", "secret")
    assert target.read_text() == "untouched"
    assert not (tmp_path / "ready.json").is_symlink()


def test_a_private_file_is_whole_or_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "ready.json"
    write_private(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(process.os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write_private(path, "new")
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


def configuration(provider: Provider, *models: str, more: str = "") -> str:
    named = ", ".join(f'{model} = "fake"' for model in models)
    return f"""
[upstreams.fake]
base_url = "{provider.url}"
private = true
{more}
[workloads.shop]
owner = "tests"
use_case = "answers"
models = {{ {named} }}
"""


@pytest.fixture
def gateway(tmp_path: Path, provider: Provider) -> Iterator[Gateway]:
    (tmp_path / "ringwall.toml").write_text(configuration(provider, "first"))
    made = Gateway(tmp_path).start()
    yield made
    made.kill()


def models(gateway: Gateway) -> set[str]:
    [reply] = send(
        gateway.said["base_url"], head("GET", "/v1/models", [("Authorization", f"Bearer {gateway.said['api_key']}")])
    )
    assert reply.status == 200, reply.body
    return {each["id"] for each in reply.json["data"]}


def until(true: Callable[[], bool], gateway: Gateway) -> None:
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end, gateway.log
        time.sleep(0.02)


def reload(gateway: Gateway, text: str | None) -> None:
    path = gateway.folder / "ringwall.toml"
    path.unlink() if text is None else path.write_text(text)
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGHUP)


def highest(gateway: Gateway) -> int:
    with closing(sqlite3.connect(gateway.data_dir / "ringwall.db")) as database:
        return int(database.execute("SELECT max(version) FROM plans").fetchone()[0])


def test_sighup_takes_a_configuration_whole_or_keeps_the_old_one(gateway: Gateway, provider: Provider):
    assert models(gateway) == {"first"}
    wrong = [
        "this is no TOML",
        configuration(provider, "second").replace("owner", "ownr"),
        configuration(provider, "second", more='credential = "env:RINGWALL_TEST_NOT_SET"'),
        None,
    ]
    for number, text in enumerate(wrong, 1):
        reload(gateway, text)
        until(lambda number=number: gateway.log.count("configuration not taken") == number, gateway)
        assert models(gateway) == {"first"}
        assert highest(gateway) == 1, "what never ran has no version"
    reload(gateway, configuration(provider, "second", "third"))
    until(lambda: models(gateway) == {"second", "third"}, gateway)
    assert highest(gateway) == 2
    provider.behave = says("fine")
    [reply] = send(gateway.said["base_url"], post(str(gateway.said["api_key"]), chat(model="third")))
    assert reply.json["choices"][0]["message"]["content"] == "fine"
    assert "Traceback" not in gateway.log
    assert gateway.stop() == 0
    assert ledgers.verified(gateway.data_dir).is_green


def test_sigterm_lets_a_running_request_end_and_takes_no_new_one(gateway: Gateway, provider: Provider):
    came, go_on = threading.Event(), threading.Event()

    def slow(sock: socket.socket, asked: Asked) -> None:
        came.set()
        go_on.wait(WAIT_S)
        says("the last word")(sock, asked)

    provider.behave = slow
    where = address(gateway.said["base_url"])
    with socket.create_connection(where, timeout=WAIT_S) as sock:
        sock.sendall(post(str(gateway.said["api_key"]), chat(model="first")))
        assert came.wait(WAIT_S)
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: not answers(where), gateway)
        assert gateway.process.poll() is None
        go_on.set()
        [reply] = read(sock, wait_s=WAIT_S)
    assert reply.status == 200
    assert reply.json["choices"][0]["message"]["content"] == "the last word"
    assert gateway.process.wait(WAIT_S) == 0
    assert ledgers.verified(gateway.data_dir, [reply.headers["ringwall-receipt"]]).is_green
    assert "Traceback" not in gateway.log


def answers(where: tuple[str, int]) -> bool:
    try:
        socket.create_connection(where, timeout=1).close()
    except OSError:
        return False
    return True


def test_what_a_started_gateway_says_is_for_this_machine_and_this_process(gateway: Gateway):
    ready = gateway.folder / "ready.json"
    assert ready.stat().st_mode & 0o777 == 0o600
    assert gateway.process is not None
    assert gateway.said["pid"] == gateway.process.pid
    assert address(gateway.said["base_url"])[0] == address(gateway.said["admin_url"])[0] == "127.0.0.1"
    token = str(gateway.said["api_key"])
    assert (
        str(gateway.said["aws_access_key_id"]).startswith("RWKA") and len(gateway.said["aws_secret_access_key"]) == 40
    )
    assert gateway.stop() == 0
    gateway.start()
    [reply] = send(gateway.said["base_url"], head("GET", "/v1/models", [("Authorization", f"Bearer {token}")]))
    assert reply.status == 401


def test_a_second_gateway_on_a_taken_port_ends_before_anything_is_made(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        second = Gateway(tmp_path)
        said = second.run(
            "up", "--data-dir", str(second.data_dir), "--port", str(port), "--admin-port", str(free_port())
        )
    assert said.returncode != 0
    assert "cannot be bound" in said.stderr
    assert "Traceback" not in said.stderr
    assert not second.data_dir.exists()
