"""Inclusion proofs, held to the recursive definition of RFC 9162, section 2.1.1."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.store.ledger import merkle


def root_by_definition(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + root_by_definition(leaves[:split]) + root_by_definition(leaves[split:])).digest()


def leaves_of(count: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + bytes([n % 256, n // 256])).digest() for n in range(count)]


@settings(deadline=None)
@given(st.integers(1, 300), st.data())
def test_every_leaf_has_a_proof_that_leads_to_the_root(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    tree = merkle.levels(leaves)
    assert tree[-1][0] == root_by_definition(leaves)
    index = data.draw(st.integers(0, count - 1))
    proof = merkle.path(tree, index)
    assert merkle.root_from(leaves[index], index, count, proof) == tree[-1][0]
    other = data.draw(st.integers(-1, count))
    if other != index:
        assert merkle.root_from(leaves[index], other, count, proof) != tree[-1][0]
    if proof:
        assert merkle.root_from(leaves[index], index, count, proof[:-1]) != tree[-1][0]
        assert merkle.root_from(leaves[index], index, count, (*proof, leaves[0])) != tree[-1][0]
