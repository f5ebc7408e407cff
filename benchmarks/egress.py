"""What does the egress proxy cost? CPU of its process, by kind of request, and the seconds until it serves.

    python benchmarks/egress.py

The proxy, the destination and the clients are processes and threads of one machine; only the proxy's CPU time is read
(user and system, from /proc). Each figure is the best of rounds.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from machine import keep

ROUNDS = 5
MIB = 1024 * 1024
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Far:
    """Answers plain requests; takes what comes through a tunnel and says one byte for each whole MiB of it."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listening.getsockname()[1])
        self._serve = serve
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            sock, _ = self._listening.accept()
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()


def plain_site(sock: socket.socket) -> None:
    with sock:
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(65_536)
        sock.sendall(ANSWER)


def counting_sink(sock: socket.socket) -> None:
    with sock:
        got = 0
        while data := sock.recv(MIB):
            before, got = got // MIB, got + len(data)
            if got // MIB > before:
                sock.sendall(b"." * (got // MIB - before))


def configuration(plain: int, sink: int, content: bool) -> str:
    until = (datetime.now(UTC) + timedelta(days=20)).date()
    leave = f'reason = "benchmark"\nuntil = {until}\n'
    off = f'[workloads.w.controls."identity_data.sensitive_data"]\nmode = "off"\n{leave}' if not content else ""
    return f"""
[egress]
private = ["127.0.0.1/32"]
[workloads.w]
owner = "benchmark"
use_case = "acts"
rehearsal = true
models = {{ "rehearsal/echo" = "builtin" }}
[workloads.w.controls."infrastructure.egress_allowlist"]
destinations = ["http://127.0.0.1:{plain}", "https://127.0.0.1:{sink}"]
{leave}
[workloads.w.controls."infrastructure.egress_volume"]
window_bytes = 1000000000000
{leave}
[workloads.w.controls."infrastructure.rate_limit"]
principal_requests = 100000000
workload_requests = 100000000
address_requests = 100000000
{leave}
{off}
"""


class Proxy:
    """A proxy process."""

    def __init__(self, folder: Path, written: str) -> None:
        (folder / "ringwall.toml").write_text(written)
        ready = folder / "ready.json"
        words = ["--config", str(folder / "ringwall.toml"), "--data-dir", str(folder / "data"), "--port", "0"]
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ringwall", "egress", "--token", *words, "--ready-file", str(ready)],
            env={**os.environ, "XDG_CONFIG_HOME": str(folder / "config")}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        while not ready.exists():
            time.sleep(0.005)
        self.started_s = time.perf_counter() - began
        self.started_cpu_s = cpu_s(self.process.pid)
        said = json.loads(ready.read_text())
        self.port = int(said["proxy_url"].rpartition(":")[2])
        token = base64.b64encode(f"w:{said['api_key']}".encode()).decode()
        self.authorization = f"Proxy-Authorization: Basic {token}"
        ready.unlink()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def head(self, line: str, host: str, *more: str) -> bytes:
        return "\r\n".join([line, f"Host: {host}", self.authorization, *more, "", ""]).encode()

    def measured_us(self, work: Callable[[], None], times: int) -> float:
        best = float("inf")
        for _ in range(ROUNDS):
            before = cpu_s(self.process.pid)
            for _ in range(times):
                work()
            best = min(best, (cpu_s(self.process.pid) - before) / times)
        return round(best * 1e6, 1)

    def connect(self, port: int) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port))
        to = f"127.0.0.1:{port}"
        sock.sendall(self.head(f"CONNECT {to} HTTP/1.1", to))
        while b"\r\n\r\n" not in sock.recv(4096):
            pass
        return sock


def measure(proxy: Proxy, plain: int, sink: int) -> dict[str, float]:
    kept = socket.create_connection(("127.0.0.1", proxy.port))
    to = f"127.0.0.1:{plain}"
    body = json.dumps({"order": 17, "note": "two pairs of boots, waterproof " * 30}).encode()
    get = proxy.head(f"GET http://{to}/a?b=c HTTP/1.1", to)
    more = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    post = proxy.head(f"POST http://{to}/a HTTP/1.1", to, *more) + body

    def ask(request: bytes) -> None:
        kept.sendall(request)
        data = b""
        while not data.endswith(b"ok"):
            data += kept.recv(65_536)

    def tunnel() -> None:
        proxy.connect(sink).close()

    ask(get)
    result = {
        "connect_us": proxy.measured_us(tunnel, 300),
        "plain_get_us": proxy.measured_us(lambda: ask(get), 300),
        "plain_post_1_kb_us": proxy.measured_us(lambda: ask(post), 300),
    }
    open_one, piece = proxy.connect(sink), b"x" * MIB

    def push() -> None:
        open_one.sendall(piece)
        open_one.recv(1)

    result["tunnel_mib_us"] = proxy.measured_us(push, 300)
    open_one.close()
    kept.close()
    return result


def main() -> None:
    plain, sink = Far(plain_site), Far(counting_sink)
    result: dict[str, object] = {}
    for name, content in (("with_sensitive_data", True), ("without_content_control", False)):
        with tempfile.TemporaryDirectory() as folder:
            starts = []
            for _ in range(3):
                proxy = Proxy(Path(folder), configuration(plain.port, sink.port, content))
                starts.append((round(proxy.started_s, 2), round(proxy.started_cpu_s, 2)))
                if len(starts) < 3:
                    proxy.stop()
            found: dict[str, object] = {**measure(proxy, plain.port, sink.port), "start_s": min(starts)[0]}
            found["start_cpu_s"] = min(cpu for _, cpu in starts)
            proxy.stop()
            result[name] = found
            for key, value in found.items():
                print(f"{name:26s} {key:22s} {value!s:>10s}")
    print(keep("egress", {"result": result}))


if __name__ == "__main__":
    main()
