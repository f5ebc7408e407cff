"""Content beside the ledger: sealed, bound to its record, durable before its effect, and gone when its day is over."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.errors import InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.ports import Payload
from ringwall.model.record import new_record_id
from ringwall.store.payloads import SealedPayloads
from ringwall.vault.keys import Keyring
from ringwall.vault.root import RootKey
from tests.fakes import FixedClock

SUPPORT = WorkloadId("support")
WORDS = Part(PartId("turns/0/content/0"), Origin.PERSON, "my card is 4111 1111 1111 1111")


def payload(*parts: Part, workload: WorkloadId = SUPPORT, days: int = 1) -> Payload:
    return Payload(new_record_id(), workload, parts or (WORDS,), days)


@pytest.fixture
def store(tmp_path: Path) -> SealedPayloads:
    return SealedPayloads(tmp_path / "payloads", Keyring(RootKey(b"k" * 32)), FixedClock())


def keep(store: SealedPayloads, *payloads: Payload) -> None:
    asyncio.run(store.keep(payloads))


def files(folder: Path) -> list[Path]:
    return sorted((folder / "payloads").glob("*/*.sealed"))


def test_what_is_kept_is_found_by_its_record(store: SealedPayloads) -> None:
    answer = Part(PartId("a"), Origin.TOOL, freeze({"rows": [1, 2.5, None, {"n": "ü\ud800"[:1]}]}), JSON)
    one, other = payload(WORDS, answer), payload(answer, workload=WorkloadId("sales"))
    keep(store, one, other)
    found = store.find(one.record)
    assert found is not None and found.parts == one.parts and found.workload == "support"
    assert store.find(other.record).parts == (answer,)  # type: ignore[union-attr]
    assert store.find(new_record_id()) is None


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    store = SealedPayloads(folder, Keyring(RootKey(b"k" * 32)), FixedClock())
    kept = payload(Part(PartId("p"), Origin.MODEL, text))
    keep(store, kept)
    assert store.find(kept.record).parts == kept.parts  # type: ignore[union-attr]


def test_content_never_stands_in_clear_and_only_the_owner_reads_the_file(store: SealedPayloads, tmp_path: Path) -> None:
    keep(store, payload())
    (path,) = files(tmp_path)
    assert b"4111" not in path.read_bytes() and path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_line_moved_to_another_record_or_workload_does_not_open(store: SealedPayloads, tmp_path: Path) -> None:
    one, other = payload(), payload(workload=WorkloadId("sales"))
    keep(store, one, other)
    (path,) = files(tmp_path)
    text = path.read_text()
    path.write_text(text.replace(one.record, "rec_" + "0" * 32).replace(" sales ", " support "))
    for record in ("rec_" + "0" * 32, other.record):
        with pytest.raises(InternalError):
            store.find(record)


@pytest.mark.parametrize("change", [b"!", b"A"])
def test_a_changed_byte_is_noticed(store: SealedPayloads, tmp_path: Path, change: bytes) -> None:
    kept = payload()
    keep(store, kept)
    (path,) = files(tmp_path)
    raw = bytearray(path.read_bytes())
    at = len(raw) - 20
    raw[at : at + 1] = change if raw[at : at + 1] != change else b"B"
    path.write_bytes(raw)
    with pytest.raises(InternalError):
        store.find(kept.record)


def test_a_line_that_a_kill_cut_off_is_none(store: SealedPayloads, tmp_path: Path) -> None:
    one, cut = payload(), payload()
    keep(store, one, cut)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-7])
    assert store.find(one.record) is not None and store.find(cut.record) is None


def test_days_that_are_over_are_deleted_whole(tmp_path: Path) -> None:
    clock = FixedClock()
    store = SealedPayloads(tmp_path / "payloads", Keyring(RootKey(b"k" * 32)), clock)
    short, long = payload(days=1), payload(days=30)
    keep(store, short, long)
    assert len(files(tmp_path)) == 2
    clock.us += 3 * 86_400 * 1_000_000
    keep(store, payload())  # whoever keeps on a new day sweeps first
    assert store.find(short.record) is None and store.find(long.record) is not None
    assert store.sweep() == 0


def test_what_cannot_be_kept_is_an_error(store: SealedPayloads, tmp_path: Path) -> None:
    (tmp_path / "payloads").write_text("in the way")
    with pytest.raises(InternalError) as caught:
        keep(store, payload())
    assert caught.value.code == "payloads_unavailable"


def test_a_short_write_spoils_no_later_line(
    store: SealedPayloads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write: Any = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:-9]))
        with pytest.raises(InternalError):
            keep(store, payload())
    kept = payload()
    keep(store, kept)
    assert store.find(kept.record) is not None and len(files(tmp_path)) == 2
