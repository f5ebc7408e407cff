from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.content import thaw
from ringwall.model.strict_json import JsonError, loads, loads_object

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(documents, st.booleans(), st.sampled_from([None, 1]))
def test_what_json_writes_is_read_as_it_was(document, ascii_only, indent):
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    assert loads(text) == document
    assert loads(text.encode()) == document


@given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \\ud8\n', max_size=40))
@settings(max_examples=500)
def test_what_is_read_is_read_as_json_reads_it_or_refused(text):
    try:
        value = loads(text)
    except JsonError:
        return
    assert json.dumps(value) == json.dumps(json.loads(text))


@given(st.binary(max_size=40))
def test_bytes_are_read_or_refused(data):
    try:
        loads(data)
    except JsonError as error:
        assert error.code
        assert not any(0xD800 <= ord(char) <= 0xDFFF for char in str(error))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": 1, "a": 1}', "duplicate_key"),
        ('{"a": 1, "\\u0061": 2}', "duplicate_key"),
        ('[{"x": [{"b": 1, "b": 2}]}]', "duplicate_key"),
        ("NaN", "bad_number"),
        ("[-Infinity]", "bad_number"),
        ("1e999", "bad_number"),
        ("-1e999", "bad_number"),
        ("9" * 5000, "bad_number"),
        ('"\\ud800"', "bad_text"),
        ('{"\\udfff": 1}', "bad_text"),
        ('"\ud800"', "bad_text"),
        (b'"\xed\xa0\x80"', "not_utf8"),
        (b'"\xff"', "not_utf8"),
        (b"\xef\xbb\xbf{}", "not_json"),
        ("{} {}", "not_json"),
        ("", "not_json"),
        ("{'a': 1}", "not_json"),
        ('{"a": 1,}', "not_json"),
        ('"a\nb"', "not_json"),
        ("[" * 65 + "]" * 65, "too_deep"),
        ("[" * 100_000, "too_deep"),
        ('{"a":' * 65 + "1" + "}" * 65, "too_deep"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text, code):
    with pytest.raises(JsonError) as caught:
        loads(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text", ['"\\ud83d\\ude00"', '"😀"', '"\\u0000"', '"[[[[[[[["', '"\\"[{"', "[[]]", "-0", "1E5"]
)
def test_what_only_looks_odd_is_read(text):
    assert loads(text) == json.loads(text)


def test_brackets_in_strings_are_no_depth_and_depth_counts_exactly():
    assert loads('["' + "[" * 200 + '"]') == ["[" * 200]
    loads("[" * 8 + "]" * 8, depth=8)
    with pytest.raises(JsonError):
        loads("[" * 9 + "]" * 9, depth=8)
    loads('["\\\\", "[{[{[{[{[{", []]', depth=2)


def test_an_object_is_frozen_and_anything_else_refused():
    assert thaw(loads_object('{"a": [1]}')) == {"a": [1]}
    for text in ("[]", "1", '"x"', "null"):
        with pytest.raises(JsonError) as caught:
            loads_object(text)
        assert caught.value.code == "not_an_object"


def test_the_reason_does_not_repeat_the_content():
    with pytest.raises(JsonError) as caught:
        loads('{"my secret": 1, "my secret": 2}')
    assert "secret" not in str(caught.value)
