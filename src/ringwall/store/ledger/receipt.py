"""What does a caller hold in hand? A receipt as one header-safe string, which anybody can verify offline.

* Form: `rw1.<record id>.<position>.<leaf>.<path>.<checkpoint>`, the last three base64url without padding. Nothing in
  it but letters, digits, `-`, `_` and `.`.
* A receipt that verifies says: the holder of the signing key vouched that this record stands at this position of this
  segment. `verify.verify(..., receipts=[...])` then holds the segments to it.
"""

from __future__ import annotations

import base64
import binascii
import re

from ringwall.model.errors import CallerError
from ringwall.model.ports import Receipt
from ringwall.model.record import RecordId
from ringwall.store.ledger import checkpoint as checkpoints
from ringwall.store.ledger import merkle
from ringwall.store.ledger.checkpoint import Checkpoint

MAX_RECEIPT_CHARS = 4096
_FORM = re.compile(r"rw1\.(rec_[0-9a-f]{32})\.(0|[1-9][0-9]{0,17})\.([\w-]{43})\.([\w-]*)\.([\w-]+)", re.ASCII)
_HASH_BYTES = 32


def encode_receipt(receipt: Receipt) -> str:
    """The receipt as one string that may stand in an HTTP header."""
    parts = (receipt.leaf, b"".join(receipt.path), receipt.checkpoint.encode())
    return ".".join(("rw1", receipt.record, str(receipt.position), *(_encode(part) for part in parts)))


def decode_receipt(text: str) -> Receipt:
    """The receipt that this string holds; whether it verifies is another question.

    Raises:
        CallerError: It is not a receipt.
    """
    match = _FORM.fullmatch(text) if len(text) <= MAX_RECEIPT_CHARS else None
    if match is None:
        raise CallerError("this is not a receipt", code="receipt_malformed")
    leaf, path, note = (_decode(each) for each in match.group(3, 4, 5))
    if leaf is None or path is None or note is None or len(leaf) != _HASH_BYTES or len(path) % _HASH_BYTES:
        raise CallerError("this is not a receipt", code="receipt_malformed")
    try:
        checkpoint = note.decode()
    except UnicodeDecodeError as error:
        raise CallerError("this is not a receipt", code="receipt_malformed") from error
    steps = tuple(path[i : i + _HASH_BYTES] for i in range(0, len(path), _HASH_BYTES))
    return Receipt(RecordId(match.group(1)), leaf, checkpoint, int(match.group(2)), steps)


def check_receipt(receipt: Receipt, public_key: bytes) -> Checkpoint | str:
    """What the receipt's signer vouched for, or in words why it proves nothing."""
    signed = checkpoints.parse(receipt.checkpoint)
    if signed is None:
        return "its checkpoint cannot be read"
    if not checkpoints.verify(signed, public_key):
        return f'its checkpoint is not signed by this key, it names key "{signed.key_name}"'
    checkpoint = signed.checkpoint
    index, size = receipt.position - checkpoint.first, checkpoint.size - checkpoint.first
    if merkle.root_from(receipt.leaf, index, size, receipt.path) != checkpoint.root:
        return "its path does not lead from its leaf to the root that was signed"
    return checkpoint


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes | None:
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    return content if _encode(content) == text else None
