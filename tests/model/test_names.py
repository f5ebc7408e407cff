from __future__ import annotations

import os
import re
import threading

from ringwall.model.names import random_hex


def test_names_have_their_length_and_are_never_the_same():
    names = [random_hex(16) for _ in range(5000)]
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)
    assert len(set(names)) == len(names)


def test_threads_never_share_a_name():
    found: list[list[str]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda into: into.extend(random_hex(8) for _ in range(2000)), args=(each,))
        for each in found
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [name for each in found for name in each]
    assert len(set(everything)) == len(everything) == 8000


def test_a_child_never_repeats_its_parent():
    random_hex(1)  # the pool is filled, and not empty
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_hex(16).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 32).decode() != random_hex(16)
    os.close(reading)
    os.close(writing)
