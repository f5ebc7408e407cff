"""One-time things end, are taken once, and are bounded."""

from __future__ import annotations

from ringwall.controlplane.issuer.pending import Pending
from tests.controlplane.issuer.people import FakeClock


def test_what_is_taken_is_gone() -> None:
    pending: Pending[int] = Pending(FakeClock(), 60)
    name = pending.put(7)
    assert (pending.look(name), pending.take(name), pending.take(name), pending.look(name)) == (7, 7, None, None)


def test_what_is_too_old_is_gone() -> None:
    clock = FakeClock()
    pending: Pending[int] = Pending(clock, 60)
    name = pending.put(7)
    clock.now_s += 60
    assert pending.look(name) is None


def test_the_oldest_makes_room() -> None:
    pending: Pending[int] = Pending(FakeClock(), 60, limit=2)
    names = [pending.put(each) for each in range(3)]
    assert [pending.look(name) for name in names] == [None, 1, 2]
    assert pending.look("\ud800") is None
