"""Who vouches for a segment up to which record? Signed checkpoints, in the form of C2SP signed notes.

* A checkpoint is a note of six lines: origin, size (records so far), base64 head of the chain, an extension line
  `batch <first position> <base64 Merkle root>`, a blank line, and one signature `— <key name> <base64>`.
* Signed is everything up to and with the line feed before the blank line. The signature is Ed25519; its base64 holds
  four bytes of key id (SHA-256 over key name, line feed, 0x01 and public key) and 64 bytes of signature.
* It differs from a C2SP tlog-checkpoint in one thing: the third line is the head of a hash chain, not a Merkle root.
* Exactly one spelling is accepted of each line; what is not canonical base64 or a canonical number is refused.

CLAUSE: https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ringwall.model.ports import Signer
from ringwall.store.ledger.segment import NAME, ORIGIN, origin

LINES = 6
_DASH = "\N{EM DASH} "
_KEY_NAME = re.compile(r"[!-*,-~]{1,128}")
_SIGNATURE_TYPE_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_HASH_BYTES = 32
_SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says, once its form was read; whether its signature holds is another question.

    Attributes:
        segment: The segment's name.
        size: How many records it covers, from the segment's first.
        head: The chain's head after them.
        first: Position of the first record of the batch.
        root: Merkle root of the batch, records `first` to `size - 1`.
    """

    segment: str
    size: int
    head: bytes
    first: int
    root: bytes

    def body(self) -> str:
        """The text that is signed."""
        return f"{origin(self.segment)}\n{self.size}\n{_encode(self.head)}\nbatch {self.first} {_encode(self.root)}\n"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint and the signature that came with it, not yet verified."""

    checkpoint: Checkpoint
    key_name: str
    key_id: bytes
    signature: bytes


def key_id(key_name: str, public_key: bytes) -> bytes:
    """The four bytes by which a signature line names its key."""
    content = key_name.encode() + b"\n" + _SIGNATURE_TYPE_ED25519 + public_key
    return hashlib.sha256(content).digest()[:_KEY_ID_BYTES]


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The note."""
    body = checkpoint.body()
    blob = key_id(signer.name, signer.public_key) + signer.sign(body.encode())
    return f"{body}\n{_DASH}{signer.name} {_encode(blob)}\n"


def parse(note: str) -> SignedCheckpoint | None:
    """A note's fields, or None when it is not exactly a checkpoint."""
    lines = note.split("\n")
    if len(lines) != LINES + 1 or lines[4] or lines[6] or not lines[5].startswith(_DASH):
        return None
    signature = lines[5].removeprefix(_DASH).split(" ")
    batch = lines[3].split(" ")
    segment = lines[0].removeprefix(ORIGIN)
    if not lines[0].startswith(ORIGIN) or not NAME.fullmatch(segment) or len(batch) != 3 or batch[0] != "batch":
        return None
    size, first = _number(lines[1]), _number(batch[1])
    head, root = _decode(lines[2], _HASH_BYTES), _decode(batch[2], _HASH_BYTES)
    blob = _decode(signature[1], _KEY_ID_BYTES + _SIGNATURE_BYTES) if len(signature) == 2 else None
    if size is None or first is None or head is None or root is None or blob is None or not first < size:
        return None
    if not _KEY_NAME.fullmatch(signature[0]):
        return None
    checkpoint = Checkpoint(segment, size, head, first, root)
    return SignedCheckpoint(checkpoint, signature[0], blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:])


def verify(signed: SignedCheckpoint, public_key: bytes) -> bool:
    """True when the key signed this checkpoint."""
    if signed.key_id != key_id(signed.key_name, public_key):
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(signed.signature, signed.checkpoint.body().encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _decode(text: str, size: int) -> bytes | None:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if len(content) == size and _encode(content) == text else None


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or (text[0] == "0" and text != "0"):
        return None
    return int(text)
