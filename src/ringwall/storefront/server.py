"""The shop's tools, as an MCP server process of its own, by the protocol's own package.

    python -m ringwall.storefront.server --port 9100 --outbox outbox.jsonl

* It holds no credential: each call brings a leased one (`ringwall.vault.client`), and without it there are no rows.
  Only a rehearsal that shows life without leases starts it with `--standing`, a file that it may always open.
* What it returns is rows as the database has them, sealed values sealed.
* `http_post` goes out the way that the environment names (`HTTP_PROXY`, `HTTPS_PROXY`): the egress proxy, if one runs.
  What stands in its way is told as it was said, so that an agent can say who refused, and why.
* Whoever starts it may hand it a socket that listens already (`--fd`) instead of a port.
* `--shops FILE` serves several shops in one process, each on a socket, with a database and a way out of its own: a
  rehearsal needs one for every combination that it plays.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from pydantic import Field

from ringwall.storefront.data import TABLES
from ringwall.storefront.postgres import SCHEMA
from ringwall.vault.client import execute

CONTEXT = "ringwall.dev/context"
"""Where in `_meta` the gateway puts what it leased for a call."""
MAX_ROWS = 100
POST_S = 10.0
TOLD_BYTES = 2000
"""Of what a destination, or the proxy before it, says when it refuses."""
Parameters = Sequence[str | int | float | None]
Table = Literal["products", "reviews", "supplier_pages", "customers", "orders", "payments"]


class Shop:
    """Runs statements under the lease of a call, or on a file that it may always open."""

    def __init__(self, standing: Path | None, outbox: Path, proxy: str = "") -> None:
        self._standing = standing
        self.outbox = outbox
        self._proxy = proxy

    def post(self, url: str, text: str) -> str:
        """What came of posting a text.

        Raises:
            OSError: Nobody answered.
        """
        head = {"Content-Type": "text/plain; charset=utf-8"}
        request = urllib.request.Request(url, text.encode(), head)  # noqa: S310 - the scheme was looked at
        way = {"http": self._proxy, "https": self._proxy} if self._proxy else None
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler(way)).open(request, timeout=POST_S) as answer:
                return f"status {answer.status}"
        except urllib.error.HTTPError as error:
            with error:
                return f"status {error.code}: {error.read(TOLD_BYTES).decode('utf-8', 'replace')}"

    def rows(self, context: Context, sql: str, parameters: Parameters) -> list[dict[str, object]]:
        """The rows of one statement.

        Raises:
            ValueError: There is no credential for this call.
            LeaseError: The broker refused.
        """
        lent = _lent(context)
        if lent is None and self._standing is None:
            raise ValueError("no credential was leased for this call")
        if lent is None:
            return self._direct(sql, parameters)
        address, secret = str(lent["address"]), str(lent["secret"])
        if address.startswith("postgresql:"):
            return _on_postgres(address, secret, sql, parameters)
        found = execute(address, secret, str(lent["context"]), sql, parameters)
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

    def _direct(self, sql: str, parameters: Parameters) -> list[dict[str, object]]:
        with closing(sqlite3.connect(f"file:{self._standing}?mode=ro", uri=True)) as database:
            cursor = database.execute(sql, tuple(parameters))
            names = [each[0] for each in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(MAX_ROWS)]


def _lent(context: Context) -> Mapping[str, Any] | None:
    """What the gateway leased for this call."""
    meta = context.request_context.meta
    known = meta if isinstance(meta, Mapping) else getattr(meta, "model_extra", None) or {}
    lent = known.get(CONTEXT)
    return lent if isinstance(lent, Mapping) and "secret" in lent else None


def _on_postgres(address: str, secret: str, sql: str, parameters: Parameters) -> list[dict[str, object]]:
    import psycopg
    from psycopg.rows import dict_row

    written = sql.replace("?", "%s").replace(" LIKE ", " ILIKE ")  # without regard to case, as SQLite does it
    options = f"-c search_path={SCHEMA}"
    with psycopg.connect(address, password=secret, options=options, row_factory=dict_row) as connection:
        return connection.execute(written, tuple(parameters)).fetchmany(MAX_ROWS)


def build_server(shop: Shop) -> MCPServer:
    """The server with its tools."""
    server = MCPServer("storefront")

    @server.tool(description="Products by a word in their name, kind or description, with reviews.")
    def search_products(ctx: Context, text: str, limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 5) -> dict[str, Any]:
        like = f"%{text}%"
        found = shop.rows(
            ctx,
            "SELECT id, name, kind, price, stock, about FROM products "
            "WHERE name LIKE ? OR kind LIKE ? OR about LIKE ? ORDER BY id LIMIT ?",
            (like, like, like, limit),
        )
        for row in found:
            row["reviews"] = [
                each["text"]
                for each in shop.rows(ctx, "SELECT text FROM reviews WHERE product = ? ORDER BY id", (str(row["id"]),))
            ]
        return {"products": found}

    @server.tool(description="Rows of a table; optionally those where a column has a value.")
    def query(
        ctx: Context,
        table: Table,
        column: Annotated[str, Field(pattern="^[a-z_]{1,32}$")] = "id",
        value: str = "",
        limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = MAX_ROWS,
    ) -> dict[str, Any]:
        if table not in TABLES:
            raise ValueError("there is no such table")
        where, parameters = (f"WHERE {column} = ? ", (value,)) if value else ("", ())
        sql = f"SELECT * FROM {table} {where}ORDER BY id LIMIT ?"  # noqa: S608 - both names are of closed grammars
        return {"rows": shop.rows(ctx, sql, (*parameters, limit))}

    @server.tool(description="A mail under the name of the shop.")
    def send_email(to: str, subject: str, text: str) -> str:
        with shop.outbox.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"to": to, "subject": subject, "text": text}) + "\n")
        return "queued"

    @server.tool(description="A text posted to a web address.")
    def http_post(url: str, body: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("that is no web address")
        return shop.post(url, body)

    return server


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description="The storefront's tools, as an MCP server.")
    parser.add_argument("--port", type=int)
    parser.add_argument("--fd", type=int, help="a socket that listens already, by its number")
    parser.add_argument("--outbox", type=Path, required=True, help="where mails are written instead of being sent")
    parser.add_argument("--standing", type=Path, help="a database that it may always open, without a lease")
    parser.add_argument("--shops", type=Path, help="a JSON file: for each shop `fd`, `standing`, `proxy`")
    asked = parser.parse_args(arguments)
    if [asked.port, asked.fd, asked.shops].count(None) != 2:
        parser.error("give one of --port, --fd and --shops")
    if asked.port is not None:
        build_server(Shop(asked.standing, asked.outbox)).run("streamable-http", host="127.0.0.1", port=asked.port)
        return
    shops = [(asked.fd, Shop(asked.standing, asked.outbox))]
    if asked.shops is not None:
        shops = [
            (int(each["fd"]), Shop(Path(each["standing"]) if each["standing"] else None, asked.outbox, each["proxy"]))
            for each in json.loads(asked.shops.read_text("utf-8"))
        ]
    asyncio.run(_serve(shops))


async def _serve(shops: Sequence[tuple[int, Shop]]) -> None:
    """Serve several shops, or none, until ended."""
    if not shops:
        await asyncio.Event().wait()
    async with asyncio.TaskGroup() as group:
        for fd, shop in shops:
            group.create_task(serve(build_server(shop).streamable_http_app(), socket.socket(fileno=fd)))


async def serve(app: Any, own: socket.socket) -> None:
    """Serve an application on a socket that listens, until ended."""
    await uvicorn.Server(uvicorn.Config(app, log_level="warning")).serve(sockets=[own])


if __name__ == "__main__":
    main()
