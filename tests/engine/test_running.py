from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ringwall.engine.running import Running
from ringwall.model.plan import Plan


@pytest.mark.parametrize("moment", [datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, 12, 30, 1, 250_000, UTC)])
def test_the_end_of_a_plan_is_known_in_microseconds(moment):
    running = Running(Plan("sha256:0", 1, moment, "o", {}, {}), {})
    assert datetime.fromtimestamp(running.expires_us / 1_000_000, UTC) == moment
