"""Group commit: what was acknowledged is there, whatever happens to the process or the disk."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ringwall.model.errors import InternalError
from ringwall.model.ports import Receipt
from ringwall.model.record import Record, leaf_hash
from ringwall.store.ledger import read, segment
from ringwall.store.ledger.receipt import check_receipt, decode_receipt
from ringwall.store.ledger.verify import verify
from ringwall.store.ledger.writer import SegmentLedger

LIFE = """
import asyncio, importlib.util, resource, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("helpers", sys.argv[1])
helpers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(helpers)
from ringwall.model.errors import InternalError
from ringwall.store.ledger.receipt import encode_receipt
from ringwall.store.ledger.writer import SegmentLedger
clock = helpers.StepClock()
clock.us += int(sys.argv[3]) * 10**9
ledger = SegmentLedger(Path(sys.argv[2]), helpers.FixedSigner(), clock)
ledger.start()
"""

FOREVER = """
async def write(base):
    number = 0
    while True:
        number += 1
        receipts = await ledger.commit([helpers.record(base * 10**6 + number)], receipt=True)
        sys.stdout.write(encode_receipt(receipts[0]) + "\\n")
        sys.stdout.flush()
async def main():
    async with asyncio.TaskGroup() as tasks:
        kept = [tasks.create_task(write(int(sys.argv[3]) * 10 + each + 1)) for each in range(8)]
asyncio.run(main())
"""

FULL_DISK = """
async def main():
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    first = ledger.segment
    await ledger.commit([helpers.record(1)])
    size = helpers.size_of(Path(sys.argv[2]), first)
    refused = 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
    for number in range(2, 5):
        try:
            await ledger.commit([helpers.record(number)])
        except InternalError as error:
            refused += error.code == "ledger_unavailable"
    sys.stdout.write(f"{refused} {ledger.failure} ")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    (receipt,) = await ledger.commit([helpers.record(5)])
    sys.stdout.write(f"{ledger.failure or 'recovered'} {ledger.segment != first} {encode_receipt(receipt)}")
asyncio.run(main())
ledger.close()
"""


@pytest.fixture
def helpers_path(request: pytest.FixtureRequest) -> str:
    return str(Path(request.path).with_name("conftest.py"))


def _command(body: str, helpers: str, folder: Path, life: int) -> list[str]:
    return [sys.executable, "-c", LIFE + body, helpers, str(folder), str(life)]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # a test starts a child


def test_records_are_durable_in_order_with_verifiable_receipts(
    tmp_path: Path,
    clock: object,
    signer: object,
    run_ledger: Callable[..., list[Receipt]],
    make_record: Callable[..., Record],
) -> None:
    records = [make_record(number) for number in range(5)]
    receipts = run_ledger(tmp_path, clock, [records[:2], records[2:]])
    (name,) = segment.names(tmp_path)
    assert [entry.record for entry in read.entries(tmp_path)][1:] == [each.encode() for each in records]
    assert [receipt.record for receipt in receipts] == [each.id for each in records[2:]]
    for position, (receipt, each) in enumerate(zip(receipts, records[2:], strict=True), 3):
        checkpoint = check_receipt(receipt, signer.public_key)  # type: ignore[attr-defined]
        assert not isinstance(checkpoint, str) and (checkpoint.segment, checkpoint.size) == (name, 6)
        assert (receipt.position, receipt.leaf) == (position, leaf_hash(each.encode()))


def test_the_files_are_private(
    tmp_path: Path, clock: object, run_ledger: Callable[..., list[Receipt]], make_record: Callable[..., Record]
) -> None:
    run_ledger(tmp_path, clock, [[make_record(1)]])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in segment.segments_folder(tmp_path).iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(segment.segments_folder(tmp_path).stat().st_mode) == 0o700


def test_concurrent_commits_share_a_checkpoint_and_none_is_lost(
    tmp_path: Path, clock: object, signer: object, make_record: Callable[..., Record]
) -> None:
    ledger = SegmentLedger(tmp_path, signer, clock)  # type: ignore[arg-type]
    ledger.start()

    async def run() -> list[tuple[Receipt, ...]]:
        return await asyncio.gather(*(ledger.commit([make_record(n), make_record(1000 + n)]) for n in range(200)))

    found = [receipt for pair in asyncio.run(run()) for receipt in pair]
    ledger.close()
    assert len({receipt.position for receipt in found}) == 400
    assert len({receipt.checkpoint for receipt in found}) < 100
    assert verify(tmp_path, signer.public_key, found).is_green  # type: ignore[attr-defined]


def test_a_cancelled_caller_disturbs_nobody(
    tmp_path: Path, clock: object, signer: object, make_record: Callable[..., Record]
) -> None:
    ledger = SegmentLedger(tmp_path, signer, clock)  # type: ignore[arg-type]
    ledger.start()

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            lost = tasks.create_task(ledger.commit([make_record(1)]))
            kept = tasks.create_task(ledger.commit([make_record(2)]))
            await asyncio.sleep(0)
            lost.cancel()
        assert len(kept.result()) == 1

    asyncio.run(run())
    ledger.close()
    assert len(list(read.entries(tmp_path))) == 3


def test_before_start_and_after_close_every_commit_is_refused(
    tmp_path: Path, clock: object, signer: object, make_record: Callable[..., Record]
) -> None:
    ledger = SegmentLedger(tmp_path, signer, clock)  # type: ignore[arg-type]
    with pytest.raises(InternalError, match="cannot take records"):
        asyncio.run(ledger.commit([make_record(1)]))
    ledger.start()
    assert asyncio.run(ledger.commit([])) == ()
    ledger.close()
    ledger.close()
    with pytest.raises(InternalError, match="cannot take records"):
        asyncio.run(ledger.commit([make_record(1)]))


def test_a_folder_that_cannot_be_written_refuses_the_start(tmp_path: Path, clock: object, signer: object) -> None:
    (tmp_path / "segments").write_text("not a folder")
    with pytest.raises(InternalError) as raised:
        SegmentLedger(tmp_path, signer, clock).start()  # type: ignore[arg-type]
    assert raised.value.code == "ledger_unavailable"


class _Broken:
    """A disk that fails when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
        self.fails = False
        self._real = getattr(os, call)
        monkeypatch.setattr(os, call, self._call)

    def _call(self, *arguments: object) -> object:
        if self.fails:
            raise OSError(5, "Input/output error")
        return self._real(*arguments)


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_a_failed_write_or_fsync_abandons_the_segment_for_good(
    tmp_path: Path,
    clock: object,
    signer: object,
    make_record: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
    call: str,
) -> None:
    disk = _Broken(monkeypatch, call)
    ledger = SegmentLedger(tmp_path, signer, clock)  # type: ignore[arg-type]
    ledger.start()
    first = ledger.segment

    async def run() -> tuple[Receipt, ...]:
        await ledger.commit([make_record(1)])
        disk.fails = True
        for number in (2, 3):
            with pytest.raises(InternalError) as raised:
                await ledger.commit([make_record(number)])
            assert (raised.value.code, raised.value.detail) == ("ledger_unavailable", "EIO")
        assert ledger.failure == "EIO"
        disk.fails = False
        return await ledger.commit([make_record(4)])

    receipts = asyncio.run(run())
    second = ledger.segment
    ledger.close()
    assert segment.names(tmp_path) == (first, second)
    assert len(list(segment.segments_folder(tmp_path).iterdir())) == 4  # failed openings leave nothing behind
    (start,) = [entry for entry in read.entries(tmp_path) if (entry.segment, entry.position) == (second, 0)]
    assert start.fields()["decision"]["abandoned"] == {"acknowledged": 2, "name": first, "reason": "EIO"}
    report = verify(tmp_path, signer.public_key, receipts)  # type: ignore[attr-defined]
    assert report.is_green, report.findings
    assert any("abandoned" in note for note in report.notes)
    refused = read.find(tmp_path, make_record(2).id)
    if call == "fdatasync":  # it stands there, and everybody can see that it took no effect
        assert refused is not None and read.is_unacknowledged(tmp_path, refused)
    else:
        assert refused is None
    kept = read.find(tmp_path, make_record(1).id)
    assert kept is not None and not read.is_unacknowledged(tmp_path, kept)


class _LosingSigner:
    name = "lost"
    public_key = b"\x00" * 32

    def __init__(self) -> None:
        self.calls = 0

    def sign(self, data: bytes) -> bytes:
        self.calls += 1
        if self.calls > 1:
            raise InternalError("the key is gone", code="key_unavailable")
        return b"\x00" * 64


def test_a_lost_signing_key_refuses(tmp_path: Path, clock: object, make_record: Callable[..., Record]) -> None:
    ledger = SegmentLedger(tmp_path, _LosingSigner(), clock)  # type: ignore[arg-type]
    ledger.start()
    for _ in range(2):
        with pytest.raises(InternalError) as raised:
            asyncio.run(ledger.commit([make_record(1)]))
        assert (raised.value.code, raised.value.detail) == ("ledger_unavailable", "key_unavailable")
    with pytest.raises(InternalError):
        ledger.close()


def test_a_full_disk_refuses_until_there_is_space(tmp_path: Path, signer: object, helpers_path: str) -> None:
    command = _command(FULL_DISK, helpers_path, tmp_path, 0)
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=60)
    assert done.returncode == 0, done.stderr
    refused, failure, state, moved, receipt = done.stdout.split()
    assert (refused, failure, state, moved) == ("3", "EFBIG", "recovered", "True") or (
        (refused, failure, state, moved) == ("3", "ENOSPC", "recovered", "True")
    )
    report = verify(tmp_path, signer.public_key, [decode_receipt(receipt)])  # type: ignore[attr-defined]
    assert report.is_green, report.findings
    assert len(report.coverage) == 2 and any("torn bytes" in note for note in report.notes)


def _kill_once(folder: Path, helpers: str, life: int, lines: int) -> list[Receipt]:
    """A process that commits as fast as it can, killed once it has acknowledged so many records."""
    command = _command(FOREVER, helpers, folder, life)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment()) as process:
        stream = process.stdout
        if stream is None:
            raise RuntimeError("no pipe")
        acknowledged = [stream.readline() for _ in range(lines)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += stream.readlines()
    whole = [line.decode().strip() for line in acknowledged if line.endswith(b"\n")]
    return [decode_receipt(line) for line in whole]


def _kill_many(folder: Path, helpers: str, key: bytes, kills: int) -> None:
    source = random.Random(7)
    receipts: list[Receipt] = []
    for life in range(kills):
        receipts += _kill_once(folder, helpers, life, source.randint(1, 400))
        report = verify(folder, key, receipts)
        assert report.is_green, report.findings
    assert len(segment.names(folder)) == kills


def test_killed_at_random_instants_nothing_acknowledged_is_lost(
    tmp_path: Path, signer: object, helpers_path: str
) -> None:
    _kill_many(tmp_path, helpers_path, signer.public_key, 5)  # type: ignore[attr-defined]


@pytest.mark.deep
def test_killed_forty_times_nothing_acknowledged_is_lost(tmp_path: Path, signer: object, helpers_path: str) -> None:
    _kill_many(tmp_path, helpers_path, signer.public_key, 40)  # type: ignore[attr-defined]


def test_a_start_names_every_earlier_segment_and_who_still_writes(
    tmp_path: Path, clock: object, signer: object, make_record: Callable[..., Record]
) -> None:
    first = SegmentLedger(tmp_path, signer, clock)  # type: ignore[arg-type]
    second = SegmentLedger(tmp_path, signer, clock)  # type: ignore[arg-type]
    first.start()
    second.start()
    asyncio.run(first.commit([make_record(1)]))
    (one, two) = segment.names(tmp_path)
    second.close()
    first.close()
    start = next(entry for entry in read.entries(tmp_path) if entry.segment == two)
    (end,) = json.loads(start.record)["decision"]["segments"]
    assert (end["name"], end["records"], end["live"]) == (one, 1, True)
    report = verify(tmp_path, signer.public_key)  # type: ignore[attr-defined]
    assert report.is_green and [each.records for each in report.coverage] == [2, 1]
