"""How much CPU does a request cost? Ringwall next to nginx pass-through, in the same run, against the same upstream.

    make bench                          the table
    .venv/bin/python benchmarks/bench.py --seconds 5 --json

The figure is CPU microseconds per request: user and system time of the process tree, divided by the requests that it
answered. That is stable on a shared machine where rates are not. The upstream is nginx with a fixed answer; load comes
from wrk on 32 connections. Both from Debian's packages; where they are missing, the run says so and ends.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
CONNECTIONS = 32
ANSWER = "Waterproof boots keep your feet dry. " * 16
EVENTS = 50
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Row:
    """One measurement."""

    what: str
    size: str
    streamed: bool
    requests: int
    cpu_us: float
    rate: float
    failures: int
    rss_mb: float


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if children.exists():
        for child in children.read_text().split():
            found += tree(int(child))
    return found


def cpu_us(pid: int) -> float:
    """User and system time of a process tree, in microseconds."""
    total = 0
    for each in tree(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total * 1e6 / TICKS


def rss_mb(pid: int) -> float:
    pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def body(size: int, streamed: bool) -> bytes:
    """A request of about this many bytes: ordinary prose."""
    prose = "Please compare these two hiking boots for a wet autumn in the hills and say which one lasts longer. "
    text = (prose * (size // len(prose) + 1))[: max(size - 160, 1)]
    messages = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": text}]
    return json.dumps({"model": "bench-model", "messages": messages, "stream": streamed}).encode()


def whole() -> str:
    choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 500, "completion_tokens": 150, "total_tokens": 650}
    head = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
    return json.dumps({**head, "choices": [choice], "usage": usage})


def events() -> str:
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def chunk(delta: dict[str, str], finish: str | None = None) -> str:
        return "data: " + json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    words = (ANSWER.split() * 2)[:EVENTS]
    return "\n\n".join([*(chunk({"content": word + " "}) for word in words), chunk({}, "stop"), "data: [DONE]", ""])


def nginx_config(folder: Path, upstream: int, proxy: int) -> Path:
    quoted = whole().replace("\\", "\\\\").replace("'", "\\'")
    folder.chmod(0o755)  # nginx gives up its rights before it reads the file
    (folder / "events").write_text(events())
    files = free_port()
    config = folder / "nginx.conf"
    config.write_text(f"""
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 8m; client_body_buffer_size 1m;
  server {{ listen 127.0.0.1:{upstream} backlog=2048;
    location /v1/chat/completions {{ default_type application/json; return 200 '{quoted}'; }}
    location = /stream/v1/chat/completions {{
      proxy_pass http://files/events; proxy_method GET; proxy_pass_request_body off;
      proxy_set_header Content-Length ""; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
  upstream files {{ server 127.0.0.1:{files}; keepalive 256; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{files} backlog=2048;
    location /events {{ default_type text/event-stream; alias {folder}/events; }}
  }}
}}""")
    front = folder / "front.conf"
    front.write_text(f"""
daemon off; worker_processes 1; pid {folder}/front.pid; error_log {folder}/front-error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/fb; proxy_temp_path {folder}/fp;
  fastcgi_temp_path {folder}/ff; uwsgi_temp_path {folder}/fu; scgi_temp_path {folder}/fs;
  client_max_body_size 8m; client_body_buffer_size 1m;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{proxy} backlog=2048;
    location / {{ proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; }}
  }}
}}""")
    return config


def load(url: str, key: str, content: bytes, seconds: float, folder: Path) -> tuple[int, int, float]:
    """Requests answered, failures, and the rate."""
    script = folder / "post.lua"
    text = content.decode().replace("]]", "] ]")
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        f'wrk.headers["Authorization"] = "Bearer {key}"\nwrk.body = [[{text}]]\n'
    )
    said = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(int(seconds), 1)}s", "--timeout", "10s", "-s", str(script), url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    count = int(re.search(r"(\d+) requests in", said)[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failures = (int(bad[1]) if bad else 0) + (sum(int(each) for each in errors.groups()) if errors else 0)
    return count, failures, float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])


def measure(what: str, pid: int, url: str, key: str, size: int, streamed: bool, seconds: float, folder: Path) -> Row:
    content = body(size, streamed)
    load(url, key, content, 1, folder)  # warm
    before = cpu_us(pid)
    count, failures, rate = load(url, key, content, seconds, folder)
    spent = cpu_us(pid) - before
    return Row(what, f"{size // 1024} KB", streamed, count, spent / max(count, 1), rate, failures, rss_mb(pid))


def wait_for(port: int, process: subprocess.Popen, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended with {process.returncode}")
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("not ready in time")


def start_gateway(folder: Path, upstream: int, prefix: str) -> tuple[subprocess.Popen, str, str, float]:
    """A gateway on free ports: the process, its URL, its key, and seconds from start to the first served request."""
    until = datetime.date.today() + datetime.timedelta(days=30)  # noqa: DTZ011
    text = (HERE / "answers.toml").read_text().replace("@UPSTREAM@", str(upstream)).replace("@UNTIL@", str(until))
    text = text.replace('/v1"', f'{prefix}/v1"')
    config = folder / f"answers{len(prefix)}.toml"
    config.write_text(text)
    port, admin = free_port(), free_port()
    ready = folder / f"ready{len(prefix)}.json"
    began = time.monotonic()
    data = folder / f"data{len(prefix)}"
    ports = ["--port", str(port), "--admin-port", str(admin)]
    command = [Path(sys.executable).parent / "ringwall", "up", "--config", config, "--data-dir", data]
    process = subprocess.Popen(
        [*command, *ports, "--ready-file", ready],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "gateway.log").open("a"),
        env={**os.environ, "XDG_CONFIG_HOME": str(folder / "config")},
    )
    while not ready.exists():
        if process.poll() is not None:
            raise SystemExit((folder / "gateway.log").read_text())
        time.sleep(0.005)
    said = json.loads(ready.read_text())
    url = said["base_url"] + "/chat/completions"
    headers = {"Authorization": f"Bearer {said['api_key']}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, body(2048, bool(prefix)), headers)
    urllib.request.urlopen(request).read()
    return process, url, said["api_key"], time.monotonic() - began


def fsync_us(folder: Path, count: int = 300) -> tuple[float, float]:
    """Median wall time and CPU of one fdatasync of one record, in microseconds."""
    descriptor = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    times, spent = [], time.process_time()
    for _ in range(count):
        os.write(descriptor, b"x" * 1500)
        began = time.perf_counter()
        os.fdatasync(descriptor)
        times.append(time.perf_counter() - began)
    spent = (time.process_time() - spent) / count
    os.close(descriptor)
    return sorted(times)[count // 2] * 1e6, spent * 1e6


def run(seconds: float) -> tuple[list[Row], dict[str, object]]:
    folder = Path(tempfile.mkdtemp(prefix="ringwall-bench-"))
    upstream, proxy = free_port(), free_port()
    processes: list[subprocess.Popen] = []
    rows: list[Row] = []
    starts = []
    try:
        nginx_config(folder, upstream, proxy)
        for name in ("nginx.conf", "front.conf"):
            processes.append(subprocess.Popen(["nginx", "-p", folder, "-c", folder / name], stderr=subprocess.DEVNULL))
        wait_for(upstream, processes[0])
        wait_for(proxy, processes[1])
        for prefix in ("", "/stream"):
            gateway, url, key, cold = start_gateway(folder, upstream, prefix)
            processes.append(gateway)
            starts.append(cold)
            front = f"http://127.0.0.1:{proxy}{prefix}/v1/chat/completions"
            for size in (2048, 32768):
                rows.append(measure("nginx", processes[1].pid, front, key, size, bool(prefix), seconds, folder))
                rows.append(measure("ringwall", gateway.pid, url, key, size, bool(prefix), seconds, folder))
            gateway.send_signal(signal.SIGTERM)
            gateway.wait(20)
        wall, cpu = fsync_us(folder)
        machine = {
            "processor": next(
                (
                    line.partition(":")[2].strip()
                    for line in Path("/proc/cpuinfo").read_text().splitlines()
                    if "model name" in line
                ),
                platform.processor(),
            ),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load": os.getloadavg()[0],
            "fdatasync_wall_us": round(wall),
            "fdatasync_cpu_us": round(cpu),
            "cold_start_s": [round(each, 2) for each in starts],
        }
        return rows, machine
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
                process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def show(rows: list[Row], machine: dict[str, object]) -> None:
    print(json.dumps(machine))
    columns = ("size", 6), ("streamed", 9), ("requests", 9), ("failed", 7), ("CPU us", 8), ("x nginx", 8), ("rate/s", 8)
    print(" " * 10, *(f"{name:>{width}}" for name, width in columns), f"{'RSS MB':>7}")
    for row in rows:
        floor = next(
            each.cpu_us
            for each in rows
            if each.what == "nginx" and (each.size, each.streamed) == (row.size, row.streamed)
        )
        print(
            f"{row.what:10} {row.size:>6} {'yes' if row.streamed else 'no':>9} {row.requests:>9} {row.failures:>7} "
            f"{row.cpu_us:>8.1f} {row.cpu_us / floor:>8.1f} {row.rate:>8.0f} {row.rss_mb:>7.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4, help="length of each measurement")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    missing = [name for name in ("nginx", "wrk") if shutil.which(name) is None]
    if missing:
        print(f"skipped: {' and '.join(missing)} not installed (apt-get install nginx-light wrk)")
        return
    rows, machine = run(asked.seconds)
    result = {"machine": machine, "rows": [asdict(row) for row in rows]}
    out = HERE / "out"
    out.mkdir(exist_ok=True)
    (out / "bench.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2)) if asked.json else show(rows, machine)


if __name__ == "__main__":
    main()
