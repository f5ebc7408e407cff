"""What does an installation hold in its vault? The keys of columns and the leases of credentials, kept fresh together.

* What was shredded or contained elsewhere takes hold here with the next look, within a second.
* Leases are tended apart from everything else: a database server that does not answer must not let the view of what is
  contained grow old.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ringwall.model.errors import InternalError
from ringwall.model.ports import Clock
from ringwall.vault.columns import ColumnKeys, KeyStore
from ringwall.vault.keys import Keyring
from ringwall.vault.leases import CredentialLeases, LeaseStore
from ringwall.vault.shares import Shares

_LOG = logging.getLogger("ringwall")


class Vault:
    """Keys and leases of one installation.

    Attributes:
        keys: The port `Keys`, and what administration does to it.
        leases: The port `Leases`, and what administration does to it.
    """

    __slots__ = ("keys", "leases")

    def __init__(
        self,
        keyring: Keyring,
        shares: Path,
        stores: tuple[KeyStore, LeaseStore],
        clock: Clock,
        reveal: Callable[[str], str],
    ) -> None:
        """Open it. Nothing can be leased before credentials are configured.

        Args:
            keyring: The root of the key hierarchy.
            shares: Where key shares stand, outside the data directory.
            stores: Versions of keys, and leases on record.
            clock: Time.
            reveal: Reads a secret from where the configuration names it.
        """
        self.keys = ColumnKeys(keyring, stores[0], Shares(shares))
        self.leases = CredentialLeases(stores[1], clock, keyring.derive("call-context"), reveal)

    def tend(self, contained: frozenset[str]) -> None:
        """End leases that are contained or have expired. Call it twice a second, off the event loop.

        Args:
            contained: Every scope that is contained at this moment.
        """
        try:
            self.leases.tend(contained)
        except InternalError as error:
            _LOG.warning("code=<%s> | a lease could not be ended yet: %s", error.code, error.detail)

    def close(self) -> None:
        """End what this process leased."""
        self.leases.stop()
