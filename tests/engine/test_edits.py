from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine.edits import BadEditError, apply, merge, placeholder, still_sealed
from ringwall.model.content import JSON, LeafKind, Origin, Part, PartId, Place, by_id, freeze
from ringwall.model.conversation import Reasoning
from ringwall.model.verdict import Edit, EditAction
from tests.fakes import text_part

PART = PartId("p")


def edit(
    start: int, end: int, action: EditAction = EditAction.MASK, kind: str = "card_number", pointer: str = ""
) -> Edit:
    return Edit(Place(PART, pointer, start, end), action, kind)


def edits(limit: int) -> st.SearchStrategy[list[Edit]]:
    span = st.tuples(st.integers(0, limit - 1), st.integers(1, limit)).filter(lambda at: at[0] < at[1])
    return st.lists(
        st.builds(
            lambda at, action, kind: edit(*at, action, kind),
            span,
            st.sampled_from(EditAction),
            st.sampled_from(["card_number", "email"]),
        ),
        max_size=8,
    )


@given(edits(20))
def test_merged_edits_cover_the_same_places_and_never_overlap(given_edits):
    merged = merge(given_edits)
    assert {n for each in given_edits for n in range(each.place.start, each.place.end)} == {
        n for each in merged for n in range(each.place.start, each.place.end)
    }
    assert all(one.place.end <= other.place.start for one, other in pairwise(merged))


@given(edits(20), st.randoms())
def test_the_order_of_edits_changes_nothing(given_edits, chance):
    shuffled = list(given_edits)
    chance.shuffle(shuffled)
    assert merge(shuffled) == merge(given_edits)
    assert merge(merge(given_edits)) == merge(given_edits)


@given(edits(20))
def test_the_strictest_of_what_overlaps_wins(given_edits):
    for each in merge(given_edits):
        inside = [one for one in given_edits if each.place.start <= one.place.start < each.place.end]
        assert each.action == max(one.action for one in inside)


@given(edits(20))
def test_what_is_edited_is_gone_and_the_rest_stays(given_edits):
    text = "abcdefghijklmnopqrst"
    merged = merge(given_edits)
    edited = apply((text_part(text, "p"),), merged)[0].text
    kept = [char for n, char in enumerate(text) if not any(e.place.start <= n < e.place.end for e in merged)]
    stripped = edited
    for each in merged:
        stripped = stripped.replace(placeholder(each), "")
    assert stripped == "".join(kept)


def test_a_place_deep_in_a_document_is_edited_and_everything_else_shared():
    value = freeze({"a/b": ["x", {"~": "my card 4111"}], "other": {"n": 1}})
    part = Part(PART, Origin.TOOL, value, JSON)
    [edited] = apply((part,), [edit(8, 12, pointer="/a~1b/1/~0")])
    assert edited.value["a/b"][1]["~"] == "my card [CARD_NUMBER]"
    assert edited.value["other"] is value["other"]


def test_several_places_of_one_part_are_edited_together():
    part = Part(PART, Origin.TOOL, freeze(["aa", "bb"]), JSON)
    [edited] = apply((part,), [edit(0, 1, pointer="/0"), edit(1, 2, pointer="/1")])
    assert edited.value == ("[CARD_NUMBER]a", "b[CARD_NUMBER]")


@pytest.mark.parametrize(
    "bad",
    [
        Edit(Place(PartId("other"), "", 0, 1), EditAction.MASK, "card_number"),
        edit(0, 100),
        edit(2, 2),
        edit(3, 1),
        edit(-1, 1),
        edit(0, 1, pointer="/0"),
        edit(0, 1, kind="Card Number"),
        edit(0, 1, kind="x]</script>"),
        Edit(Place(PART, "", 0, 1, LeafKind.KEY), EditAction.MASK, "card_number"),
        Edit(Place(PART, "", 0, 1, LeafKind.NUMBER), EditAction.MASK, "card_number"),
    ],
)
def test_an_edit_of_what_is_not_there_is_a_mistake(bad):
    with pytest.raises(BadEditError):
        apply((text_part("abc", "p"),), [bad])


@pytest.mark.parametrize("pointer", ["/a/9", "/a/-", "/a/x", "/b", "/a", "/n", ""])
def test_a_pointer_to_no_string_is_a_mistake(pointer):
    part = Part(PART, Origin.TOOL, freeze({"a": ["x"], "n": 12345}), JSON)
    with pytest.raises(BadEditError):
        apply((part,), [edit(0, 1, pointer=pointer)])


@given(st.sampled_from(EditAction), st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True))
def test_a_placeholder_is_inert(action, kind):
    assert set(placeholder(edit(0, 1, action, kind))) <= set("[]ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def test_a_seal_goes_where_its_text_was_edited() -> None:
    came = by_id([Part(PartId(name), Origin.MODEL, "hm") for name in ("a", "b")])
    judged = {**came, PartId("b"): Part(PartId("b"), Origin.MODEL, "[X]")}
    thoughts = (Reasoning(PartId("a"), "s"), Reasoning(PartId("b"), "t"))
    assert still_sealed(thoughts, came, judged) == (thoughts[0], Reasoning(PartId("b")))
