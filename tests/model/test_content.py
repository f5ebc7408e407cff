from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.model.content import JSON, LeafKind, Origin, Part, PartId, escape, freeze, thaw, unescape

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(documents)
def test_what_is_frozen_thaws_to_the_same(document):
    assert thaw(freeze(document)) == document


@given(documents)
def test_what_is_frozen_cannot_be_changed(document):
    def check(value):
        assert value is None or isinstance(value, (str, int, float, tuple, MappingProxyType))
        for item in (
            value.values() if isinstance(value, MappingProxyType) else value if isinstance(value, tuple) else ()
        ):
            check(item)

    check(freeze(document))


@given(st.text())
def test_a_key_and_its_token_are_two_spellings_of_one(key):
    assert unescape(escape(key)) == key
    assert "/" not in escape(key)


@given(documents)
def test_every_string_key_and_number_is_a_leaf_with_a_place_of_its_own(document):
    part = Part(PartId("p"), Origin.TOOL, freeze(document), JSON)
    leaves = list(part.leaves())
    assert len({(leaf.pointer, leaf.kind is LeafKind.KEY) for leaf in leaves}) == len(leaves)

    def strings(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for key, item in value.items():
                yield key
                yield from strings(item)
        elif isinstance(value, list):
            for item in value:
                yield from strings(item)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield repr(value)

    assert [leaf.text for leaf in leaves] == list(strings(document))


def test_a_card_number_in_a_key_or_a_number_is_a_leaf():
    part = Part(PartId("p"), Origin.TOOL, freeze({"4111111111111111": 4242424242424242}), JSON)
    assert [(leaf.text, leaf.kind) for leaf in part.leaves()] == [
        ("4111111111111111", LeafKind.KEY),
        ("4242424242424242", LeafKind.NUMBER),
    ]


def test_text_has_one_leaf_and_a_document_no_text():
    part = Part(PartId("p"), Origin.PERSON, "hello")
    assert [(leaf.pointer, leaf.text) for leaf in part.leaves()] == [("", "hello")]
    assert part.text == "hello"
    with pytest.raises(TypeError):
        _ = Part(PartId("p"), Origin.TOOL, (1,), JSON).text


def test_what_is_nested_too_deep_or_no_json_is_refused():
    value: object = 1
    for _ in range(65):
        value = [value]
    with pytest.raises(ValueError, match="deep"):
        freeze(value)
    freeze(value, limit=65)
    with pytest.raises(ValueError, match="JSON"):
        freeze({"a": object()})
