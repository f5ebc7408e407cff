"""Plans: never an older one again, and one plan to a version."""

from __future__ import annotations

from typing import Any

import pytest

from ringwall.model.errors import InternalError
from ringwall.store.database import Database, open_database
from ringwall.store.plans import Plans


def test_an_older_plan_is_refused_across_restarts(database: Database, database_url: str, own_clock: Any) -> None:
    plans = Plans(database, own_clock)
    assert plans.highest() == (0, "") and plans.next_version("sha256:a") == 1
    plans.take(1, "sha256:a")
    plans.take(1, "sha256:a")
    plans.take(5, "sha256:b")
    assert plans.next_version("sha256:b") == 5 and plans.next_version("sha256:c") == 6
    again = open_database(database_url)
    later = Plans(again, own_clock)
    for version, digest in ((4, "sha256:c"), (1, "sha256:a"), (5, "sha256:other")):
        with pytest.raises(InternalError) as raised:
            later.take(version, digest)
        assert raised.value.code == "plan_outdated"
    assert later.highest() == (5, "sha256:b")
    again.close()
