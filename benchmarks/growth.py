"""Does memory grow with the number of requests? Resident memory of a gateway over 100,000 of them, of every kind.

    .venv/bin/python benchmarks/growth.py --requests 100000     writes benchmarks/out/growth.json

Whole answers, streams, refusals, malformed bodies, wrong keys and clients that go away, each with a text of its
own, so that nothing that is remembered per request, per session or per connection can hide. The first quarter fills
caches and arenas; what comes after it may not grow by more than a few megabytes.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.bench import rss_mb
from benchmarks.kills import ATTACK, config
from benchmarks.machine import keep

from tests.process import Gateway
from tests.raw import address, parse, post

CLIENTS = 8
SAMPLES = 20
MAX_GROWTH_MB = 12.0
"""Megabytes by which the last three quarters of the requests may grow it."""


def request(key: str, number: int) -> tuple[bytes, bool]:
    """The request of this number, and whether its client goes away before the answer."""
    text = f"Which tent is the better one for trip {number}? It will be wet. " * 8
    body: dict[str, object] = {"model": "rehearsal/echo", "messages": [{"role": "user", "content": text}]}
    match number % 10:
        case 0 | 1 | 2:
            body["stream"] = True
        case 3:
            body["messages"] = [{"role": "user", "content": f"{ATTACK} {number}"}]
        case 4:
            return post(key, b'{"model": "m", %d' % number), False
        case 5:
            return post(f"rw_000000000000_{number:043d}", json.dumps(body).encode()), False
        case 6:
            body[f"field_{number}"] = 1
    return post(key, json.dumps(body).encode()), number % 100 == 99


class Load(threading.Thread):
    """Asks its share of the requests, on one connection after another."""

    def __init__(self, gateway: Gateway, numbers: range) -> None:
        super().__init__(daemon=True)
        self._gateway, self._numbers = gateway, numbers
        self.done = self.failed = 0
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        sock = self._connect()
        for number in self._numbers:
            data, leaves = request(str(self._gateway.said["api_key"]), number)
            try:
                sock.sendall(data)
                if leaves:
                    sock.close()
                    sock = self._connect()
                else:
                    self._answer(sock)
            except OSError:
                self.failed += 1
                sock = self._connect()
            self.done += 1
        sock.close()

    def _connect(self) -> socket.socket:
        sock = socket.create_connection(address(self._gateway.said["base_url"]), timeout=30)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _answer(self, sock: socket.socket) -> None:
        data = b""
        while (found := parse(data, False)) is None:
            piece = sock.recv(65_536)
            if not piece:
                raise ConnectionError("closed")
            data += piece
        self.statuses[found[0].status] += 1


def measure(folder: Path, count: int) -> dict[str, object]:
    """Resident memory at equal distances."""
    (folder / "ringwall.toml").write_text(config())
    gateway = Gateway(folder, ["--config", str(folder / "ringwall.toml")]).start()
    pid = int(str(gateway.said["pid"]))
    share = count // CLIENTS
    load = [Load(gateway, range(n * share, (n + 1) * share)) for n in range(CLIENTS)]
    began, samples = time.monotonic(), [(0, rss_mb(pid))]
    for each in load:
        each.start()
    while any(each.is_alive() for each in load):
        time.sleep(0.05)
        done = sum(each.done for each in load)
        if done >= len(samples) * count / SAMPLES:
            samples.append((done, rss_mb(pid)))
    took = time.monotonic() - began
    samples.append((sum(each.done for each in load), rss_mb(pid)))
    gateway.stop()
    quarter = next(size for done, size in samples if done >= count / 4)
    return {
        "requests": samples[-1][0],
        "answers": {
            str(status): count for status, count in sorted(sum((each.statuses for each in load), Counter()).items())
        },
        "failed_connections": sum(each.failed for each in load),
        "rss_mb": [[done, round(size, 2)] for done, size in samples],
        "growth_after_first_quarter_mb": round(samples[-1][1] - quarter, 2),
        "allowed_mb": MAX_GROWTH_MB,
        "took_s": round(took),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ringwall-growth-") as folder:
        result = measure(Path(folder), asked.requests)
    print(json.dumps(result, indent=2))
    print(keep("growth", result))
    return 1 if float(str(result["growth_after_first_quarter_mb"])) > MAX_GROWTH_MB else 0


if __name__ == "__main__":
    sys.exit(main())
