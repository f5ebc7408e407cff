"""Looks into the ledger of a gateway, running or not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ringwall.store.ledger.read import entries, find
from ringwall.store.ledger.receipt import decode_receipt
from ringwall.store.ledger.report import Report
from ringwall.store.ledger.verify import verify
from ringwall.vault.keys import read_public_key


def folder(data_dir: Path) -> Path:
    return data_dir / "ledger"


def record(data_dir: Path, name: str) -> dict[str, Any]:
    """The fields of a record; it must be there."""
    entry = find(folder(data_dir), name)
    assert entry is not None, f"no record {name}"
    return entry.fields()


def records(data_dir: Path, interaction: str | None = None) -> list[dict[str, Any]]:
    """All records, or those of one interaction."""
    found = [entry.fields() for entry in entries(folder(data_dir))]
    return [each for each in found if interaction is None or each["interaction"] == interaction]


def verified(data_dir: Path, receipts: Iterable[str] = ()) -> Report:
    """The ledger held to its chain, its signatures and these receipts."""
    key = read_public_key(folder(data_dir) / "ledger.pub")
    return verify(folder(data_dir), key, [decode_receipt(each) for each in receipts])
