"""What do the controls add, at each door, whole and streamed; and how much later does the first word come?

    .venv/bin/python benchmarks/doors.py
    .venv/bin/python benchmarks/doors.py --seconds 5 --json

Two gateways in the same run, against the same upstream: the profile of `answers.toml`, and the same with every control
off that may be: authentication, the request firewall and all that look at content. It still reads, asks policies,
counts and records. What the controls add is the difference in CPU per request; for streams, divided by their events.
The first word is timed at one connection, in wall time.
"""

from __future__ import annotations

import argparse
import datetime
import http.client
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import bench

DOORS = {
    "OpenAI chat": "/v1/chat/completions",
    "OpenAI Responses": "/v1/responses",
    "Anthropic": "/v1/messages",
    "Bedrock": "/model/bench-model/converse",
}
FIRST_WORDS = 300


@dataclass
class Door:
    """One door, in microseconds of CPU for a request.

    Attributes:
        door: Which.
        streamed: Whether the answer came as a stream.
        without: With every control off.
        controls: With the controls of the profile.
        added: The difference; of a stream, for each event.
    """

    door: str
    streamed: bool
    without: float
    controls: float
    added: float


def body(door: str, streamed: bool) -> bytes:
    """Two kilobytes of a question."""
    said = json.loads(bench.body(2048, streamed))
    messages = said["messages"]
    if door == "OpenAI Responses":
        return json.dumps({"model": said["model"], "input": messages, "stream": streamed}).encode()
    if door == "Anthropic":
        turns = [{**each, "role": "user"} if each["role"] == "system" else each for each in messages]
        return json.dumps({"model": said["model"], "max_tokens": 500, "messages": turns, "stream": streamed}).encode()
    if door == "Bedrock":
        turns = [{"role": "user", "content": [{"text": each["content"]}]} for each in messages]
        return json.dumps({"messages": turns}).encode()
    return bench.body(2048, streamed)


def off(config: Path) -> str:
    """Tables that switch every control of the workload off that may be."""
    said = subprocess.run(
        [Path(sys.executable).parent / "ringwall", "plan", "--config", config, "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    plan = json.loads(said.stdout)
    catalog = bench.HERE.parent / "src" / "ringwall" / "catalog"
    entries = {name: catalog / f"{name.replace('.', '/')}.toml" for name in plan["workloads"]["bench"]["controls"]}
    names = [name for name, path in entries.items() if "mode" in tomllib.loads(path.read_text()).get("may_relax", ())]
    until = datetime.date.today() + datetime.timedelta(days=30)  # noqa: DTZ011
    leave = f'mode = "off"\nreason = "a pass-through"\nuntil = {until}\n'
    return "\n".join(f'[workloads.bench.controls."{name}"]\n{leave}' for name in names)


def start(folder: Path, upstream: int, prefix: str, *, without: bool) -> tuple[subprocess.Popen, str, str]:
    """A gateway: its process, root and key."""
    until = datetime.date.today() + datetime.timedelta(days=30)  # noqa: DTZ011
    text = (bench.HERE / "answers.toml").read_text().replace("@UPSTREAM@", str(upstream)).replace("@UNTIL@", str(until))
    text = text.replace('/v1"', f'{prefix}/v1"')
    name = f"{'off' if without else 'on'}{len(prefix)}"
    config = folder / f"{name}.toml"
    config.write_text(text)
    if without:
        config.write_text(text + "\n" + off(config))
    ready = folder / f"{name}.json"
    words = [Path(sys.executable).parent / "ringwall", "up", "--config", config, "--data-dir", folder / name]
    words += ["--port", "0", "--admin-port", "0", "--ready-file", ready, "--root-key", f"file:{folder / name}.key"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=(folder / "gateway.log").open("a"))
    while not ready.exists():
        if process.poll() is not None:
            raise SystemExit((folder / "gateway.log").read_text())
        time.sleep(0.01)
    said = json.loads(ready.read_text())
    return process, said["base_url"].removesuffix("/v1"), said["api_key"]


def path_of(door: str, streamed: bool) -> str:
    return DOORS[door] + ("-stream" if streamed and door == "Bedrock" else "")


def cost(process: subprocess.Popen, url: str, key: str, content: bytes, seconds: float, folder: Path) -> float:
    """CPU microseconds for a request; the lower of two measurements."""
    bench.load(url, key, content, 1, folder)  # warm
    found = []
    for _ in range(2):
        before = bench.cpu_us(process.pid)
        count, failures, _ = bench.load(url, key, content, seconds, folder)
        if failures or not count:
            raise SystemExit(f"{failures} of {count} requests to {url} failed")
        found.append((bench.cpu_us(process.pid) - before) / count)
    return min(found)


def first_words(url: str, key: str, content: bytes) -> tuple[float, float]:
    """Milliseconds until the first byte of an answer, at one connection: median and 99th percentile."""
    where, times = urlsplit(url), []
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for _ in range(FIRST_WORDS):
        began = time.perf_counter()
        connection.request("POST", where.path, content, headers)
        answer = connection.getresponse()
        answer.read(1)
        times.append((time.perf_counter() - began) * 1000)
        answer.read()
    connection.close()
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def run(seconds: float) -> dict[str, object]:
    folder = Path(tempfile.mkdtemp(prefix="ringwall-doors-"))
    upstream, proxy = bench.free_port(), bench.free_port()
    running: list[subprocess.Popen] = []
    rows: list[Door] = []
    words: dict[str, list[float]] = {}
    try:
        bench.nginx_config(folder, upstream, proxy)
        for name in ("nginx.conf", "front.conf"):
            running.append(subprocess.Popen(["nginx", "-p", folder, "-c", folder / name], stderr=subprocess.DEVNULL))
        bench.wait_for(upstream, running[0])
        for streamed in (False, True):
            prefix = "/stream" if streamed else ""
            pair = [start(folder, upstream, prefix, without=without) for without in (True, False)]
            running += [each[0] for each in pair]
            for door in DOORS:
                content = body(door, streamed)
                costs = [
                    cost(process, root + path_of(door, streamed), key, content, seconds, folder)
                    for process, root, key in pair
                ]
                added = (costs[1] - costs[0]) / (bench.EVENTS if streamed else 1)
                rows.append(Door(door, streamed, *(round(each, 1) for each in costs), round(added, 2)))
            if streamed:
                content = body("OpenAI chat", True)
                names = ("what may be off is off", "controls of the profile")
                for name, (_, root, key) in zip(names, pair, strict=True):
                    words[name] = [round(each, 2) for each in first_words(root + DOORS["OpenAI chat"], key, content)]
                direct = f"http://127.0.0.1:{upstream}{prefix}/v1/chat/completions"
                words["the upstream itself"] = [round(each, 2) for each in first_words(direct, "x", content)]
            for process, _, _ in pair:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
        return {"events": bench.EVENTS, "doors": [asdict(row) for row in rows], "first_word_ms_p50_p99": words}
    finally:
        for process in running:
            if process.poll() is None:
                process.terminate()
                process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3, help="length of each measurement")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    missing = [name for name in ("nginx", "wrk") if shutil.which(name) is None]
    if missing:
        print(f"skipped: {' and '.join(missing)} not installed (apt-get install nginx-light wrk)")
        return
    result = run(asked.seconds)
    if asked.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'door':18} {'streamed':>8} {'without':>9} {'controls':>9} {'added':>8}")
    for row in result["doors"]:
        unit = "/event" if row["streamed"] else ""
        print(
            f"{row['door']:18} {'yes' if row['streamed'] else 'no':>8} {row['without']:>9.1f} {row['controls']:>9.1f} "
            f"{row['added']:>8.2f}{unit}"
        )
    for name, (median, high) in result["first_word_ms_p50_p99"].items():
        print(f"first word, {name}: p50 {median:.2f} ms, p99 {high:.2f} ms")


if __name__ == "__main__":
    main()
