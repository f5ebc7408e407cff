"""Kill -9 under load, a few times; `python benchmarks/kills.py --kills 200` is the full promise."""

from __future__ import annotations

import pytest
from benchmarks.kills import kills


@pytest.mark.deep
@pytest.mark.parametrize("seed", [11, 12])
def test_every_answer_that_a_client_received_has_its_record(tmp_path, seed):
    run, result = kills(tmp_path, 2, seed)
    assert run.problems == []
    assert result["records_named_to_clients"] > 10
    assert run.received.records <= run.on_record
