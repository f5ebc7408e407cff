"""How often are grounding and reasoning right, and what do they cost?

    python benchmarks/step_seven.py

The cases were written by the people who wrote the code, after the code, and run once before any of it was changed for
them. They show the manner of failure, not a rate that holds elsewhere. For reasoning the figures of the field's
comparison are printed: false positives are answers that are not valid and were certified; soundness is one minus the
share of false positives among all; abstention is every finding but valid, invalid and impossible.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.machine import keep, machine

from ringwall.catalog.load import load_catalog
from ringwall.compute.pool import WorkerPool
from ringwall.controls.application import automated_reasoning, contextual_grounding
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.facts import Delivered, Facts
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
from ringwall.model.verdict import Deny, Verdict

CASES = tomllib.loads((Path(__file__).parent / "step_seven.toml").read_text("utf-8"))
ROUNDS = 300


def settings(control: str, kind: Any, **changed: object) -> Any:
    defaults = load_catalog().entries[ControlId(control)].defaults
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in defaults.items()}
    return kind(**{**plain, **changed})


def vantage(question: str, answer: str) -> Vantage:
    asked = Part(PartId("q"), Origin.PERSON, question)
    sources = [
        Part(PartId(f"s{at}"), Origin.TOOL, freeze(json.loads(each)) if each[0] == "[" else each, JSON)
        for at, each in enumerate(CASES["sources"].values())
    ]
    tools = dict(zip((each.id for each in sources), CASES["sources"], strict=True))
    made = Interaction(
        InteractionId("i"), WorkloadId("shop"), ANONYMOUS, Action.INVOKE, Resource("model", "m"), SessionKey("s"),
        (asked, *sources),
    )  # fmt: skip
    part = Part(PartId("a"), Origin.MODEL, answer)
    return Vantage(Checkpoint.RESPONSE, made, (part,), Facts([Delivered(tools)]))


def timed(judge: Callable[[Vantage], Any], cases: list[Vantage]) -> tuple[float, float]:
    async def all_of_them() -> list[float]:
        spent = []
        for at in range(ROUNDS):
            began = time.perf_counter()
            await judge(cases[at % len(cases)])
            spent.append((time.perf_counter() - began) * 1000)
        return sorted(spent)

    spent = asyncio.run(all_of_them())
    return round(spent[len(spent) // 2], 3), round(spent[len(spent) * 95 // 100], 3)


def grounding() -> dict[str, object]:
    kind = contextual_grounding
    made = kind.CONTROL(
        settings(
            "application.contextual_grounding",
            kind.ContextualGroundingSettings,
            sanctioned=dict.fromkeys(CASES["sources"], "source"),
        )
    )
    seen = [(each, vantage(each["question"], each["answer"])) for each in CASES["grounding"]]
    verdicts: list[tuple[dict[str, Any], Verdict]] = [(each, asyncio.run(made.examine(at))) for each, at in seen]
    hit = [each for each, verdict in verdicts if not each["supported"] and isinstance(verdict, Deny)]
    missed = [each["answer"] for each, verdict in verdicts if not each["supported"] and not isinstance(verdict, Deny)]
    wrong = [
        [each["answer"], verdict.code] for each, verdict in verdicts if each["supported"] and isinstance(verdict, Deny)
    ]
    supported = sum(1 for each in CASES["grounding"] if each["supported"])
    p50, p95 = timed(made.examine, [at for _, at in seen])
    return {
        "cases": len(seen),
        "unsupported": len(seen) - supported,
        "refused_of_the_unsupported": round(len(hit) / (len(seen) - supported), 3),
        "refused_of_the_supported": round(len(wrong) / supported, 3),
        "precision_of_refusals": round(len(hit) / max(1, len(hit) + len(wrong)), 3),
        "missed": missed,
        "wrongly_refused": wrong,
        "p50_ms": p50,
        "p95_ms": p95,
    }


def reasoning(pool: WorkerPool) -> dict[str, object]:
    kind = automated_reasoning
    made = kind.CONTROL(
        settings(
            "application.automated_reasoning",
            kind.AutomatedReasoningSettings,
            rules=tuple(CASES["rules"]["forms"]),
            deadline_s=20.0,
        ),
        compute=pool,
    )
    seen = [(each, vantage("", each["answer"])) for each in CASES["reasoning"]]
    found: list[tuple[dict[str, Any], str]] = []
    for each, at in seen:
        verdict = asyncio.run(made.examine(at))
        kinds = {one.kind for one in verdict.evidence}
        found.append((each, verdict.code if isinstance(verdict, Deny) else "valid" if "valid" in kinds else "nothing"))
    valid = [got for each, got in found if each["finding"] == "valid"]
    other = [got for each, got in found if each["finding"] != "valid"]
    certified_wrongly = sum(1 for got in other if got == "valid")
    let_through = [each["answer"] for each, got in found if each["finding"] != "valid" and got in ("valid", "nothing")]
    certified = valid.count("valid")
    decided = ("valid", "invalid", "impossible")
    p50, p95 = timed(made.examine, [at for _, at in seen])
    return {
        "cases": len(found),
        "valid": len(valid),
        "exact": sum(1 for each, got in found if each["finding"] == got),
        "false_positive_rate": round(certified_wrongly / len(other), 3),
        "soundness": round(1 - certified_wrongly / len(found), 3),
        "precision_of_valid": round(certified / max(1, certified + certified_wrongly), 3),
        "recall_of_valid": round(certified / len(valid), 3),
        "abstention": round(sum(1 for _, got in found if got not in decided) / len(found), 3),
        "not_valid_and_let_through": let_through,
        "valid_and_refused": [[e["answer"], got] for e, got in found if e["finding"] == "valid" and got != "valid"],
        "p50_ms": p50,
        "p95_ms": p95,
    }


def round_trip(pool: WorkerPool) -> dict[str, float]:
    """What a worker costs besides its task: a task with nothing to prove."""
    nothing = json.dumps({"tenant": "t", "rules": ["(bool v)"], "rows": {}, "values": {}, "frames": []}).encode()

    async def ask(_: Vantage) -> None:
        await pool.run("logic.check", nothing, tenant="t", deadline_s=20.0)

    began = time.perf_counter()
    asyncio.run(ask(vantage("", "")))
    first = (time.perf_counter() - began) * 1000
    p50, p95 = timed(ask, [vantage("", "")])
    return {"first_ms": round(first, 1), "p50_ms": p50, "p95_ms": p95}


def main() -> None:
    pool = WorkerPool()
    try:
        result: dict[str, object] = {"machine": machine(), "round_trip": round_trip(pool)}
        result.update(grounding=grounding(), reasoning=reasoning(pool))
    finally:
        pool.close()
    print(json.dumps(result, indent=2, ensure_ascii=False))
    keep("step-seven", result)


if __name__ == "__main__":
    main()
