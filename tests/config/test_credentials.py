"""Credentials that can be lent, and errors that name the line of those that cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringwall.model.errors import ConfigError
from tests.config.plans import plan_of

BASE = """[workloads.shop]
owner = "t"
use_case = "acts"
[workloads.hr]
owner = "t"
use_case = "acts"
"""
SQLITE = """
[credentials.catalog]
kind = "sqlite"
database = "shop.db"
tables = ["products"]
workloads = ["shop"]
"""
POSTGRES = """
[credentials.orders]
kind = "postgres"
database = "env:ORDERS_ADMIN"
group = "shop_readers"
workloads = ["shop", "hr"]
minutes = 10
"""
TOOL = """
[workloads.{workload}.controls."identity_data.credential_lease"]
tools = {{ query = "{credential}" }}
"""


def test_credentials_stand_in_the_plan() -> None:
    plan = plan_of(BASE + SQLITE + POSTGRES + TOOL.format(workload="shop", credential="catalog"))
    catalog, orders = plan.credentials["catalog"], plan.credentials["orders"]
    assert Path(catalog.database).is_absolute() and catalog.database.endswith("/shop.db")
    assert (catalog.kind, catalog.tables, catalog.mode, catalog.minutes) == ("sqlite", {"products"}, "read", 5)
    assert (orders.group, orders.database, orders.minutes) == ("shop_readers", "env:ORDERS_ADMIN", 10)
    assert orders.workloads == {"shop", "hr"}
    assert plan.digest != plan_of(BASE + SQLITE + POSTGRES).digest != plan_of(BASE + SQLITE).digest


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (SQLITE.replace("catalog", "Catalog"), 8, "not a name for a credential"),
        (SQLITE.replace('["shop"]', '["shp"]'), 12, 'did you mean "shop"'),
        (SQLITE.replace('"shop.db"', '""'), 10, "needs the path of its file"),
        (SQLITE.replace('tables = ["products"]\n', ""), 8, "names the tables"),
        (SQLITE.replace('"products"', '"sqlite_master"'), 11, "not a table"),
        (SQLITE.replace('"products"', '"a b"'), 11, '"a b"'),
        (SQLITE + 'group = "g"\n', 13, "has no group"),
        (SQLITE + "minutes = 0\n", 13, "minutes"),
        (SQLITE + "minutes = 61\n", 13, "minutes"),
        (SQLITE + 'mode = "all"\n', 13, "mode"),
        (SQLITE + 'tabels = ["x"]\n', 13, 'did you mean "tables"'),
        (POSTGRES.replace("env:ORDERS_ADMIN", "postgresql://admin:pw@db/shop"), 10, "must be named, not written"),
        (POSTGRES.replace('"shop_readers"', '"x; DROP"'), 11, "needs the group"),
        (POSTGRES + 'tables = ["x"]\n', 14, "tables are for SQLite"),
        (POSTGRES + 'mode = "write"\n', 14, "mode is for SQLite"),
        (SQLITE + TOOL.format(workload="shop", credential="katalog"), 15, 'did you mean "catalog"'),
        (SQLITE + TOOL.format(workload="hr", credential="catalog"), 15, 'not lent to workload "hr"'),
        (TOOL.format(workload="hr", credential="x"), 9, "no such credential"),
    ],
)
def test_what_cannot_be_lent_is_named_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(ConfigError) as raised:
        plan_of(BASE + text)
    assert why in str(raised.value)
    assert f"test.toml:{line}:" in str(raised.value), str(raised.value)
    assert "pw@db" not in str(raised.value)


def test_a_tool_gets_a_credential_freely_and_another_only_with_leave() -> None:
    organisation = '[controls."identity_data.credential_lease"]\ntools = { query = "orders" }\n'
    plan_of(BASE + SQLITE + POSTGRES + organisation.replace("query", "list"))
    with pytest.raises(ConfigError, match="looser than before"):
        plan_of(BASE + SQLITE + POSTGRES + organisation + TOOL.format(workload="shop", credential="catalog"))
