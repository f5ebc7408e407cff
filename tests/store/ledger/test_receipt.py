"""A receipt travels in a header and proves what it says by itself."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.errors import CallerError
from ringwall.model.ports import Receipt
from ringwall.store.ledger.receipt import check_receipt, decode_receipt, encode_receipt

Whole = tuple[Path, list[Receipt]]


def test_a_receipt_survives_the_journey(whole_ledger: Whole) -> None:
    for receipt in whole_ledger[1]:
        text = encode_receipt(receipt)
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,1200}", text)
        assert decode_receipt(text) == receipt


@settings(deadline=None)
@given(st.data())
def test_a_receipt_with_one_other_character_proves_nothing(whole_ledger: Whole, signer: object, data: object) -> None:
    text = encode_receipt(data.draw(st.sampled_from(whole_ledger[1])))  # type: ignore[attr-defined]
    at = data.draw(st.integers(40, len(text) - 1))  # type: ignore[attr-defined]  # behind the id
    other = data.draw(st.sampled_from("AZaz09-_.").filter(lambda c: c != text[at]))  # type: ignore[attr-defined]
    try:
        changed = decode_receipt(text[:at] + other + text[at + 1 :])
    except CallerError:
        return
    assert isinstance(check_receipt(changed, signer.public_key), str)  # type: ignore[attr-defined]


@given(st.text(max_size=300))
def test_what_is_not_a_receipt_is_the_callers_fault(text: str) -> None:
    with pytest.raises(CallerError):
        decode_receipt(text)
    with pytest.raises(CallerError):
        decode_receipt("rw1.rec_" + "0" * 32 + ".0." + text)


def test_a_receipt_for_another_position_or_from_another_key_proves_nothing(
    whole_ledger: Whole, signer: object, other_signer: object
) -> None:
    receipt = whole_ledger[1][0]
    moved = replace(receipt, position=receipt.position + 1)
    assert "path" in str(check_receipt(moved, signer.public_key))  # type: ignore[attr-defined]
    assert "signed" in str(check_receipt(receipt, other_signer.public_key))  # type: ignore[attr-defined]
