"""Whose is what a provider signed? Seals of reasoning, bound to workload and principal (law 10).

A provider signs what its model said to itself, and wants it back with the signature. The signature is nothing that
anybody here can read: it is given out with a MAC over workload, principal and model, and taken back from nobody else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from ringwall.model.conversation import SEAL
from ringwall.model.errors import CallerError
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal

PREFIX = "rwr1."
_BOUND = re.compile(rf"{re.escape(PREFIX)}([A-Za-z0-9_-]{{43}})\.({SEAL.pattern})")


class Seals:
    """Binds and checks seals."""

    def __init__(self, key: bytes) -> None:
        """Take the key for HMAC-SHA-256; it never leaves this installation."""
        self._key = key

    def close(self, seal: str, *, workload: WorkloadId, principal: Principal) -> str:
        """A provider's seal, for this bearer."""
        return f"{PREFIX}{self._mac(seal, workload, principal)}.{seal}"

    def open(self, bound: str, *, workload: WorkloadId, principal: Principal) -> str:
        """The provider's seal.

        Raises:
            CallerError: It was not given to this principal for this workload.
        """
        match = _BOUND.fullmatch(bound)
        if match is None or not hmac.compare_digest(match[1], self._mac(match[2], workload, principal)):
            problem = "the signature of reasoning was not given to you for this workload; leave that reasoning out"
            raise CallerError(problem, code="bad_signature")
        return match[2]

    def _mac(self, seal: str, workload: WorkloadId, principal: Principal) -> str:
        fields = (b"reasoning", workload.encode(), principal.name.encode(), seal.encode())
        bound = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
        return base64.urlsafe_b64encode(hmac.digest(self._key, bound, hashlib.sha256)).rstrip(b"=").decode()
