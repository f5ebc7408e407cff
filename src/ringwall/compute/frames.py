"""How do gateway and worker speak? Frames over two pipes: a header of fixed size, then so many bytes.

* A request is `name length, payload length, seconds of CPU` and then the target (`module:function`) and the payload; an
  answer is `status, length` and then the bytes.
* Each end says how long a frame may be before it reads one: no length is believed.
* The gateway's end never waits longer than the task may take, for writing no less than for reading: a worker that does
  not read is as late as one that does not answer.
"""

from __future__ import annotations

import os
import select
import struct
import time

REQUEST = struct.Struct(">HII")
ANSWER = struct.Struct(">BI")
DONE = 0
REFUSED = 1
"""The task said that it cannot take this payload."""
CHUNK_BYTES = 65_536


class GoneError(Exception):
    """The other end is not there any more, or speaks nonsense."""


class LateError(Exception):
    """It took longer than it may."""


def write_all(descriptor: int, data: bytes, until: float) -> None:
    """Write everything to a pipe that does not block.

    Args:
        descriptor: The pipe.
        data: What to write.
        until: The moment, by `time.monotonic`, after which it is late.

    Raises:
        GoneError: Nobody reads any more.
        LateError: It was not read in time.
    """
    view = memoryview(data)
    while view:
        _wait(descriptor, select.POLLOUT, until)
        try:
            view = view[os.write(descriptor, view[:CHUNK_BYTES]) :]
        except BlockingIOError:
            continue
        except OSError as error:
            raise GoneError("nobody reads") from error


def read_exactly(descriptor: int, count: int, until: float) -> bytes:
    """So many bytes from a pipe.

    Raises:
        GoneError: The pipe ended before.
        LateError: They did not come in time.
    """
    taken = bytearray()
    while len(taken) < count:
        _wait(descriptor, select.POLLIN, until)
        piece = os.read(descriptor, min(CHUNK_BYTES, count - len(taken)))
        if not piece:
            raise GoneError("the pipe ended")
        taken += piece
    return bytes(taken)


def _wait(descriptor: int, event: int, until: float) -> None:
    left = until - time.monotonic()
    poll = select.poll()
    poll.register(descriptor, event)
    if left <= 0 or not poll.poll(left * 1000):
        raise LateError("not in time")
