"""`ringwall monitor`: watch an installation's ledger in a process of its own."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import typer

from ringwall import compose
from ringwall.cli.installation import Database, RootKey, opened
from ringwall.cli.main import ConfigFile, DataDir, out
from ringwall.cli.serve import LOCAL_CONFIG
from ringwall.model.plan import Plan


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("monitor")(monitor)


def monitor(
    config: ConfigFile = None,
    data_dir: DataDir = None,
    root_key: RootKey = "file",
    database: Database = "",
) -> None:
    """Watch the ledger of an installation, raise findings, and contain who attacks.

    One at a time acts: beside a gateway that watches itself, this one waits. Set `enabled = false` in `[monitor]` to
    leave the watching to it.

    **Example:** `ringwall monitor --config ringwall.toml`
    """
    if config is None and LOCAL_CONFIG.exists():
        config = LOCAL_CONFIG
    plan, _ = compose.read_plan(config)
    with opened(data_dir, root_key, database) as installation:
        asyncio.run(_watch(installation, plan, config))


async def _watch(installation: compose.Installation, plan: Plan, config: Path | None) -> None:
    version, _ = installation.plans.highest()
    plan = replace(plan, version=version)
    await asyncio.to_thread(installation.refresh)
    installation.vault.leases.configure(plan.credentials)
    ledger = installation.ledger(plan.digest)
    ledger.start()
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopped.set)
    tasks = (
        compose.watch(compose.make_monitor(installation, ledger, lambda: plan)),
        asyncio.ensure_future(compose.keep_fresh(installation)),
    )
    out.print(f"Ringwall watches {len(plan.workloads)} workloads of {config or 'this machine'}. Stop with Ctrl-C.")
    out.file.flush()
    try:
        ended, _ = await asyncio.wait(
            (*tasks, asyncio.ensure_future(stopped.wait())), return_when=asyncio.FIRST_COMPLETED
        )
        for each in ended:
            each.result()  # a monitor that ended by itself is a failure, and says so
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        ledger.close()
