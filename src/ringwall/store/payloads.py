"""Where is the content of a record, if the plan wants it kept? Sealed, in files of its own, until its day is over.

* `<data_dir>/payloads/<last day, UTC>/<process>.sealed`, one line a record: `<record id> <workload> <base64>`. A day's
  folder is deleted whole when the day is over: nothing has to be rewritten to forget.
* Sealed under a key of the workload and bound to the record's id (port `Sealer`): a line that is moved to another
  record or workload does not open.
* Kept means durable: one write and one fdatasync for what comes together, before the record that names it is written.
  What cannot be kept fails, and then nothing takes effect: the plan promised it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import errno
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from ringwall.model.content import Origin, Part, PartId, freeze, thaw
from ringwall.model.errors import InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.ports import Clock, Payload, Sealer

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_DAY = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, slots=True)
class Kept:
    """Content that was found.

    Attributes:
        workload: Whose it is.
        last_day: The day after which it is deleted, `YYYYMMDD` in UTC.
        parts: The content, as it was judged.
    """

    workload: WorkloadId
    last_day: str
    parts: tuple[Part, ...]


class SealedPayloads:
    """Port `Payloads` over files of one process."""

    def __init__(self, folder: Path, sealer: Sealer, clock: Clock) -> None:
        """Nothing is written before something is kept.

        Args:
            folder: `<data_dir>/payloads`; made when it is needed.
            sealer: Seals and opens.
            clock: Tells the day.
        """
        self._folder = folder
        self._sealer = sealer
        self._clock = clock
        self._file = secrets.token_hex(8) + ".sealed"
        self._lock = threading.Lock()
        self._swept = ""

    async def keep(self, payloads: Sequence[Payload]) -> None:
        """See port `Payloads`."""
        today = self._today()
        lines: dict[str, list[bytes]] = {}
        for each in payloads:
            last = f"{today + timedelta(days=each.days):%Y%m%d}"
            lines.setdefault(last, []).append(self._line(each))
        try:
            await asyncio.to_thread(self._write, lines)
        except OSError as error:
            detail = os.strerror(error.errno) if error.errno else type(error).__name__
            raise InternalError("content cannot be kept", code="payloads_unavailable", detail=detail) from error

    def find(self, record: str) -> Kept | None:
        """The content of a record; None when none is kept, or not any more.

        Raises:
            InternalError: It is there and does not open: changed, or sealed under another root key.
        """
        wanted = record.encode("utf-8", "replace") + b" "
        for path in sorted(self._folder.glob("*/*.sealed")):
            for line in _lines(path):
                if line.startswith(wanted):
                    return self._open(record, path.parent.name, line)
        return None

    def sweep(self) -> int:
        """Delete the days that are over; how many there were."""
        today = f"{self._today():%Y%m%d}"
        self._swept = today
        over = [path for path in self._folder.glob("*") if _DAY.fullmatch(path.name) and path.name < today]
        for path in over:
            shutil.rmtree(path, ignore_errors=True)
        return len(over)

    def _today(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_us() / 1e6, UTC)

    def _line(self, payload: Payload) -> bytes:
        content = msgspec.json.encode([[each.id, each.origin, each.media, thaw(each.value)] for each in payload.parts])
        sealed = self._sealer.seal(_purpose(payload.workload), content, payload.record.encode())
        return b"%b %b %b\n" % (payload.record.encode(), payload.workload.encode(), base64.urlsafe_b64encode(sealed))

    def _write(self, lines: dict[str, list[bytes]]) -> None:
        with self._lock:
            if self._swept != f"{self._today():%Y%m%d}":
                self.sweep()
            for day, written in lines.items():
                folder = self._folder / day
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(folder / self._file, _FLAGS, 0o600)
                try:
                    self._append(descriptor, b"".join(written))
                finally:
                    os.close(descriptor)

    def _append(self, descriptor: int, content: bytes) -> None:
        done = os.write(descriptor, content)
        if done != len(content):
            # What was cut off ends without a line feed; the next line must not become its end.
            self._file = secrets.token_hex(8) + ".sealed"
            raise OSError(errno.ENOSPC, "short write")
        os.fdatasync(descriptor)

    def _open(self, record: str, day: str, line: bytes) -> Kept:
        _, workload, encoded = line.rstrip(b"\n").split(b" ")
        name = WorkloadId(workload.decode())
        try:
            sealed = base64.b64decode(encoded, altchars=b"-_", validate=True)
        except binascii.Error as error:
            raise InternalError("kept content cannot be read", code="payload_damaged", detail=record) from error
        rows = msgspec.json.decode(self._sealer.unseal(_purpose(name), sealed, record.encode()))
        parts = tuple(Part(PartId(id), Origin(origin), freeze(value), media) for id, origin, media, value in rows)
        return Kept(name, day, parts)


def _purpose(workload: WorkloadId) -> str:
    return f"payload/{workload}"


def _lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a file; one that a kill cut off is none."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n") and line.count(b" ") == 2:
                yield line
