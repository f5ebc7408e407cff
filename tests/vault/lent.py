"""A shop's database, credentials over it, and leases in memory, for tests."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Actor, Principal, PrincipalKind, SessionKey
from ringwall.model.plan import CredentialPlan
from ringwall.model.vault import Lease, LeaseRow
from ringwall.model.verdict import Grant
from ringwall.vault.leases import CredentialLeases

KEY = b"\x09" * 32
SHOP = WorkloadId("shop")
ADA = Principal("https://id.example", "ada", PrincipalKind.PERSON, verified=True, chain=(Actor("https://id", "bot"),))
BOB = replace(ADA, subject="bob")
SESSION = SessionKey("ses_1")
READ, WRITE = Grant("lease", "catalog"), Grant("lease", "stock")


def on_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test that awaits, as pytest takes it."""

    @functools.wraps(test)
    def run(*args: object, **more: object) -> None:
        async def whole() -> None:
            await test(*args, **more)

        asyncio.run(whole())

    return run


def database(folder: Path) -> Path:
    """Products that may be read, payments that may not."""
    path = folder / "shop.db"
    made = sqlite3.connect(path)
    made.executescript(
        """
        CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, stock INTEGER);
        INSERT INTO products VALUES (1, 'boots', 3), (2, 'tent', 5);
        CREATE TABLE payments (id INTEGER PRIMARY KEY, card TEXT);
        INSERT INTO payments VALUES (1, '4111 1111 1111 1111');
        CREATE VIEW cards AS SELECT card FROM payments;
        CREATE VIEW offers AS SELECT name FROM products;
        CREATE TRIGGER audit AFTER UPDATE OF name ON products BEGIN INSERT INTO payments (card) VALUES (new.name); END;
        """
    )
    made.close()
    return path


def credentials(path: Path) -> dict[str, CredentialPlan]:
    read = CredentialPlan("catalog", "sqlite", str(path), frozenset({"products"}), "read", "", 1, frozenset({"shop"}))
    return {"catalog": read, "stock": replace(read, name="stock", mode="write")}


@dataclass
class ShiftedClock:
    """This machine's time, some way off: so that a lease of a minute ends within the test."""

    behind_us: int = 0

    def now_us(self) -> int:
        return time.time_ns() // 1000 - self.behind_us

    def monotonic(self) -> float:
        return self.now_us() / 1e6


@dataclass
class MemoryLeaseStore:
    """What `StoredLeases` keeps, without a database."""

    rows: dict[str, LeaseRow] = field(default_factory=dict)

    def add(self, row: LeaseRow) -> None:
        self.rows[row.id] = row

    def end(self, lease: str, *, by: str, now_us: int) -> bool:
        before = self.rows[lease]
        if before.ended_us is None:
            self.rows[lease] = replace(before, ended_us=now_us, ended_by=by)
        return before.ended_us is None

    def living(self) -> list[LeaseRow]:
        return [each for each in self.rows.values() if each.ended_us is None]

    def get(self, lease: str) -> LeaseRow | None:
        return self.rows.get(lease)


@dataclass
class Lent:
    """Leases over a shop's database."""

    leases: CredentialLeases
    store: MemoryLeaseStore
    clock: ShiftedClock

    async def take(self, grant: Grant = READ, principal: Principal = ADA) -> Lease:
        return await self.leases.take(grant, principal=principal, workload=SHOP, session=SESSION)


def lent(plans: dict[str, CredentialPlan], secrets: dict[str, str] | None = None) -> Lent:
    store, clock = MemoryLeaseStore(), ShiftedClock()
    leases = CredentialLeases(store, clock, KEY, lambda name: (secrets or {})[name])
    leases.configure(plans)
    return Lent(leases, store, clock)
