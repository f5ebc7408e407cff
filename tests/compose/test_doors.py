"""The doors over an installation: what they hold open is closed with them, and a stranger gets nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from ringwall.compose import Installation, RootSource, make_door, make_running, read_plan
from ringwall.engine.running import Running


class Closing:
    """An upstream that knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


def test_what_a_door_holds_open_is_closed_with_it_and_a_stranger_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    plan, _ = read_plan(None)
    installation = Installation(tmp_path / "data", RootSource())
    ledger = installation.ledger(plan.digest)
    ledger.start()
    installation.refresh()
    made = make_running(plan)
    upstream, server = Closing(), Closing()
    workloads = {
        name: replace(each, upstreams={"u": upstream}, tool_servers={"s": server})  # type: ignore[dict-item]
        for name, each in made.workloads.items()
    }
    running = Running(plan, workloads)
    sent: list[dict[str, object]] = []

    async def main() -> None:
        door = make_door(installation, ledger, lambda: running, issuers=())

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"{}"}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        head = {"type": "http", "method": "POST", "path": "/mcp", "headers": [], "client": ("127.0.0.1", 1)}
        await door.gateway(head, receive, send)  # type: ignore[arg-type]
        await door.aclose(running)

    asyncio.run(main())
    ledger.close()
    installation.close()
    assert sent[0]["status"] == 401
    assert (upstream.closed, server.closed) == (1, 1)
