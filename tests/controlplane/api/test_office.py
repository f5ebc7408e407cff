"""A path is an operation's or it is not; there is nothing in between."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controlplane.api.operations import KEY, OPERATIONS


def test_a_parameter_is_its_whole_pattern() -> None:
    revoke = next(each for each in OPERATIONS if each.name == "revokeKey")
    assert revoke.match("/keys/0123456789ab") == {"key": "0123456789ab"}
    for path in ("/keys/0123456789ab/", "/keys/", "/keys", "/keys/0123456789ab\n", "/keys/0123456789AB", "keys/x", ""):
        assert revoke.match(path) is None


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=300)
def test_whatever_is_matched_fits(tail: str) -> None:
    for each in OPERATIONS:
        found = each.match(f"/keys/{tail}")
        assert found is None or (KEY.pattern.fullmatch(tail) is not None and found == {"key": tail})
