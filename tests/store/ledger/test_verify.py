"""Every way to tamper with a ledger, found; every way that a crash leaves it, green."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.ports import Receipt
from ringwall.model.record import Record, RecordKind, leaf_hash
from ringwall.store.ledger import segment
from ringwall.store.ledger.report import FindingKind
from ringwall.store.ledger.verify import verify
from ringwall.store.ledger.writer import SegmentLedger

Whole = tuple[Path, list[Receipt]]


class Tampered:
    """A copy of a ledger to do damage to."""

    def __init__(self, folder: Path) -> None:
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name) / "ledger"
        shutil.copytree(folder, self.folder)
        self.names = segment.names(self.folder)

    def __enter__(self) -> Tampered:
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    def lines(self, which: int) -> list[bytes]:
        return segment.log_path(self.folder, self.names[which]).read_bytes().splitlines(keepends=True)

    def write(self, which: int, lines: list[bytes]) -> None:
        segment.log_path(self.folder, self.names[which]).write_bytes(b"".join(lines))

    def rechain(self, which: int, records: list[bytes]) -> None:
        """What an attacker without the key can do: a perfect chain over other records."""
        head = segment.genesis(self.names[which])
        lines = []
        for position, record in enumerate(records):
            head = segment.advance(head, leaf_hash(record))
            lines.append(segment.join(position, head, record))
        self.write(which, lines)


def bodies(lines: list[bytes]) -> list[bytes]:
    return [found.record for line in lines if (found := segment.split(line[:-1])) is not None]


def test_an_untouched_ledger_is_green(whole_ledger: Whole, signer: object) -> None:
    folder, receipts = whole_ledger
    report = verify(folder, signer.public_key, receipts)  # type: ignore[attr-defined]
    assert report.is_green, report.findings
    assert report.records == 3 * (1 + 18)
    assert all(each.vouched == each.records and not each.live for each in report.coverage)
    assert len(receipts) == 3 * 9
    assert any("signing key" in limit for limit in report.limits)
    assert any("removed whole" in limit for limit in report.limits)


SEGMENTS = st.integers(0, 2)


@settings(deadline=None, max_examples=120)
@given(which=SEGMENTS, data=st.data())
def test_flipping_any_bit_of_any_segment_is_found(
    whole_ledger: Whole, signer: object, which: int, data: object
) -> None:
    with Tampered(whole_ledger[0]) as ledger:
        path = segment.log_path(ledger.folder, ledger.names[which])
        content = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(content) - 1))  # type: ignore[attr-defined]
        content[at] ^= 1 << data.draw(st.integers(0, 7))  # type: ignore[attr-defined]
        path.write_bytes(content)
        report = verify(ledger.folder, signer.public_key)  # type: ignore[attr-defined]
        bad = [each for each in report.findings if each.segment == ledger.names[which]]
        assert bad, at
        line = bytes(path.read_bytes()[:at]).count(b"\n")
        assert bad[0].position is not None and abs(bad[0].position - line) <= 1


@settings(deadline=None, max_examples=80)
@given(which=SEGMENTS, data=st.data(), how=st.sampled_from(["drop", "swap", "duplicate", "truncate", "reorder"]))
def test_moving_lines_about_is_found(whole_ledger: Whole, signer: object, which: int, data: object, how: str) -> None:
    with Tampered(whole_ledger[0]) as ledger:
        lines = ledger.lines(which)
        at = data.draw(st.integers(0, len(lines) - 1))  # type: ignore[attr-defined]
        to = data.draw(st.integers(0, len(lines) - 1).filter(lambda n: n != at))  # type: ignore[attr-defined]
        if how == "drop":
            del lines[at]
        elif how == "swap":
            lines[at], lines[to] = lines[to], lines[at]
        elif how == "duplicate":
            lines.insert(to, lines[at])
        elif how == "truncate":
            cut = data.draw(st.integers(0, sum(map(len, lines)) - 1))  # type: ignore[attr-defined]
            lines = [b"".join(lines)[:cut]]
        else:
            lines.insert(to, lines.pop(at))
        ledger.write(which, lines)
        report = verify(ledger.folder, signer.public_key)  # type: ignore[attr-defined]
        assert any(each.segment == ledger.names[which] for each in report.findings)


@settings(deadline=None, max_examples=80)
@given(which=SEGMENTS, data=st.data(), how=st.sampled_from(["edit", "drop", "swap", "duplicate", "insert", "cut"]))
def test_rewriting_with_a_perfect_chain_but_without_the_key_is_found(
    whole_ledger: Whole, signer: object, which: int, data: object, how: str
) -> None:
    with Tampered(whole_ledger[0]) as ledger:
        records = bodies(ledger.lines(which))
        at = data.draw(st.integers(1, len(records) - 1))  # type: ignore[attr-defined]
        if how == "edit":
            records[at] = records[at].replace(b'"helpdesk"', b'"somebody"')
        elif how == "drop":
            del records[at]
        elif how == "swap":
            to = data.draw(st.integers(1, len(records) - 1).filter(lambda n: n != at))  # type: ignore[attr-defined]
            records[at], records[to] = records[to], records[at]
        elif how == "duplicate":
            records.insert(min(at, len(records) - 2), records[at])
        elif how == "insert":
            records.append(records[at].replace(b'"helpdesk"', b'"somebody"'))
        else:
            del records[at:]
        ledger.rechain(which, records)
        report = verify(ledger.folder, signer.public_key)  # type: ignore[attr-defined]
        found = [each for each in report.findings if each.segment == ledger.names[which]]
        if how == "insert" and which == 2:  # after the last signature: said, not passed over
            assert not found and any("after the last signature" in limit for limit in report.limits)
        else:
            assert found


def test_an_edit_with_a_receipt_names_the_very_record(whole_ledger: Whole, signer: object) -> None:
    folder, receipts = whole_ledger
    with Tampered(folder) as ledger:
        records = bodies(ledger.lines(0))
        target = receipts[1]
        records[target.position] = records[target.position].replace(b'"helpdesk"', b'"somebody"')
        ledger.rechain(0, records)
        (finding, *_) = verify(ledger.folder, signer.public_key, receipts).findings  # type: ignore[attr-defined]
        assert (finding.position, finding.record) == (target.position, target.record)


@pytest.mark.parametrize("which", [0, 1])
def test_removing_a_segment_is_found_by_the_starts_of_later_ones(
    whole_ledger: Whole, signer: object, which: int
) -> None:
    with Tampered(whole_ledger[0]) as ledger:
        segment.log_path(ledger.folder, ledger.names[which]).unlink()
        segment.checkpoints_path(ledger.folder, ledger.names[which]).unlink()
        report = verify(ledger.folder, signer.public_key)  # type: ignore[attr-defined]
        assert [(each.kind, each.segment) for each in report.findings] == [(FindingKind.REMOVED, ledger.names[which])]


def test_removing_the_newest_segment_is_found_by_its_checkpoints_a_receipt_or_an_anchor(
    whole_ledger: Whole, signer: object
) -> None:
    folder, receipts = whole_ledger
    key = signer.public_key  # type: ignore[attr-defined]
    with Tampered(folder) as ledger:
        segment.log_path(ledger.folder, ledger.names[2]).unlink()
        assert [each.kind for each in verify(ledger.folder, key).findings] == [FindingKind.REMOVED]
        segment.checkpoints_path(ledger.folder, ledger.names[2]).unlink()
        silent = verify(ledger.folder, key)
        assert silent.is_green and any("removed whole" in limit for limit in silent.limits)
        assert [each.kind for each in verify(ledger.folder, key, receipts).findings] == [FindingKind.REMOVED]
        anchored = verify(ledger.folder, key, (), [receipts[-1].checkpoint])
        assert [each.kind for each in anchored.findings] == [FindingKind.REMOVED]


def test_one_segment_cannot_stand_in_for_another(whole_ledger: Whole, signer: object) -> None:
    with Tampered(whole_ledger[0]) as ledger:
        ledger.write(1, ledger.lines(0))
        assert not verify(ledger.folder, signer.public_key).is_green  # type: ignore[attr-defined]


def test_losing_the_checkpoints_is_found(whole_ledger: Whole, signer: object) -> None:
    for content in (None, b""):
        with Tampered(whole_ledger[0]) as ledger:
            path = segment.checkpoints_path(ledger.folder, ledger.names[2])
            path.unlink() if content is None else path.write_bytes(content)
            report = verify(ledger.folder, signer.public_key)  # type: ignore[attr-defined]
            assert [each.kind for each in report.findings] == [FindingKind.REMOVED]


def test_cutting_newest_segment_and_checkpoints_alike_is_found_with_a_receipt(
    whole_ledger: Whole, signer: object
) -> None:
    folder, receipts = whole_ledger
    key = signer.public_key  # type: ignore[attr-defined]
    with Tampered(folder) as ledger:
        ledger.write(2, ledger.lines(2)[:1])
        path = segment.checkpoints_path(ledger.folder, ledger.names[2])
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:6]))
        assert verify(ledger.folder, key).is_green
        (finding,) = verify(ledger.folder, key, receipts[-1:]).findings
        assert (finding.kind, finding.position) == (FindingKind.TRUNCATED, 1)


def test_a_ledger_signed_by_another_key_is_not_green(whole_ledger: Whole, other_signer: object) -> None:
    folder, receipts = whole_ledger
    report = verify(folder, other_signer.public_key, receipts, ["nothing"])  # type: ignore[attr-defined]
    assert {each.kind for each in report.findings} == {FindingKind.UNSIGNED}
    assert all(each.vouched <= 19 for each in report.coverage)


def test_a_forged_checkpoint_file_is_found(whole_ledger: Whole, signer: object) -> None:
    with Tampered(whole_ledger[0]) as ledger:
        path = segment.checkpoints_path(ledger.folder, ledger.names[1])
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        report = verify(ledger.folder, signer.public_key)  # type: ignore[attr-defined]
        assert FindingKind.UNSIGNED in {each.kind for each in report.findings}


def test_a_torn_tail_is_a_note_and_the_next_start_states_it(
    tmp_path: Path,
    clock: object,
    signer: object,
    run_ledger: Callable[..., list[Receipt]],
    make_record: Callable[..., Record],
) -> None:
    key = signer.public_key  # type: ignore[attr-defined]
    run_ledger(tmp_path, clock, [[make_record(1)]])
    path = segment.log_path(tmp_path, segment.names(tmp_path)[0])
    with path.open("ab") as file:
        file.write(b"2 0123456789abcdef")
    before = verify(tmp_path, key)
    assert before.is_green and any("stated by no start" in note for note in before.notes)
    run_ledger(tmp_path, clock, [[make_record(2)]])
    after = verify(tmp_path, key)
    assert after.is_green and any("as a later start states" in note for note in after.notes)
    for content in (path.read_bytes()[:-1], path.read_bytes() + b"x", path.read_bytes()[:-1] + b"x"):
        path.write_bytes(content)
        assert [each.kind for each in verify(tmp_path, key).findings] == [FindingKind.APPENDED]


def test_a_stream_without_its_closing_reads_interrupted(
    tmp_path: Path,
    clock: object,
    signer: object,
    run_ledger: Callable[..., list[Receipt]],
    make_record: Callable[..., Record],
) -> None:
    opened = make_record(1, RecordKind.OPENING, "int_a")
    lost = make_record(2, RecordKind.OPENING, "int_b")
    closed = make_record(3, RecordKind.CLOSING, "int_a")
    run_ledger(tmp_path, clock, [[opened, lost], [closed]])
    report = verify(tmp_path, signer.public_key)  # type: ignore[attr-defined]
    assert report.is_green
    assert [(each.record, each.live) for each in report.interrupted] == [(lost.id, False)]


def test_a_ledger_that_is_being_written_is_green(
    tmp_path: Path, clock: object, signer: object, make_record: Callable[..., Record]
) -> None:
    ledger = SegmentLedger(tmp_path, signer, clock)  # type: ignore[arg-type]
    ledger.start()

    async def write_and_verify() -> None:
        async def write(base: int) -> None:
            for number in range(40):
                await ledger.commit([make_record(base + number)], receipt=number % 3 == 0)

        async with asyncio.TaskGroup() as tasks:
            writers = [tasks.create_task(write(1000 * (each + 1))) for each in range(4)]
            while not all(writer.done() for writer in writers):
                report = await asyncio.to_thread(verify, tmp_path, signer.public_key)  # type: ignore[attr-defined]
                assert report.is_green, report.findings
                assert [each.live for each in report.coverage] == [True]

    asyncio.run(write_and_verify())
    ledger.close()
    assert verify(tmp_path, signer.public_key).records == 161  # type: ignore[attr-defined]


def test_a_record_that_is_not_canonical_is_found(whole_ledger: Whole, signer: object) -> None:
    with Tampered(whole_ledger[0]) as ledger:
        records = bodies(ledger.lines(2))
        ledger.rechain(2, [*records, records[-1].replace(b'":"', b'": "', 1)])
        report = verify(ledger.folder, signer.public_key)  # type: ignore[attr-defined]
        assert [each.kind for each in report.findings] == [FindingKind.NOT_CANONICAL]
