"""A report is green when it has no finding, whatever it notes."""

from __future__ import annotations

from ringwall.store.ledger.report import Finding, FindingKind, Interrupted, Report


def test_only_a_finding_is_not_green() -> None:
    stream = Interrupted("s", 1, "rec_1", False)
    assert Report(1, (), (), (stream,), ("a torn tail",), ("a limit",)).is_green
    assert not Report(1, (), (Finding(FindingKind.EDITED, "s", 1, "rec_1", "changed"),), (), (), ()).is_green
