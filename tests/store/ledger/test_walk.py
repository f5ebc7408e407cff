"""Which bytes are a record of version 1? Held to the `rfc8785` package."""

from __future__ import annotations

import json
from collections.abc import Callable

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ringwall.model.record import Record
from ringwall.store.ledger.walk import read_record

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(-(2**52), 2**52) | st.text(),
    lambda child: st.lists(child, max_size=4) | st.dictionaries(st.text(), child, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_only_what_rfc_8785_writes_is_canonical(value: object, ascii_only: bool) -> None:
    plain = json.loads(make(value))
    body = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii_only)
    try:
        encoded = body.encode()
        expected = rfc8785.dumps(plain)
    except (ValueError, UnicodeEncodeError):
        return
    assert isinstance(read_record(expected), dict)
    assert isinstance(read_record(encoded), dict) == (encoded == expected)


def make(value: object) -> str:
    fields = {
        name: "" for name in "action checkpoint content effect id interaction kind outcome plan session source".split()
    }
    body = {**fields, "cause": [], "decision": {"any": value}, "principal": {}, "resource": {}, "time_us": 1}
    return json.dumps({**body, "trace": "", "v": 1, "workload": ""})


def test_a_records_own_bytes_are_canonical(make_record: Callable[..., Record]) -> None:
    found = read_record(make_record(1).encode())
    assert isinstance(found, dict) and found["id"] == make_record(1).id


def test_other_shapes_are_no_record(make_record: Callable[..., Record]) -> None:
    body = make_record(1).encode()
    for changed in (
        body.replace(b'"v":1', b'"v":2'),
        body.replace(b'"trace":"",', b""),
        body.replace(b'{"action"', b'{"aaa":1,"action"'),
        body.replace(b'"v":1', b'"v":1,"v":1'),
        body.replace(b'"id":"', b'"id":7,"x":"'),
        b"[" * 100_000,
        b"[]",
        b'"\\ud800"',
        b"\xff",
        b"NaN",
        b"",
    ):
        assert isinstance(read_record(changed), str)
