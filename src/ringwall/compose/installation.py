"""What is an installation? A data directory with its root key: stores, ledger, keys, opened together or not at all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ringwall.config.secret import environment, read_secret
from ringwall.model.errors import InternalError
from ringwall.model.plan import Plan
from ringwall.model.ports import Clock
from ringwall.store.api_keys import StoredApiKeys
from ringwall.store.column_keys import StoredColumnKeys
from ringwall.store.containment import StoredContainment
from ringwall.store.counters import LocalReservations
from ringwall.store.database import Database, open_database
from ringwall.store.findings import StoredFindings
from ringwall.store.guardrails import StoredGuardrails
from ringwall.store.leases import StoredLeases
from ringwall.store.ledger.writer import SegmentLedger
from ringwall.store.payloads import SealedPayloads
from ringwall.store.plans import Plans
from ringwall.store.sessions import DatabaseSessions
from ringwall.store.users import Users
from ringwall.store.volumes import StoredVolumes
from ringwall.vault import root
from ringwall.vault.keys import Keyring, LedgerKey, WorkloadDigests, load_ledger_key
from ringwall.vault.opened import Vault

_LOG = logging.getLogger("ringwall")
REFRESH_S = 0.4
"""Seconds between two looks at what may have been revoked or contained; effects need a view of at most one second."""


class SystemClock:
    """The time of this machine."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


def default_data_dir() -> Path:
    """Where an installation stands when nothing else is said (XDG base directories)."""
    return Path(environment("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "ringwall"


def default_config_dir() -> Path:
    """Where root keys and credentials stand when nothing else is said; never inside the data directory."""
    return Path(environment("XDG_CONFIG_HOME") or Path.home() / ".config") / "ringwall"


@dataclass(frozen=True, slots=True)
class RootSource:
    """Where the root key comes from.

    Attributes:
        kind: `file`, `passphrase` or `keyring`.
        file: The file; None for the default one.
        passphrase: A reference to the passphrase (`env:NAME`, `file:PATH`).
    """

    kind: str = "file"
    file: Path | None = None
    passphrase: str = ""

    def open(self, data_dir: Path) -> root.RootKey:
        """The root key of a data directory."""
        if self.kind == "keyring":
            return root.from_keyring(data_dir)
        if self.kind == "passphrase":
            return root.from_passphrase(read_secret(self.passphrase), data_dir)
        return root.from_file(self._path(data_dir), data_dir)

    def shares(self, data_dir: Path) -> Path:
        """Where key shares stand: beside the root key's file, or where it would be."""
        return self._path(data_dir).with_suffix(".shares")

    def _path(self, data_dir: Path) -> Path:
        return self.file or root.default_path(default_config_dir(), data_dir)


class Installation:
    """A data directory, opened: its keys and its stores."""

    def __init__(self, data_dir: Path, source: RootSource, *, database_url: str = "") -> None:
        """Open it, making what is not there yet.

        Raises:
            InternalError: Something of it cannot be opened.
        """
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.clock: Clock = SystemClock()
        self.keyring = Keyring(source.open(data_dir))
        self.ledger_folder = data_dir / "ledger"
        self.ledger_key: LedgerKey = load_ledger_key(self.ledger_folder, self.keyring)
        self.database: Database = open_database(database_url or data_dir / "ringwall.db")
        self.api_keys = StoredApiKeys(self.database, self.clock, sealer=self.keyring)
        self.containment = StoredContainment(self.database, self.clock)
        self.findings = StoredFindings(self.database, self.clock)
        self.guardrails = StoredGuardrails(self.database, self.clock)
        self.sessions = DatabaseSessions(self.database, self.clock)
        self.plans = Plans(self.database, self.clock)
        self.users = Users(self.database, self.clock)
        self.issuer_folder = data_dir / "issuer"
        self.digests = WorkloadDigests(self.keyring)
        self.payloads = SealedPayloads(data_dir / "payloads", self.keyring, self.clock)
        self.reservations = LocalReservations(self.clock)
        self.volumes = StoredVolumes(self.database, self.clock)
        stores = (StoredColumnKeys(self.database, self.clock), StoredLeases(self.database))
        self.vault = Vault(self.keyring, source.shares(data_dir), stores, self.clock, read_secret)

    def ledger(self, plan: str) -> SegmentLedger:
        """A ledger for this process."""
        return SegmentLedger(self.ledger_folder, self.ledger_key, self.clock, plan=plan)

    def take_plan(self, plan: Plan) -> Plan:
        """The plan with its version, noted as running from now on.

        Raises:
            InternalError: A newer one ran before, or this one has expired.
        """
        if plan.expires <= datetime.now(UTC):
            raise InternalError("this plan has expired", code="plan_expired", detail=plan.expires.isoformat())
        version = self.plans.next_version(plan.digest)
        self.plans.take(version, plan.digest)
        return replace(plan, version=version)

    def refresh(self) -> None:
        """Look anew at what may have been revoked, contained or shredded, and at what has left meanwhile."""
        self.api_keys.refresh()
        self.containment.refresh()
        self.guardrails.refresh()
        self.vault.keys.refresh()
        self.volumes.refresh()

    def tend(self) -> None:
        """End leases of whoever is contained, and those that have expired."""
        self.vault.tend(self.containment.contained())

    def close(self) -> None:
        """Let go of everything."""
        try:
            self.volumes.refresh()
        except InternalError as error:
            _LOG.warning("code=<%s> | the last bytes that left were not written down: %s", error.code, error.detail)
        self.vault.close()
        self.database.close()


async def keep_fresh(installation: Installation) -> None:
    """Look anew for ever. A database that cannot be read leaves the view to age, and an old view refuses."""
    await asyncio.gather(keep_looking(installation), _again(installation.tend))


async def keep_looking(installation: Installation) -> None:
    """Look anew for ever, and leave leases to the process that lends them."""
    await _again(installation.refresh)


async def _again(look: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(REFRESH_S)
        try:
            await asyncio.to_thread(look)
        except InternalError as error:
            _LOG.warning("code=<%s> | what is revoked and contained cannot be read: %s", error.code, error.detail)
