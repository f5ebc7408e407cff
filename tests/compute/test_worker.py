"""What a worker gives up and when it ends. Its bounds are set in processes of their own, never in the tests'."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys

import pytest

from ringwall.compute.frames import ANSWER, REQUEST
from ringwall.compute.worker import OPEN_FILES, find
from tests.compute.pools import COMMAND, PATIENCE_S

SHOW = """
import json, os, resource, signal, sys
from ringwall.compute import worker
requests, answers = worker.give_up(2**30)
worker.bound_cpu(7)
kinds = [resource.RLIMIT_AS, resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU]
print("this goes nowhere", flush=True)
os.write(answers, json.dumps([resource.getrlimit(each)[0] for each in kinds]).encode())
"""


def bounds(parent: int, *, payload: int = 1024) -> list[str]:
    return [str(parent), str(2**30), str(payload), "1024"]


def test_bounds_are_taken_and_the_streams_are_given_up() -> None:
    shown = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, timeout=PATIENCE_S, check=True)
    space, core, size, files, cpu = json.loads(shown.stdout)
    assert (space, core, size, files) == (2**30, 0, 0, OPEN_FILES)
    assert 8 <= cpu <= 9
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0


def test_a_worker_whose_gateway_died_before_it_looked_ends() -> None:
    ended = subprocess.run([*COMMAND, *bounds(1)], input=b"", timeout=PATIENCE_S)
    assert ended.returncode == 0


def test_a_worker_ends_with_its_pipe() -> None:
    ended = subprocess.run([*COMMAND, *bounds(os.getpid())], input=b"\x00", capture_output=True, timeout=PATIENCE_S)
    assert (ended.returncode, ended.stdout) == (0, b"")


@pytest.mark.parametrize("head", [REQUEST.pack(5, 2000, 1), REQUEST.pack(60_000, 0, 1)])
def test_a_length_that_is_not_believed_ends_the_worker(head: bytes) -> None:
    ended = subprocess.run([*COMMAND, *bounds(os.getpid())], input=head + b"x" * 10, timeout=PATIENCE_S)
    assert ended.returncode == 2


def test_an_answer_is_framed() -> None:
    target = b"tests.compute.hostile:echo"
    frame = REQUEST.pack(len(target), 2, 1) + target + b"hi"
    told = subprocess.run(
        [*COMMAND, *bounds(os.getpid())], input=frame, capture_output=True, timeout=PATIENCE_S, check=True
    )
    assert told.stdout == ANSWER.pack(0, 2) + b"hi"


def test_a_target_is_a_module_and_a_function() -> None:
    assert find("signal:getsignal") is signal.getsignal
    with pytest.raises(AttributeError):
        find("signal:nothing")
