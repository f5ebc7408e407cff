"""How does a record become durable before its effect? Group commit (law 7).

* Callers encode their records and queue them. One thread takes everything queued, writes it with one write and one
  fdatasync, signs at most one checkpoint, then wakes all callers with one call into their event loop.
* A record is acknowledged only after the fsync that covers it returned. Whatever fails before that fails every caller
  of the batch: nothing takes effect.
* A segment that failed is never written again (see `appender`). The next commit opens a new one, whose START says which
  was abandoned and how much of it was acknowledged. While that fails too (a full disk), every commit is refused.
* If the thread itself dies, every waiting and later caller is refused: nobody waits for ever.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from ringwall.model.errors import InternalError, RingwallError
from ringwall.model.ports import Clock, Receipt, Signer
from ringwall.model.record import Record, RecordId
from ringwall.store.ledger import merkle, segment
from ringwall.store.ledger.appender import Abandoned, Appender, Signed, Start, open_segment, reason_of
from ringwall.store.ledger.encoding import encode

MAX_BATCH_RECORDS = 4096
"""Records that one fsync covers at most; the rest waits for the next."""

_Result = tuple[Receipt, ...] | InternalError
_Settled = tuple["asyncio.Future[tuple[Receipt, ...]]", _Result]


class _Waiting:
    """One `commit` on its way: its records and whom to wake."""

    __slots__ = ("bodies", "future", "ids", "loop", "receipt")

    def __init__(
        self,
        ids: tuple[RecordId, ...],
        bodies: list[bytes],
        receipt: bool,
        future: asyncio.Future[tuple[Receipt, ...]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.ids = ids
        self.bodies = bodies
        self.receipt = receipt
        self.future = future
        self.loop = loop


class SegmentLedger:
    """The ledger of one process: port `Ledger` over segment files."""

    def __init__(self, folder: Path, signer: Signer, clock: Clock, *, plan: str = "") -> None:
        """Nothing is opened before `start`.

        Args:
            folder: The ledger's folder, `<data_dir>/ledger`; made if absent.
            signer: Signs checkpoints.
            clock: Names segments and dates START records.
            plan: Digest of the plan in force, for START records; may be empty.
        """
        self._folder = folder
        self._signer = signer
        self._clock = clock
        self._plan = plan
        self._queue: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._pending: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        self._handed: set[asyncio.AbstractEventLoop] = set()
        self._gate = threading.Lock()
        self._accepts = False
        self._failure = ""
        self._abandoned: Abandoned | None = None
        self._segment: Appender | None = None
        self._thread = threading.Thread(target=self._run, name="ringwall-ledger", daemon=True)

    @property
    def failure(self) -> str:
        """Why the last commit failed, as an errno name; empty while the ledger takes records."""
        return self._failure

    @property
    def segment(self) -> str:
        """The name of the segment that is being written; empty between two."""
        current = self._segment
        return "" if current is None else current.name

    def start(self) -> None:
        """Open a segment and take records from now on. Blocks until its START is durable.

        Raises:
            InternalError: No segment could be made durable here.
        """
        try:
            self._segment, _ = open_segment(self._folder, self._signer, self._clock, Start(self._plan))
        except OSError as error:
            raise _unavailable(reason_of(error)) from error
        self._accepts = True
        self._thread.start()

    def close(self) -> None:
        """Make what is queued durable, sign the last checkpoint and end. Blocks; later commits are refused.

        Raises:
            InternalError: The last checkpoint could not be written. Every acknowledged record is there.
        """
        with self._gate:
            was_open, self._accepts = self._accepts, False
        if not was_open:
            return
        for loop in tuple(self._pending):
            self._hand_over(loop)
        self._queue.put(None)
        self._thread.join()
        if self._failure:
            raise _unavailable(self._failure)

    async def commit(self, records: Sequence[Record], *, receipt: bool = True) -> tuple[Receipt, ...]:
        """Make records durable; see port `Ledger`."""
        if not records:
            return ()
        # Encoded here and not in the thread: what cannot be encoded fails its own caller only.
        bodies = [encode(record) for record in records]
        if max(map(len, bodies)) > segment.MAX_RECORD_BYTES:
            raise InternalError("a record is too large", code="record_too_large")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Receipt, ...]] = loop.create_future()
        waiting = _Waiting(tuple(record.id for record in records), bodies, receipt, future, loop)
        with self._gate:
            if not self._accepts:
                raise _unavailable("closed")
            pending = self._pending.setdefault(loop, [])
            pending.append(waiting)
            is_first = len(pending) == 1 and loop not in self._handed
        if is_first:
            # Whoever commits in the same turn of the event loop goes along, and whoever commits while a batch is being
            # written goes with the next: each hand-over to the thread costs both sides a wait for the interpreter's
            # lock, which under load is dearer than the write. A lone caller waits for nobody.
            loop.call_soon(self._hand_over, loop)
        return await future

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give what is pending in this event loop to the writer's thread."""
        with self._gate:
            pending = self._pending.pop(loop, None)
            if pending:
                self._handed.add(loop)
                self._queue.put(pending)

    def _settle(self, loop: asyncio.AbstractEventLoop, settled: Sequence[_Settled]) -> None:
        """A batch of this event loop is done: wake its callers, and hand over what has come meanwhile."""
        with self._gate:
            self._handed.discard(loop)
        _resolve(settled)
        self._hand_over(loop)

    # What follows runs in the writer's thread.

    def _run(self) -> None:
        batch: list[_Waiting] = []
        try:
            goes_on = True
            while goes_on:
                goes_on = self._gather(batch)
                if batch:
                    self._wake(batch, self._write(batch))
                    batch.clear()
            self._finish()
        finally:  # INVARIANT: whatever ends this thread, nobody waits for it afterwards
            with self._gate:
                self._accepts = False
                for pending in self._pending.values():
                    batch.extend(pending)
                self._pending = {}
            with suppress(Empty):
                while True:
                    left = self._queue.get_nowait()
                    if left is not None:
                        batch.extend(left)
            self._wake(batch, [_unavailable("ended")] * len(batch))

    def _wake(self, batch: Sequence[_Waiting], results: Sequence[_Result]) -> None:
        """Wake all callers, with one call into each event loop."""
        by_loop: dict[asyncio.AbstractEventLoop, list[_Settled]] = {}
        for waiting, result in zip(batch, results, strict=True):
            by_loop.setdefault(waiting.loop, []).append((waiting.future, result))
        for loop, settled in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._settle, loop, settled)
            except RuntimeError:  # the loop was closed: nobody waits there any more
                with self._gate:
                    self._handed.discard(loop)
                    self._pending.pop(loop, None)

    def _gather(self, batch: list[_Waiting]) -> bool:
        """Wait for one caller, then take all that are queued; False when told to end."""
        waiting = self._queue.get()
        count = 0
        while waiting is not None:
            batch.extend(waiting)
            count += sum(len(each.bodies) for each in waiting)
            if count >= MAX_BATCH_RECORDS:
                return True
            try:
                waiting = self._queue.get_nowait()
            except Empty:
                return True
        return False

    def _write(self, batch: list[_Waiting]) -> list[_Result]:
        bodies = [body for waiting in batch for body in waiting.bodies]
        try:
            signed = self._append(bodies, sign=any(waiting.receipt for waiting in batch))
        except OSError as error:
            return [self._fail(reason_of(error))] * len(batch)
        except RingwallError as error:  # the signer's key is behind a port of its own
            return [self._fail(error.code)] * len(batch)
        self._failure = ""
        return [() for _ in batch] if signed is None else _receipts(batch, signed)

    def _append(self, bodies: list[bytes], *, sign: bool) -> Signed | None:
        if self._segment is not None:
            return self._segment.append(bodies, sign=sign)
        start = Start(self._plan, self._abandoned)
        self._segment, signed = open_segment(self._folder, self._signer, self._clock, start, bodies, sign=sign)
        self._abandoned = None
        return signed

    def _fail(self, reason: str) -> InternalError:
        self._failure = reason
        if self._segment is not None:
            self._abandoned = Abandoned(self._segment.name, self._segment.size, reason)
            failed, self._segment = self._segment, None
            with suppress(OSError):  # a close may report the same failure once more
                failed.abandon()
        return _unavailable(reason)

    def _finish(self) -> None:
        last, self._segment = self._segment, None
        if last is not None:
            try:
                last.finish()
            except OSError as error:
                self._failure = reason_of(error)


def _receipts(batch: Sequence[_Waiting], signed: Signed) -> list[_Result]:
    results: list[_Result] = []
    index = 0
    for waiting in batch:
        if waiting.receipt:
            results.append(
                tuple(
                    Receipt(each, signed.tree[0][at], signed.note, signed.first + at, merkle.path(signed.tree, at))
                    for at, each in enumerate(waiting.ids, index)
                )
            )
        else:
            results.append(())
        index += len(waiting.ids)
    return results


def _resolve(settled: Sequence[_Settled]) -> None:
    for future, result in settled:
        if future.done():  # its caller was cancelled; the record stands all the same
            continue
        if isinstance(result, InternalError):
            future.set_exception(result)
        else:
            future.set_result(result)


def _unavailable(reason: str) -> InternalError:
    return InternalError("the ledger cannot take records", code="ledger_unavailable", detail=reason)
