"""Unguessable names: so many bytes, never twice, not under threads and not after a fork."""

from __future__ import annotations

import os
import threading
import warnings

import pytest

from ringwall.model.names import random_hex


@pytest.mark.parametrize("count", [0, 1, 16, 4096, 4095])
def test_so_many_bytes_as_were_asked_for(count):
    name = random_hex(count)
    assert len(bytes.fromhex(name)) == count


def test_names_are_unique_under_threads():
    names: list[list[str]] = [[] for _ in range(8)]
    gate = threading.Barrier(8)

    def take(mine: list[str]) -> None:
        gate.wait(10)
        mine += [random_hex(16) for _ in range(1000)]

    threads = [threading.Thread(target=take, args=(each,)) for each in names]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    taken = [name for each in names for name in each]
    assert len(taken) == len(set(taken)) == 8000


def test_parent_and_child_share_no_name_after_a_fork():
    random_hex(16)  # the piece is begun, so that a child which kept it would repeat the parent
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # The child only takes names, writes and ends; that other threads may hold locks does not touch it.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.write(writing, "\n".join(random_hex(16) for _ in range(50)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        theirs = set(pipe.read().split("\n"))
    assert os.waitpid(child, 0)[1] == 0
    ours = {random_hex(16) for _ in range(50)}
    assert len(theirs) == 50
    assert not ours & theirs
