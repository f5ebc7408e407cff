"""A signer, a clock and records for the tests of the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringwall.model.ports import Receipt
from ringwall.model.record import Outcome, Record, RecordId, RecordKind
from ringwall.store.ledger.writer import SegmentLedger


class FixedSigner:
    """An Ed25519 key from a fixed seed."""

    name = "ledger-test"

    def __init__(self, seed: bytes = b"\x07" * 32) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)


class StepClock:
    """Time that moves one millisecond with each look."""

    def __init__(self) -> None:
        self.us = 1_760_000_000_000_000

    def now_us(self) -> int:
        self.us += 1000
        return self.us

    def monotonic(self) -> float:
        return self.us / 1e6


def record(number: int, kind: RecordKind = RecordKind.DECISION, interaction: str = "") -> Record:
    return Record(
        id=RecordId(f"rec_{number:032x}"),
        kind=kind,
        time_us=1_760_000_000_000_000 + number,
        outcome=Outcome.PROCEEDS,
        plan="sha256:" + "0" * 64,
        interaction=interaction or f"int_{number}",
        workload="helpdesk",
        decision={"cause": None, "judgements": [{"control": "application.prompt_attack", "elapsed_us": 12}]},
    )


def write_run(folder: Path, clock: StepClock, batches: Sequence[Sequence[Record]]) -> list[Receipt]:
    """One process's life: open, commit each batch, close."""
    ledger = SegmentLedger(folder, FixedSigner(), clock, plan="sha256:" + "0" * 64)
    ledger.start()

    async def run() -> list[Receipt]:
        found: list[Receipt] = []
        for number, batch in enumerate(batches):
            found += await ledger.commit(batch, receipt=number % 2 == 1)
        return found

    try:
        return asyncio.run(run())
    finally:
        ledger.close()


@pytest.fixture(scope="session")
def signer() -> FixedSigner:
    return FixedSigner()


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    return record


@pytest.fixture(scope="session")
def run_ledger() -> Callable[..., list[Receipt]]:
    return write_run


@pytest.fixture(scope="session")
def other_signer() -> FixedSigner:
    return FixedSigner(b"\x08" * 32)


@pytest.fixture(scope="session")
def whole_ledger(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Receipt]]:
    """A ledger of three processes' lives, closed in order, and the receipts that were given."""
    folder = tmp_path_factory.mktemp("whole")
    clock = StepClock()
    receipts: list[Receipt] = []
    for life in range(3):
        base = 1000 * (life + 1)
        batches = [[record(base + 10 * batch + each) for each in range(3)] for batch in range(6)]
        receipts += write_run(folder, clock, batches)
    return folder, receipts


def size_of(folder: Path, name: str) -> int:
    return (folder / "segments" / f"{name}.log").stat().st_size
