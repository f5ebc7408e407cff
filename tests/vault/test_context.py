"""Call contexts: signed whole, for one lease and one principal, for as long as a call may take."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.vault.context import CallContext, read, sign

KEY, NOW = b"\x01" * 32, 1_000_000
names = st.text(min_size=1, max_size=30)
contexts = st.builds(CallContext, names, names, names, names, st.integers(NOW + 1, NOW * 100))


@given(contexts)
def test_what_was_signed_reads_back_here_and_nowhere_else(context: CallContext) -> None:
    text = sign(KEY, context)
    assert read(KEY, text, NOW) == context
    assert read(b"\x02" * 32, text, NOW) is None
    assert read(KEY, text, context.expires_us) is None


@settings(deadline=None)
@given(contexts, st.data())
def test_a_changed_character_is_noticed(context: CallContext, data: st.DataObject) -> None:
    text = sign(KEY, context)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([each for each in "Ab0-_.é" if each != text[at]]))
    changed = text[:at] + other + text[at + 1 :]
    assert read(KEY, changed, NOW) is None
    assert read(KEY, text[:at], NOW) is None


@given(st.text(max_size=200))
def test_anything_else_is_none(text: str) -> None:
    assert read(KEY, text, NOW) is None
    assert read(KEY, f"rwcall1.{text}.", NOW) is None
