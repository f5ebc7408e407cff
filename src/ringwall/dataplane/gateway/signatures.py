"""Who is it that signs this request as AWS clients do? The same API keys, presented as a signature.

The procedure, numbered as in the code:

1. What the request says of its signature is read (`sigv4`), and its time checked.
2. The access key id is looked up. Where nobody has it, that is the end: nothing of the body is read.
3. The body is read within its bounds, whoever the key belongs to and whether or not it still holds.
4. The signature is checked over what was read; then whether the key was revoked or has expired.

As for every credential, what is wrong with it is a code on an unverified principal, for the control
`identity_data.authentication` to judge; only a body that cannot be read raises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ringwall.dataplane.gateway.auth import holder
from ringwall.dataplane.gateway.http import Request
from ringwall.dataplane.gateway.sigv4 import SignatureRefusedError, check_signature, check_time, read_claim
from ringwall.model.errors import InternalError
from ringwall.model.facts import Identity
from ringwall.model.interaction import ANONYMOUS, Principal
from ringwall.model.ports import ApiKeys, Clock

Found = tuple[Principal, Identity, bytes | None]


class Signatures:
    """Checks signatures against stored API keys."""

    def __init__(self, api_keys: ApiKeys, clock: Clock) -> None:
        self._api_keys = api_keys
        self._clock = clock

    async def identify(self, request: Request, read: Callable[[], Awaitable[bytes]]) -> Found:
        """The principal, what checking came to, and the body where it was read.

        Args:
            request: The head of a request that presents a signature.
            read: Reads its body, within bounds.

        Raises:
            CallerError: The body cannot be read.
        """
        try:
            claim = read_claim(request)  # 1
            check_time(claim, self._clock.now_us() / 1_000_000)
        except SignatureRefusedError as error:
            return _nobody(error.code)
        try:
            row = self._api_keys.find_access_key(claim.access_key_id)  # 2
            if row is None:
                return _nobody("unknown_key")
            secret = self._api_keys.secret_access_key(row)
        except InternalError:
            return _nobody("keys_unavailable")
        body = await read()  # 3
        problem = None
        try:
            check_signature(claim, request, body, secret)  # 4
        except SignatureRefusedError as error:
            problem = error.code
        return *holder(row, problem, self._clock.now_us()), body


def _nobody(problem: str) -> Found:
    return ANONYMOUS, Identity(verified=False, problem=problem, credential="api_key"), None
