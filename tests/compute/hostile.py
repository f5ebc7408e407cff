"""Tasks that do what a task must not, and a few that behave. They run in workers, never in the tests' own process."""

from __future__ import annotations

import os
import time


def echo(payload: bytes) -> bytes:
    return payload


def sleep(payload: bytes) -> bytes:
    time.sleep(float(payload))
    return b"slept"


def spin(payload: bytes) -> bytes:
    while True:
        pass


def eat(payload: bytes) -> bytes:
    held = []
    while True:
        held.append(bytearray(16 * 1024 * 1024))


def crash(payload: bytes) -> bytes:
    os.abort()


def fail(payload: bytes) -> bytes:
    raise KeyError("a defect")


def refuse(payload: bytes) -> bytes:
    raise ValueError("not this")


def boast(payload: bytes) -> bytes:
    return bytes(int(payload))


def chatter(payload: bytes) -> bytes:
    os.write(1, b"\x00\x00\x00\x00\x05false")
    return b"true"


def pid(payload: bytes) -> bytes:
    return str(os.getpid()).encode()


def environment(payload: bytes) -> bytes:
    return "\n".join(os.environ).encode()


def write_file(payload: bytes) -> bytes:
    with open(payload.decode(), "wb", buffering=0) as file:
        file.write(b"x" * 100)
    return b"written"
