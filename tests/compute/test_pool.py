"""A worker that is late, greedy or dead harms nobody but the task that it ran."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ringwall.compute.pool import WorkerPool
from ringwall.model.errors import InternalError
from tests.compute.pools import PATIENCE_S, ROOT, pool


def run(pool: WorkerPool, task: str, payload: bytes = b"", *, deadline_s: float = PATIENCE_S) -> bytes:
    return asyncio.run(pool.run(task, payload, tenant="a", deadline_s=deadline_s))


def code(pool: WorkerPool, task: str, payload: bytes = b"", *, deadline_s: float = PATIENCE_S) -> str:
    with pytest.raises(InternalError) as error:
        run(pool, task, payload, deadline_s=deadline_s)
    return error.value.code


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def until_dead(pid: int) -> bool:
    end = time.monotonic() + PATIENCE_S
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_alive(pid)


def test_a_task_is_answered_by_the_same_worker_again_and_again() -> None:
    with pool(workers=1) as workers:
        assert workers.pids() == ()  # nothing is started before it is needed
        assert run(workers, "echo", b"\x00\xffhello") == b"\x00\xffhello"
        first = run(workers, "pid")
        assert run(workers, "pid") == first
        assert workers.pids() == (int(first),)
        assert run(workers, "echo", bytes(900_000)) == bytes(900_000)


def test_a_late_task_is_killed_and_the_next_one_runs() -> None:
    with pool(workers=1) as workers:
        before = int(run(workers, "pid"))
        began = time.monotonic()
        assert code(workers, "spin", deadline_s=0.3) == "compute_late"
        assert time.monotonic() - began < PATIENCE_S / 3
        assert until_dead(before)
        assert int(run(workers, "pid")) != before


def test_processor_time_is_bounded_even_when_nobody_watches(tmp_path: Path) -> None:
    # A worker spoken to directly, by somebody who never kills: it kills itself.
    from ringwall.compute.frames import REQUEST
    from tests.compute.pools import COMMAND

    target = b"tests.compute.hostile:spin"
    bounds = [str(os.getpid()), str(2**30), "1024", "1024"]
    with subprocess.Popen([*COMMAND, *bounds], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        worker.stdin.write(REQUEST.pack(len(target), 0, 1) + target)
        worker.stdin.flush()
        assert worker.wait(PATIENCE_S) == -signal.SIGXCPU


def test_a_memory_bomb_dies_alone() -> None:
    with pool(workers=2, memory_bytes=256 * 1024 * 1024) as workers:
        other = run(workers, "pid")
        assert code(workers, "eat") == "compute_crashed"
        assert run(workers, "echo", b"still here") == b"still here"
        assert other


@pytest.mark.parametrize("task", ["crash", "fail", "missing"])
def test_a_crash_is_an_error_of_ours_and_the_next_task_runs(task: str) -> None:
    with pool(workers=1) as workers:
        assert code(workers, task) == "compute_crashed"
        assert run(workers, "echo", b"x") == b"x"


def test_a_payload_that_a_task_cannot_take_costs_no_worker() -> None:
    with pool(workers=1) as workers:
        before = run(workers, "pid")
        assert code(workers, "refuse") == "compute_bad_payload"
        assert run(workers, "pid") == before


def test_an_unknown_task_is_not_run() -> None:
    with pool() as workers:
        assert code(workers, "os:abort") == "compute_unknown_task"
        assert workers.pids() == ()


def test_what_is_too_large_is_refused_on_both_ways() -> None:
    with pool(workers=1, payload_bytes=1000, answer_bytes=1000) as workers:
        assert code(workers, "echo", bytes(1001)) == "compute_too_large"
        assert code(workers, "boast", b"1001") == "compute_crashed"
        assert run(workers, "boast", b"1000") == bytes(1000)


def test_what_a_task_prints_is_not_taken_for_an_answer() -> None:
    with pool(workers=1) as workers:
        assert run(workers, "chatter") == b"true"
        assert run(workers, "echo", b"next") == b"next"


def test_a_worker_knows_no_credential_of_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGWALL_TEST_CREDENTIAL", "secret")
    with pool(workers=1) as workers:
        assert b"RINGWALL_TEST_CREDENTIAL" not in run(workers, "environment").split()


def test_a_worker_cannot_write_files(tmp_path: Path) -> None:
    with pool(workers=1) as workers:
        assert code(workers, "write_file", str(tmp_path / "loot").encode()) == "compute_crashed"
        assert (tmp_path / "loot").stat().st_size == 0


def test_a_flood_of_one_tenant_does_not_starve_another() -> None:
    async def both(workers: WorkerPool) -> tuple[float, int]:
        await workers.run("echo", b"", tenant="warm", deadline_s=PATIENCE_S)
        flood = [
            asyncio.ensure_future(workers.run("sleep", b"0.2", tenant="flood", deadline_s=PATIENCE_S))
            for _ in range(30)
        ]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        for _ in range(3):
            assert await workers.run("echo", b"hi", tenant="quiet", deadline_s=PATIENCE_S) == b"hi"
        took = time.monotonic() - began
        still_waiting = sum(1 for each in flood if not each.done())
        for each in flood:
            each.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
        return took, still_waiting

    with pool(workers=2) as workers:
        took, still_waiting = asyncio.run(both(workers))
        assert still_waiting > 15  # the flood was served all along, and was nowhere near its end
        assert took < 3.0


def test_with_one_worker_tenants_take_turns() -> None:
    async def order(workers: WorkerPool) -> list[str]:
        done: list[str] = []

        async def one(tenant: str) -> None:
            await workers.run("sleep", b"0.05", tenant=tenant, deadline_s=PATIENCE_S)
            done.append(tenant)

        await asyncio.gather(*(one(tenant) for tenant in "aaaaabb"))
        return done

    with pool(workers=1) as workers:
        served = asyncio.run(order(workers))
    assert served.index("b") <= 2
    assert "".join(served[-2:]) == "aa"


def test_a_tenant_past_its_quota_is_refused_and_nobody_else() -> None:
    async def flood(workers: WorkerPool) -> list[str]:
        asked = [asyncio.ensure_future(workers.run("sleep", b"5", tenant="a", deadline_s=PATIENCE_S)) for _ in range(8)]
        await asyncio.sleep(0.3)
        assert await workers.run("echo", b"b", tenant="b", deadline_s=PATIENCE_S) == b"b"
        codes = [each.exception().code for each in asked if each.done()]
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        return codes

    with pool(workers=2, queued_per_tenant=4) as workers:
        codes = asyncio.run(flood(workers))
    assert set(codes) == {"compute_over_quota"}
    assert len(codes) in (3, 4)


def test_who_stops_waiting_frees_the_worker() -> None:
    async def leave(workers: WorkerPool) -> bytes:
        asked = asyncio.ensure_future(workers.run("spin", b"", tenant="a", deadline_s=PATIENCE_S * 10))
        await asyncio.sleep(0.2)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        return await workers.run("echo", b"free", tenant="a", deadline_s=PATIENCE_S)

    with pool(workers=1) as workers:
        assert asyncio.run(leave(workers)) == b"free"


def test_a_worker_killed_from_outside_is_replaced() -> None:
    with pool(workers=1) as workers:
        os.kill(int(run(workers, "pid")), signal.SIGKILL)
        outcomes = [code(workers, "echo")]
        assert outcomes == ["compute_crashed"]
        assert run(workers, "echo", b"new") == b"new"


def test_a_worker_is_replaced_after_so_many_tasks() -> None:
    with pool(workers=1, tasks_per_worker=3) as workers:
        seen = [run(workers, "pid") for _ in range(6)]
    assert len(set(seen)) == 2


def test_closing_kills_what_runs_and_refuses_what_waits() -> None:
    async def close_early(workers: WorkerPool) -> list[object]:
        asked = [asyncio.ensure_future(workers.run("spin", b"", tenant=t, deadline_s=PATIENCE_S)) for t in "aab"]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(workers.close)
        return [each.code for each in await asyncio.gather(*asked, return_exceptions=True)]

    with pool(workers=1) as workers:
        codes = asyncio.run(close_early(workers))
        assert codes == ["compute_closed"] * 3
        assert workers.pids() == ()
        assert code(workers, "echo") == "compute_closed"
    assert not [each for each in threading.enumerate() if each.name.startswith("compute-")]


PARENT = f"""
import asyncio, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.compute.pools import pool
async def serve(workers):
    busy = asyncio.ensure_future(workers.run("spin", b"", tenant="a", deadline_s=600))
    idle = await workers.run("pid", b"", tenant="b", deadline_s=60)
    await asyncio.sleep(0.2)
    print(*workers.pids(), flush=True)
    await busy
with pool(workers=2) as workers:
    asyncio.run(serve(workers))
"""


def test_a_gateway_that_is_killed_leaves_no_worker_behind() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(each) for each in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(is_alive(pid) for pid in pids)
        parent.kill()
        assert all(until_dead(pid) for pid in pids)
