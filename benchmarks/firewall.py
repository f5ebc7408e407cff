"""What does the request firewall cost, and how often is it wrong?

    python benchmarks/firewall.py DATA_FOLDER [FOLDER ...]

DATA_FOLDER holds `injection.jsonl.gz` with rows `{"text", "label", "source", "kind"}`. Two thousand benign rows are
judged as whole requests by the control at its catalog's defaults: every row with code, SQL or HTML in it that there is
(up to half of them), then a seeded choice of the others. OWASP CRS is asked about the heads of stock clients, where
Debian's packages are installed; it never sees a prompt. The bounds were chosen on made-up texts, with a
look at how repetitive these rows are: read the figure as a lower bound for texts of another sort. Every
text file of 1 to 300 KB below further folders (sources, headers, documents) is judged as a prompt of its own.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from random import Random

from machine import machine

from ringwall.catalog.load import load_catalog
from ringwall.controls.infrastructure.request_firewall import CONTROL, RequestFirewallSettings
from ringwall.detectors import modsecurity, stuffing
from ringwall.detectors.request_rules import RequestRules
from ringwall.model.content import Origin, Part, PartId
from ringwall.model.conversation import Conversation, Role, Turn
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Facts, RequestHead
from ringwall.model.framework import ControlId, WorkloadId
from ringwall.model.interaction import (
    ANONYMOUS,
    Action,
    Checkpoint,
    Interaction,
    InteractionId,
    Resource,
    SessionKey,
    Vantage,
)
from ringwall.model.verdict import Deny

ROWS = 2000
SEED = 20_261_125
ROUNDS = 15
LOOKS_LIKE_CODE = re.compile(
    r"\b(?:def|function|class|import|#include|public static|const|var) |</[a-z]+>|<html|\bSELECT\b.*\bFROM\b|"
    r"\bINSERT INTO\b|\bCREATE TABLE\b|=>|\{\s*\n|```"
)
AGENTS = (
    "OpenAI/Python 2.8.0", "AsyncOpenAI/Python 2.8.0", "OpenAI/JS 6.9.0", "Anthropic/Python 0.75.0",
    "Boto3/1.42.0 md/Botocore#1.42.0 ua/2.1 os/linux#6.1.0", "curl/8.5.0", "python-requests/2.32.3", "langchain-openai",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
)  # fmt: skip


def head(agent: str, length: int) -> RequestHead:
    """The head that a stock client sends, without its credential."""
    headers = {
        "host": "127.0.0.1:8080", "accept-encoding": "gzip, deflate", "connection": "keep-alive",
        "accept": "application/json", "content-type": "application/json", "user-agent": agent,
        "x-stainless-lang": "python", "x-stainless-package-version": "2.8.0", "x-stainless-os": "Linux",
        "x-stainless-arch": "x64", "x-stainless-runtime": "CPython", "x-stainless-runtime-version": "3.11.7",
        "x-stainless-async": "false", "x-stainless-retry-count": "0", "x-stainless-read-timeout": "600",
        "content-length": str(length),
    }  # fmt: skip
    return RequestHead("POST", "/v1/chat/completions", "", tuple(headers.items()), length)


def request(text: str, agent: str = AGENTS[0]) -> Vantage:
    part = Part(PartId("turns/0/content/0"), Origin.PERSON, text)
    made = Interaction(
        InteractionId("req_1"), WorkloadId("bench"), ANONYMOUS, Action.INVOKE, Resource("model", "m"),
        SessionKey("ses_1"), (part,), Conversation((Turn(Role.USER, (part.id,)),)),
    )  # fmt: skip
    return Vantage(Checkpoint.INBOUND, made, (part,), Facts((head(agent, len(text.encode())),)))


def firewall() -> CONTROL:
    defaults = load_catalog().entries[ControlId(CONTROL.id)].defaults
    values = {each.name: defaults[each.name] for each in fields(RequestFirewallSettings)}
    return CONTROL(RequestFirewallSettings(**values))


def cpu_us(work: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - start)
    return best / times * 1e6


def judge(control: CONTROL, seen: Vantage) -> object:
    """The verdict, without a loop: nothing is awaited where CRS is off."""
    judging = control.examine(seen)
    try:
        judging.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("something was awaited")


def costs(control: CONTROL, rows: list[dict[str, str]]) -> None:
    print("CPU microseconds per request, best of rounds\n")
    rules, bounds = RequestRules(), stuffing.Bounds(50.0, stuffing.MIN_BYTES, 16_384, 64)
    stock = head(AGENTS[0], 2048)
    print(f"  own rules over a stock client's head ({sum(len(n) + len(v) for n, v in stock.headers)} bytes)  ", end="")
    print(f"{cpu_us(lambda: rules.judge(stock), 500):7.1f}")
    prose = "\n\n".join(row["text"] for row in rows if len(row["text"]) > 1500)
    code = "\n".join(path.read_text("utf-8") for path in sorted(Path(stuffing.__file__).parent.glob("*.py")))
    log = "".join(f"2026-11-25 10:{n // 60 % 60:02}:{n % 60:02} INFO id={n} took={n * 37 % 101}\n" for n in range(2000))
    for size in (2048, 32_768):
        for name, body in (("benign rows", prose[:size]), ("code", code[:size]), ("a log", log[:size])):
            seen = request(body)
            stuffed = cpu_us(lambda body=body: stuffing.assess(body, bounds), 100)
            whole = cpu_us(lambda seen=seen: judge(control, seen), 100)
            print(f"  {size // 1024:3d} KB {name:12s} stuffing {stuffed:7.1f}   whole control {whole:7.1f}")
    print()


def false_positives(control: CONTROL, rows: list[dict[str, str]]) -> None:
    codes: Counter[str] = Counter()
    for number, row in enumerate(rows):
        verdict = judge(control, request(row["text"], AGENTS[number % len(AGENTS)]))
        if isinstance(verdict, Deny):
            codes[verdict.code] += 1
            print(f"  refused: {verdict.code}, {row['source']}, {row['kind']}, {len(row['text'])} characters")
    alike = sum(bool(LOOKS_LIKE_CODE.search(row["text"])) for row in rows)
    refused = f"{sum(codes.values())} of {len(rows)} benign prompts refused"
    print(f"own rules and stuffing: {refused} ({alike} hold code, SQL or HTML)")


def files(control: CONTROL, folders: list[Path]) -> None:
    count = refused = 0
    for path in sorted(each for folder in folders for each in folder.rglob("*") if each.is_file()):
        if not 1000 <= path.stat().st_size <= 300_000:
            continue
        try:
            text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        count += 1
        verdict = judge(control, request(text))
        if isinstance(verdict, Deny):
            refused += 1
            print(f"  refused: {verdict.code}, {path.name}, {len(text)} characters")
    print(f"of {count} text files: {refused} refused")


def core_rule_set(rows: list[dict[str, str]]) -> None:
    try:
        profile = modsecurity.make_profile(1, 5)
    except ConfigError as error:
        print(f"OWASP CRS not measured: {error.public}")
        return
    payloads = [
        modsecurity.encode(profile, head(AGENTS[number % len(AGENTS)], len(row["text"].encode())))
        for number, row in enumerate(rows)
    ]
    began = time.process_time()
    modsecurity.examine(payloads[0])
    print(f"OWASP CRS: {1e3 * (time.process_time() - began):.0f} ms to compile, once for each worker; ", end="")
    began = time.process_time()
    refused = sum(modsecurity.decode(modsecurity.examine(each)).refused for each in payloads)
    each_us = (time.process_time() - began) / len(payloads) * 1e6
    print(f"{each_us:.0f} us of CPU per transaction; {refused} of {len(payloads)} heads of stock clients refused")


def main() -> None:
    with gzip.open(Path(sys.argv[1]) / "injection.jsonl.gz", "rt", encoding="utf-8") as lines:
        benign = [row for row in map(json.loads, lines) if not row["label"]]
    order = Random(SEED)
    order.shuffle(benign)
    alike = [row for row in benign if LOOKS_LIKE_CODE.search(row["text"])][: ROWS // 2]
    taken = {row["id"] for row in alike}
    rows = [*alike, *[row for row in benign if row["id"] not in taken][: ROWS - len(alike)]]
    print(json.dumps(machine()) + "\n")
    control = firewall()
    costs(control, rows)
    false_positives(control, rows)
    every = Counter(verdict.code for row in benign if isinstance(verdict := judge(control, request(row["text"])), Deny))
    print(f"of all {len(benign)} benign rows: {sum(every.values())} refused {dict(every) or ''}")
    files(control, [Path(each) for each in sys.argv[2:]])
    core_rule_set(rows)


if __name__ == "__main__":
    main()
