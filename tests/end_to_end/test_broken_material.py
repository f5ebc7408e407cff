"""What the gateway works with is broken: a sealed value, its key, a tool server, a policy, a rule. It stays safe.

Each is refused or shown less of, on record, and told to the operator by the log, the refusal or `ringwall explain`.
Elsewhere, with real processes as well: a server that dies in a call, 50 MB of result, an argument of the wrong type
(test_mcp), a pack of the request firewall that does not compile (test_request_firewall), a configuration that is none
(tests/cli/test_process).
"""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ringwall.storefront.agent import Transcript
from ringwall.storefront.data import card_numbers
from ringwall.storefront.prepare import CONFIG, POLICIES
from tests import ledgers
from tests.process import Gateway
from tests.provider import STREAM_HEAD, Asked, Provider, http
from tests.raw import post, send
from tests.storefront.tasks import ACCOUNTING, CLERK
from tests.storefront.ten_steps import Street, street

pytestmark = pytest.mark.deep
KEY = "storefront/payments.card_number"
WAIT_S = 20.0
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("broken"), (CLERK, ACCOUNTING)) as made:
        yield made
        assert "Traceback" not in made.gateway.log
        assert made.gateway.stop() == 0
        assert ledgers.verified(made.gateway.data_dir).is_green


def stored(shop: Street, row: int) -> str:
    with closing(sqlite3.connect(shop.gateway.folder / "storefront.db")) as database:
        return str(database.execute("SELECT card_number FROM payments WHERE id = ?", (row,)).fetchone()[0])


def store(shop: Street, row: int, value: str) -> None:
    with closing(sqlite3.connect(shop.gateway.folder / "storefront.db")) as database, database:
        database.execute("UPDATE payments SET card_number = ? WHERE id = ?", (value, row))


def read(shop: Street, row: int) -> Transcript:
    """Accounting, who may read card numbers, reads one row of the payments."""
    task = f"call query with {json.dumps({'table': 'payments', 'column': 'id', 'value': str(row)})}"
    return shop.agent(ACCOUNTING).run(task)


def result_record(shop: Street) -> dict[str, Any]:
    """The last record of what a tool answered through the MCP door."""
    told = [each for each in ledgers.records(shop.gateway.data_dir) if each["checkpoint"] == "tool_result"]
    return [each for each in told if each["action"] == "tool.call"][-1]


def explained(shop: Street, record: str) -> str:
    said = shop.gateway.run("explain", record, "--data-dir", str(shop.gateway.data_dir))
    assert said.returncode == 0, said.stderr
    return re.sub(r"\s+", " ", said.stdout)


def vault(shop: Street, *words: str, status: int = 0) -> str:
    done = shop.gateway.run("vault", *words, "--data-dir", str(shop.gateway.data_dir))
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def stays_sealed(shop: Street, row: int, why: str) -> None:
    """The row is told without its number; the value as it is stored; and why stands on record and is explained."""
    done = read(shop, row)
    assert done.refusals == [] and "amount" in done.answer, done
    assert stored(shop, row) in done.answer and card_numbers()[row - 1] not in done.answer
    record = result_record(shop)
    assert [(each[0], each[2]) for each in record["decision"]["unreadable"]] == [(KEY, why)]
    told = explained(shop, record["id"])
    assert f"stayed sealed a value of {KEY}" in told and why in told


def opens(shop: Street, row: int) -> None:
    """It is opened: nothing stays sealed, and step 8 hides what was opened before a model could see it."""
    done = read(shop, row)
    assert done.refusals == [] and "rwsealed:" not in done.answer, done
    assert "unreadable" not in result_record(shop)["decision"]


def test_a_value_with_one_character_changed_stays_sealed(shop: Street) -> None:
    opens(shop, 1)
    value = stored(shop, 2)
    at = value.rindex(":") + 60
    store(shop, 2, value[:at] + LETTERS[(LETTERS.index(value[at]) + 1) % 64] + value[at + 1 :])
    stays_sealed(shop, 2, "wrong_place")


def test_a_value_of_another_row_stays_sealed(shop: Street) -> None:
    store(shop, 3, stored(shop, 4))
    stays_sealed(shop, 3, "wrong_place")


@pytest.mark.parametrize(("row", "wrong"), [(5, "cut"), (6, "in clear"), (7, "of another workload")])
def test_a_value_that_is_none_makes_the_answer_refused(shop: Street, row: int, wrong: str) -> None:
    value = stored(shop, row)
    made = {
        "cut": value[: value.rindex(":") + 20],
        "in clear": card_numbers()[row - 1],
        "of another workload": value.replace("storefront/", "elsewhere/"),
    }
    store(shop, row, made[wrong])
    done = read(shop, row)
    assert [each.control for each in done.refusals] == ["identity_data.data_encryption"], done
    assert done.refusals[0].where == "query" and "amount" not in done.answer
    told = explained(shop, done.refusals[0].record)
    assert "refused at tool_result by identity_data.data_encryption" in told


def test_what_an_older_version_sealed_opens_after_a_rotation(shop: Street) -> None:
    vault(shop, "rotate", KEY)
    time.sleep(1)
    opens(shop, 8)


def test_what_a_shredded_version_sealed_stays_sealed_and_the_next_one_goes_on(shop: Street) -> None:
    vault(shop, "rotate", KEY)
    database, kept = f"sqlite:///{shop.gateway.folder}/storefront.db", stored(shop, 9)
    told = vault(shop, "rewrap", KEY, "--in", database, status=1)
    assert "unreadable" in told and stored(shop, 9) != kept  # the broken values of the tests before are left alone
    store(shop, 9, kept)  # this one is still of the first version
    vault(shop, "shred", KEY, "1", "--yes")
    time.sleep(1)
    stays_sealed(shop, 9, "shredded")
    opens(shop, 10)


def test_a_share_that_is_gone_opens_nothing_and_says_so(shop: Street) -> None:
    [shares] = [each for each in (shop.gateway.folder / "config").rglob("*.shares")]
    for each in shares.iterdir():
        each.unlink()
    assert shop.gateway.stop() == 0
    shop.gateway.start()  # a process that had the key keeps it
    stays_sealed(shop, 10, "key_unavailable")


def reload(shop: Street, log: str) -> None:
    """SIGHUP, and the log says this anew."""
    before = shop.gateway.log.count(log)
    assert shop.gateway.process is not None
    shop.gateway.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + WAIT_S
    while shop.gateway.log.count(log) == before:
        assert time.monotonic() < end, shop.gateway.log
        time.sleep(0.02)


BROKEN = {
    "a policy that is none": (POLICIES, lambda text: text + "\npermit (principal", "storefront.cedar"),
    "a policy that does not validate": (
        POLICIES,
        lambda text: (
            text + '\n@id("x") permit (principal, action == Tool::Action::"shop/query", resource)'
            " when { context.arguments.no_such_argument == 1 };"
        ),
        "storefront.cedar",
    ),
    "a policy about a tool that there is not": (
        POLICIES,
        lambda text: text + '\n@id("x") permit (principal, action == Tool::Action::"shop/drop_all", resource);',
        "storefront.cedar",
    ),
    "a rule of reasoning that is none": (
        CONFIG,
        lambda text: text.replace("(demand price)", "(demand prise)"),
        "automated_reasoning",
    ),
    "a canary that is too short": (CONFIG, lambda text: text.replace("values = [", 'values = ["short", '), "canary"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_hold_is_named_and_what_stood_goes_on(shop: Street, name: str) -> None:
    file, broken, named = BROKEN[name]
    path = shop.gateway.folder / file
    text = path.read_text()
    made = broken(text)
    assert made != text
    path.write_text(made)
    try:
        reload(shop, "configuration not taken")
        assert named in shop.gateway.log.rpartition("configuration not taken")[2]
        assert shop.agent(CLERK).run('call search_products with {"text": "boots"}').refusals == []
        done = shop.agent(CLERK).run('call query with {"table": "payments"}')
        assert [each.control for each in done.refusals] == ["identity_data.tool_permission"]
    finally:
        path.write_text(text)
    reload(shop, "configuration taken")


ROW = {"name": "query", "description": "Reads.", "inputSchema": {"type": "object", "properties": {}}}


def hostile(call: Callable[[socket.socket, Asked], None]) -> Callable[[socket.socket, Asked], None]:
    """A tool server that greets as it should, and answers a call like this."""

    def behave(sock: socket.socket, asked: Asked) -> None:
        said: dict[str, object]
        method = asked.json["method"]
        if method == "tools/call":
            call(sock, asked)
            return
        if method == "initialize":
            said = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
        elif method == "tools/list":
            said = {"tools": [ROW]}
        else:
            http(b"", "202 Accepted")(sock, asked)
            return
        body = {"jsonrpc": "2.0", "id": asked.json.get("id"), "result": said}
        http(json.dumps(body).encode())(sock, asked)

    return behave


def endless(piece: bytes, pause_s: float = 0.0) -> Callable[[socket.socket, Asked], None]:
    """An answer that never ends."""

    def behave(sock: socket.socket, asked: Asked) -> None:
        sock.sendall(STREAM_HEAD)
        while True:  # until the gateway hangs up
            sock.sendall(piece)
            time.sleep(pause_s)

    return behave


NOTE = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"x"}}\n\n'
FLOODS = {
    "events without end": (endless(NOTE * 500), "tool_too_long"),
    "one line without end": (endless(b"x" * 65_536), "tool_too_long"),
    "a drop at a time": (endless(b": still there\n\n", 0.2), "tool_late"),
    "half an answer, and gone": (
        lambda sock, asked: sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
        ),
        "tool_unreachable",
    ),
}


def memory_mb(gateway: Gateway) -> float:
    assert gateway.process is not None
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{gateway.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1000


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Provider]]:
    folder, provider = tmp_path_factory.mktemp("flooded"), Provider()
    (folder / "x.tools.json").write_text(json.dumps([ROW]))
    (folder / "x.cedar").write_text(
        'permit (principal, action == Tool::Action::"x/query", resource) when { principal.entitled };'
    )
    (folder / "ringwall.toml").write_text(f"""
[organisation]
policies = ["x.cedar"]
[limits]
answer_bytes = 4000000
[tool_servers.x]
url = "{provider.url}/mcp"
definitions = "x.tools.json"
private = true
total_s = 3.0
[workloads.storefront]
owner = "tests"
use_case = "acts"
rehearsal = true
tool_servers = ["x"]
models = {{ "rehearsal/echo" = "builtin" }}
""")
    made = Gateway(folder, ["--config", str(folder / "ringwall.toml")]).start()
    yield made, provider
    assert "Traceback" not in made.log
    assert made.stop() == 0
    provider.close()
    assert ledgers.verified(made.data_dir).is_green


@pytest.mark.parametrize("name", FLOODS)
def test_a_tool_server_that_floods_or_breaks_off_is_cut_off_and_on_record(
    flooded: tuple[Gateway, Provider], name: str
) -> None:
    gateway, provider = flooded
    how, code = FLOODS[name]
    provider.behave = hostile(how)
    before, began = memory_mb(gateway), time.monotonic()
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "query", "arguments": {}}}
    request = post(str(gateway.said["api_key"]), json.dumps(message).encode(), path="/mcp")
    [reply] = send(gateway.said["base_url"], request, wait_s=WAIT_S)
    data = reply.json["error"]["data"]
    assert data["code"] == code and time.monotonic() - began < 10
    assert memory_mb(gateway) - before < 100
    record = ledgers.record(gateway.data_dir, data["record"])
    assert (record["kind"], record["outcome"]) == ("failure", "failed")
    assert data["record"] in reply.json["error"]["message"]
