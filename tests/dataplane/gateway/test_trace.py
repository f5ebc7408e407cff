from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.gateway.trace import carry_on

FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
TRACE, PARENT = "a" * 32, "b" * 16


@given(st.none() | st.text(max_size=80) | st.from_regex(FORM, fullmatch=True))
def test_what_is_sent_on_is_always_a_trace(header):
    sent = carry_on(header)
    assert FORM.fullmatch(sent)
    assert set(sent.split("-")[1]) != {"0"}


def test_a_trace_is_carried_on_with_a_parent_of_our_own():
    sent = carry_on(f"00-{TRACE}-{PARENT}-01")
    assert sent.startswith(f"00-{TRACE}-")
    assert sent.endswith("-01")
    assert PARENT not in sent
    assert carry_on(f"00-{TRACE}-{PARENT}-00").endswith("-00")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-extra",
    ],
)
def test_anything_else_begins_a_new_one(header):
    assert TRACE not in carry_on(header)
    assert carry_on(header) != carry_on(header)
