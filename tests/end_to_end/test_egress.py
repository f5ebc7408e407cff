"""The egress proxy as a process, asked by stock clients: what they reach, what they do not, and what is on record."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import httpx2
import pytest

from tests import ledgers, provider
from tests.egress import Site, certificate, config, proxy, site
from tests.process import Gateway, free_port

CARD = "4111 1111 1111 1111"


@dataclass
class Egress:
    """A running proxy with a plain site and one over TLS behind it."""

    process: Gateway
    plain: Site
    tls: Site
    ca: Path

    @property
    def key(self) -> str:
        return str(self.process.said["api_key"])

    @property
    def url(self) -> str:
        """The proxy with its credential, as `HTTPS_PROXY` has it."""
        split = urlsplit(str(self.process.said["proxy_url"]))
        return f"http://shop:{self.key}@{split.netloc}"

    @property
    def address(self) -> tuple[str, int]:
        split = urlsplit(str(self.process.said["proxy_url"]))
        return split.hostname or "", split.port or 0

    def curl(self, *words: str, proxy: str | None = None) -> tuple[int, str]:
        """Status and body, by curl; status 0 where it got none."""
        command = [
            "curl",
            "-sS",
            "-x",
            proxy or self.url,
            "--cacert",
            str(self.ca),
            "-w",
            "\n%{http_code} %{http_connect}",
        ]
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=30, check=False)
        body, _, codes = done.stdout.rpartition("\n")
        status, connect = (int(each) for each in codes.split())
        return status or connect, body

    def records(self) -> list[dict]:
        return ledgers.records(self.process.data_dir)

    def closings(self, count: int) -> list[dict]:
        """The closing records, once there are so many."""
        deadline = time.monotonic() + 5
        while True:
            found = [each["decision"] for each in self.records() if each["kind"] == "closing"]
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.05)


@pytest.fixture
def egress(tmp_path: Path) -> Iterator[Egress]:
    pem = certificate(tmp_path)
    with site() as plain, site(pem) as tls:
        listed = [f"http://127.0.0.1:{plain.port}", f"https://localhost:{tls.port}"]
        process = proxy(tmp_path, config(listed, volume="window_bytes = 3000000")).start()
        try:
            yield Egress(process, plain, tls, pem)
        finally:
            process.kill()
        assert "Traceback" not in process.log


def test_curl_reaches_what_is_listed_and_nothing_else(egress: Egress) -> None:
    plain, tls = f"http://127.0.0.1:{egress.plain.port}/a", f"https://localhost:{egress.tls.port}/b"
    assert egress.curl(plain) == (200, "reached")
    assert egress.curl(tls) == (200, "reached")
    assert egress.curl("-d", "a=b", plain) == (200, "reached")
    assert egress.plain.asked[-1] == ("POST", "/a", b"a=b")
    status, body = egress.curl(f"http://localhost:{egress.plain.port}/")
    assert (status, json.loads(body)["error"]["code"]) == (403, "destination_not_listed")
    assert egress.curl(f"https://127.0.0.1:{egress.tls.port}/")[0] == 403
    assert egress.curl("http://169.254.169.254/latest/meta-data/")[0] == 403
    assert egress.curl(plain, proxy=str(egress.process.said["proxy_url"]))[0] == 407
    assert egress.curl(tls, proxy=egress.url.replace(egress.key, "rw_none_" + "x" * 40))[0] == 407
    status, body = egress.curl("--data-urlencode", f"card={CARD}", plain)
    assert status == 200 and b"1111" not in egress.plain.asked[-1][2]
    assert egress.curl(f"{plain}?card=4111111111111111")[0] == 403
    assert [each["ended"] for each in egress.closings(4)][:3] == ["done", "done", "done"]


def test_urllib_aiohttp_and_httpx_go_through_it(egress: Egress) -> None:
    plain, tls = f"http://127.0.0.1:{egress.plain.port}/", f"https://localhost:{egress.tls.port}/"
    context = ssl.create_default_context(cafile=egress.ca)
    handlers = urllib.request.ProxyHandler({"http": egress.url, "https": egress.url})
    opener = urllib.request.build_opener(handlers, urllib.request.HTTPSHandler(context=context))
    for url in (plain, tls):
        with opener.open(url, timeout=10) as found:
            assert found.read() == b"reached"
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(f"http://127.0.0.1:{egress.tls.port}/", timeout=10)
    with caught.value as refused:
        assert refused.code == 403

    async def main() -> list[bytes]:
        async with aiohttp.ClientSession() as client:
            said = []
            for url in (plain, tls, plain):
                async with client.get(url, proxy=egress.url, ssl=context) as answer:
                    said.append(await answer.read())
            return said

    assert asyncio.run(main()) == [b"reached"] * 3
    with httpx2.Client(proxy=egress.url, verify=context) as client:
        assert [client.get(url).text for url in (plain, tls, tls)] == ["reached"] * 3


def test_a_program_with_proxy_variables_and_a_key_of_its_workload_gets_out_this_way(egress: Egress) -> None:
    made = egress.process.run(
        "keys", "create", "tool-server", "--workload", "shop", "--json", "--data-dir", str(egress.process.data_dir)
    )
    key = json.loads(made.stdout)["secret"]
    url = f"http://shop:{key}@{egress.address[0]}:{egress.address[1]}"
    program = (
        "import ssl, urllib.request as r\n"
        f"c = ssl.create_default_context(cafile={str(egress.ca)!r})\n"
        f"print(r.urlopen('https://localhost:{egress.tls.port}/', context=c).read().decode())\n"
    )
    environment = {**os.environ, "HTTPS_PROXY": url, "no_proxy": ""}
    deadline = time.monotonic() + 5
    while True:  # a new key is known within half a second
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=30
        )
        if done.returncode == 0 or time.monotonic() > deadline:
            break
    assert done.stdout == "reached\n", done.stderr
    said = [each for each in egress.records() if each["outcome"] == "sends"][-1]
    assert (said["workload"], said["principal"]["subject"]) == ("shop", "tool-server")


def tunnel(egress: Egress, port: int) -> socket.socket:
    sock = socket.create_connection(egress.address, timeout=10)
    to = f"localhost:{port}"
    sock.sendall(
        f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nProxy-Authorization: Bearer {egress.key}\r\n\r\n".encode("ascii")
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += sock.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200")
    return sock


@pytest.mark.deep
def test_killed_in_the_middle_of_a_tunnel_it_reads_interrupted(egress: Egress) -> None:
    with tunnel(egress, egress.tls.port) as sock:
        sock.sendall(b"\x16\x03\x01")
        egress.process.kill()
    report = ledgers.verified(egress.process.data_dir)
    assert report.is_green
    assert len(report.interrupted) == 1 and not report.interrupted[0].live
    opening = next(each for each in egress.records() if each["kind"] == "opening")
    done = egress.process.run("explain", opening["id"], "--data-dir", str(egress.process.data_dir))
    assert "connected: interrupted, extent unknown" in done.stdout


def test_a_stop_ends_open_tunnels_with_a_record_and_the_process_cleanly(egress: Egress) -> None:
    with tunnel(egress, egress.tls.port) as sock:
        time.sleep(1.2)  # quiet for longer than a moment
        began = time.monotonic()
        assert egress.process.process is not None
        egress.process.process.send_signal(signal.SIGTERM)
        assert egress.process.process.wait(15) == 0
        assert time.monotonic() - began < 5
        assert sock.recv(1) == b""
    assert [each["ended"] for each in egress.closings(1)] == ["stopping"]
    assert ledgers.verified(egress.process.data_dir).interrupted == ()


@pytest.mark.deep
def test_a_flood_through_a_tunnel_is_cut_and_a_restart_remembers_it(egress: Egress) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sink:
        port = sink.getsockname()[1]
        written = config([f"https://localhost:{port}"], volume="window_bytes = 2000000")
        (egress.process.folder / "ringwall.toml").write_text(written)
        assert egress.process.process is not None
        egress.process.process.send_signal(signal.SIGHUP)
        time.sleep(1.0)
        with tunnel(egress, port) as sock:
            far, _ = sink.accept()
            far.setblocking(False)
            got = 0
            with pytest.raises(OSError):
                while True:
                    sock.sendall(b"x" * 65_536)
                    try:
                        while data := far.recv(1 << 20):
                            got += len(data)
                    except BlockingIOError:
                        pass
            far.close()
        (ended,) = egress.closings(1)
        assert (ended["ended"], ended["cause"]["code"]) == ("cut", "volume_over_ceiling")
        assert got <= ended["bytes_out"] <= 2_000_000
        assert ended["bytes_out"] > 2_000_000 - 65_536
        assert egress.process.stop() == 0
        again = Egress(egress.process.start(), egress.plain, egress.tls, egress.ca)
        with tunnel(again, port) as sock, pytest.raises(OSError):
            for _ in range(3):
                sock.sendall(b"x" * 65_536)
                time.sleep(0.2)
        ended = again.closings(2)[-1]
        assert ended["bytes_out"] < 65_536


@pytest.mark.deep
@pytest.mark.parametrize("used", [True, False])
def test_the_gateway_goes_out_through_it_where_it_is_told_to(tmp_path: Path, used: bool) -> None:
    model = provider.Provider()
    port = free_port()
    way = f'proxy = "http://127.0.0.1:{port}"\ncredential = "file:{tmp_path}/key"\n' if used else ""
    written = f"""
[egress]
private = ["127.0.0.1/32"]
{way}
[upstreams.local]
base_url = "{model.url}"
private = true
[workloads.shop]
owner = "tests"
use_case = "answers"
models = {{ m = "local" }}
"""
    (tmp_path / "key").write_text("rw_none_" + "x" * 40)
    (tmp_path / "ringwall.toml").write_text(written)
    proxied = Gateway(
        tmp_path, ["--config", str(tmp_path / "ringwall.toml"), "--token", "--port", str(port)], command="egress"
    ).start()
    try:
        (tmp_path / "key").write_text(str(proxied.said["api_key"]))
        gateway = Gateway(tmp_path, ["--config", str(tmp_path / "ringwall.toml")]).start()
        try:
            body = {"model": "m", "messages": [{"role": "user", "content": "Which boots are waterproof?"}]}
            sent = {"Authorization": f"Bearer {gateway.said['api_key']}"}
            answer = httpx2.post(f"{gateway.said['base_url']}/chat/completions", json=body, headers=sent, timeout=30)
            assert answer.status_code == 200, answer.text
            assert answer.json()["choices"][0]["message"]["content"] == "fine"
        finally:
            assert gateway.stop() == 0
    finally:
        proxied.stop()
        model.close()
    (asked,) = model.asked
    assert "proxy-authorization" not in {name.lower() for name, _ in asked.headers}
    through = [each for each in ledgers.records(tmp_path / "data") if each["action"] == "network.connect"]
    assert [each["outcome"] for each in through] == (["proceeds", "sends", "streams", "released"] if used else [])
    assert ledgers.verified(tmp_path / "data").is_green
