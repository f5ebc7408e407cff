"""Opening a segment is all or nothing, and a write that fell short is a failure."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringwall.model.record import Record
from ringwall.store.ledger import read, segment
from ringwall.store.ledger.appender import Abandoned, Start, open_segment, reason_of


def test_a_segment_begins_with_its_start_and_its_first_batch(
    tmp_path: Path, clock: Any, signer: Any, make_record: Callable[..., Record]
) -> None:
    start = Start("sha256:p", Abandoned("20260101T000000.000000Z-0123456789abcdef", 7, "EIO"))
    opened, signed = open_segment(tmp_path, signer, clock, start, [make_record(1).encode()], sign=True)
    assert signed is not None and (signed.first, opened.size) == (1, 2)
    assert segment.is_live(segment.log_path(tmp_path, opened.name))
    opened.finish()
    assert not segment.is_live(segment.log_path(tmp_path, opened.name))
    first, second = read.entries(tmp_path)
    assert first.fields()["kind"] == "start" and first.fields()["plan"] == "sha256:p"
    assert second.record == make_record(1).encode()


@pytest.mark.parametrize("call", ["write", "fdatasync", "rename"])
def test_an_opening_that_fails_leaves_nothing(
    tmp_path: Path, clock: Any, signer: Any, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    if call == "rename":
        monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="No space") as raised:
        open_segment(tmp_path, signer, clock, Start())
    assert reason_of(raised.value) == "ENOSPC"
    assert list(segment.segments_folder(tmp_path).iterdir()) == []


def test_a_short_write_is_a_failure(
    tmp_path: Path, clock: Any, signer: Any, make_record: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, _ = open_segment(tmp_path, signer, clock, Start())
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:10]))
    with pytest.raises(OSError, match="short write"):
        opened.append([make_record(1).encode()], sign=False)
    assert opened.size == 1
    opened.abandon()
