"""How is the shop made ready? A folder with its database, its tools' definitions, its policies and its configuration.

* Its rows stand in a SQLite file of the folder, or in a PostgreSQL database; who may create roles there is named by the
  configuration and written to a file that only its owner can read.
* Card numbers are sealed with the vault of the installation that will run it, each bound to its row.
* The definitions of the tools are those of the server that ships beside them, so that both always agree.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from ringwall.storefront import postgres
from ringwall.storefront.data import Row, Seal, build
from ringwall.storefront.server import Shop, build_server

CONFIG = "storefront.toml"
DATABASE = "storefront.db"
DEFINITIONS = "storefront.tools.json"
POLICIES = "storefront.cedar"
URL = "storefront.url"
"""Where the administrator's URL of a PostgreSQL database stands."""
WORKLOAD = "storefront"
RULES = (
    "(text product)",
    "(subject product)",
    '(read product answer member search_products "name")',
    "(real price)",
    "(read price answer money)",
    "(demand price)",
    '(each price_list search_products ((name text "name") (listed real "price"))'
    " (=> (= product name) (= price listed)))",
    "(text card)",
    "(read card answer card_number)",
    "(derivable no_invented_card card query)",
    "(int rows)",
    '(read rows argument query "/limit")',
    "(require few_rows (<= rows 100))",
)
"""What is true of the shop's answers: prices are listed, card numbers come from a record, few rows are read."""


def prepare(folder: Path, *, tools_url: str, seal: Seal | None, database: str = "") -> Path:
    """Write everything that the shop needs.

    Args:
        folder: Where; made if absent, its files are replaced.
        tools_url: Where the shop's tool server will listen.
        seal: Seals card numbers; None leaves them in clear.
        database: The URL of a PostgreSQL database for its rows; empty for a SQLite file in the folder.

    Returns:
        The configuration file.

    Raises:
        ConfigError: The database cannot be used, or holds something under the shop's names that is not the shop's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = _shipped(CONFIG).replace("@TOOLS@", tools_url)
    if database:
        lent = {name: each["tables"] for name, each in tomllib.loads(written)["credentials"].items()}
        written = _with_groups(written, postgres.build(database, seal, lent), _kept(folder / URL, database))
    else:
        (folder / URL).unlink(missing_ok=True)
        build(folder / DATABASE, seal)
    (folder / DEFINITIONS).write_text(json.dumps(definitions(), indent=2) + "\n", "utf-8")
    (folder / POLICIES).write_text(policies(), "utf-8")
    config = folder / CONFIG
    config.write_text(written, "utf-8")
    return config


def definitions() -> list[dict[str, object]]:
    """The shop's tools, as its server describes them."""
    tools = asyncio.run(build_server(Shop(None, Path("outbox"))).list_tools())
    return [
        {"name": each.name, "description": each.description or "", "inputSchema": each.input_schema} for each in tools
    ]


def policies() -> str:
    """The shop's policies, as they ship."""
    return _shipped(POLICIES)


def row_of(row: Row) -> int:
    """What names a row of the shop: its id."""
    return int(row["id"])


def _with_groups(config: str, groups: Mapping[str, str], url: Path) -> str:
    """The configuration with leased roles of these groups instead of a leased file."""
    for name, group in groups.items():
        kept = f'[credentials.{name}]\nkind = "postgres"\ndatabase = {json.dumps(f"file:{url}")}\ngroup = "{group}"\n'
        own = rf"\[credentials\.{name}\]\n(?:(?:kind|database|tables) = .*\n)+"
        config = re.sub(own, kept.replace("\\", r"\\"), config)
    return config


def _kept(path: Path, secret: str) -> Path:
    """Write a file that only its owner can read, anew; its whole path."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secret + "\n")
    return path.absolute()


def _shipped(name: str) -> str:
    return files("ringwall.storefront").joinpath(name).read_text("utf-8")
