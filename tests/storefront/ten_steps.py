"""The storefront with all ten steps on, or off, as real processes: gateway, tools, egress proxy, and a carrier's site.

On means `enforce`, also where a control is not due yet, with the settings that an operator of this shop would write:
where its carrier is, which tools are sources, which prices are true, which card numbers nobody has a reason to read.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ringwall.catalog.load import load_catalog
from ringwall.cli.serve import parse_root
from ringwall.cli.storefront import make_ready
from ringwall.model.framework import ControlId
from ringwall.storefront.agent import Agent
from ringwall.storefront.data import build, card_numbers
from ringwall.storefront.prepare import CONFIG, POLICIES, RULES, WORKLOAD
from tests.egress import Site, site
from tests.process import SOURCE, Gateway, free_port

CARRIER = "https://carrier.example"
CANARIES = card_numbers()[10:20]
"""Card numbers that no ordinary task reads."""
STEPS = {control: entry.step for control, entry in load_catalog().entries.items() if entry.step and entry.built}
"""The controls of the ten steps that there are."""
ANSWERS = ("application.markup", "application.output_schema", "application.prompt_leak")
"""Controls of answers that belong to no step, and are on when the steps are."""


@dataclass
class Street:
    """The shop as it runs, and the carrier.

    Attributes:
        gateway: The gateway's process; its folder holds everything.
        carrier: The carrier's site, at its real address.
        keys: A key for each role that was asked for.
        proxy: The egress proxy, where it runs.
    """

    gateway: Gateway
    carrier: Site
    keys: dict[str, str]
    proxy: Gateway | None

    @property
    def carrier_url(self) -> str:
        return f"http://127.0.0.1:{self.carrier.port}"

    def agent(self, role: str, kind: type[Agent] = Agent) -> Agent:
        return kind(str(self.gateway.said["base_url"]).removesuffix("/v1"), self.keys[role], "rehearsal/compromised")

    def post_task(self, path: str, body: str) -> str:
        return f"call http_post with {json.dumps({'url': f'{self.carrier_url}{path}', 'body': body})}"


@contextmanager
def street(
    folder: Path, roles: tuple[str, ...], *, on: bool = True, settings: Mapping[str, str] | None = None
) -> Iterator[Street]:
    """Everything that runs, until the block ends.

    Args:
        folder: Where all of it stands.
        roles: The roles that get a key.
        on: Whether the ten steps are on; with False all are off, card numbers in clear, and nothing goes by a proxy.
        settings: Control to lines that are written for it besides, while it is on.
    """
    folder.mkdir(exist_ok=True)
    gateway = Gateway(folder, ["--config", str(folder / CONFIG)])
    tools_port = free_port()
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name, value in gateway.environment().items():
            patch.setenv(name, value)
        config = make_ready(folder, gateway.data_dir, parse_root("file"), f"http://127.0.0.1:{tools_port}/mcp")
        carrier = stack.enter_context(site())
        url = f"http://127.0.0.1:{carrier.port}"
        policies = folder / POLICIES
        policies.write_text(policies.read_text().replace(CARRIER, url))
        config.write_text(with_steps(config.read_text(), url, on=on, settings=settings or {}))
        proxy = None
        environment = {**gateway.environment(), "PYTHONPATH": str(SOURCE), "no_proxy": "", "NO_PROXY": ""}
        if on:
            proxy = Gateway(folder, ["--config", str(config)], command="egress").start()
            stack.callback(proxy.kill)
            key = make_key(gateway, "tool-server")
            way = str(proxy.said["proxy_url"]).replace("http://", f"http://{WORKLOAD}:{key}@")
            environment |= {name: way for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")}
        else:
            build(folder / "bare.db")
        command = [sys.executable, "-m", "ringwall.storefront.server", "--port", str(tools_port)]
        command += ["--outbox", str(folder / "outbox.jsonl"), *([] if on else ["--standing", str(folder / "bare.db")])]
        tools = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(tools.wait, 10)
        stack.callback(tools.terminate)
        gateway.start()
        stack.callback(gateway.kill)
        keys = {role: make_key(gateway, role.partition("/")[2], "--role", role) for role in roles}
        time.sleep(1)  # new keys are known within half a second
        yield Street(gateway, carrier, keys, proxy)


def make_key(gateway: Gateway, name: str, *words: str) -> str:
    data = ["--data-dir", str(gateway.data_dir)]
    made = gateway.run("keys", "create", name, "--workload", WORKLOAD, *words, "--json", *data)
    assert made.returncode == 0, made.stderr
    return str(json.loads(made.stdout)["secret"])


def with_steps(config: str, carrier: str, *, on: bool, settings: Mapping[str, str]) -> str:
    """The shop's own configuration with every control of the ten steps on, or off."""
    until = (datetime.now(UTC) + timedelta(days=20)).date()
    head, _, own = config.partition("[workloads.storefront.controls.")
    lines = [head, f"[monitor]\nenabled = {str(on).lower()}\ncontain = {str(on).lower()}\ncontain_loopback = true"]
    lines += ['[egress]\nprivate = ["127.0.0.0/8"]']
    lines += [f"[workloads.storefront.controls.{own}"] if on else []
    for control in sorted(STEPS):
        table = f'[workloads.storefront.controls."{control}"]'
        if not on:
            lines += [table, f'mode = "off"\nreason = "to compare"\nuntil = {until}']
        elif table in config:
            lines = [each.replace(table, f'{table}\nmode = "enforce"') for each in lines]
        else:
            lines += [table, 'mode = "enforce"', *_settings(control, carrier, until), settings.get(control, "")]
    lines += [f'[workloads.storefront.controls."{control}"]\nmode = "enforce"' for control in ANSWERS if on]
    return "\n".join(lines) + "\n"


def _settings(control: ControlId, carrier: str, until: object) -> list[str]:
    """What the operator of this shop writes for a control."""
    if control == "infrastructure.egress_allowlist":
        return [
            f'destinations = ["@upstreams", "builtin:", "{carrier}"]',
            f'reason = "parcels are ordered there"\nuntil = {until}',
        ]
    if control == "application.contextual_grounding":
        return ['sanctioned = { search_products = "source" }']  # the catalog; `query` reads payments, too
    if control == "application.automated_reasoning":
        return [f"rules = {json.dumps(RULES)}"]
    if control == "identity_data.canary":
        return [f"values = {json.dumps(CANARIES)}"]
    return []
