"""A worker process for tests: runs one task as the port `Compute` does, in a process that is killed when it is late."""

from __future__ import annotations

import asyncio
import struct
import sys
from dataclasses import dataclass, field

from ringwall.model.errors import InternalError
from tests.process import SOURCE

_SERVE = """
import importlib, struct, sys
sys.path.insert(0, sys.argv[1])
task = getattr(importlib.import_module(sys.argv[2]), sys.argv[3])
while (head := sys.stdin.buffer.read(4)):
    answer = task(sys.stdin.buffer.read(struct.unpack(">I", head)[0]))
    sys.stdout.buffer.write(struct.pack(">I", len(answer)) + answer)
    sys.stdout.buffer.flush()
"""


@dataclass
class Worker:
    """One task in a process of its own.

    Attributes:
        name: The task's name.
        module: Where its function stands.
        function: The function, `bytes -> bytes`.
    """

    name: str
    module: str
    function: str
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None

    async def run(self, task: str, payload: bytes, *, tenant: str, deadline_s: float) -> bytes:
        if task != self.name:
            raise InternalError("there is no such task", code="compute")
        self.asked.append((tenant, payload))
        if self.process is None:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", _SERVE, str(SOURCE), self.module, self.function,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
        try:
            return await asyncio.wait_for(self._ask(self.process, payload), deadline_s)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            await self.stop()
            raise InternalError("a worker was late or crashed", code="compute") from error

    async def stop(self) -> None:
        """Kill it, if it runs."""
        if self.process is not None:
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()
            self.process._transport.close()  # type: ignore[attr-defined]  # else it is closed after its loop
            self.process = None

    @staticmethod
    async def _ask(process: asyncio.subprocess.Process, payload: bytes) -> bytes:
        process.stdin.write(struct.pack(">I", len(payload)) + payload)  # type: ignore[union-attr]
        await process.stdin.drain()  # type: ignore[union-attr]
        (size,) = struct.unpack(">I", await process.stdout.readexactly(4))  # type: ignore[union-attr]
        return await process.stdout.readexactly(size)  # type: ignore[union-attr]
