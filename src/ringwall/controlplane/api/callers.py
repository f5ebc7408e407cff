"""Who may administer? The holder of the process token on this machine, or an administrator with a second factor.

* One credential, in `Authorization: Bearer`. No cookies: what a browser sends by itself proves nothing here.
* The process token is compared in constant time, and taken from a loopback peer only, never through a proxy: a request
  that says it was forwarded did not come from this machine.
* An access token is checked by the port `Directory`. Its person must hold the role `administrator` in the organisation,
  act for themself, have shown a second factor, and not be contained. API keys and services do not administer.
* CLAUSE: RFC 6750, 3 and 3.1 (challenges); RFC 9470, 3 (a second factor is asked for by `acr`-less step-up).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from ipaddress import ip_address

from ringwall.controlplane.api.changes import PROCESS, Author
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.facts import Identity
from ringwall.model.interaction import Principal, PrincipalKind
from ringwall.model.ports import Containment, Directory
from ringwall.model.scopes import scope

ADMINISTRATOR = "administrator"
"""The role that administers; it holds in the whole organisation."""
SECOND_FACTOR = "mfa"
"""The authentication method (RFC 8176) that says so."""
CHANGE_VIEW_S = 1.0
"""How old our view of revocations may be when something is to be changed (HOUSE 5)."""
READ_VIEW_S = 60.0
"""The same when something is only to be read: `revocation_grace`."""

_FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via"})


class RefusedError(CallerError):
    """Nobody who may administer.

    Attributes:
        challenge: What goes into `WWW-Authenticate`.
    """

    def __init__(self, public: str, *, code: str, status: int, error: str = "") -> None:
        super().__init__(public, code=code, status=status)
        self.challenge = (
            f'Bearer realm="ringwall-administration"{f", error={chr(34)}{error}{chr(34)}" if error else ""}'
        )


class Callers:
    """Tells who calls, or refuses."""

    def __init__(self, *, directory: Directory, containment: Containment, process_token: str) -> None:
        """Take what it asks.

        Args:
            directory: Checks access tokens.
            containment: Tells who is contained.
            process_token: The token of this process.
        """
        self._directory = directory
        self._containment = containment
        self._process = hashlib.sha256(process_token.encode()).digest()

    async def identify(self, headers: Sequence[tuple[bytes, bytes]], peer: str, *, changes: bool) -> Author:
        """Who calls.

        1. One bearer credential.
        2. The process token, on this machine.
        3. A verified access token of a person who acts alone.
        4. The role, the second factor, and no containment.

        Args:
            headers: The request's headers, names in lower case.
            peer: The address at the other end of the socket.
            changes: Whether something is to be changed.

        Raises:
            RefusedError: Nobody who may.
            InternalError: It cannot be told.
        """
        credential = _bearer(headers)  # 1
        if hmac.compare_digest(
            hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest(), self._process
        ):  # 2
            if not is_loopback(peer) or any(name in _FORWARDED for name, _ in headers):
                raise RefusedError(
                    "the process token is valid on the machine that runs the process only",
                    code="not_on_loopback",
                    status=403,
                )
            return Author(PROCESS, peer)
        principal, identity = await self._directory.identify(credential)  # 3
        if identity.problem == "keys_unavailable":
            raise InternalError("tokens cannot be checked at this moment; try again", code="keys_unavailable")
        if not (identity.verified and principal.verified) or identity.credential != "access_token":
            raise _unauthenticated("this is no valid access token; run: ringwall login", "invalid_token")
        self._check(principal, identity, changes=changes)  # 4
        return Author(principal, peer)

    def _check(self, principal: Principal, identity: Identity, *, changes: bool) -> None:
        if principal.kind is not PrincipalKind.PERSON or principal.chain:
            raise _forbidden("only a person who acts for themself may administer", "not_a_person")
        if ADMINISTRATOR not in principal.roles:
            raise _forbidden(f'this needs the role "{ADMINISTRATOR}"', "not_an_administrator")
        if SECOND_FACTOR not in identity.methods:
            raise RefusedError(
                "this needs a login with a second factor; run: ringwall login",
                code="mfa_required",
                status=401,
                error="insufficient_user_authentication",
            )
        scopes = [scope("principal", principal.name)]
        scopes += [] if identity.key is None else [scope("key", identity.key)]
        standing = self._containment.standing(scopes)
        if standing.contained:
            raise _forbidden("this principal is contained", "contained")
        if standing.age_s > (CHANGE_VIEW_S if changes else READ_VIEW_S):
            raise InternalError("what was revoked cannot be told at this moment; try again", code="stale_view")


def _bearer(headers: Sequence[tuple[bytes, bytes]]) -> str:
    found = [value for name, value in headers if name == b"authorization"]
    if len(found) != 1:
        raise _unauthenticated("send one credential, as Authorization: Bearer", "")
    scheme, _, value = found[0].decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise _unauthenticated("send one credential, as Authorization: Bearer", "")
    return value.strip()


def is_loopback(peer: str) -> bool:
    """True for an address of this machine alone, an IPv4 one written as IPv6 too."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _unauthenticated(public: str, error: str) -> RefusedError:
    return RefusedError(public, code="unauthenticated", status=401, error=error)


def _forbidden(public: str, code: str) -> RefusedError:
    return RefusedError(public, code=code, status=403, error="insufficient_scope")
