"""What do all ten steps cost an honest caller? Time and CPU of the same work with all of them on, and with all off.

    python benchmarks/ten_steps.py
    python benchmarks/ten_steps.py --rounds 9 --json

Two storefronts run side by side, each with its gateway, its tools and a carrier; one has every control of the ten steps
enforced, the egress proxy as the way out of its tools and the monitor in its gateway, the other has every one of them
switched off, card numbers in clear and no proxy. They are asked the same, turn by turn, by one client on one
connection at a time. `chat` is one request to the echo model; `search` a whole task with a tool (list the tools, ask,
call under a lease, ask with the result); `parcel` a whole task whose tool posts to the carrier. The model is built in:
it works in the gateway's process, in both alike, so that only what is added says something about the steps. CPU is user
and system time of the gateway with its workers, and of the proxy. `benchmarks/results/ten-steps.json` keeps the result.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.machine import keep

from tests.process import Gateway
from tests.storefront.tasks import CLERK
from tests.storefront.ten_steps import Street, street

QUESTION = "Please compare these two hiking boots for a wet autumn in the hills and say which one lasts longer."
SEARCH = 'call search_products with {"text": "waterproof"}'
PARCEL = "Two pairs of Fen boots, size 42, to our shop in Leeds."
TIMES = {"chat": 100, "search": 25, "parcel": 25}
"""How often each is done in a round; a tick of the CPU's clock is 10 ms."""
RESULTS = Path(__file__).parent / "results"
TICKS = os.sysconf("SC_CLK_TCK")
FAR = (datetime.now(UTC) + timedelta(days=20)).date()
OFTEN = f"""principal_requests = 100000000
principal_tokens = 100000000000
workload_requests = 100000000
workload_tokens = 100000000000
address_requests = 100000000
address_tokens = 100000000000
reason = "a benchmark asks often"
until = {FAR}"""


def cpu_ms(gateway: Gateway | None) -> float:
    """User and system time of a process and all below it."""
    return 0.0 if gateway is None or gateway.process is None else _tree_ms(gateway.process.pid)


def _tree_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICKS + sum(_tree_ms(int(each)) for each in below)


class Work:
    """What is asked of one storefront."""

    def __init__(self, shop: Street) -> None:
        self.shop = shop
        where = urlsplit(str(shop.gateway.said["base_url"]))
        self._path = f"{where.path}/chat/completions"
        self._connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)

    def chat(self) -> None:
        body = json.dumps({"model": "rehearsal/echo", "messages": [{"role": "user", "content": QUESTION}]})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.shop.keys[CLERK]}"}
        self._connection.request("POST", self._path, body, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200 or QUESTION.encode() not in said:
            raise SystemExit(f"refused: {said.decode()}")

    def search(self) -> None:
        self._task(SEARCH, "Fen boot")

    def parcel(self) -> None:
        self._task(self.shop.post_task("/orders", PARCEL), "status 200")

    def _task(self, words: str, found: str) -> None:
        done = self.shop.agent(CLERK).run(words)
        if done.refusals or found not in done.answer:
            raise SystemExit(f"refused: {done}")

    def measured(self, name: str) -> dict[str, float]:
        """One round of one kind of work: its median, and CPU for each."""
        deed: Callable[[], None] = getattr(self, name)
        gateway, proxy, spent = cpu_ms(self.shop.gateway), cpu_ms(self.shop.proxy), []
        for _ in range(TIMES[name]):
            began = time.perf_counter()
            deed()
            spent.append((time.perf_counter() - began) * 1000)
        return {
            "wall_ms": statistics.median(spent),
            "gateway_cpu_ms": (cpu_ms(self.shop.gateway) - gateway) / len(spent),
            "proxy_cpu_ms": (cpu_ms(self.shop.proxy) - proxy) / len(spent),
        }


def measure(rounds: int) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    found: dict[str, dict[str, list[dict[str, float]]]] = {name: {"off": [], "on": []} for name in TIMES}
    with tempfile.TemporaryDirectory() as folder:
        settings = {"infrastructure.rate_limit": OFTEN}
        with (
            street(Path(folder) / "off", (CLERK,), on=False) as off,
            street(Path(folder) / "on", (CLERK,), settings=settings) as on,
        ):
            works = {"off": Work(off), "on": Work(on)}
            for work in works.values():  # warm
                for name in TIMES:
                    work.measured(name)
            for at in range(rounds):
                order = ("off", "on") if at % 2 == 0 else ("on", "off")
                for name in TIMES:
                    for state in order:
                        found[name][state].append(works[state].measured(name))
    return {name: {state: _of_rounds(each) for state, each in states.items()} for name, states in found.items()}


def _of_rounds(rounds: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {
        what: {
            "least": round(min(each[what] for each in rounds), 2),
            "median": round(statistics.median(each[what] for each in rounds), 2),
        }
        for what in rounds[0]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and CPU that all ten steps add to honest work.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of a table")
    asked = parser.parse_args()
    measured = measure(asked.rounds)
    result: dict[str, object] = {"rounds": asked.rounds, "times": TIMES, "result": measured}
    if asked.json:
        print(json.dumps(result, indent=2))
    else:
        print(f"{'median of rounds (least)':26s}{'off':>20s}{'on':>20s}{'added':>10s}")
        for name, states in measured.items():
            for what in ("wall_ms", "gateway_cpu_ms", "proxy_cpu_ms"):
                off, on = states["off"][what], states["on"][what]
                cells = [f"{each['median']:.2f} ({each['least']:.2f})" for each in (off, on)]
                print(f"{name + ' ' + what:26s}{cells[0]:>20s}{cells[1]:>20s}{on['median'] - off['median']:>10.2f}")
    print(keep("ten-steps", result, RESULTS), file=sys.stderr)


if __name__ == "__main__":
    main()
