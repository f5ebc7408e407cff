"""What sources say, and where."""

from __future__ import annotations

import json

import pytest

from ringwall.detectors.numbers import find
from ringwall.detectors.sentences import stem
from ringwall.detectors.sources import (
    MAX_PASSAGES,
    MAX_POSTINGS,
    MAX_SOURCE_CHARS,
    Index,
    Source,
    TooLongError,
    build,
    flat,
    name_words,
    without,
)
from ringwall.model.content import freeze

ROWS = [
    {
        "name": "Ridge tent",
        "price": 129.0,
        "waterproof": False,
        "specs": {"weight_kg": 2.1, "colours": ["red", "sand"]},
    },
    {"name": "Trail tent", "price": 89.99, "stock": None},
]


def index(*contents: object) -> Index:
    return build(Source(f"s{at}", freeze(each)) for at, each in enumerate(contents))


@pytest.mark.parametrize("written", [ROWS, json.dumps(ROWS)])
def test_each_object_is_a_row_and_json_in_a_string_is_json(written: object) -> None:
    found = index(written)
    assert [each.is_row for each in found.passages] == [True, True, False, True]
    (ridge,) = found.names["ridge"]
    assert found.supporters(find("$129")[0]) == {ridge}
    assert found.names["trail"] == found.supporters(find("$89.99")[0])


def test_a_member_that_says_no_denies_its_name() -> None:
    found = index(ROWS)
    assert f"-{stem('waterproof')}" in found.words
    assert stem("waterproof") not in found.words
    assert f"-{stem('stock')}" in found.words


def test_neighbouring_sentences_may_stand_together_lines_of_a_table_may_not() -> None:
    prose = index("One thing is red. Another is blue. A third is green. The last is grey.")
    assert [each.before for each in prose.passages] == [0, 1, 2, 2]
    table = index("| Ridge | 129 |\n| Trail | 89 |")
    assert [each.before for each in table.passages] == [0, 0]


def test_what_looks_like_json_and_is_none_is_prose() -> None:
    assert [each.is_row for each in index("{not json} but $5.").passages] == [False]
    assert [each.is_row for each in index('{"a": 1, "a": 2}').passages] == [False]
    assert build([Source("s", "[" * 5000)]).passages


def test_quotes_are_word_for_word_but_for_blanks_and_case() -> None:
    found = index("We  will\nnot be moved.")
    assert found.quotes("we will not be moved")
    assert not found.quotes("we will be moved")
    assert flat(" A\n b ") == "a b"


def test_a_word_in_many_places_is_common_and_never_lost() -> None:
    found = index(" ".join("The tent is dry." for _ in range(MAX_POSTINGS + 1)))
    assert found.words[stem("tent")] == []


def test_numbers_are_found_by_value_and_each_once() -> None:
    found = index("It costs $129.99 and holds 12,500 litres since 14 March 2026.")
    for said in ("$130", "12.5 thousand litres", "14/03/2026"):
        assert found.supporters(find(said)[0]) == {0}, said
    assert found.supporters(find("$131")[0]) == frozenset()


def test_bounds_are_errors() -> None:
    with pytest.raises(TooLongError):
        index("word " * (MAX_SOURCE_CHARS // 4))
    with pytest.raises(TooLongError):
        index([{"a": 1}] * (MAX_PASSAGES + 1))
    many = index(" ".join(f"${each}.25" for each in range(10_000, 18_000)))
    with pytest.raises(TooLongError):
        for each in range(10_000, 18_000):
            many.supporters(find(f"about ${each}")[0])


def test_small_things() -> None:
    assert without("costs $5 now", find("costs $5 now")) == "costs $  now"
    assert name_words("Maria's  O’Neil-Smith") == {"maria", "o", "neil", "smith"}
