"""Does this request carry on a task? Signed session handles in the `Ringwall-Session` header.

* A handle is `rws_<random>.<mac>`; the MAC binds it to workload and principal, so that a handle that was taken from
  somebody else opens nothing.
* A request that sends `Ringwall-Session: new` gets a fresh one back. Without a handle the session is derived from
  principal, workload and first user turn (`ringwall.model.session`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from ringwall.model.errors import CallerError
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal, SessionKey
from ringwall.model.session import derive_key

NEW = "new"
_HANDLE = re.compile(r"rws_([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})")


class SessionHandles:
    """Makes and checks handles."""

    def __init__(self, key: bytes) -> None:
        """Take the key for HMAC-SHA-256; it never leaves this installation."""
        self._key = key

    def resolve(
        self,
        header: str | None,
        *,
        workload: WorkloadId,
        principal: Principal,
        claim: str | None,
        first_user_turn: bytes,
    ) -> tuple[SessionKey, str | None]:
        """The session of a request, and the handle to give back when a new one was asked for.

        Args:
            header: The value of `Ringwall-Session`, if it was sent.
            workload: The AI application.
            principal: Who asks.
            claim: The `sid` claim of a verified token, if it has one.
            first_user_turn: From which the session is derived without a handle.

        Raises:
            CallerError: The handle was not made for this principal and workload.
        """
        if header is None:
            if claim is not None:
                return derive_key(workload, principal, b"sid " + claim.encode(), signed=True), None
            return derive_key(workload, principal, first_user_turn, signed=False), None
        if header == NEW:
            seed = secrets.token_urlsafe(16)
            return derive_key(workload, principal, seed.encode(), signed=True), self._sign(seed, workload, principal)
        match = _HANDLE.fullmatch(header)
        if match is None or not hmac.compare_digest(header, self._sign(match[1], workload, principal)):
            problem = 'the session handle was not made for you and this workload; send "new" for a fresh one'
            raise CallerError(problem, code="bad_session", status=403, param="Ringwall-Session")
        return derive_key(workload, principal, match[1].encode(), signed=True), None

    def _sign(self, seed: str, workload: WorkloadId, principal: Principal) -> str:
        fields = (b"session", seed.encode(), workload.encode(), principal.name.encode())
        bound = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
        mac = base64.urlsafe_b64encode(hmac.digest(self._key, bound, hashlib.sha256)).rstrip(b"=").decode()
        return f"rws_{seed}.{mac}"
