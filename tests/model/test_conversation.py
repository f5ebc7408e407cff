from __future__ import annotations

import pytest

from ringwall.model.content import Origin, Part, PartId
from ringwall.model.conversation import NAME, Answer, Choice, Finish


@pytest.mark.parametrize("name", ["f", "get_weather", "a.b-c", "x" * 64])
def test_a_name_is_a_name(name):
    assert NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", "a b", "a\n", "x" * 65, "é", "<b>", "a/b", 'a"', "\u202ea"])
def test_what_acts_or_has_no_bound_is_no_name(name):
    assert not NAME.fullmatch(name)


def test_parts_are_found_by_their_ids():
    part = Part(PartId("choices/0/content/0"), Origin.MODEL, "x")
    assert Answer((Choice(0, (part.id,), (), Finish.STOP),), (part,)).by_id() == {part.id: part}
