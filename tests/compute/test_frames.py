"""Frames come whole, or it is said why not."""

from __future__ import annotations

import os
import threading
import time

import pytest

from ringwall.compute.frames import GoneError, LateError, read_exactly, write_all


def soon(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def pipe() -> tuple[int, int]:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    return reads, writes


def test_what_is_written_in_pieces_is_read_whole() -> None:
    reads, writes = pipe()
    data = os.urandom(300_000)  # more than a pipe holds
    writer = threading.Thread(target=write_all, args=(writes, data, soon()))
    writer.start()
    assert read_exactly(reads, len(data), soon()) == data
    writer.join()
    os.close(reads)
    os.close(writes)


def test_nobody_who_reads_is_late_and_not_for_ever() -> None:
    reads, writes = pipe()
    with pytest.raises(LateError):
        write_all(writes, bytes(1_000_000), soon(0.1))
    os.close(reads)
    with pytest.raises(GoneError):
        write_all(writes, b"x", soon())
    os.close(writes)


def test_half_a_frame_is_none() -> None:
    reads, writes = pipe()
    os.write(writes, b"abc")
    with pytest.raises(LateError):
        read_exactly(reads, 4, soon(0.1))
    os.write(writes, b"de")
    os.close(writes)
    with pytest.raises(GoneError):
        read_exactly(reads, 4, soon())
    os.close(reads)


def test_a_moment_that_has_passed_is_late_even_where_bytes_wait() -> None:
    reads, writes = pipe()
    os.write(writes, b"abc")
    with pytest.raises(LateError):
        read_exactly(reads, 3, time.monotonic() - 1)
    os.close(reads)
    os.close(writes)
