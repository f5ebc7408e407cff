"""For whom is a call made? The call context: what the gateway signs and a tool server shows with each statement.

    rwcall1.<base64url of JSON>.<base64url of HMAC-SHA-256>

* It names one lease, the principal of the call, the workload, the credential, and when the call must have ended. A tool
  server that serves Ada and Bob holds Ada's lease with Ada's context and Bob's with Bob's; no other pairing is taken.
* It binds a lease to its call, no further: a hostile tool server that is in the middle of Ada's call can use what Ada's
  call gave it. That is why a lease ends with its call.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import asdict, dataclass

PREFIX = "rwcall1"
MAX_CONTEXT_CHARS = 8192


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a call context says.

    Attributes:
        lease: The lease that was taken for the call.
        principal: For whom: issuer and subject.
        workload: In which workload.
        credential: What was leased.
        expires_us: When the call must have ended, microseconds since 1970-01-01 UTC.
    """

    lease: str
    principal: str
    workload: str
    credential: str
    expires_us: int


def sign(key: bytes, context: CallContext) -> str:
    """The context as text."""
    body = _encode(json.dumps(asdict(context), sort_keys=True).encode())
    return f"{PREFIX}.{body}.{_mac(key, body)}"


def read(key: bytes, text: str, now_us: int) -> CallContext | None:
    """The context, or None when it was not signed with this key, or the call must have ended."""
    prefix, _, rest = text[: MAX_CONTEXT_CHARS + 1].partition(".")
    body, _, mac = rest.partition(".")
    if prefix != PREFIX or len(text) > MAX_CONTEXT_CHARS or not text.isascii():
        return None
    if not hmac.compare_digest(mac, _mac(key, body)):
        return None
    try:
        fields = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        context = CallContext(**fields)
    except (binascii.Error, ValueError, TypeError):
        return None
    return context if context.expires_us > now_us else None


def _mac(key: bytes, body: str) -> str:
    return _encode(hmac.digest(key, f"{PREFIX}.{body}".encode(), "sha256"))


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
