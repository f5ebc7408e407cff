"""How much do the detectors catch, how often are they wrong, and what do they cost?

    python benchmarks/detectors.py DATA_FOLDER

DATA_FOLDER holds `injection.jsonl.gz` with rows `{"text", "label", "source", "kind"}`. Results are printed by source
and kind: a figure over all rows would mostly say which source is largest. Every row is judged as a person's words and
as a tool's result, at the default thresholds. Nothing here was trained on these rows, but the patterns were written by
people who have seen some of them: read recall as an upper bound for sources never seen.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from ringwall.catalog.load import load_catalog
from ringwall.detectors import personal_data, prompt_attack
from ringwall.model.framework import ControlId

PROSE = (
    "Thank you for the report on the new product line. We would like to know how the team plans to handle the "
    "rollout in the northern regions, which suppliers are involved, and when the first results are expected. "
)
ROUNDS = 15


def cpu_us(work: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - start)
    return best / times * 1e6


def costs() -> None:
    print("CPU microseconds, best of rounds, ordinary prose\n")
    for size in (2048, 32768):
        text = (PROSE * (size // len(PROSE) + 1))[:size]
        accented = text.replace("e", "é")
        for name, body in (("ASCII", text), ("accented", accented)):
            attack = cpu_us(lambda body=body: prompt_attack.assess(body), 200)
            personal = cpu_us(lambda body=body: personal_data.find(body), 200)
            print(f"{size // 1024:3d} KB {name:9s} prompt_attack {attack:7.1f}   personal_data {personal:7.1f}")
    print()


def attacks(rows: list[dict[str, object]]) -> None:
    defaults = load_catalog().entries[ControlId("application.prompt_attack")].defaults
    person, tool = float(str(defaults["person"])), float(str(defaults["tool"]))
    table: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        found = prompt_attack.assess(str(row["text"]))
        cell = table[int(str(row["label"])), str(row["source"]), str(row["kind"])]
        cell[0] += 1
        cell[1] += found.score >= person or bool(found.exceeded)
        cell[2] += found.score >= tool or bool(found.exceeded)
    for label, title in ((0, "false positives on benign rows"), (1, "recall on attacks")):
        print(f"{title}: share refused as a person's words, as a tool's result\n")
        for (which, source, kind), (count, as_person, as_tool) in sorted(table.items()):
            if which == label:
                shares = f"{100 * as_person / count:6.2f} % {100 * as_tool / count:6.2f} %"
                print(f"  {source[:56]:56s} {kind:18s} {count:6d} {shares}")
        print()


def main() -> None:
    prompt_attack.warm()
    personal_data.warm()
    costs()
    with gzip.open(Path(sys.argv[1]) / "injection.jsonl.gz", "rt", encoding="utf-8") as lines:
        attacks([json.loads(line) for line in lines])


if __name__ == "__main__":
    main()
