"""What is said to a model: names of a closed grammar, and parts by their ids."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.content import PartId
from ringwall.model.conversation import NAME, Answer
from tests.fakes import whole


@given(st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True))
@settings(deadline=None)
def test_a_name_of_the_grammar_is_printable_ascii(name):
    assert NAME.fullmatch(name)
    assert name.isascii()
    assert name.isprintable()


@pytest.mark.parametrize("name", ["", "a b", "a\n", "x" * 65, "näme", "a/b", '"', "<tool>", "a\u200bb"])
def test_what_could_act_is_no_name(name):
    assert NAME.fullmatch(name) is None


def test_an_answer_finds_its_parts_by_their_ids():
    answer = whole("hello")
    assert answer.by_id() == {PartId("choices/0/content/0"): answer.parts[0]}
    assert Answer((), ()).by_id() == {}
