"""Does a record belong to a batch? Merkle tree hashes and inclusion proofs as in RFC 9162, section 2.1.

* A checkpoint signs the root of its batch; a receipt carries the path from its record's leaf to that root. So a receipt
  proves by itself, without the segment, that the signer vouched for this record at this position.
* Leaves and inner nodes are told apart by their first byte (0x00, 0x01), so neither can stand in for the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def levels(leaves: Sequence[bytes]) -> list[Sequence[bytes]]:
    """All levels of the tree over these leaf hashes, from the leaves to the root. There must be a leaf."""
    tree: list[Sequence[bytes]] = [leaves]
    while len(tree[-1]) > 1:
        below = tree[-1]
        above = [_node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        if len(below) % 2:
            above.append(below[-1])
        tree.append(above)
    return tree


def path(tree: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    """The inclusion proof of the leaf at `index`: its sibling at every level where it has one."""
    found = []
    for level in tree[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            found.append(level[sibling])
        index >>= 1
    return tuple(found)


def root_from(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that this proof leads to (RFC 9162, section 2.1.3.2), or None when it does not fit index and size."""
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = _node(sibling, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = _node(found, sibling)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None
