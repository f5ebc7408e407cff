"""JSON that can be read in one way only: what is taken reads as `json` reads it, everything else is refused."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.content import MAX_DEPTH, thaw
from ringwall.model.strict_json import JsonError, loads, loads_object

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
documents = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
noise = st.text(st.sampled_from('{}[]",:\\u0123dDeE+-. \n\ufeff\ud800é'), max_size=30)


@given(documents, st.booleans())
@settings(deadline=None)
def test_every_document_of_one_reading_is_taken_as_it_is(document, ascii_only):
    text = json.dumps(document, ensure_ascii=ascii_only)
    assert loads(text) == loads(text.encode()) == document


@given(noise | st.binary(max_size=30))
@settings(deadline=None, max_examples=500)
def test_what_is_taken_json_takes_too_and_reads_alike(text):
    try:
        found = loads(text)
    except JsonError:
        return
    assert json.loads(text) == found
    assert json.dumps(found, ensure_ascii=False, allow_nan=False).encode("utf-8")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (rb'{"a": 1, "\u0061": 2}', "duplicate_key"),
        (b'[{"x": [{"a": {}, "a": {}}]}]', "duplicate_key"),
        (rb'{"/": 1, "\/": 2}', "duplicate_key"),
        (b"NaN", "bad_number"),
        (b"[Infinity]", "bad_number"),
        (b'{"a": -Infinity}', "bad_number"),
        (b"1e999", "bad_number"),
        (b"-1e999", "bad_number"),
        (b"1" * 4301, "bad_number"),
        (rb'"\ud800"', "bad_text"),
        (rb'"\uDFFF\uD800"', "bad_text"),
        (rb'{"\udc00": 1}', "bad_text"),
        ('"\ud800"', "bad_text"),
        ('[{"a": "\udfff"}]', "bad_text"),
        (b'"\xed\xa0\x80"', "not_utf8"),
        (b'"\xff"', "not_utf8"),
        (b'"\xc0\xaf"', "not_utf8"),
        ('{"a": 1}'.encode("utf-16"), "not_utf8"),
        (b"\xef\xbb\xbf{}", "not_json"),
        ("\ufeff{}", "not_json"),
        (b"{} {}", "not_json"),
        (b"{}x", "not_json"),
        (b"{}\x00", "not_json"),
        (b"", "not_json"),
        (b"{'a': 1}", "not_json"),
        (b"[1,]", "not_json"),
        (b'{"a": 1,}', "not_json"),
        (b"[01]", "not_json"),
        (b"[+1]", "not_json"),
        (b"[.5]", "not_json"),
        (b"[1] // x", "not_json"),
        (b'"a\nb"', "not_json"),
        (b'"\x00"', "not_json"),
        (rb'"\x41"', "not_json"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(document, code):
    with pytest.raises(JsonError) as refused:
        loads(document)
    assert refused.value.code == code


def test_a_whole_pair_of_surrogates_is_one_character():
    assert loads(rb'"\ud83d\ude00"') == "\U0001f600"
    assert loads(rb'"\\ud800"') == "\\ud800"


@given(st.integers(1, MAX_DEPTH), st.sampled_from(["[]", '{"[{":}']))
@settings(deadline=None)
def test_depth_is_bounded_exactly(depth, pair):
    opening, closing = pair[:-1], pair[-1]
    inner = "1" if ":" in pair else ""
    loads(opening * depth + inner + closing * depth, depth=depth)
    with pytest.raises(JsonError) as refused:
        loads(opening * (depth + 1) + inner + closing * (depth + 1), depth=depth)
    assert refused.value.code == "too_deep"


def test_brackets_in_a_string_are_no_nesting():
    assert loads(json.dumps(["[" * 1000, '\\"{' * 1000])) == ["[" * 1000, '\\"{' * 1000]
    assert loads("[" + "[]," * 500 + "[]]") == [[]] * 501


@pytest.mark.parametrize("document", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_a_tower_of_brackets_costs_nothing(document):
    with pytest.raises(JsonError) as refused:
        loads(document)
    assert refused.value.code == "too_deep"


@given(st.dictionaries(st.text(), documents))
@settings(deadline=None)
def test_an_object_comes_frozen(document):
    found = loads_object(json.dumps(document))
    assert thaw(found) == document
    with pytest.raises(TypeError):
        found["more"] = 1  # type: ignore[index]


@pytest.mark.parametrize("document", ["[]", "1", '"a"', "null"])
def test_what_must_be_an_object_is_nothing_else(document):
    with pytest.raises(JsonError) as refused:
        loads_object(document)
    assert refused.value.code == "not_an_object"


def test_a_refusal_repeats_nothing_of_the_document():
    for document in ('{"sk-secret": 1, "sk-secret": 2}', '{"sk-secret" 1}', '["sk-secret'):
        with pytest.raises(JsonError) as refused:
            loads(document)
        assert "sk-secret" not in str(refused.value)


def test_numbers_of_the_usual_kind_are_taken():
    big = 123456789012345678901234567890
    assert loads(f"[0, -0, 1.5, 1e308, {big}]") == [0, 0, 1.5, 1e308, big]
    assert math.copysign(1, loads("-0.0")) == -1  # type: ignore[arg-type]
