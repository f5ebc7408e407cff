"""What the tests of commands share: a command in this process, and a ledger with a story in it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ringwall.model.ports import Receipt
from ringwall.model.record import Outcome, Record, RecordId, RecordKind
from ringwall.store.ledger.writer import SegmentLedger
from ringwall.vault.keys import LedgerKey
from tests.cli.running import Said, command, environment_of

Command = Callable[..., Said]


@pytest.fixture
def ringwall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command in an empty folder, with no terminal."""
    monkeypatch.chdir(tmp_path)
    environment = environment_of(tmp_path)

    def run(*words: str, data_dir: Path | None = None) -> Said:
        return command(*words, environment=environment, data_dir=data_dir or tmp_path / "data")

    return run


class Clock:
    def __init__(self) -> None:
        self.time_us = 1_770_000_000_000_000

    def now_us(self) -> int:
        self.time_us += 1500
        return self.time_us

    def monotonic(self) -> float:
        return self.time_us / 1e6


@dataclass
class Book:
    """A ledger in a data directory, written record by record."""

    data_dir: Path
    clock: Clock
    key: LedgerKey
    count: int = 0

    @property
    def folder(self) -> Path:
        return self.data_dir / "ledger"

    def record(self, kind: RecordKind, outcome: Outcome, **fields: Any) -> Record:
        self.count += 1
        given: dict[str, Any] = {
            "interaction": "req_" + "1" * 32,
            "workload": "chat",
            "plan": "sha256:plan",
            "principal": {
                "chain": [["https://id.example", "robot"]],
                "issuer": "https://id.example",
                "kind": "person",
                "methods": ["mfa", "pwd"],
                "subject": "ada",
                "verified": True,
            },
            "session": "ses_1",
            "action": "model.invoke",
            "resource": {"kind": "model", "name": "small"},
            "source": "192.0.2.7",
            "trace": "00-trace",
        }
        record_id = RecordId(f"rec_{self.count:032x}")
        return Record(record_id, kind, self.clock.now_us(), outcome, **{**given, **fields})

    def write(self, *batches: list[Record]) -> list[Receipt]:
        async def run() -> list[Receipt]:
            ledger = SegmentLedger(self.folder, self.key, self.clock, plan="sha256:plan")
            ledger.start()
            try:
                return [receipt for batch in batches for receipt in await ledger.commit(batch)]
            finally:
                ledger.close()

        return asyncio.run(run())


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = Book(tmp_path / "data", Clock(), LedgerKey(Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)))
    made.folder.mkdir(parents=True)
    public = base64.b64encode(made.key.public_key).decode()
    (made.folder / "ledger.pub").write_text(f"{made.key.name} {public}\n")
    return made


def judgement(control: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {"control": control, "elapsed_us": 42, "mode": "enforce", "round": 1, "verdict": verdict, **more}


def decided(*judgements: dict[str, Any], cause: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "cause": cause, "edits": [], "elapsed_us": 1234, "judgements": list(judgements), "parts": [], "vacancies": [],
        **more,
    }  # fmt: skip
