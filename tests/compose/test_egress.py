"""An egress proxy over an installation: real stores, the plan's own networks, a resolver that a test gives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ringwall.compose import Installation, RootSource, make_egress, make_running, read_plan
from tests.dataplane.egress.doors import code, far, head, status, whole_answer
from tests.egress import config


def test_the_networks_of_the_plan_that_runs_hold_for_the_next_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    async def here(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def main() -> None:
        async with far() as there:
            url = f"http://shop.example:{there.port}"
            (tmp_path / "ringwall.toml").write_text(config([url]))
            plan, _ = read_plan(tmp_path / "ringwall.toml")
            running = [make_running(plan, reaches=False)]
            installation = Installation(tmp_path / "data", RootSource())
            ledger = installation.ledger(plan.digest)
            ledger.start()
            installation.refresh()
            key = installation.api_keys.create_process_token(subject="t", workloads=["shop"])
            door = make_egress(installation, ledger, lambda: running[0], issuers=(), head_s=5, resolver=here)
            server = await asyncio.start_server(door.proxy.serve, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]

            async def ask() -> bytes:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                lines = f"Host: shop.example:{there.port}", f"Proxy-Authorization: Bearer {key}"
                writer.write(head(f"GET {url}/ HTTP/1.1", *lines))
                answer = await whole_answer(reader)
                writer.close()
                return answer

            assert status(await ask()) == 200
            changed = replace(plan, egress=replace(plan.egress, private=()))
            running[0] = replace(running[0], plan=changed)
            refused = await ask()
            assert (status(refused), code(refused)) == (403, "address_refused")
            server.close()
            await door.proxy.stop(1)
            await door.aclose()
            ledger.close()
            installation.close()

    asyncio.run(main())


def test_a_proxy_needs_no_credential_of_what_it_does_not_reach(tmp_path: Path) -> None:
    (tmp_path / "ringwall.toml").write_text(
        '[upstreams.u]\nbase_url = "https://api.example.com/v1"\ncredential = "env:RINGWALL_NOT_SET"\n'
        '[workloads.w]\nowner = "t"\nuse_case = "answers"\nmodels = { m = "u" }\n'
    )
    plan, _ = read_plan(tmp_path / "ringwall.toml")
    (workload,) = make_running(plan, reaches=False).workloads.values()
    assert workload.upstreams == {} and workload.tool_servers == {}
