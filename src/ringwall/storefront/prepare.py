"""How is the shop made ready? A folder with its database, its tools' definitions, its policies and its configuration.

* Card numbers are sealed with the vault of the installation that will run it, each bound to its row.
* The definitions of the tools are those of the server that ships beside them, so that both always agree.
"""

from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from pathlib import Path

from ringwall.storefront.data import Row, Seal, build
from ringwall.storefront.server import Shop, build_server

CONFIG = "storefront.toml"
DATABASE = "storefront.db"
DEFINITIONS = "storefront.tools.json"
POLICIES = "storefront.cedar"
WORKLOAD = "storefront"


def prepare(folder: Path, *, tools_url: str, seal: Seal | None) -> Path:
    """Write everything that the shop needs.

    Args:
        folder: Where; made if absent, its files are replaced.
        tools_url: Where the shop's tool server will listen.
        seal: Seals card numbers; None leaves them in clear.

    Returns:
        The configuration file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    build(folder / DATABASE, seal)
    (folder / DEFINITIONS).write_text(json.dumps(definitions(), indent=2) + "\n", "utf-8")
    (folder / POLICIES).write_text(_shipped(POLICIES), "utf-8")
    config = folder / CONFIG
    config.write_text(_shipped(CONFIG).replace("@TOOLS@", tools_url), "utf-8")
    return config


def definitions() -> list[dict[str, object]]:
    """The shop's tools, as its server describes them."""
    tools = asyncio.run(build_server(Shop(None, Path("outbox"))).list_tools())
    return [
        {"name": each.name, "description": each.description or "", "inputSchema": each.input_schema} for each in tools
    ]


def row_of(row: Row) -> int:
    """What names a row of the shop: its id."""
    return int(row["id"])


def _shipped(name: str) -> str:
    return files("ringwall.storefront").joinpath(name).read_text("utf-8")
