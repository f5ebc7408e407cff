"""Pools for tests: with tasks that misbehave, and started so that a worker finds them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ringwall.compute.pool import Quotas, WorkerPool

ROOT = Path(__file__).parent.parent.parent
START = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from ringwall.compute.worker import main; main()"
COMMAND = (sys.executable, "-B", "-c", START)
HOSTILE = {
    name: f"tests.compute.hostile:{name}"
    for name in (
        "echo", "sleep", "spin", "eat", "crash", "fail", "refuse", "boast", "chatter", "pid", "environment",
        "write_file", "missing",
    )
}  # fmt: skip
PATIENCE_S = 30.0
"""A deadline that no test means to reach; generous, since the machine may be busy."""


@contextmanager
def pool(**quotas: int) -> Iterator[WorkerPool]:
    made = WorkerPool(tasks=HOSTILE, quotas=Quotas(**quotas), command=COMMAND)
    try:
        yield made
    finally:
        made.close()
