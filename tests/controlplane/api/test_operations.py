"""The table is sound."""

from __future__ import annotations

import re

from ringwall.controlplane.api.operations import OPERATIONS


def test_each_row_is_there_once_and_names_its_parameters() -> None:
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
    for each in OPERATIONS:
        assert re.findall(r"{([a-z]+)}", each.path) == [param.name for param in each.params]


def test_what_changes_something_is_no_get_and_the_other_way_round() -> None:
    for each in OPERATIONS:
        assert each.changes == (each.method != "GET")
        assert each.reads is None or each.method == "POST"
