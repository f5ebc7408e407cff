"""What watches the ledger of an installation? The monitor with its stores, for a gateway or a process of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ringwall.compose.installation import Installation
from ringwall.controlplane.api.administration import make_changes
from ringwall.controlplane.monitor.response import Responder
from ringwall.controlplane.monitor.rules import detections
from ringwall.controlplane.monitor.watch import Monitor
from ringwall.model.plan import Plan
from ringwall.model.ports import Ledger

_LOG = logging.getLogger("ringwall")


def make_monitor(installation: Installation, ledger: Ledger, plan: Callable[[], Plan]) -> Monitor:
    """The monitor of an installation.

    Args:
        installation: Its stores.
        ledger: This process's ledger, started; what the monitor does is recorded there.
        plan: The plan in force at any moment. What detections count is fixed by the one at the start.
    """
    changes = make_changes(installation, ledger, lambda: plan().digest)
    responder = Responder(
        changes=changes,
        findings=installation.findings,
        containment=installation.containment,
        clock=installation.clock,
        plan=lambda: plan().monitor,
    )
    return Monitor(
        ledger_folder=installation.ledger_folder,
        state_folder=installation.data_dir / "monitor",
        detections=detections(plan()),
        findings=installation.findings,
        responder=responder,
        clock=installation.clock,
        plan=lambda: plan().monitor,
    )


def watch(monitor: Monitor) -> asyncio.Future[None]:
    """Let it run as a task; should it ever end by itself, the log says so."""
    task = asyncio.ensure_future(monitor.run())
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Future[None]) -> None:
    if not task.cancelled():
        _LOG.critical("the monitor has ended: nothing watches the ledger", exc_info=task.exception())
