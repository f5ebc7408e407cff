"""Is the ledger whole? Green, or the first bad record by name; never green over nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ringwall.cli.ledger import newest_notes, read_anchors, read_receipts
from ringwall.model.errors import ConfigError
from ringwall.model.record import Outcome, RecordKind
from ringwall.store.ledger.receipt import encode_receipt
from tests.cli.conftest import Book, Command, decided


def written(book: Book, count: int = 4) -> list[str]:
    """A ledger of so many decisions; its receipts."""
    records = [
        [book.record(RecordKind.DECISION, Outcome.SENDS, checkpoint="egress", effect="allow", decision=decided())]
        for _ in range(count)
    ]
    return [encode_receipt(each) for each in book.write(*records)]


def log(book: Book) -> Path:
    (path,) = (book.folder / "segments").glob("*.log")
    return path


def test_a_whole_ledger_is_green_and_says_what_it_cannot_exclude(book: Book, ringwall: Command) -> None:
    written(book)
    said = ringwall("ledger", "verify")
    assert said.returncode == 0, said.stdout
    assert said.stdout.startswith("green ")
    assert "5 records in 1 segment" in said.stdout
    assert "this key stands beside the ledger, which proves less" in said.stdout
    assert book.key.name.removeprefix("ringwall-ledger-") in said.stdout
    assert "What cannot be excluded:" in said.stdout


def test_an_edit_is_found_and_the_record_is_named(book: Book, ringwall: Command) -> None:
    written(book)
    path = log(book)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"allow"', b'"deny"')
    path.write_bytes(b"".join(lines))
    said = ringwall("ledger", "verify")
    assert said.returncode == 1
    assert "1 finding" in said.stdout and "at position 2" in said.stdout


def test_a_truncation_is_found_by_receipt_and_by_anchor(book: Book, ringwall: Command, tmp_path: Path) -> None:
    receipts = written(book)
    anchor, held = tmp_path / "anchor.txt", tmp_path / "receipts.txt"
    assert ringwall("ledger", "anchor", "--output", str(anchor)).returncode == 0
    held.write_text("\n".join(receipts) + "\n")
    key = tmp_path / "kept.pub"
    key.write_bytes((book.folder / "ledger.pub").read_bytes())
    good = ringwall("ledger", "verify", "--receipt", str(held), "--anchor", str(anchor), "--key", str(key))
    assert good.returncode == 0 and "beside the ledger" not in good.stdout
    assert "held to 4 receipts and 1 anchor" in good.stdout
    path = log(book)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    stored = path.with_suffix(".checkpoints")
    stored.write_bytes(b"\n".join(stored.read_bytes().split(b"\n")[:18]) + b"\n")
    assert ringwall("ledger", "verify").returncode == 0, "nothing here contradicts it: that is why receipts exist"
    for words in (("--receipt", receipts[-1]), ("--anchor", str(anchor))):
        said = ringwall("ledger", "verify", *words)
        assert said.returncode == 1 and "truncated" in said.stdout


def test_json_says_the_same(book: Book, ringwall: Command) -> None:
    written(book)
    body = json.loads(ringwall("ledger", "verify", "--json").stdout)
    assert body["green"] is True and body["records"] == 5 and body["findings"] == []
    assert body["key"]["beside_the_ledger"] is True


def test_it_works_while_somebody_writes(book: Book, ringwall: Command) -> None:
    import asyncio

    from ringwall.store.ledger.writer import SegmentLedger

    async def run() -> None:
        ledger = SegmentLedger(book.folder, book.key, book.clock, plan="p")
        ledger.start()
        try:
            await ledger.commit([book.record(RecordKind.OPENING, Outcome.STREAMS)])
            said = ringwall("ledger", "verify")
            assert said.returncode == 0, said.stdout
            assert "its process still runs" in said.stdout
            assert "growing" in ringwall("ledger", "list").stdout
        finally:
            ledger.close()

    asyncio.run(run())
    assert "interrupted, extent unknown" in ringwall("ledger", "verify").stdout


def test_nothing_is_never_green(ringwall: Command, tmp_path: Path) -> None:
    for name in ("data", "data/ledger", "data/ledger/segments"):
        (tmp_path / name).mkdir()
        said = ringwall("ledger", "verify")
        assert said.returncode == 2 and "green" not in said.stdout, name


@pytest.mark.parametrize("key", ["none.pub", "odd.pub"])
def test_a_key_that_is_none_is_an_error(book: Book, ringwall: Command, tmp_path: Path, key: str) -> None:
    written(book)
    (tmp_path / "odd.pub").write_text("ringwall-ledger-0000000000000000 AAAA\n")
    said = ringwall("ledger", "verify", "--key", key)
    assert said.returncode == 2 and "not a public key" in said.stderr


@pytest.mark.parametrize("given", ["rw1.nonsense", "rw1.", "", "no such file", "../../etc/passwd\0", "\x1b[31m"])
def test_what_is_no_receipt_is_an_error(given: str) -> None:
    with pytest.raises(ConfigError):
        read_receipts(given)


def test_the_line_of_a_bad_receipt_is_named(book: Book, tmp_path: Path) -> None:
    path = tmp_path / "receipts.txt"
    path.write_text(f"{written(book)[0]}\n\nrw1.nonsense\n")
    with pytest.raises(ConfigError, match=r"receipts\.txt:3: this is not a receipt"):
        read_receipts(str(path))


def test_anchors_are_what_anchor_wrote(book: Book, ringwall: Command, tmp_path: Path) -> None:
    written(book)
    written(book)
    path = tmp_path / "anchor.txt"
    ringwall("ledger", "anchor", "-o", str(path))
    assert read_anchors(path) == list(newest_notes(book.folder))
    assert len(read_anchors(path)) == 2
    assert ringwall("ledger", "anchor").stdout == path.read_text()


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb\nc\n", b"\xff" * 12, b"x\n" * 7])
def test_what_are_no_anchors_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "anchor.txt"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        read_anchors(path)


def test_an_anchor_that_nobody_signed_is_a_finding(book: Book, ringwall: Command, tmp_path: Path) -> None:
    written(book)
    path = tmp_path / "anchor.txt"
    path.write_text("one\ntwo\nthree\nfour\n\nsix\n")
    said = ringwall("ledger", "verify", "--anchor", str(path))
    assert said.returncode == 1 and "unsigned" in said.stdout


def test_list_and_tail(book: Book, ringwall: Command) -> None:
    written(book, 3)
    assert "4 records" in ringwall("ledger", "list").stdout
    assert json.loads(ringwall("ledger", "list", "--json").stdout)[0]["records"] == 4
    said = ringwall("ledger", "tail", "-n", "2").stdout.splitlines()
    assert len(said) == 2 and all("egress" in line and "allow" in line for line in said)
    assert len(json.loads(ringwall("ledger", "tail", "-n", "3", "--json").stdout)) == 3


def test_a_ledger_that_may_not_be_read_is_an_error_and_not_green(book: Book, ringwall: Command) -> None:
    written(book)
    path = log(book)
    path.unlink()
    path.mkdir()
    assert ringwall("ledger", "verify").returncode != 0
    path.rmdir()
    os.symlink("nowhere", path)
    said = ringwall("ledger", "verify")
    assert said.returncode != 0 and "Traceback" not in said.stderr
