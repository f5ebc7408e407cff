"""The monitor over an installation: it watches, and should it end, somebody is told."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from ringwall.compose import Installation, RootSource, make_monitor, read_plan, watch


class Broken:
    async def run(self) -> None:
        raise ValueError("a rule of ours is wrong")


def test_it_begins_to_watch_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    plan, _ = read_plan(None)
    installation = Installation(tmp_path / "data", RootSource())
    ledger = installation.ledger(plan.digest)
    ledger.start()

    async def story() -> None:
        monitor = make_monitor(installation, ledger, lambda: plan)
        task = watch(monitor)
        async with asyncio.timeout(10):
            while not monitor.lag.records:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    assert (tmp_path / "data" / "monitor" / "lock").exists()
    ledger.close()
    installation.close()


def test_one_that_ends_by_itself_is_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        task = watch(Broken())  # type: ignore[arg-type]
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)

    with caplog.at_level(logging.CRITICAL, "ringwall"):
        asyncio.run(story())
    assert "nothing watches the ledger" in caplog.text
