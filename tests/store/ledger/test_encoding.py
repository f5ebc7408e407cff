"""The fast way of writing a record writes what the model says that it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.errors import InternalError
from ringwall.model.record import Record, inert
from ringwall.store.ledger.encoding import encode

NAMES = st.text(max_size=20).map(inert)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | NAMES,
    lambda child: st.lists(child, max_size=4) | st.dictionaries(NAMES, child, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(decision=st.dictionaries(NAMES, VALUES, max_size=5), name=NAMES, cause=st.lists(NAMES, max_size=3))
def test_both_ways_and_rfc_8785_write_the_same(
    make_record: Callable[..., Record], decision: dict[str, object], name: str, cause: list[str]
) -> None:
    record = replace(make_record(1), decision=decision, session=name, cause=tuple(cause), resource={"kind": name})
    fields = {**record.fields(), "cause": cause}
    assert encode(record) == record.encode() == rfc8785.dumps(fields)


@given(st.text())
def test_text_that_nobody_made_inert_is_still_written_alike(make_record: Callable[..., Record], text: str) -> None:
    record = replace(make_record(1), session=text)
    assert encode(record) == record.encode()


def test_what_has_no_canonical_form_is_refused(make_record: Callable[..., Record]) -> None:
    for decision in ({"a": "\ud800"}, {"a": {1: 2}}, {"a": object()}):
        with pytest.raises(InternalError) as raised:
            encode(replace(make_record(1), decision=decision))
        assert raised.value.code == "record_unwritable"
