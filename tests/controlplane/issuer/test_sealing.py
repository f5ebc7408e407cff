"""Sealed secrets open for whom they were sealed, and for nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controlplane.issuer.sealing import AesGcmSeal
from ringwall.model.errors import InternalError

SEAL = AesGcmSeal(bytes(32))


@settings(deadline=None)
@given(secret=st.binary(max_size=80), binding=st.binary(max_size=40), at=st.integers(0), bit=st.integers(0, 7))
def test_what_was_changed_or_moved_does_not_open(secret: bytes, binding: bytes, at: int, bit: int) -> None:
    sealed = SEAL.seal(secret, binding)
    assert SEAL.open(sealed, binding) == secret
    changed = bytearray(sealed)
    changed[at % len(sealed)] ^= 1 << bit
    for attempt, bound in ((bytes(changed), binding), (sealed, binding + b"x"), (sealed[:-1], binding), (b"", binding)):
        with pytest.raises(InternalError):
            SEAL.open(attempt, bound)


def test_another_key_does_not_open_and_a_short_one_is_refused() -> None:
    with pytest.raises(InternalError):
        AesGcmSeal(bytes(31) + b"x").open(SEAL.seal(b"s", b""), b"")
    with pytest.raises(InternalError):
        AesGcmSeal(bytes(16))
