"""Following a ledger: nothing missed, nothing twice, nothing believed whose chain does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.record import leaf_hash
from ringwall.store.ledger import segment, tail
from ringwall.store.ledger.report import FindingKind
from ringwall.store.ledger.tail import Break, Seen, Tail, resume

NAME = "20261125T000000.000000Z-0123456789abcdef"
OTHER = "20261125T000001.000000Z-0123456789abcdef"


def lines(name: str, bodies: list[bytes]) -> list[bytes]:
    head, made = segment.genesis(name), []
    for position, body in enumerate(bodies):
        head = segment.advance(head, leaf_hash(body))
        made.append(segment.join(position, head, body))
    return made


def write(folder: Path, name: str, content: bytes, *, append: bool = False) -> Path:
    segment.segments_folder(folder).mkdir(parents=True, exist_ok=True)
    path = segment.log_path(folder, name)
    with path.open("ab" if append else "wb") as file:
        file.write(content)
    return path


def drain(following: Tail) -> list[Seen | Break]:
    found, last = [], None
    while last is None or last:
        last = following.poll()
        found += last
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=60).filter(lambda body: b"\n" not in body), min_size=1, max_size=12),
       st.lists(st.integers(1, 200), max_size=8), st.booleans())  # fmt: skip
def test_however_it_grows_and_however_often_it_is_taken_up_every_record_comes_once(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], cuts: list[int], restart: bool
) -> None:
    folder = tmp_path_factory.mktemp("tail")
    content = b"".join(lines(NAME, bodies))
    following, found, at = Tail(folder), [], 0
    write(folder, NAME, b"")
    for cut in [*cuts, len(content)]:
        write(folder, NAME, content[at : at + cut], append=True)
        at += len(content[at : at + cut])
        with segment.log_path(folder, NAME).open("rb"):
            following._growing.setdefault(NAME, 0.0)  # a writer without a lock reads as one that has died
            found += drain(following)
        if restart:
            following = Tail(folder, {each.name: each for each in following.state()})
    assert [each.record for each in found if isinstance(each, Seen)] == bodies
    assert not [each for each in found if isinstance(each, Break)]


@pytest.mark.parametrize(
    ("spoil", "kind", "before"),
    [
        (lambda made: [made[0], made[1].replace(b"b", b"c"), made[2]], FindingKind.EDITED, 1),
        (lambda made: [made[0], made[2]], FindingKind.MISPLACED, 1),
        (lambda made: [made[0], made[0], made[1]], FindingKind.MISPLACED, 1),
        (lambda made: [made[0], b"rubbish\n", made[1]], FindingKind.UNREADABLE, 1),
    ],
)
def test_what_does_not_fit_is_a_break_and_nothing_behind_it_is_believed(
    tmp_path: Path, spoil: object, kind: FindingKind, before: int
) -> None:
    made = lines(NAME, [b"{aaaa}", b"{zzzz}", b"{yyyy}"])
    made[1] = made[1].replace(b"zzzz", b"bbbb") if kind is FindingKind.EDITED else made[1]
    write(tmp_path, NAME, b"".join(spoil(made)))  # type: ignore[operator]
    following = Tail(tmp_path)
    found = drain(following)
    assert [each for each in found if isinstance(each, Break)] == [Break(kind, NAME, before)]
    assert len([each for each in found if isinstance(each, Seen)]) == before
    write(tmp_path, NAME, made[2], append=True)
    assert drain(following) == []


def test_a_segment_that_shrinks_or_is_gone_is_a_break(tmp_path: Path) -> None:
    made = lines(NAME, [b"{a}", b"{b}"])
    path = write(tmp_path, NAME, b"".join(made))
    other = write(tmp_path, OTHER, b"".join(lines(OTHER, [b"{c}"])))
    following = Tail(tmp_path)
    assert len(drain(following)) == 3
    path.write_bytes(made[0])
    other.unlink()
    found = {each.segment: each.kind for each in [*drain(following), *following.audit()] if isinstance(each, Break)}
    assert found == {NAME: FindingKind.TRUNCATED, OTHER: FindingKind.REMOVED}
    assert drain(following) == []  # said once


def test_an_ended_segment_that_shrinks_is_found_by_the_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "REST_S", -1.0)
    made = lines(NAME, [b"{a}", b"{b}"])
    path = write(tmp_path, NAME, b"".join(made))
    following = Tail(tmp_path)
    drain(following)
    assert following.audit() == []
    path.write_bytes(made[0])
    assert [each.kind for each in following.audit()] == [FindingKind.TRUNCATED]


def test_a_poll_is_bounded_and_says_how_far_behind_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "MAX_POLL_BYTES", 300)
    content = b"".join(lines(NAME, [b"{%d}" % number for number in range(50)]))
    write(tmp_path, NAME, content)
    following = Tail(tmp_path)
    first = following.poll()
    assert 0 < len(first) < 5
    assert 0 < following.behind_bytes < len(content)
    assert len(first) + len(drain(following)) == 50
    assert following.behind_bytes == 0


def test_what_had_ended_before_a_moment_counts_as_read(tmp_path: Path) -> None:
    write(tmp_path, NAME, b"".join(lines(NAME, [b"{a}", b"{b}"])))
    assert Tail(tmp_path, resume(tmp_path, 2**62)).poll() == []
    assert len(Tail(tmp_path, resume(tmp_path, 0)).poll()) == 2
