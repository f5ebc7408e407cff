"""Who runs what must not run in the gateway? A pool of worker processes that can be killed: the port `Compute`.

* Workers are started when the first task comes, each by a thread that owns it: it writes the task, reads the answer,
  and kills and replaces a worker that is late, dead, or past a bound. The gateway's event loop waits for no process.
* Tenants take turns. Each has a queue of its own with a bound, and may hold all workers but one, so that another's task
  is never behind more than one running task of anybody.
* A deadline counts from the moment of asking, waiting included. Who stops waiting frees the worker: it is killed.
* Every failure is an `InternalError`; a control lets it pass, and that is Deny (law 3). Nothing is tried twice: a task
  that killed a worker would kill the next.
"""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from pathlib import Path

from ringwall.compute.frames import (
    ANSWER,
    DONE,
    REFUSED,
    REQUEST,
    GoneError,
    LateError,
    read_exactly,
    write_all,
)
from ringwall.compute.tasks import TASKS
from ringwall.model.errors import InternalError

_HERE = str(Path(__file__).resolve().parents[2])
_START = f"import sys; sys.path.insert(0, {_HERE!r}); from ringwall.compute.worker import main; main()"
COMMAND = (sys.executable, "-I", "-B", "-c", _START)
"""A fresh interpreter that reads no environment, no user site and no current folder, writes no bytecode, and runs the
same code as the gateway, wherever that was found."""
WORKER_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
"""All that a worker's environment holds: none of the gateway's credentials."""
WORKERS = 2
MEMORY_BYTES = 1024 * 1024 * 1024
"""Address space of one worker."""
PAYLOAD_BYTES = 4 * 1024 * 1024
ANSWER_BYTES = 1024 * 1024
QUEUED_PER_TENANT = 64
"""Tasks of one tenant that may wait."""
TASKS_PER_WORKER = 20_000
"""Tasks after which a worker is replaced, so that what a foreign library leaks does not pile up."""
CLOSE_S = 5.0
"""Seconds in which threads must have ended when the pool is closed."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """How much a pool may use.

    Attributes:
        workers: Processes at a time.
        memory_bytes: Address space of each.
        payload_bytes: The longest payload.
        answer_bytes: The longest answer.
        queued_per_tenant: Tasks of one tenant that may wait.
        tasks_per_worker: Tasks after which a worker is replaced.
    """

    workers: int = WORKERS
    memory_bytes: int = MEMORY_BYTES
    payload_bytes: int = PAYLOAD_BYTES
    answer_bytes: int = ANSWER_BYTES
    queued_per_tenant: int = QUEUED_PER_TENANT
    tasks_per_worker: int = TASKS_PER_WORKER

    @property
    def per_tenant(self) -> int:
        """Workers that one tenant may hold at a time."""
        return max(1, self.workers - 1)


@dataclass(eq=False, slots=True)
class _Job:
    target: str
    payload: bytes
    tenant: str
    until: float
    answer: Future[bytes] = field(default_factory=Future)

    def settle(self, outcome: bytes | InternalError) -> None:
        """Say what came of it; who asked may be gone by now."""
        try:
            if isinstance(outcome, InternalError):
                self.answer.set_exception(outcome)
            else:
                self.answer.set_result(outcome)
        except InvalidStateError:
            return


@dataclass(eq=False, slots=True)
class _Seat:
    """A place for one worker: its process, and the job that it runs at this moment."""

    process: subprocess.Popen[bytes] | None = None
    job: _Job | None = None
    served: int = 0
    condemned: bool = False


class WorkerPool:
    """Runs tasks in worker processes."""

    def __init__(
        self,
        *,
        tasks: Mapping[str, str] = TASKS,
        quotas: Quotas | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """Take the list of tasks; no process is started yet.

        Args:
            tasks: Name to `module:function`.
            quotas: How much may be used.
            command: What starts a worker.
        """
        self._tasks = tasks
        self._quotas = quotas if quotas is not None else Quotas()
        self._command = tuple(command)
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[_Job]] = {}  # in the order in which tenants have their turn
        self._seats = [_Seat() for _ in range(self._quotas.workers)]
        self._threads: list[threading.Thread] = []
        self._closed = False

    async def run(self, task: str, payload: bytes, *, tenant: str, deadline_s: float) -> bytes:
        """The answer of a task.

        Raises:
            InternalError: Late, out of memory, over quota, crashed, or unknown.
        """
        target = self._tasks.get(task)
        if target is None:
            raise InternalError("there is no such task", code="compute_unknown_task", detail=f'"{task}"')
        if len(payload) > self._quotas.payload_bytes:
            raise InternalError("a task is too large", code="compute_too_large", detail=f'"{len(payload)}" bytes')
        job = _Job(target, payload, tenant, time.monotonic() + deadline_s)
        self._queue(job)
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.wrap_future(job.answer)
        except TimeoutError as error:
            raise _late(deadline_s) from error
        finally:
            self._abandon(job)

    def close(self) -> None:
        """Kill all workers. What waits is refused."""
        with self._changed:
            self._closed = True
            jobs = [job for queue in self._waiting.values() for job in queue]
            self._waiting.clear()
            for seat in self._seats:
                _kill(seat)
            self._changed.notify_all()
        for job in jobs:
            job.settle(_closed())
        for thread in self._threads:
            thread.join(CLOSE_S)

    def pids(self) -> tuple[int, ...]:
        """The processes that are alive at this moment."""
        with self._changed:
            return tuple(seat.process.pid for seat in self._seats if seat.process is not None)

    def _queue(self, job: _Job) -> None:
        with self._changed:
            if self._closed:
                raise _closed()
            queue = self._waiting.setdefault(job.tenant, deque())
            if len(queue) >= self._quotas.queued_per_tenant:
                detail = f'tenant "{job.tenant}" has "{len(queue)}" tasks waiting'
                raise InternalError("too many tasks are waiting", code="compute_over_quota", detail=detail)
            queue.append(job)
            if not self._threads:
                self._start()
            self._changed.notify()

    def _start(self) -> None:
        for number, seat in enumerate(self._seats):
            thread = threading.Thread(target=self._serve, args=(seat,), name=f"compute-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _abandon(self, job: _Job) -> None:
        """Nobody waits for it any more: take it out of its queue, or kill the worker that runs it."""
        if job.answer.done() and not job.answer.cancelled():
            return
        with self._changed:
            queue = self._waiting.get(job.tenant)
            if queue is not None and job in queue:
                queue.remove(job)
                if not queue:
                    del self._waiting[job.tenant]
            for seat in self._seats:
                if seat.job is job:
                    _kill(seat)

    def _serve(self, seat: _Seat) -> None:
        """A thread's whole life: one job after another, until the pool is closed."""
        while True:
            with self._changed:
                job = self._next()
                while job is None and not self._closed:
                    self._changed.wait()
                    job = self._next()
                if job is None:
                    break
                seat.job = job
            outcome = self._run(seat, job)
            with self._changed:
                seat.job = None
                seat.served += 1
                spent = seat.condemned or seat.served >= self._quotas.tasks_per_worker
                self._changed.notify_all()  # a tenant at its limit may go on
            if spent or (isinstance(outcome, InternalError) and outcome.code not in _HARMLESS):
                self._discard(seat)
            job.settle(outcome)
        self._discard(seat)

    def _next(self) -> _Job | None:
        """The next job by turns, of a tenant that holds fewer workers than it may. Called with the lock."""
        if self._closed:
            return None
        for tenant in self._waiting:
            held = sum(1 for seat in self._seats if seat.job is not None and seat.job.tenant == tenant)
            if held >= self._quotas.per_tenant:
                continue
            queue = self._waiting.pop(tenant)
            job = queue.popleft()
            if queue:
                self._waiting[tenant] = queue  # behind the others
            return job
        return None

    def _run(self, seat: _Seat, job: _Job) -> bytes | InternalError:
        """Steps: a process, the request, the answer."""
        try:
            process = self._process(seat)
            if process.stdin is None or process.stdout is None:
                return _crashed("no pipes")
            seconds = max(1, math.ceil(job.until - time.monotonic()))
            target = job.target.encode("ascii")
            head = REQUEST.pack(len(target), len(job.payload), seconds)
            write_all(process.stdin.fileno(), head + target + job.payload, job.until)
            answers = process.stdout.fileno()
            status, length = ANSWER.unpack(read_exactly(answers, ANSWER.size, job.until))
            if length > self._quotas.answer_bytes or status not in (DONE, REFUSED):
                return _crashed("it speaks nonsense")
            answer = read_exactly(answers, length, job.until)
        except LateError:
            return _late(None)
        except GoneError as error:
            return _closed() if self._closed else _crashed(str(error))
        except OSError as error:
            return _crashed(type(error).__name__)
        if status == REFUSED:
            return InternalError("a task cannot take what it was given", code=_REFUSED)
        return answer

    def _process(self, seat: _Seat) -> subprocess.Popen[bytes]:
        with self._changed:
            if self._closed or seat.condemned:
                raise GoneError("closed")
            if seat.process is not None:
                return seat.process
            quotas = self._quotas
            bounds = (os.getpid(), quotas.memory_bytes, quotas.payload_bytes, quotas.answer_bytes)
            seat.process = subprocess.Popen(  # noqa: S603  # our own interpreter and module, no shell
                [*self._command, *(str(each) for each in bounds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env=WORKER_ENVIRONMENT,
                start_new_session=True,  # a signal from the terminal is the gateway's to answer
            )
            for pipe in (seat.process.stdin, seat.process.stdout):
                if pipe is not None:
                    os.set_blocking(pipe.fileno(), False)
            return seat.process

    def _discard(self, seat: _Seat) -> None:
        """End a worker; the next job gets a fresh one."""
        with self._changed:
            process, seat.process = seat.process, None
            seat.served, seat.condemned = 0, False
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _kill(seat: _Seat) -> None:
    """Kill a seat's process; its thread notices. Called with the lock, so that it is still the same process."""
    seat.condemned = True
    if seat.process is not None:
        seat.process.kill()


_REFUSED = "compute_bad_payload"
_HARMLESS = frozenset({_REFUSED})
"""What a worker survives."""


def _late(deadline_s: float | None) -> InternalError:
    detail = "" if deadline_s is None else f'no answer within "{deadline_s}" s'
    return InternalError("a task took too long", code="compute_late", detail=detail)


def _crashed(detail: str) -> InternalError:
    return InternalError("a worker died", code="compute_crashed", detail=detail)


def _closed() -> InternalError:
    return InternalError("the workers are closed", code="compute_closed")
