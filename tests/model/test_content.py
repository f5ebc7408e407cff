"""What is judged: JSON values that nobody can change, and every readable place in them, by name."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.content import JSON, MAX_DEPTH, LeafKind, Origin, Part, PartId, escape, freeze, thaw, unescape

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
documents = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def part(value: object) -> Part:
    return Part(PartId("turns/0/content/0"), Origin.PERSON, freeze(value), JSON)


def resolve(value: object, pointer: str) -> tuple[object, str]:
    """The value that an RFC 6901 pointer names, and its last token: written anew, so that it can disagree."""
    token = ""
    for each in pointer.split("/")[1:]:
        token = each.replace("~1", "/").replace("~0", "~")
        value = value[int(token)] if isinstance(value, list) else value[token]  # type: ignore[index]
    return value, token


@given(documents)
@settings(deadline=None)
def test_what_is_frozen_thaws_to_the_same(value):
    assert thaw(freeze(value)) == value


@given(documents)
@settings(deadline=None)
def test_what_is_frozen_cannot_be_changed(value):
    frozen = [freeze(value)]
    while frozen:
        each = frozen.pop()
        assert each is None or isinstance(each, (str, int, float, bool, tuple, MappingProxyType))
        if isinstance(each, MappingProxyType):
            frozen += each.values()
        elif isinstance(each, tuple):
            frozen += each


def test_a_change_to_the_original_does_not_reach_what_was_frozen():
    value = {"a": ["b"]}
    frozen = freeze(value)
    value["a"].append("c")
    assert thaw(frozen) == {"a": ["b"]}


@given(documents)
@settings(deadline=None)
def test_every_pointer_names_what_its_leaf_says(value):
    for leaf in part(value).leaves():
        found, token = resolve(value, leaf.pointer)
        match leaf.kind:
            case LeafKind.KEY:
                assert leaf.text == token
            case LeafKind.NUMBER:
                assert type(found)(leaf.text) == found
            case LeafKind.VALUE:
                assert leaf.text == found


@given(documents)
@settings(deadline=None)
def test_every_key_string_and_number_is_a_leaf_once(value):
    expected = {kind: 0 for kind in LeafKind}
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            expected[LeafKind.KEY] += len(each)
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, str):
            expected[LeafKind.VALUE] += 1
        elif each is not None and not isinstance(each, bool):
            expected[LeafKind.NUMBER] += 1
    leaves = list(part(value).leaves())
    assert {kind: sum(leaf.kind is kind for leaf in leaves) for kind in LeafKind} == expected
    assert len({(leaf.pointer, leaf.kind) for leaf in leaves}) == len(leaves)


def test_a_card_number_is_seen_as_a_key_as_a_number_and_as_text():
    value = {"4111111111111111": 1, "n": 4111111111111111, "s": "4111 1111 1111 1111"}
    found = [(leaf.text, leaf.kind) for leaf in part(value).leaves()]
    assert ("4111111111111111", LeafKind.KEY) in found
    assert ("4111111111111111", LeafKind.NUMBER) in found
    assert ("4111 1111 1111 1111", LeafKind.VALUE) in found


@given(st.text())
@settings(deadline=None)
def test_a_token_names_its_key_and_never_holds_a_slash(key):
    assert unescape(escape(key)) == key
    assert "/" not in escape(key)


def test_the_tokens_of_rfc_6901_section_5():
    assert escape("a/b") == "a~1b"
    assert escape("m~n") == "m~0n"
    assert unescape("~01") == "~1"


def test_a_text_part_is_one_leaf_with_the_empty_pointer():
    (leaf,) = Part(PartId("p"), Origin.TOOL, "hello").leaves()
    assert (leaf.pointer, leaf.text, leaf.kind) == ("", "hello", LeafKind.VALUE)
    assert Part(PartId("p"), Origin.TOOL, "hello").text == "hello"


def test_a_document_is_not_text():
    with pytest.raises(TypeError, match='part "turns/0/content/0" is not text'):
        _ = part({"a": 1}).text


@pytest.mark.parametrize("pair", ["[]", '{"a":}'])
def test_nesting_is_bounded_exactly(pair):
    def nested(levels: int) -> object:
        opening, closing = pair[:-1], pair[-1]
        inner = json.loads("[]" if pair == "[]" else "{}")
        return inner if levels == 1 else json.loads(opening + json.dumps(nested(levels - 1)) + closing)

    freeze(nested(MAX_DEPTH))
    with pytest.raises(ValueError, match="nested too deep"):
        freeze(nested(MAX_DEPTH + 1))


def test_what_is_not_json_is_refused_by_its_type_only():
    with pytest.raises(ValueError, match='not a JSON value: "bytes"'):
        freeze({"a": b"secret"})


def test_a_document_as_text_is_compact_json() -> None:
    assert Part(PartId("p"), Origin.MODEL, freeze({"a": [1, "é"]}), JSON).as_text == '{"a":[1,"é"]}'
    assert Part(PartId("p"), Origin.MODEL, "x", JSON).as_text == '"x"'
    assert Part(PartId("p"), Origin.MODEL, "x").as_text == "x"
