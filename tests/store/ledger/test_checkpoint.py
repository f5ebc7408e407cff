"""Signed notes: one spelling each, and the form that C2SP tools read."""

from __future__ import annotations

import base64
import hashlib

from hypothesis import given
from hypothesis import strategies as st

from ringwall.store.ledger import checkpoint
from ringwall.store.ledger.checkpoint import Checkpoint

SAMPLE = Checkpoint("20260101T000000.000000Z-0123456789abcdef", 7, b"\x01" * 32, 3, b"\x02" * 32)


def test_the_note_has_the_form_of_a_c2sp_signed_note(signer: object) -> None:
    note = checkpoint.sign(SAMPLE, signer)  # type: ignore[arg-type]
    body, _, signature = note.partition("\n\n")
    assert body.split("\n")[:2] == ["ringwall.local/ledger/20260101T000000.000000Z-0123456789abcdef", "7"]
    dash, name, blob = signature.rstrip("\n").split(" ")
    raw = base64.b64decode(blob)
    key = signer.public_key  # type: ignore[attr-defined]
    assert (dash, name) == ("\u2014", "ledger-test")
    assert raw[:4] == hashlib.sha256(b"ledger-test\n\x01" + key).digest()[:4] and len(raw) == 68


@given(st.data())
def test_no_other_text_is_taken_for_the_same_checkpoint(signer: object, data: object) -> None:
    note = checkpoint.sign(SAMPLE, signer)  # type: ignore[arg-type]
    at = data.draw(st.integers(0, len(note) - 1))  # type: ignore[attr-defined]
    other = data.draw(st.sampled_from("0Aa=+ \n\u2014.").filter(lambda c: c != note[at]))  # type: ignore[attr-defined]
    for changed in (note[:at] + other + note[at + 1 :], note[:at] + other + note[at:], note[:at] + note[at + 1 :]):
        signed = checkpoint.parse(changed)
        if signed is not None:
            assert not checkpoint.verify(signed, signer.public_key)  # type: ignore[attr-defined]


@given(st.text(max_size=400))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    assert checkpoint.parse(text) is None
