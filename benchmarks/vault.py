"""What do sealed values and leases cost? CPU microseconds, best of rounds; of both processes for a leased statement.

    python benchmarks/vault.py [POSTGRES_URL]

With a URL of an administrator of roles, leases of PostgreSQL are measured too: elapsed time, since the server works.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from machine import keep

from ringwall.controls.identity_data.data_encryption import DataEncryption, DataEncryptionSettings
from ringwall.detectors.sealed import whole
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.facts import Facts, Identity
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import (
    Action,
    Checkpoint,
    Interaction,
    InteractionId,
    Principal,
    PrincipalKind,
    Resource,
    SessionKey,
    Vantage,
)
from ringwall.model.plan import CredentialPlan
from ringwall.model.vault import KeyName
from ringwall.model.verdict import Grant
from ringwall.policy.decide import CedarPolicy, Domain
from ringwall.policy.slices import PolicyText
from ringwall.store.column_keys import StoredColumnKeys
from ringwall.store.database import open_database
from ringwall.store.leases import StoredLeases
from ringwall.vault.client import execute
from ringwall.vault.keys import Keyring
from ringwall.vault.opened import Vault
from ringwall.vault.root import RootKey

ROUNDS = 7
NAME = KeyName("shop", "customers", "card_number")
SHOP, SESSION = WorkloadId("shop"), SessionKey("ses_1")
ADA = Principal("https://id.example", "ada", PrincipalKind.PERSON, frozenset({"shop/agent"}), verified=True)
PERMIT = PolicyText("org.cedar", "permit (principal, action, resource);")


class Clock:
    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


def cpu_us(work: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - start)
    return round(best / times * 1e6, 2)


def children_us(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") * 1e6


def values(vault: Vault) -> dict[str, float]:
    vault.keys.create(NAME, by="benchmark")
    sealed = vault.keys.seal(NAME, "4111 1111 1111 1111")
    found = whole(sealed)
    if found is None:
        raise SystemExit("not a sealed value")
    rows = freeze({"rows": [{"id": n, "name": "boots", "card_number": sealed} for n in range(100)]})
    grants = (Grant("unseal", str(NAME)),)
    policy = CedarPolicy(workloads={SHOP: Domain()}, organisation=[PERMIT])
    control = DataEncryption(DataEncryptionSettings(sealed_columns=("card_number",)), policy=policy)
    part = Part(PartId("result/0"), Origin.TOOL, rows, JSON)
    made = Interaction(InteractionId("req_1"), SHOP, ADA, Action.CALL, Resource("tool", "query"), SESSION, (part,))
    vantage = Vantage(Checkpoint.TOOL_RESULT, made, (part,), Facts((Identity(True, credential="access_token"),)))
    loop = asyncio.new_event_loop()
    result = {
        "seal_us": cpu_us(lambda: vault.keys.seal(NAME, "4111 1111 1111 1111"), 2000),
        "open_us": cpu_us(lambda: vault.keys.open(found), 2000),
        "parse_us": cpu_us(lambda: whole(sealed), 2000),
        "unseal_100_rows_us": cpu_us(
            lambda: loop.run_until_complete(vault.keys.unseal(rows, grants, workload=SHOP)), 50
        ),
        "control_100_rows_us": cpu_us(lambda: loop.run_until_complete(control.examine(vantage)), 50),
    }
    loop.close()
    vault.keys.rotate(NAME, by="benchmark")
    return {**result, "rewrap_us": cpu_us(lambda: vault.keys.rewrap(found), 2000)}


def leases(vault: Vault, folder: Path) -> dict[str, float]:
    path = folder / "shop.db"
    made = sqlite3.connect(path)
    made.executescript(
        "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO products VALUES (1, 'x')"
    )
    made.close()
    plan = CredentialPlan("c", "sqlite", str(path), frozenset({"products"}), "read", "", 5, frozenset({"shop"}))
    vault.leases.configure({"c": plan})
    grant, count = Grant("lease", "c"), 200

    async def turn() -> None:
        lease = await vault.leases.take(grant, principal=ADA, workload=SHOP, session=SESSION)
        await vault.leases.give_back(lease.id)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(turn())
    broker = vault.leases._kinds["sqlite"].pid  # type: ignore[attr-defined]
    began, used, theirs = time.perf_counter(), time.process_time(), children_us(broker)
    for _ in range(count):
        loop.run_until_complete(turn())
    result = {
        "sqlite_lease_elapsed_us": (time.perf_counter() - began) / count * 1e6,
        "sqlite_lease_gateway_cpu_us": (time.process_time() - used) / count * 1e6,
        "sqlite_lease_broker_cpu_us": (children_us(broker) - theirs) / count,
    }
    lease = loop.run_until_complete(vault.leases.take(grant, principal=ADA, workload=SHOP, session=SESSION))
    began, theirs, count = time.perf_counter(), children_us(broker), 1000
    for _ in range(count):
        execute(lease.address, lease.secret, lease.context, "SELECT name FROM products WHERE id = ?", [1])
    result["statement_elapsed_us"] = (time.perf_counter() - began) / count * 1e6
    result["statement_broker_cpu_us"] = (children_us(broker) - theirs) / count
    loop.close()
    return {name: round(each, 1) for name, each in result.items()}


def roles(vault: Vault, url: str) -> dict[str, float]:
    import psycopg

    group, count = f"bench_{secrets.token_hex(4)}", 20
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {group} NOLOGIN")
        plan = CredentialPlan("p", "postgres", "given", frozenset(), "read", group, 5, frozenset({"shop"}))
        vault.leases.configure({"p": plan})
        grant = Grant("lease", "p")
        took, gave = [], []
        try:
            for _ in range(count):
                began = time.perf_counter()
                lease = asyncio.run(vault.leases.take(grant, principal=ADA, workload=SHOP, session=SESSION))
                middle = time.perf_counter()
                asyncio.run(vault.leases.give_back(lease.id))
                took.append(middle - began)
                gave.append(time.perf_counter() - middle)
        finally:
            connection.execute(f"DROP ROLE {group}")
    median = count // 2
    return {
        "postgres_take_elapsed_ms": round(sorted(took)[median] * 1e3, 2),
        "postgres_give_back_elapsed_ms": round(sorted(gave)[median] * 1e3, 2),
    }


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = open_database(folder / "ringwall.db")
        clock = Clock()
        stores = (StoredColumnKeys(database, clock), StoredLeases(database))
        vault = Vault(Keyring(RootKey(secrets.token_bytes(32))), folder / "shares", stores, clock, lambda _: url)
        result = {**values(vault), **leases(vault, folder)}
        if url:
            result |= roles(vault, url)
        vault.close()
        database.close()
    for key, value in result.items():
        print(f"{key:32s} {value:10.2f}")
    print(keep("vault", {"result": result}))


if __name__ == "__main__":
    main()
