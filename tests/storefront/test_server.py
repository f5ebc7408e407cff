"""The shop's tools: rows under a lease only, closed arguments, and posts that go nowhere but the web."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ringwall.storefront.data import build
from ringwall.storefront.server import CONTEXT, Shop, build_server, main


def context(meta: object = None) -> Any:
    return SimpleNamespace(request_context=SimpleNamespace(meta=meta))


def test_without_a_lease_there_are_no_rows(tmp_path: Path) -> None:
    shop = Shop(None, tmp_path / "outbox")
    for meta in (None, {}, {CONTEXT: "text"}, {CONTEXT: {"credential": "catalog"}}):
        with pytest.raises(ValueError, match="no credential"):
            shop.rows(context(meta), "SELECT 1", ())


def test_a_standing_file_is_read_only_and_bounded(tmp_path: Path) -> None:
    build(tmp_path / "shop.db")
    shop = Shop(tmp_path / "shop.db", tmp_path / "outbox")
    assert shop.rows(context(), "SELECT name FROM products WHERE id = ?", (1,)) == [{"name": "Ridge boot"}]
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n"
    assert len(shop.rows(context(), many, ())) == 100
    with pytest.raises(Exception, match="readonly"):
        shop.rows(context(), "DELETE FROM products", ())


def test_the_tools_are_closed(tmp_path: Path) -> None:
    tools = {each.name: each for each in asyncio.run(build_server(Shop(None, tmp_path / "o")).list_tools())}
    assert set(tools) == {"search_products", "query", "send_email", "http_post"}
    table = tools["query"].input_schema["properties"]["table"]
    assert "payments" in table["enum"] and "sqlite_master" not in table["enum"]
    assert tools["query"].input_schema["properties"]["column"]["pattern"] == "^[a-z_]{1,32}$"


def test_a_server_needs_a_port_and_an_outbox() -> None:
    with pytest.raises(SystemExit):
        main([])
