"""What does a worker process do? It reads a task, runs it, writes the answer, and dies of anything else.

The procedure, numbered as in the code:

1. Bind its life to the gateway's: it is killed with it, and ends when the pipe ends.
2. Give up what a task has no need of: memory past a bound, core files, files that grow; the standard streams.
3. For ever: read a frame, bound the processor time, run the function, write its answer.

* The interpreter is a fresh one (no fork of the gateway: no keys, no sockets, no locks in its memory), isolated (`-I`),
  and its environment is empty.
* Nothing is caught but `ValueError`, by which a task says that it cannot take a payload. An error that nobody foresaw
  may have left something half done, so the process ends and another takes its place.
* There is no isolation from the network or the file system beyond what the user of the process may do: tasks are our
  own code over hostile data, not hostile code.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import cache

from ringwall.compute.frames import ANSWER, DONE, REFUSED, REQUEST

PR_SET_PDEATHSIG = 1
MAX_TARGET_BYTES = 256
OPEN_FILES = 64
"""Descriptors that a worker may have open."""


def main() -> None:
    """Serve until the pipe ends.

    Arguments of the process: the gateway's pid, the memory that it may map, the longest payload and answer, in bytes.
    """
    parent, memory_bytes, payload_bytes, answer_bytes = (int(each) for each in sys.argv[1:5])
    bind_to(parent)  # 1
    requests, answers = give_up(memory_bytes)  # 2
    while True:  # 3
        head = _read(requests, REQUEST.size)
        target_length, payload_length, cpu_s = REQUEST.unpack(head)
        if target_length > MAX_TARGET_BYTES or payload_length > payload_bytes:
            sys.exit(2)
        target = _read(requests, target_length).decode("ascii")
        payload = _read(requests, payload_length)
        bound_cpu(cpu_s)
        try:
            status, answer = DONE, find(target)(payload)
        except ValueError:
            status, answer = REFUSED, b""
        if len(answer) > answer_bytes:
            sys.exit(3)
        _write(answers, ANSWER.pack(status, len(answer)) + answer)


def bind_to(parent: int) -> None:
    """Die with the gateway, even when it is killed while a task runs.

    Where the system has no such signal the end of the pipe and the bound on processor time have to do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(0)


def give_up(memory_bytes: int) -> tuple[int, int]:
    """Take bounds upon us, and take the pipes off the standard streams, so that nothing that prints breaks a frame.

    Returns:
        Where requests come from and where answers go.
    """
    for kind, bound in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        resource.setrlimit(kind, (bound, bound))
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)
    return requests, answers


def bound_cpu(seconds: int) -> None:
    """Kill us when this task uses more processor time than so many seconds, whoever watches."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    bound = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (bound, hard))


@cache
def find(target: str) -> Callable[[bytes], bytes]:
    """The function that a target names."""
    module, _, name = target.partition(":")
    found: Callable[[bytes], bytes] = getattr(importlib.import_module(module), name)
    return found


def _read(descriptor: int, count: int) -> bytes:
    taken = bytearray()
    while len(taken) < count:
        piece = os.read(descriptor, count - len(taken))
        if not piece:
            os._exit(0)  # the gateway let go of us
        taken += piece
    return bytes(taken)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
