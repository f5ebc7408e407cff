"""How content is hidden: an edit hides its span and nothing else, or is refused."""

from __future__ import annotations

import re
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.engine.edits import BadEditError, apply, merge, placeholder
from ringwall.model.content import JSON, LeafKind, Origin, Part, PartId, Place, freeze, thaw
from ringwall.model.verdict import Edit, EditAction

P = PartId("p")
TEXT = "abcdefghij"
INERT = re.compile(r"\[[A-Z0-9_]+\]")
spans = st.tuples(st.integers(0, 9), st.integers(1, 10)).filter(lambda each: each[0] < each[1])
edits = st.lists(
    st.builds(
        lambda span, action, kind: edit(*span, action=action, kind=kind),
        spans,
        st.sampled_from(EditAction),
        st.sampled_from(["card_number", "secret"]),
    ),
    max_size=6,
)


def edit(
    start: int, end: int, pointer: str = "", *, action: EditAction = EditAction.MASK, kind: str = "secret",
    part: PartId = P, leaf: LeafKind = LeafKind.VALUE,
) -> Edit:  # fmt: skip
    return Edit(Place(part, pointer, start, end, leaf), action, kind)


def document(value: object) -> Part:
    return Part(P, Origin.TOOL, freeze(value), JSON)


@given(edits)
@settings(deadline=None)
def test_what_an_edit_names_is_gone_and_all_else_stays(found):
    """Law 4, on one text: computed anew by code point, so that it can disagree."""
    hidden = {at for each in found for at in range(each.place.start, each.place.end)}
    merged = merge(found)
    (made,) = apply((Part(P, Origin.PERSON, TEXT),), merged)
    assert INERT.sub("", made.text) == "".join(each for at, each in enumerate(TEXT) if at not in hidden)
    assert len(INERT.findall(made.text)) == len(merged)


@given(edits, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_merging_has_no_order_and_is_done_once(found, random):
    merged = merge(found)
    assert merge(merged) == merged
    shuffled = list(found)
    random.shuffle(shuffled)
    assert merge(shuffled) == merged
    for each in found:
        (cover,) = [one for one in merged if one.place.start <= each.place.start and each.place.end <= one.place.end]
        assert cover.action >= each.action


def test_block_beats_mask_beats_tokenise():
    three = [edit(0, 4, action=EditAction.TOKENISE), edit(3, 6, action=EditAction.BLOCK), edit(5, 9, kind="iban")]
    (merged,) = merge(three)
    assert (merged.place.start, merged.place.end, merged.action) == (0, 9, EditAction.BLOCK)
    assert placeholder(merged) == "[BLOCKED]"
    assert placeholder(edit(0, 1, kind="card_number")) == "[CARD_NUMBER]"


def test_spans_that_touch_stay_two():
    assert len(merge([edit(0, 4), edit(4, 8)])) == 2
    assert len(merge([edit(0, 4, "/a"), edit(0, 4, "/b")])) == 2


def test_one_leaf_of_a_document_is_edited_and_the_rest_is_the_same_object():
    part = document({"a/b": ["keep", {"~": "secret text"}], "c": [1]})
    (made,) = apply((part,), (edit(0, 6, "/a~1b/1/~0"),))
    assert thaw(made.value) == {"a/b": ["keep", {"~": "[SECRET] text"}], "c": [1]}
    assert isinstance(made.value, MappingProxyType)
    assert made.value["c"] is part.value["c"]  # type: ignore[index, call-overload]
    assert thaw(part.value) == {"a/b": ["keep", {"~": "secret text"}], "c": [1]}


def test_a_part_without_edits_is_the_same_object():
    other = Part(PartId("q"), Origin.PERSON, "x")
    assert apply((other, Part(P, Origin.PERSON, TEXT)), (edit(0, 1),))[0] is other


@pytest.mark.parametrize(
    "bad",
    [
        edit(0, 1, "/key", leaf=LeafKind.KEY),
        edit(0, 1, "/number", leaf=LeafKind.NUMBER),
        edit(0, 1, "/number"),
        edit(0, 1, "/none"),
        edit(0, 1, "/list"),
        edit(0, 1, ""),
        edit(0, 1, "/list/2"),
        edit(0, 1, "/list/-1"),
        edit(0, 1, "/list/-"),
        edit(0, 1, "/list/٠"),
        edit(0, 1, "/list/" + "9" * 5000),
        edit(0, 1, "/missing"),
        edit(0, 1, "/list/0/deeper"),
        edit(0, 5, "/list/0"),
        edit(-1, 1, "/list/0"),
        edit(1, 1, "/list/0"),
        edit(2, 1, "/list/0"),
        edit(0, 1, "/list/0", part=PartId("other")),
        edit(0, 1, "/list/0", kind="Ünsafe]("),
        edit(0, 1, "/list/0", kind=""),
    ],
)
def test_an_edit_of_what_is_not_there_is_refused(bad):
    with pytest.raises(BadEditError):
        apply((document({"key": "v", "number": 7, "none": None, "list": ["four", "x"]}),), (bad,))


@pytest.mark.parametrize(
    ("pointer", "alias"), [("/list/1", "/list/01"), ("/list/1", "list/list/1"), ("/~0", "/~"), ("", "x")]
)
def test_one_leaf_has_one_name(pointer, alias):
    """Two names of one leaf would never be merged, and the second span would be counted in the edited text."""
    part = document({"list": ["", "my secret"], "~": "my secret"}) if pointer else Part(P, Origin.PERSON, "my secret")
    with pytest.raises(BadEditError):
        apply((part,), merge([edit(0, 3, pointer), edit(3, 9, alias)]))


def test_spans_that_were_not_merged_are_refused():
    with pytest.raises(BadEditError, match="no such span"):
        apply((Part(P, Origin.PERSON, TEXT),), (edit(0, 4), edit(2, 6)))
