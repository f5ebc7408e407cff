"""Keys: one per purpose, workload and place; what was sealed for one does not open for another."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.errors import InternalError
from ringwall.model.framework import WorkloadId
from ringwall.vault.keys import Keyring, WorkloadDigests, load_ledger_key, read_public_key
from ringwall.vault.root import RootKey

RING = Keyring(RootKey(b"\x01" * 32))
OTHER = Keyring(RootKey(b"\x02" * 32))
A, B = WorkloadId("a"), WorkloadId("b")


@settings(deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=40))
def test_what_is_sealed_opens_only_in_its_place(content: bytes, context: bytes) -> None:
    sealed = RING.seal("totp", content, context)
    assert RING.unseal("totp", sealed, context) == content
    assert RING.seal("totp", content, context) != sealed
    for ring, purpose, place in ((OTHER, "totp", context), (RING, "else", context), (RING, "totp", context + b"x")):
        with pytest.raises(InternalError):
            ring.unseal(purpose, sealed, place)


@settings(deadline=None)
@given(st.data())
def test_changed_or_cut_bytes_do_not_open(data: st.DataObject) -> None:
    sealed = bytearray(RING.seal("totp", b"secret", b""))
    at = data.draw(st.integers(0, len(sealed) - 1))
    with pytest.raises(InternalError):
        RING.unseal("totp", bytes(sealed[:at]), b"")
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InternalError):
        RING.unseal("totp", bytes(sealed), b"")


@given(st.binary())
def test_digests_of_two_workloads_or_installations_never_meet(content: bytes) -> None:
    digests = WorkloadDigests(RING)
    assert digests.digest(A, content) == WorkloadDigests(RING).digest(A, content)
    assert len({digests.digest(A, content), digests.digest(B, content), WorkloadDigests(OTHER).digest(A, content)}) == 3
    assert len(digests.digest(A, content)) == 64


def test_the_ledger_key_is_made_once_sealed_and_signs(tmp_path: Path) -> None:
    key = load_ledger_key(tmp_path, RING)
    again = load_ledger_key(tmp_path, RING)
    assert (again.name, again.public_key) == (key.name, key.public_key)
    assert read_public_key(tmp_path / "ledger.pub") == key.public_key
    Ed25519PublicKey.from_public_bytes(key.public_key).verify(key.sign(b"x"), b"x")
    assert stat.S_IMODE((tmp_path / "ledger.key").stat().st_mode) == 0o600
    assert {each.name for each in tmp_path.iterdir()} == {"ledger.key", "ledger.pub"}


def test_a_ledger_key_of_another_installation_is_refused_and_not_replaced(tmp_path: Path) -> None:
    load_ledger_key(tmp_path, RING)
    before = (tmp_path / "ledger.key").read_bytes()
    with pytest.raises(InternalError):
        load_ledger_key(tmp_path, OTHER)
    assert (tmp_path / "ledger.key").read_bytes() == before


def test_a_public_half_that_was_swapped_is_noticed(tmp_path: Path) -> None:
    load_ledger_key(tmp_path / "a", RING)
    load_ledger_key(tmp_path / "b", RING)
    (tmp_path / "a" / "ledger.pub").write_bytes((tmp_path / "b" / "ledger.pub").read_bytes())
    with pytest.raises(InternalError, match="public half"):
        load_ledger_key(tmp_path / "a", RING)
    (tmp_path / "a" / "ledger.pub").write_text("ringwall-ledger-x AAAA")
    with pytest.raises(InternalError, match="not a public key"):
        read_public_key(tmp_path / "a" / "ledger.pub")
