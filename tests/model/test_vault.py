"""Names of keys: one grammar, and back again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.model.vault import KEY_NAME, KeyName, KeyState, KeyVersion, Lease


@given(st.from_regex(KEY_NAME, fullmatch=True))
def test_a_name_reads_back_as_itself(text: str) -> None:
    assert str(KeyName.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "shop", "shop/t", "shop/t.", "Shop/t.c", "shop/t.c\n", "shop/t.c ", "a/b/t.c", "shop/t.c.d", "shop/T.c"],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="workload/table"):
        KeyName.parse(text)


def test_secrets_do_not_stand_in_representations() -> None:
    lease = Lease("a" * 32, "very-secret", 1, "/s", "signed-context")
    key = KeyVersion(KeyName("shop", "t", "c"), 1, KeyState.CURRENT, "", b"wrapped-key", 1, "b")
    assert "very-secret" not in repr(lease) and "signed-context" not in repr(lease) and "wrapped-key" not in repr(key)
